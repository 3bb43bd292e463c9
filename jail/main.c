/* nsgate: parse, run, report; or one of its own commands. */
#include <errno.h>
#include <stdio.h>

#include "jail/command/command.h"
#include "jail/jail.h"
#include "jail/options.h"
#include "jail/status.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? command_find(commands, argv[1]) : NULL;
	struct jail_spec spec AUTO(spec_done);
	char text[sizeof(struct err) + 128];
	struct status status;
	struct err err;
	int rc;

	spec_init(&spec);
	if (command)
		return command->main(argv + 1);
	rc = options_parse(argv, &spec, &err);
	if (rc < 0) {
		log_error("%s", err_format(&err, text, sizeof(text)));
		status_failed(&status, EXIT_NSGATE);
		(void)status_write(&status, spec.status_fd, &err); /* the mistake has been told */
		return EXIT_NSGATE;
	}
	if (rc == OPTIONS_DONE)
		return fflush(stdout) == 0 ? 0 : EXIT_NSGATE;
	return jail_run(&spec);
}

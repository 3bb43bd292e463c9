/* nsgate: parse, run, report. */
#include <errno.h>
#include <stdio.h>

#include "jail/jail.h"
#include "jail/options.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

int main(int argc, char **argv)
{
	struct jail_spec spec AUTO(spec_done);
	char text[sizeof(struct err) + 128];
	struct err err;
	int rc;

	spec_init(&spec);
	rc = options_parse(argc, argv, &spec, &err);
	if (rc < 0) {
		log_error("%s", err_format(&err, text, sizeof(text)));
		return EXIT_NSGATE;
	}
	if (rc == OPTIONS_DONE)
		return fflush(stdout) == 0 ? 0 : EXIT_NSGATE;
	return jail_run(&spec);
}

/* nsgate policy: the verbs, and what they share. See policy.h. */
#include "jail/command/policy.h"

#include <stdio.h>

#include "jail/command/command.h"
#include "policy/base/log.h"

const struct command policy_commands[] = {
	{ "check", "read policy files, and say what is wrong with them", policy_check_main },
	{ "show", "print a policy in full, as a policy file", policy_show_main },
	{ "test", "say what a policy makes of a request", policy_test_main },
	{ "why", "explain a record of an audit log", policy_why_main },
	{ "replay", "say what a policy would change in an audit log", policy_replay_main },
	{ 0 },
};

static const struct option_row rows[] = { HELP_ROW, { 0 } };

static const struct option_table table = {
	.command = "nsgate policy",
	.usage = "Usage: nsgate policy COMMAND [options] ...\n\n"
		 "Asks a policy instead of running something under it. Nothing is connected to.",
	.commands = policy_commands,
	.rows = rows,
	.ending = "Exit status: 2 for a mistake in the policy or on the command line; see each "
		  "command.",
};

int policy_mistake(const struct err *err)
{
	char text[sizeof(struct err) + 128];

	log_error("%s", err_format(err, text, sizeof(text)));
	return POLICY_MISTAKE;
}

/* An answer that nobody gets is none. */
static int end(int status)
{
	struct err err;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)err_bad(&err, "policy: cannot write the answer to standard output");
	return policy_mistake(&err);
}

int policy_main(char **argv)
{
	const struct command *command = argv[1] ? command_find(policy_commands, argv[1]) : NULL;
	struct err err;
	int rest, rc;

	if (command)
		return end(command->main(argv + 1));
	rc = options_read(&table, argv, NULL, &rest, &err);
	if (rc == OPTIONS_DONE)
		return end(POLICY_YES);
	if (rc == OPTIONS_RUN)
		(void)err_bad(&err,
			      "policy: expected check, show, test, why or replay%s%s; a program "
			      "of the name policy is run with nsgate -- policy",
			      argv[rest] ? ", got " : "", argv[rest] ? argv[rest] : "");
	return policy_mistake(&err);
}

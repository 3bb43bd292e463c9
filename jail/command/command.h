/* What nsgate does itself when it is not told to run a program: "nsgate policy ...". */
#ifndef NSGATE_COMMAND_H
#define NSGATE_COMMAND_H

struct command {
	const char *name;
	const char *help;
	/* argv[0] is the command's name. Returns the exit status. */
	int (*main)(char **argv);
};

/* Each ends with a row without a name. */
extern const struct command commands[]; /* of nsgate */
extern const struct command policy_commands[]; /* of nsgate policy */

/* NULL: there is none of exactly that name. */
const struct command *command_find(const struct command *table, const char *name);

#endif

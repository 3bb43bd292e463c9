/* nsgate's own commands. A program of such a name is run with "nsgate -- NAME". */
#include <stddef.h>
#include <string.h>

#include "jail/command/command.h"
#include "jail/command/policy.h"
#include "jail/command/reload.h"

const struct command commands[] = {
	{ "policy", "check and try out a policy, explain an audit log", policy_main },
	{ "reload", "make a run that is under way read its policy again", reload_main },
	{ 0 },
};

const struct command *command_find(const struct command *table, const char *name)
{
	for (; table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

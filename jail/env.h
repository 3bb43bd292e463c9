/* The payload's environment. The table of what is taken out stands in env.c and docs/environment.md. */
#ifndef NSGATE_ENV_H
#define NSGATE_ENV_H

#include "jail/spec.h"

/*
 * Builds the payload's environment from @caller (NULL-terminated NAME=VALUE) and @spec's env
 * options. The result is one heap array, NULL-terminated, whose strings stay @caller's or
 * argv's: release it with free(). NULL without memory.
 */
char **env_build(const struct jail_spec *spec, char **caller);

/* The reason why @name is taken out by default, or NULL when it stays. For tests and -v. */
const char *env_dropped_because(const char *name);

/* Calls @visit with every pattern of the table, for the check of the documents. */
void env_each_dropped(void (*visit)(const char *pattern, void *context), void *context);

#endif

/* The policy of a run, read again while it runs. */
#ifndef NSGATE_RELOAD_H
#define NSGATE_RELOAD_H

#include <stddef.h>

#include "jail/spec.h"
#include "policy/base/err.h"

/* A run that is under way; all is the supervisor's. */
struct reload {
	const struct jail_spec *spec;
	const struct mount_list *mounts; /* what its jail sees */
	const char *directory; /* the current one */
	struct update_link *link; /* to the proxy */
};

/*
 * Reads the command line of @run and its policy files again and hands the rules to the proxy; the
 * audit file is opened again, too, as it may have been moved away. Whatever is wrong, the run goes
 * on with what it had. What else has changed in the files takes effect with the next run, and is
 * warned of. Returns 0 with one line in @told, or -errno.
 */
int reload(const struct reload *run, char *told, size_t size, struct err *err);

#endif

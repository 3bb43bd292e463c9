/* Takes away from the proxy everything that it does not need, for good. */
#ifndef NSGATE_CONFINE_H
#define NSGATE_CONFINE_H

#include "policy/base/err.h"

/*
 * No capability, no_new_privs, not dumpable, no core, Landlock (where the kernel has it) and a
 * seccomp allow-list that kills the process. Every descriptor and file that is opened only once
 * must be open before. Returns 0 or -errno; then the caller must not go on.
 */
int confine(struct err *err);

/* Raises the soft limit of open files to the hard one. Returns the limit. */
unsigned long confine_raise_files(void);

#endif

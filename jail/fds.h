/* Descriptors that a payload inherits: which ones it may. */
#ifndef NSGATE_FDS_H
#define NSGATE_FDS_H

#include <stddef.h>

#include "policy/base/err.h"

/*
 * Checks 0, 1, 2 and the @count descriptors of @pass_fds; opens /dev/null for those of 0, 1, 2 that
 * are closed. Refused, because they lead out of the jail whatever its namespaces are:
 * directories (openat() of ".."), internet sockets (connect() works in the namespace a socket was
 * made in, and a connected one can be disconnected), unconnected or datagram unix sockets
 * (they reach the caller's abstract names). Returns 0 or -errno.
 */
int fds_check(const int *pass_fds, size_t count, struct err *err);

/* Marks every descriptor from 3 on close-on-exec, except those of @pass_fds. */
int fds_seal(const int *pass_fds, size_t count, struct err *err);

/*
 * Closes every descriptor from 3 on, except the @count of @keep, which is sorted; -1 is none. Whatever
 * the caller left open is not for a process of ours. Returns 0 or -errno.
 */
int fds_keep_only(int *keep, size_t count, struct err *err);

/*
 * Turns descriptors 0 to @last into /dev/null: somebody may wait for the payload to close its
 * standard streams, so no process of ours may hold them open. What fails stays as it is.
 */
void fds_let_go(int last);

#endif

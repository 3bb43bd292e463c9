/*
 * A policy as bytes, from one process of a run to another: the supervisor reads files, the proxy
 * may not.
 */
#ifndef NSGATE_SNAPSHOT_H
#define NSGATE_SNAPSHOT_H

#include "policy/base/err.h"
#include "policy/policy.h"

/*
 * The rules of @policy in an anonymous file that nobody can change any more. Returns 0 with the
 * descriptor, the caller's, in *@fd_out; or -errno.
 */
int snapshot_write(const struct policy *policy, int *fd_out, struct err *err);

/*
 * Reads and compiles what snapshot_write() wrote; @fd stays the caller's. @policy is initialised
 * here, and empty on failure. Returns 0, -EINVAL for bytes that are no snapshot, or -errno.
 */
int snapshot_read(int fd, struct policy *policy, struct err *err);

#endif

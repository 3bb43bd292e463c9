/* Descriptors over a unix socket: the gate's listeners travel to the proxy this way. */
#ifndef NSGATE_FDPASS_H
#define NSGATE_FDPASS_H

#include <stddef.h>

#include "policy/base/err.h"

#define FDPASS_MAX 8

/*
 * Sends @count descriptors (1..FDPASS_MAX) in one message over @socket_fd (SOCK_SEQPACKET).
 * They stay the caller's. Returns 0 or -errno.
 */
int fdpass_send(int socket_fd, const int *fds, size_t count, struct err *err);

/*
 * Receives exactly @count descriptors, close-on-exec, now the caller's. Fewer or more, a
 * truncated message, or an end of file is an error and nothing is kept. Returns 0 or -errno
 * (-ECONNRESET: the other side is gone).
 */
int fdpass_receive(int socket_fd, int *fds_out, size_t count, struct err *err);

#endif

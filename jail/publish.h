/* Ports of the caller's that lead into the jail: their listening sockets. */
#ifndef NSGATE_JAIL_PUBLISH_H
#define NSGATE_JAIL_PUBLISH_H

#include "jail/spec.h"
#include "policy/base/err.h"

/*
 * Listens on every address that the settings publish, in the caller's own network. *@fds_out has a
 * descriptor for each, for publish_release(); NULL where nothing is published. Returns 0 or -errno;
 * the error names the origin and the address.
 */
int publish_listen(const struct jail_spec *spec, int **fds_out, struct err *err);

/* Closes and frees them. NULL is fine. */
void publish_release(const struct jail_spec *spec, int **fds);

#endif

/* How a run ended: the exit status, and the same as JSON for --status-fd. */
#ifndef NSGATE_STATUS_H
#define NSGATE_STATUS_H

#include "policy/base/err.h"

enum status_outcome {
	STATUS_UNKNOWN, /* it has not ended yet */
	STATUS_EXITED, /* the payload exited */
	STATUS_SIGNALED, /* a signal killed the payload, or the jail from outside */
	STATUS_TIME_LIMIT, /* killed at the time limit */
	STATUS_FAILED, /* nsgate failed, the payload never ran */
	STATUS_NOT_RUN, /* the payload could not be executed or found */
	STATUS_OUTCOMES
};

struct status {
	enum status_outcome outcome;
	int exit_status; /* of nsgate */
	int signal; /* with STATUS_SIGNALED */
};

void status_from_wait(struct status *status, int wait_status);

/* @exit_status 125 is nsgate's own failure, 126 and 127 the payload's. */
void status_failed(struct status *status, int exit_status);

/*
 * Writes one line: {"outcome":"signaled","exit_status":137,"signal":"SIGKILL"}. Does nothing for
 * fd -1. Returns 0 or -errno.
 */
int status_write(const struct status *status, int fd, struct err *err);

#endif

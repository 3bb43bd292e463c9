/* What is new in the middle of a run: from the supervisor to the proxy, over the control socket. */
#ifndef NSGATE_UPDATE_H
#define NSGATE_UPDATE_H

#include <stdbool.h>

#include "policy/base/err.h"
#include "policy/policy.h"

#define UPDATE_TIMEOUT_MS 10000 /* for the proxy's answer; 100 000 rules take it 50 ms */

/* The supervisor's end. */
struct update_link {
	int control_fd; /* the owner's */
	unsigned unanswered; /* updates whose answer has not come yet */
};

/*
 * The supervisor's side: hands over the rules of @policy, and @audit_fd, a descriptor to go on
 * with, or -1 when the run has no audit. Both stay the caller's. Returns 0 with the number of
 * connections that the new rules closed, or -errno: the proxy goes on with what it had, or is
 * gone; after -ETIMEDOUT it takes the update later.
 */
int update_send(struct update_link *link, const struct policy *policy, int audit_fd,
		unsigned *closed_out, struct err *err);

/* The proxy's side. */
struct update {
	int policy_fd; /* see snapshot.h; owned */
	int audit_fd; /* owned; -1 = none */
};

/* Returns 0; -ECONNRESET when the supervisor is gone, or -errno. */
int update_receive(int control_fd, bool has_audit, struct update *update_out, struct err *err);

/* @err NULL: done, and @closed connections were closed. Returns 0 or -errno. */
int update_answer(int control_fd, const struct err *err, unsigned closed);

#endif

/* Dials one of several addresses, the first that answers (RFC 8305, "Happy Eyeballs"). */
#ifndef NSGATE_DIAL_H
#define NSGATE_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/rule.h"
#include "proxy/loop.h"

struct dial;

struct dial_target {
	struct addr addr;
	const struct rule *rule; /* what allowed it */
};

/*
 * Called once: with a connected socket, or with @watch NULL and @error (errno) when every
 * address failed. @events are those that told of the connection. The dial is over then.
 */
typedef void dial_done_fn(void *owner, struct watch *watch, const struct dial_target *target,
			  uint32_t events, int error);

/* What all dials share. */
struct dials {
	struct loop *loop;
	struct timer_queue next_attempts;
	struct timer_queue deadlines;
	uint64_t no_ipv6_until_ms; /* the host has no route: IPv4 goes first meanwhile */
	uint64_t no_ipv4_until_ms;
};

void dials_init(struct dials *dials, struct loop *loop, unsigned timeout_ms);

/*
 * Starts dialling @targets (@count > 0, copied) in the order that RFC 8305 says. @done is never
 * called from inside. Returns 0; or -errno when nothing could even be tried.
 */
int dial_start(struct dials *dials, const struct dial_target *targets, size_t count, uint16_t port,
	       dial_done_fn *done, void *owner, struct dial **dial_out);

/* Closes what is under way; @done is not called. NULL is fine. */
void dial_cancel(struct dial **dial);

/* Families alternating, @first leading, order otherwise kept. */
void dial_sort(struct dial_target *targets, size_t count, sa_family_t first);

#endif

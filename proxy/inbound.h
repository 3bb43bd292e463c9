/*
 * Connections into the jail: what arrives at a published port goes to a port of the jail's loopback.
 *
 * The proxy lives in the caller's network and may not enter the jail's. A socket belongs to the
 * network it was made in, so the jail's first process makes one on request and hands it over.
 */
#ifndef NSGATE_INBOUND_H
#define NSGATE_INBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/base/err.h"
#include "proxy/dial.h"
#include "proxy/link.h"
#include "proxy/loop.h"

struct inbound;

/* What all of them share. */
struct inbounds {
	struct loop *loop;
	struct watch *init; /* owned; the jail's first process; NULL: it is gone */
	struct link waiting; /* of struct inbound, for a socket */
	struct inbound *asked_for; /* who gets the next answer; NULL = nobody any more */
	bool is_busy; /* an answer is due */
	bool want_ipv6;
	struct timer_queue deadlines;
};

/* Takes @init_fd (SOCK_SEQPACKET to the jail's first process). Returns 0 or -errno. */
int inbounds_init(struct inbounds *inbounds, struct loop *loop, int init_fd, bool want_ipv6,
		  unsigned timeout_ms, struct err *err);
void inbounds_done(struct inbounds *inbounds);

/*
 * Connects to @port of the jail's 127.0.0.1, or where that is refused of its ::1. @done is called as
 * dial.h says, never from inside; the target is where it got to. Returns 0 or -errno.
 */
int inbound_start(struct inbounds *inbounds, uint16_t port, dial_done_fn *done, void *owner,
		  struct inbound **inbound_out);

/* Closes what is under way; @done is not called. NULL is fine. */
void inbound_cancel(struct inbound **inbound);

#endif

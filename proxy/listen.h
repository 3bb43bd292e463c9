/* The gate's listening TCP sockets. */
#ifndef NSGATE_LISTEN_H
#define NSGATE_LISTEN_H

#include <stdbool.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "proxy/loop.h"

/* Takes an accepted, non-blocking socket. */
typedef void accepted_fn(void *owner, int fd, sa_family_t family);

struct listener {
	struct loop *loop;
	struct watch *watch; /* owned */
	accepted_fn *accepted;
	void *owner;
	struct timer pause; /* runs while no descriptor is to be had */
	struct timer_queue *pauses;
	sa_family_t family;
};

/*
 * Takes @fd and accepts from now on; @pauses is made by listener_pauses_init(). Options that
 * accepted sockets inherit are set here, once. Returns 0 or -errno.
 */
int listener_init(struct listener *listener, struct loop *loop, struct timer_queue *pauses, int fd,
		  sa_family_t family, accepted_fn *accepted, void *owner, struct err *err);
/* Accepts all that have been waiting. */
void listener_drain(struct listener *listener);
void listener_done(struct listener *listener);

void listener_pauses_init(struct loop *loop, struct timer_queue *pauses);

/*
 * Fails with -EXDEV when @fd lives in this process's own network namespace: whatever the proxy
 * dials could then be captured again. -errno when the kernel cannot tell.
 */
int listener_check_namespace(int fd, struct err *err);

#endif

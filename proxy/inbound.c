/*
 * Connections into the jail. See inbound.h.
 *
 * One request at a time: a byte, '4' or '6', goes to the jail's first process, and a message with a
 * socket comes back, or one without when there was none to be had. So answers need no numbers.
 */
#include "proxy/inbound.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/fdpass.h"
#include "policy/net_plan.h"
#include "proxy/relay.h"

struct inbound {
	struct link link; /* in inbounds->waiting */
	struct inbounds *inbounds;
	struct watch *watch; /* owned; while it is connecting */
	struct timer deadline;
	dial_done_fn *done;
	void *owner;
	const struct addr *addr; /* of the jail's loopback */
	uint16_t port;
};

static void inbound_free(struct inbound *inbound)
{
	struct inbounds *inbounds = inbound->inbounds;

	if (inbounds->asked_for == inbound)
		inbounds->asked_for = NULL;
	link_remove(&inbound->link);
	timer_stop(&inbound->deadline);
	watch_close(inbounds->loop, &inbound->watch);
	free(inbound);
}

void inbound_cancel(struct inbound **inbound)
{
	if (*inbound)
		inbound_free(*inbound);
	*inbound = NULL;
}

/* The end of it: @inbound is gone, and its socket handed on if it is connected. */
static void report(struct inbound *inbound, uint32_t events, int error)
{
	const struct dial_target target = { .addr = *inbound->addr };
	struct watch *watch = error ? NULL : inbound->watch;
	dial_done_fn *done = inbound->done;
	void *owner = inbound->owner;

	if (!error)
		inbound->watch = NULL;
	inbound_free(inbound);
	done(owner, watch, &target, events, error);
}

/* ---- sockets ---- */

static int ask(struct inbounds *inbounds, struct inbound *inbound)
{
	char family = inbound->addr->family == AF_INET ? '4' : '6';

	if (!inbounds->init)
		return -ECONNRESET;
	if (send(inbounds->init->fd, &family, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return -errno;
	inbounds->is_busy = true;
	inbounds->asked_for = inbound;
	return 0;
}

/* Returns 0, also when others come first, or -errno. */
static int want_socket(struct inbound *inbound)
{
	struct inbounds *inbounds = inbound->inbounds;

	if (!inbounds->is_busy)
		return ask(inbounds, inbound);
	link_append(&inbounds->waiting, &inbound->link);
	return 0;
}

static void ask_for_next(struct inbounds *inbounds)
{
	struct link *link;

	while (!inbounds->is_busy && (link = link_pop(&inbounds->waiting))) {
		struct inbound *next = CONTAINER_OF(link, struct inbound, link);
		int rc = ask(inbounds, next);

		if (rc < 0)
			report(next, 0, -rc);
	}
}

static void start_connecting(struct inbound *inbound, int socket_fd);

/* An answer, or the end of the jail. */
static void init_ready(void *owner, uint32_t events)
{
	struct inbounds *inbounds = owner;
	struct inbound *inbound = inbounds->asked_for;
	int fd AUTO(fd_release) = -1;
	struct err err;
	int rc = fdpass_receive(inbounds->init->fd, &fd, 1, &err);

	(void)events; /* level-triggered, readable only */
	if (rc == -EAGAIN)
		return;
	if (rc < 0 && rc != -EPROTO) /* EPROTO: an answer without a socket */
		watch_close(inbounds->loop, &inbounds->init);
	inbounds->is_busy = false;
	inbounds->asked_for = NULL;
	if (inbound && rc < 0)
		report(inbound, 0, ECONNABORTED);
	else if (inbound)
		start_connecting(inbound, fd_take(&fd));
	ask_for_next(inbounds);
}

/* ---- connecting ---- */

/* Nobody listens there: IPv6 is what is left to try. */
static void refused(struct inbound *inbound, int error)
{
	struct inbounds *inbounds = inbound->inbounds;
	int rc = -error;

	if (inbound->addr->family == AF_INET && error == ECONNREFUSED && inbounds->want_ipv6) {
		watch_close(inbounds->loop, &inbound->watch);
		inbound->addr = &net_plan_host_addresses[1];
		rc = want_socket(inbound);
	}
	if (rc < 0)
		report(inbound, 0, -rc);
}

static void socket_ready(void *owner, uint32_t events)
{
	struct inbound *inbound = owner;
	int error = 0;
	socklen_t length = sizeof(error);

	if (events & (EPOLLERR | EPOLLHUP)) {
		(void)getsockopt(inbound->watch->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error || !(events & EPOLLOUT)) {
			refused(inbound, error ? error : ECONNABORTED);
			return;
		}
	}
	if (events & EPOLLOUT)
		report(inbound, events, 0);
}

static int try_connecting(struct inbound *inbound)
{
	struct sockaddr_storage where;
	socklen_t length = addr_to_sockaddr(inbound->addr, inbound->port, &where);
	int fd = inbound->watch->fd, one = 1;

	/* Hints only: the connection works without them. */
	(void)setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&where, length) < 0 && errno != EINPROGRESS)
		return -errno;
	return watch_start(inbound->inbounds->loop, inbound->watch, RELAY_EVENTS);
}

static void start_connecting(struct inbound *inbound, int socket_fd)
{
	int rc;

	inbound->watch = watch_new(inbound->inbounds->loop, socket_fd, socket_ready, inbound);
	if (!inbound->watch) {
		(void)close(socket_fd); /* unused so far */
		report(inbound, 0, ENOMEM);
		return;
	}
	rc = try_connecting(inbound);
	if (rc < 0)
		refused(inbound, -rc);
}

static void give_up(struct timer *timer)
{
	report(CONTAINER_OF(timer, struct inbound, deadline), 0, ETIMEDOUT);
}

int inbound_start(struct inbounds *inbounds, uint16_t port, dial_done_fn *done, void *owner,
		  struct inbound **inbound_out)
{
	struct inbound *inbound = calloc(1, sizeof(*inbound));
	int rc;

	if (!inbound)
		return -ENOMEM;
	*inbound = (struct inbound) {
		.inbounds = inbounds,
		.done = done,
		.owner = owner,
		.addr = &net_plan_host_addresses[0],
		.port = port,
	};
	rc = want_socket(inbound);
	if (rc < 0) {
		inbound_free(inbound);
		return rc;
	}
	timer_start(&inbounds->deadlines, &inbound->deadline);
	*inbound_out = inbound;
	return 0;
}

int inbounds_init(struct inbounds *inbounds, struct loop *loop, int init_fd, bool want_ipv6,
		  unsigned timeout_ms, struct err *err)
{
	int rc;

	*inbounds = (struct inbounds) { .loop = loop, .want_ipv6 = want_ipv6 };
	link_ring_init(&inbounds->waiting);
	timer_queue_init(loop, &inbounds->deadlines, timeout_ms, give_up);
	inbounds->init = watch_new(loop, init_fd, init_ready, inbounds);
	if (!inbounds->init) {
		(void)close(init_fd); /* unused so far */
		return err_set(err, ENOMEM, "watch the jail");
	}
	rc = watch_start(loop, inbounds->init, EPOLLIN);
	return rc < 0 ? err_set(err, -rc, "watch the jail") : 0;
}

void inbounds_done(struct inbounds *inbounds)
{
	if (inbounds->loop)
		watch_close(inbounds->loop, &inbounds->init);
}

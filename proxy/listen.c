/* The gate's listening TCP sockets. See listen.h. */
#include "proxy/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/log.h"

#define ACCEPTS_A_TURN	 32
#define BACKLOG_MAX	 4096 /* more connections cannot be waiting */
#define PAUSE_MS	 100
#define KEEPALIVE_IDLE_S 60 /* notices a client whose namespace is gone without a word */

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

/* Out of descriptors or memory: look again later instead of spinning. */
static void pause_accepting(struct listener *listener)
{
	log_debug("listener paused: %s", strerrorname_np(errno));
	(void)watch_change(listener->loop, listener->watch, 0); /* cannot fail: it is watched */
	timer_start(listener->pauses, &listener->pause);
}

static void resume(struct timer *timer)
{
	struct listener *listener = CONTAINER_OF(timer, struct listener, pause);

	(void)watch_change(listener->loop, listener->watch, EPOLLIN); /* cannot fail: as above */
}

static void accept_some(struct listener *listener, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = accept4(listener->watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->accepted(listener->owner, fd, listener->family);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(listener);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void listener_ready(void *owner, uint32_t events)
{
	(void)events; /* level-triggered, readable only */
	accept_some(owner, ACCEPTS_A_TURN);
}

void listener_drain(struct listener *listener)
{
	if (listener->watch)
		accept_some(listener, BACKLOG_MAX);
}

int listener_init(struct listener *listener, struct loop *loop, struct timer_queue *pauses, int fd,
		  sa_family_t family, accepted_fn *accepted, void *owner, struct err *err)
{
	int one = 1, idle_s = KEEPALIVE_IDLE_S;
	int rc;

	*listener = (struct listener) {
		.loop = loop,
		.pauses = pauses,
		.accepted = accepted,
		.owner = owner,
		.family = family,
	};
	/* Else an urgent byte is skipped by who looks first, and relayed: not what was judged. */
	if (setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)) < 0) {
		rc = err_set(err, errno, "keep urgent bytes in the stream");
		(void)close(fd); /* unused so far */
		return rc;
	}
	/* Hints only; set here they cost a connection nothing. */
	(void)setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, SOL_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	listener->watch = watch_new(loop, fd, listener_ready, listener);
	if (!listener->watch) {
		(void)close(fd); /* unused so far */
		return err_set(err, ENOMEM, "watch a listener");
	}
	rc = watch_start(loop, listener->watch, EPOLLIN);
	return rc < 0 ? err_set(err, -rc, "watch a listener") : 0;
}

void listener_done(struct listener *listener)
{
	if (!listener->loop)
		return;
	timer_stop(&listener->pause);
	watch_close(listener->loop, &listener->watch);
}

void listener_pauses_init(struct loop *loop, struct timer_queue *pauses)
{
	timer_queue_init(loop, pauses, PAUSE_MS, resume);
}

int listener_check_namespace(int fd, struct err *err)
{
	int own AUTO(fd_release) = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t their_cookie = 0, own_cookie = 0;
	socklen_t length = sizeof(uint64_t);

	if (own < 0 || getsockopt(own, SOL_SOCKET, SO_NETNS_COOKIE, &own_cookie, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &their_cookie, &length) < 0)
		return err_set(err, errno, "find a listener's network namespace");
	if (their_cookie == own_cookie)
		return err_set(err, EXDEV, "a listener is in the proxy's own network namespace");
	return 0;
}

/* Dials one of several addresses. See dial.h. */
#include "proxy/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/relay.h"

#define ATTEMPT_DELAY_MS 250 /* RFC 8305, Connection Attempt Delay */
#define ATTEMPTS_MAX	 4 /* at once; the oldest had its second and gives way */
#define FAMILY_RETRY_MS	 10000

struct attempt {
	struct dial *dial;
	struct watch *watch; /* owned; NULL = free */
	uint8_t target;
};

struct dial {
	struct dials *dials;
	dial_done_fn *done;
	void *owner;
	struct timer next_attempt;
	struct timer deadline;
	struct attempt attempts[ATTEMPTS_MAX]; /* a ring; number n is in n % ATTEMPTS_MAX */
	int error; /* of the last failure */
	uint16_t port;
	uint8_t started; /* targets tried so far */
	uint8_t count;
	struct dial_target targets[];
};

static void start_next(struct timer *timer);
static void give_up(struct timer *timer);

void dials_init(struct dials *dials, struct loop *loop, unsigned timeout_ms)
{
	*dials = (struct dials) { .loop = loop };
	timer_queue_init(loop, &dials->next_attempts, ATTEMPT_DELAY_MS, start_next);
	timer_queue_init(loop, &dials->deadlines, timeout_ms, give_up);
}

void dial_sort(struct dial_target *targets, size_t count, sa_family_t first)
{
	sa_family_t wanted = first;

	for (size_t i = 0; i < count; i++) {
		size_t found = i;

		while (found < count && targets[found].addr.family != wanted)
			found++;
		if (found < count) {
			struct dial_target target = targets[found];

			memmove(&targets[i + 1], &targets[i], (found - i) * sizeof(target));
			targets[i] = target;
		}
		wanted = targets[i].addr.family == AF_INET6 ? AF_INET : AF_INET6;
	}
}

static sa_family_t first_family(const struct dials *dials)
{
	uint64_t now_ms = loop_now_ms(dials->loop);

	return dials->no_ipv6_until_ms > now_ms && dials->no_ipv4_until_ms <= now_ms ? AF_INET
										     : AF_INET6;
}

/* Remembers that a whole family leads nowhere, to spare the next dials a wasted attempt. */
static void note_failure(struct dials *dials, sa_family_t family, int error)
{
	uint64_t until_ms = loop_now_ms(dials->loop) + FAMILY_RETRY_MS;

	if (error != ENETUNREACH && error != EAFNOSUPPORT && error != EADDRNOTAVAIL)
		return;
	if (family == AF_INET6)
		dials->no_ipv6_until_ms = until_ms;
	else
		dials->no_ipv4_until_ms = until_ms;
}

static void dial_free(struct dial *dial)
{
	timer_stop(&dial->next_attempt);
	timer_stop(&dial->deadline);
	for (size_t i = 0; i < ATTEMPTS_MAX; i++)
		watch_close(dial->dials->loop, &dial->attempts[i].watch);
	free(dial);
}

void dial_cancel(struct dial **dial)
{
	if (*dial)
		dial_free(*dial);
	*dial = NULL;
}

static bool is_under_way(const struct dial *dial)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		if (dial->attempts[i].watch)
			return true;
	}
	return false;
}

static void report(struct dial *dial, struct watch *watch, size_t target, uint32_t events)
{
	struct dial_target reached = dial->targets[target];
	dial_done_fn *done = dial->done;
	void *owner = dial->owner;
	int error = dial->error;

	dial_free(dial);
	done(owner, watch, &reached, events, error);
}

static bool advance(struct dial *dial);

static void attempt_ready(void *owner, uint32_t events)
{
	struct attempt *attempt = owner;
	struct dial *dial = attempt->dial;
	int error = 0;
	socklen_t length = sizeof(error);

	if (events & (EPOLLERR | EPOLLHUP)) {
		(void)getsockopt(attempt->watch->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error || !(events & EPOLLOUT)) {
			dial->error = error ? error : ECONNABORTED;
			watch_close(dial->dials->loop, &attempt->watch);
			if (!advance(dial) && !is_under_way(dial))
				report(dial, NULL, 0, 0);
			return;
		}
	}
	if (events & EPOLLOUT) {
		struct watch *watch = attempt->watch;

		attempt->watch = NULL;
		report(dial, watch, attempt->target, events);
	}
}

/* Returns 0 or -errno. */
static int try_target(struct dial *dial, size_t target)
{
	struct attempt *attempt = &dial->attempts[target % ATTEMPTS_MAX];
	const struct addr *addr = &dial->targets[target].addr;
	struct loop *loop = dial->dials->loop;
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(addr, dial->port, &storage);
	int one = 1;
	int rc;
	int fd = socket(addr->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	watch_close(loop, &attempt->watch); /* the oldest one gives way */
	attempt->watch = watch_new(loop, fd, attempt_ready, attempt);
	if (!attempt->watch) {
		(void)close(fd); /* unused so far */
		return -ENOMEM;
	}
	attempt->dial = dial;
	attempt->target = (uint8_t)target;
	/* Hints only: the connection works without them. */
	(void)setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&storage, length) < 0 && errno != EINPROGRESS) {
		int error = errno;

		watch_close(loop, &attempt->watch);
		return -error;
	}
	rc = watch_start(loop, attempt->watch, RELAY_EVENTS);
	if (rc < 0)
		watch_close(loop, &attempt->watch);
	return rc;
}

/* Starts the next attempt that can be started. False when no address is left. */
static bool advance(struct dial *dial)
{
	timer_stop(&dial->next_attempt);
	while (dial->started < dial->count) {
		size_t target = dial->started++;
		int rc = try_target(dial, target);

		if (rc == 0) {
			if (dial->started < dial->count)
				timer_start(&dial->dials->next_attempts, &dial->next_attempt);
			return true;
		}
		dial->error = -rc;
		note_failure(dial->dials, dial->targets[target].addr.family, -rc);
	}
	return false;
}

static void start_next(struct timer *timer)
{
	struct dial *dial = CONTAINER_OF(timer, struct dial, next_attempt);

	if (!advance(dial) && !is_under_way(dial))
		report(dial, NULL, 0, 0);
}

static void give_up(struct timer *timer)
{
	struct dial *dial = CONTAINER_OF(timer, struct dial, deadline);

	dial->error = ETIMEDOUT;
	report(dial, NULL, 0, 0);
}

int dial_start(struct dials *dials, const struct dial_target *targets, size_t count, uint16_t port,
	       dial_done_fn *done, void *owner, struct dial **dial_out)
{
	struct dial *dial = calloc(1, sizeof(*dial) + count * sizeof(*targets));
	int error;

	if (!dial)
		return -ENOMEM;
	dial->dials = dials;
	dial->done = done;
	dial->owner = owner;
	dial->port = port;
	dial->count = (uint8_t)count;
	memcpy(dial->targets, targets, count * sizeof(*targets));
	dial_sort(dial->targets, count, first_family(dials));
	if (!advance(dial)) {
		error = dial->error;
		dial_free(dial);
		return -error;
	}
	timer_start(&dials->deadlines, &dial->deadline);
	*dial_out = dial;
	return 0;
}

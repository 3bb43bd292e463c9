/*
 * Refused packets become audit records. See denied.h.
 *
 * The first packet of a flow (protocol, destination, port) is recorded at once. What follows is counted,
 * and recorded together when the window ends; then the next window begins, until one stays empty.
 * When there are more flows at once than places, the oldest one's window ends early: nothing that
 * the kernel told is forgotten.
 */
#include "proxy/denied.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/log.h"

#define FOLD_MS		10000
#define MESSAGES_A_TURN 64
#define MESSAGE_BYTES	1024 /* the kernel sends less than half of it */

/* ---- records ---- */

/* A listener's own port is reached by nobody but through the redirect. */
static enum reason reason_of(const struct denied *denied, const struct packet *to)
{
	bool is_gate = addr_equal(&to->to, &denied->plan->gate4) ||
		       addr_equal(&to->to, &denied->plan->gate6);

	if (is_gate && (to->port == NET_PLAN_TCP_PORT || to->port == NET_PLAN_DNS_PORT))
		return REASON_SELF;
	return REASON_NOT_TCP;
}

static void record(struct denied *denied, struct denied_flow *flow)
{
	char protocol[PACKET_PROTOCOL_MAX];
	const struct packet *to = &flow->to;
	struct audit_record line = {
		.protocol = packet_protocol_name(to->protocol, protocol),
		.address = &to->to,
		.port = to->port,
		.packets = flow->packets,
		.verdict = { .reason = reason_of(denied, to) },
	};
	struct tell_denial denial = {
		.protocol = line.protocol,
		.address = &to->to,
		.port = to->port,
		.verdict = line.verdict,
	};
	uint32_t number;

	/* else it is an address like any other, and the number another name's */
	if (net_plan_synthetic_index(&to->to, &number) == 0 &&
	    names_are_synthetic(denied->names, number, denied->dns_mode))
		line.name = names_get(denied->names, number);
	if (line.name) {
		denial.name = line.name;
		denial.address = NULL;
	}
	tell_denied(denied->tell, &denial);
	(void)audit_write(denied->audit, &line); /* it tells those who have to stop */
	flow->packets = 0;
}

/* ---- flows ---- */

static void fold_expired(struct timer *timer)
{
	struct denied_flow *flow = CONTAINER_OF(timer, struct denied_flow, fold);

	if (flow->packets == 0)
		return; /* nothing came: the place is free */
	record(flow->denied, flow);
	timer_start(&flow->denied->folds, timer);
}

static bool is_used(const struct denied_flow *flow)
{
	return link_is_in(&flow->fold.link);
}

static bool same_flow(const struct packet *a, const struct packet *b)
{
	return a->protocol == b->protocol && a->port == b->port && addr_equal(&a->to, &b->to);
}

/* Takes the place of the flow whose window began first. */
static struct denied_flow *evict(struct denied *denied)
{
	struct timer *oldest = CONTAINER_OF(denied->folds.timers.next, struct timer, link);
	struct denied_flow *flow = CONTAINER_OF(oldest, struct denied_flow, fold);

	timer_stop(oldest);
	if (flow->packets > 0)
		record(denied, flow);
	return flow;
}

static void count(struct denied *denied, const struct packet *packet)
{
	struct denied_flow *free_flow = NULL;

	for (size_t i = 0; i < DENIED_FLOWS_MAX; i++) {
		struct denied_flow *flow = &denied->flows[i];

		if (!is_used(flow)) {
			free_flow = flow;
		} else if (same_flow(&flow->to, packet)) {
			flow->packets++;
			return;
		}
	}
	if (!free_flow)
		free_flow = evict(denied);
	free_flow->denied = denied;
	free_flow->to = *packet;
	free_flow->packets = 1;
	record(denied, free_flow);
	timer_start(&denied->folds, &free_flow->fold);
}

/* ---- the kernel's messages ---- */

/* Returns false when nothing is left to read. */
static bool read_some(struct denied *denied)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct sockaddr_nl sender;
	socklen_t sender_length = sizeof(sender);
	ssize_t got = recvfrom(denied->socket->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
			       (struct sockaddr *)&sender, &sender_length);
	const uint8_t *at = bytes;
	struct packet packet;
	size_t left;

	if (got < 0 && errno == ENOBUFS)
		log_debug("refused packets came faster than they could be read");
	if (got < 0)
		return errno == ENOBUFS || errno == EINTR;
	if (sender_length < sizeof(sender) || sender.nl_pid != 0)
		return true; /* not the kernel's */
	left = (size_t)got;
	while (packet_next(&at, &left, &packet)) {
		/* TCP in the middle is what a connection that was closed here had on its way */
		if (packet.protocol != IPPROTO_TCP || packet.is_syn)
			count(denied, &packet);
	}
	return true;
}

static void socket_ready(void *owner, uint32_t events)
{
	struct denied *denied = owner;

	(void)events; /* level-triggered, readable only */
	for (int i = 0; i < MESSAGES_A_TURN && read_some(denied); i++)
		;
}

int denied_init(struct denied *denied, int fd, struct err *err)
{
	int rc;

	timer_queue_init(denied->loop, &denied->folds, FOLD_MS, fold_expired);
	denied->socket = watch_new(denied->loop, fd, socket_ready, denied);
	if (!denied->socket) {
		(void)close(fd); /* not in use */
		return err_set(err, ENOMEM, "watch refused packets");
	}
	rc = watch_start(denied->loop, denied->socket, EPOLLIN);
	return rc < 0 ? err_set(err, -rc, "watch refused packets") : 0;
}

void denied_end(struct denied *denied)
{
	while (read_some(denied))
		; /* ends: the jail is gone, and the queue has a size */
	for (size_t i = 0; i < DENIED_FLOWS_MAX; i++) {
		if (denied->flows[i].packets > 0)
			record(denied, &denied->flows[i]);
	}
}

void denied_done(struct denied *denied)
{
	if (denied->loop)
		watch_close(denied->loop, &denied->socket);
}

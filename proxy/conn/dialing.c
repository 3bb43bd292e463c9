/*
 * A connection on its way to the other end: directly, through an upstream proxy, into the jail. See
 * proxy/conn.c.
 */
#include "proxy/conn/moves.h"

#include <errno.h>
#include <string.h>

static void upstream_ready(void *owner, uint32_t events)
{
	struct conn *conn = owner;

	relay_note(&conn->upstream_end, events);
	conn_feed(conn, CONN_EV_UPSTREAM);
}

/* Goes on with the socket, or without: @watch is NULL then. */
static void take_upstream(struct conn *conn, struct watch *watch, uint32_t events, int error)
{
	if (!watch && conn->handshake) {
		upstream_fail(conn->handshake, strerrordesc_np(error));
		conn->error = conn->handshake->error;
	} else if (!watch) {
		conn->error = strerrordesc_np(error);
	}
	if (!watch) {
		conn_feed(conn, CONN_EV_DIAL_FAILED);
		return;
	}
	watch->ready = upstream_ready;
	watch->owner = conn;
	conn->upstream = watch;
	conn->upstream_end.fd = watch->fd;
	relay_note(&conn->upstream_end, events);
	conn_feed(conn, CONN_EV_CONNECTED);
}

static void dial_done(void *owner, struct watch *watch, const struct dial_target *target,
		      uint32_t events, int error)
{
	struct conn *conn = owner;

	conn->dial = NULL;
	if (watch) {
		conn->dialed = target->addr;
		conn->rule = target->rule;
	}
	take_upstream(conn, watch, events, error);
}

static void inbound_done(void *owner, struct watch *watch, const struct dial_target *target,
			 uint32_t events, int error)
{
	struct conn *conn = owner;

	conn->inbound = NULL;
	conn->address = target->addr;
	take_upstream(conn, watch, events, error);
}

enum conn_state conn_dial_failed(struct conn *conn)
{
	return conn_fail(conn, REASON_UPSTREAM_FAILED, conn->error);
}

enum conn_state conn_dial(struct conn *conn, const struct dial_target *targets, size_t count,
			  uint16_t port)
{
	int rc =
		dial_start(&conn->conns->dials, targets, count, port, dial_done, conn, &conn->dial);

	return rc < 0 ? conn_fail(conn, REASON_UPSTREAM_FAILED, strerrordesc_np(-rc))
		      : CONN_DIALING;
}

enum conn_state conn_dial_upstream(struct conn *conn, const struct resolve_answer *answer)
{
	struct dial_target targets[RESOLVE_ADDRESSES_MAX];

	if (answer->error) {
		upstream_fail(conn->handshake, answer->error);
		return conn_fail(conn, REASON_UPSTREAM_FAILED, conn->handshake->error);
	}
	for (size_t i = 0; i < answer->count; i++)
		targets[i] = (struct dial_target) { answer->addresses[i], conn->rule };
	return conn_dial(conn, targets, answer->count, conn->conns->upstream->port);
}

enum conn_state conn_go_upstream(struct conn *conn, const char *name)
{
	struct conns *conns = conn->conns;
	const struct upstream_target where = {
		.name = name,
		.addr = conn->address,
		.port = conn->port,
	};
	const struct dial_target target = { conns->upstream->addr, conn->rule };
	const struct resolve_answer *answer;

	conn->handshake = upstream_handshake_new(conns->upstream->kind, conns->credentials, &where);
	if (!conn->handshake)
		return conn_fail(conn, REASON_UPSTREAM_FAILED, strerrordesc_np(ENOMEM));
	conn->handshake->owner = conn;
	conn->is_proxied = true;
	if (!conns->upstream->name)
		return conn_dial(conn, &target, 1, conns->upstream->port);
	answer = resolve(conns->resolver, RESOLVE_UPSTREAM, conns->upstream->name, &conn->waiter);
	return answer ? conn_dial_upstream(conn, answer) : CONN_RESOLVING;
}

enum conn_state conn_shake_hands(struct conn *conn)
{
	switch (upstream_step(conn->handshake, conn->upstream->fd, conn->upstream_end.has_hangup)) {
	case UPSTREAM_AGAIN:
		return CONN_HANDSHAKING;
	case UPSTREAM_FAILED:
		return conn_fail(conn, REASON_UPSTREAM_FAILED, conn->handshake->error);
	case UPSTREAM_READY:
		break;
	}
	upstream_handshake_free(&conn->handshake);
	return conn_sniff_and_relay(conn);
}

enum conn_state conn_connected(struct conn *conn)
{
	if (!conn->handshake)
		return conn_sniff_and_relay(conn);
	timer_start(&conn->conns->handshake_deadlines, &conn->handshake->deadline);
	return conn_shake_hands(conn);
}

enum conn_state conn_shook_too_long(struct conn *conn)
{
	upstream_fail(conn->handshake, "no answer in time");
	return conn_fail(conn, REASON_UPSTREAM_FAILED, conn->handshake->error);
}

void conn_handshake_expired(struct timer *timer)
{
	struct upstream_handshake *handshake =
		CONTAINER_OF(timer, struct upstream_handshake, deadline);

	conn_feed(handshake->owner, CONN_EV_NO_ANSWER);
}

enum conn_state conn_enter_jail(struct conn *conn)
{
	const struct verdict verdict = { .is_allowed = true, .reason = REASON_PUBLISHED };
	int rc = inbound_start(conn->conns->inbounds, conn->port, inbound_done, conn,
			       &conn->inbound);

	conn_allow(conn, &verdict);
	conn->is_sniffed = conn->is_judged = true;
	return rc < 0 ? conn_fail(conn, REASON_UPSTREAM_FAILED, strerrordesc_np(-rc))
		      : CONN_DIALING;
}

/* A connection whose bytes flow. See proxy/conn.c. */
#include "proxy/conn/moves.h"

#include <sys/socket.h>

/* One end is gone: what it had sent is delivered as far as it goes at once, then both end. */
static enum conn_state break_off(struct conn *conn)
{
	struct pipes *pipes = &conn->conns->pipes;

	if (conn->upstream_end.is_broken) {
		while (relay_pump(pipes, &conn->received, &conn->upstream_end, &conn->client_end) ==
		       RELAY_AGAIN)
			;
	}
	if (conn->client_end.is_broken && conn->is_judged) {
		while (relay_pump(pipes, &conn->sent, &conn->client_end, &conn->upstream_end) ==
		       RELAY_AGAIN)
			;
	}
	return conn_reset(conn);
}

/* Runs one direction, and passes its end on, unless both have ended: then close() does. */
static enum relay_result carry(struct conn *conn, struct relay_flow *flow, struct relay_end *from,
			       struct relay_end *to, const struct relay_flow *other)
{
	bool was_finished = flow->is_finished;
	enum relay_result result = relay_pump(&conn->conns->pipes, flow, from, to);

	if (result == RELAY_FINISHED && !was_finished && !other->is_finished)
		(void)shutdown(to->fd, SHUT_WR); /* fails only when @to is gone; events tell */
	if (result == RELAY_AGAIN)
		task_queue(conn->conns->loop, &conn->turn);
	if (result == RELAY_STARVED)
		pipes_wait(&conn->conns->pipes, &conn->pipe_waiter);
	return result;
}

struct relay_end *conn_jail_end(struct conn *conn)
{
	return conn->published ? &conn->upstream_end : &conn->client_end;
}

const struct relay_flow *conn_jail_flow(const struct conn *conn)
{
	return conn->published ? &conn->received : &conn->sent;
}

bool conn_can_relay(const struct conn *conn)
{
	return conn->upstream && !conn->handshake;
}

static bool is_finished(const struct conn *conn)
{
	if (conn->conns->is_ending)
		return conn_jail_flow(conn)->is_finished;
	return conn->sent.is_finished && conn->received.is_finished;
}

static enum conn_state move_bytes(struct conn *conn)
{
	enum relay_result received =
		carry(conn, &conn->received, &conn->upstream_end, &conn->client_end, &conn->sent);
	enum relay_result sent = RELAY_WAIT;

	if (conn->is_judged && received != RELAY_BROKEN)
		sent = carry(conn, &conn->sent, &conn->client_end, &conn->upstream_end,
			     &conn->received);
	if (sent == RELAY_BROKEN || received == RELAY_BROKEN)
		return break_off(conn);
	if (is_finished(conn))
		return CONN_CLOSED;
	return conn->is_judged ? CONN_RELAYING : CONN_SNIFFING;
}

enum conn_state conn_relay(struct conn *conn)
{
	if (conn->is_sniffed && !conn->is_judged) {
		struct verdict verdict = conn_judge_stream(conn);

		if (!verdict.is_allowed)
			return conn_deny_verdict(conn, &verdict);
		conn_allow(conn, &verdict);
		conn->is_judged = true;
	}
	return move_bytes(conn);
}

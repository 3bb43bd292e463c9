/* A connection whose bytes flow. See proxy/conn.c. */
#include "proxy/conn/moves.h"

#include <sys/socket.h>

#include "proxy/sniff/sniff.h"

enum conn_state conn_break_off(struct conn *conn)
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

enum relay_result conn_carry(struct conn *conn, struct relay_flow *flow, struct relay_end *from,
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

bool conn_is_finished(const struct conn *conn)
{
	if (conn->conns->is_ending)
		return conn_jail_flow(conn)->is_finished;
	return conn->sent.is_finished && conn->received.is_finished;
}

static enum conn_state move_bytes(struct conn *conn)
{
	enum relay_result received = conn_carry(conn, &conn->received, &conn->upstream_end,
						&conn->client_end, &conn->sent);
	enum relay_result sent = RELAY_WAIT;

	if (conn->is_judged && received != RELAY_BROKEN)
		sent = conn_carry(conn, &conn->sent, &conn->client_end, &conn->upstream_end,
				  &conn->received);
	if (sent == RELAY_BROKEN || received == RELAY_BROKEN)
		return conn_break_off(conn);
	if (conn_is_finished(conn))
		return CONN_CLOSED;
	return conn->is_judged ? CONN_RELAYING : CONN_SNIFFING;
}

static bool needs_inspection(const struct conn *conn)
{
	struct http_need need = conn_http_need(conn);

	return need.may_allow || need.may_deny;
}

enum conn_state conn_relay(struct conn *conn)
{
	if (conn->http)
		return conn_inspect(conn);
	if (conn->is_sniffed && !conn->is_judged) {
		struct verdict verdict;

		if ((conn->protocol == SNIFF_HTTP1 || conn->is_cut) && needs_inspection(conn))
			return conn_begin_inspection(conn);
		verdict = conn_judge_stream(conn);
		if (!verdict.is_allowed)
			return conn_deny_verdict(conn, &verdict);
		conn_allow(conn, &verdict);
		conn->is_judged = true;
	}
	return move_bytes(conn);
}

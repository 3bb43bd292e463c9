/*
 * A connection whose HTTP/1 requests are judged one by one. See proxy/conn.c.
 *
 * Bytes are looked at where they wait, in the socket, and go on by splice(2) as they are: what is kept
 * of a message is how much of it may be taken out (relay_flow.allowance). Of the client's, that is a head once it
 * is judged, and then its body; of the server's, whatever was read, to know where an answer ends.
 *
 * Requests are served one after the other: what a client sends behind one waits in the socket until
 * the answer was delivered, so an answer of ours never ends up inside of one of the server's.
 */
#include "proxy/conn/moves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/base/auto.h"
#include "policy/path.h"
#include "proxy/http/answer.h"
#include "proxy/http/framing.h"
#include "proxy/http/head.h"
#include "proxy/sniff/sniff.h"

#define HEAD_BYTES_MAX	 SNIFF_BYTES_MAX
#define METHOD_SIZE	 32
#define ROUNDS_A_TURN	 32
#define LINGER_BYTES_MAX (1024u * 1024u) /* what a client may still send that does not read */

/* What was asked for; the answer is not complete. */
struct exchange {
	char method[METHOD_SIZE];
	char *url, *path; /* owned; path is normalised */
	char *host; /* owned; whom the request is for, where the connection has no name; NULL = nobody */
	struct verdict verdict;
	uint64_t begun_ms;
	uint64_t sent_before, received_before; /* the connection's bytes until then */
	bool is_open;
	bool is_sent; /* its last byte is allowed */
	bool is_answered; /* the answer's last byte is allowed */
	bool wants_websocket;
};

struct inspection {
	struct http_framing request, response;
	struct exchange exchange;
	size_t seen; /* of the client's waiting bytes: read, and part of a head */
	size_t lingered; /* bytes */
	uint64_t request_count;
	bool is_tunnel; /* the server has agreed to leave HTTP */
	bool is_blind; /* its bytes are no HTTP: they go on, but nobody knows where they end */
};

/* Shared by all connections, used within one event only. */
static uint8_t waiting[HEAD_BYTES_MAX];

static enum conn_state same(const struct conn *conn)
{
	return (enum conn_state)conn->state;
}

struct http_need conn_http_need(const struct conn *conn)
{
	const struct policy *policy = conn->conns->policy;
	struct http_need need =
		policy_http_need(policy, conn_name(conn), conn_judged_address(conn), conn->port);

	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1) {
		struct http_need other = policy_http_need(policy, at, NULL, conn->port);

		need.may_deny = need.may_deny || other.may_deny;
	}
	return need;
}

/* ---- records ---- */

uint64_t conn_request_count(const struct conn *conn)
{
	return conn->http ? conn->http->request_count : 0;
}

static void drop_exchange(struct exchange *exchange)
{
	free(exchange->url);
	free(exchange->path);
	free(exchange->host);
	*exchange = (struct exchange) { 0 };
}

static bool record_exchange(struct conn *conn)
{
	struct exchange *exchange = &conn->http->exchange;
	struct audit_record record = conn_record(conn);
	bool is_kept;

	record.method = exchange->method[0] ? exchange->method : NULL; /* else it was not read */
	record.url = exchange->url;
	record.path = exchange->path;
	record.verdict = exchange->verdict;
	record.error = exchange->verdict.is_allowed ? conn->error : NULL;
	record.bytes_sent = conn->sent.bytes - exchange->sent_before;
	record.bytes_received = conn->received.bytes - exchange->received_before;
	record.duration_ms = loop_now_ms(conn->conns->loop) - exchange->begun_ms;
	is_kept = conn_write_record(conn, &record);
	drop_exchange(exchange);
	return is_kept;
}

void conn_record_request(struct conn *conn)
{
	if (!conn->http || !conn->http->exchange.is_open)
		return;
	if (!conn->is_allowed)
		conn->http->exchange.verdict =
			(struct verdict) { false, (enum reason)conn->reason, conn->rule };
	(void)record_exchange(conn); /* the connection is closed as it is */
}

void conn_free_inspection(struct conn *conn)
{
	if (conn->http)
		drop_exchange(&conn->http->exchange);
	free(conn->http);
	conn->http = NULL;
}

/* ---- answers of ours ---- */

enum conn_state conn_stop_lingering(struct conn *conn)
{
	(void)conn;
	return CONN_CLOSED;
}

/* What it was denied by may be gone from now on. */
enum conn_state conn_forget_rule(struct conn *conn)
{
	conn->rule = NULL;
	return same(conn);
}

/* A close() over unread bytes would be a reset, and take the answer away from the client. */
enum conn_state conn_linger(struct conn *conn)
{
	for (;;) {
		ssize_t got = recv(conn->client->fd, waiting, sizeof(waiting), MSG_DONTWAIT);

		if (got < 0 && errno == EAGAIN)
			return CONN_LINGERING;
		if (got <= 0)
			return CONN_CLOSED;
		conn->http->lingered += (size_t)got;
		if (conn->http->lingered > LINGER_BYTES_MAX)
			return CONN_CLOSED;
	}
}

static bool say(const struct conn *conn, unsigned status, const char *remedy)
{
	const struct exchange *exchange = &conn->http->exchange;
	char answer[HTTP_ANSWER_SIZE];
	size_t length = http_answer(status, &exchange->verdict, remedy,
				    strcmp(exchange->method, "HEAD") == 0, answer);

	return send(conn->client->fd, answer, length, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)length &&
	       shutdown(conn->client->fd, SHUT_WR) == 0;
}

/*
 * Ends the connection with an answer, unless the server's has begun. exchange has what is known of the
 * request.
 */
static enum conn_state refuse(struct conn *conn, unsigned status, struct verdict verdict)
{
	struct inspection *http = conn->http;
	struct exchange *exchange = &http->exchange;
	bool has_begun = exchange->is_open && (conn->received.bytes > exchange->received_before ||
					       conn->received.pipe || conn->received.allowance > 0);
	const char *name = conn_name(conn);
	char remedy[1024];
	bool has_remedy, is_said;

	if (!exchange->is_open) {
		exchange->begun_ms = loop_now_ms(conn->conns->loop);
		exchange->sent_before = conn->sent.bytes;
		exchange->received_before = conn->received.bytes;
		http->request_count++;
	}
	exchange->verdict = verdict;
	has_remedy = status == 403 && tell_has_remedy(verdict.reason);
	if (has_remedy)
		(void)policy_hint_http(name, name ? NULL : &conn->address, conn->port,
				       exchange->method, exchange->path ? exchange->path : "",
				       remedy, sizeof(remedy));
	is_said = !has_begun && say(conn, status, has_remedy ? remedy : NULL);
	relay_drop(&conn->conns->pipes, &conn->sent);
	relay_drop(&conn->conns->pipes, &conn->received);
	if (!record_exchange(conn))
		return conn_deny(conn, REASON_AUDIT_FAILED, NULL);
	if (!is_said)
		return conn_reset(conn);
	watch_close(conn->conns->loop, &conn->upstream);
	task_cancel(&conn->turn);
	pipes_stop_waiting(&conn->pipe_waiter);
	timer_start(&conn->conns->linger_deadlines, &conn->sniff_deadline);
	return conn_linger(conn);
}

static enum conn_state refuse_bad(struct conn *conn)
{
	return refuse(conn, 400, (struct verdict) { .reason = REASON_BAD_HTTP });
}

enum conn_state conn_head_too_slow(struct conn *conn)
{
	return refuse(conn, 408, (struct verdict) { .reason = REASON_SNIFF_TIMEOUT });
}

/* ---- what a request asks for ---- */

/* "http://example.com:8080/x?y", as the server reads it. False: no memory. */
static bool note_url(const struct conn *conn, const struct http_head *head,
		     struct exchange *exchange)
{
	struct http_span target = head->target;
	struct http_span host = head->host;
	int rc;

	if (head->authority.at)
		rc = asprintf(&exchange->url, "%.*s", (int)target.length, target.at);
	else if (host.length > 0)
		rc = asprintf(&exchange->url, "http://%.*s%.*s", (int)host.length, host.at,
			      (int)target.length, target.at);
	else
		rc = asprintf(&exchange->url, "http://%s%.*s",
			      conn_name(conn) ? conn_name(conn) : "", (int)target.length,
			      target.at);
	if (rc < 0)
		exchange->url = NULL;
	return rc >= 0;
}

/* False: it has none that could be judged, or no memory. */
static bool note_path(const struct http_head *head, struct exchange *exchange)
{
	char *path AUTO(heap_release) = malloc(head->path.length + 1);

	if (!path ||
	    path_normalize(head->path.at ? head->path.at : "", head->path.length, path) < 0)
		return false;
	exchange->path = path;
	path = NULL;
	return true;
}

/* Whom a request asks for that came to an address: that very address, or a name. */
static enum reason note_host(const struct conn *conn, struct http_span host,
			     struct exchange *exchange)
{
	struct http_span literal;
	char name[NAME_SIZE], text[ADDR_TEXT_MAX] = "";
	struct addr addr;

	if (http_host_name(host, name)) {
		exchange->host = strdup(name);
		return exchange->host ? REASON_ALLOW_RULE : REASON_LIMIT;
	}
	if (!http_host_split(host, &literal) || literal.length >= sizeof(text))
		return REASON_BAD_HTTP;
	memcpy(text, literal.at, literal.length);
	if (addr_parse(text, &addr) < 0)
		return REASON_BAD_HTTP;
	return addr_equal(&addr, &conn->address) ? REASON_ALLOW_RULE : REASON_NAME_MISMATCH;
}

/* One of the request's texts for whom it is for. REASON_ALLOW_RULE: nothing speaks against it. */
static enum reason check_host(const struct conn *conn, struct http_span host,
			      struct exchange *exchange)
{
	const char *wanted = conn_name(conn);
	char name[NAME_SIZE];

	if (!wanted)
		return note_host(conn, host, exchange);
	if (!http_host_name(host, name))
		return REASON_BAD_HTTP;
	return strcmp(name, wanted) == 0 ? REASON_ALLOW_RULE : REASON_NAME_MISMATCH;
}

static enum reason check_hosts(const struct conn *conn, const struct http_head *head,
			       struct exchange *exchange)
{
	char host[NAME_SIZE], authority[NAME_SIZE];
	enum reason reason;

	if (head->host.length == 0) /* HTTP/1.0 may have none, and then it is anybody's guess */
		return REASON_BAD_HTTP;
	reason = check_host(conn, head->host, exchange);
	if (reason != REASON_ALLOW_RULE || !head->authority.at)
		return reason;
	if (!http_host_name(head->host, host) || !http_host_name(head->authority, authority))
		return REASON_BAD_HTTP;
	return strcmp(host, authority) == 0 ? REASON_ALLOW_RULE : REASON_BAD_HTTP;
}

static struct verdict judge_exchange_as(const struct conn *conn, const struct exchange *exchange,
					const char *name)
{
	return policy_judge_http(conn->conns->policy, name, conn_judged_address(conn), conn->port,
				 (enum addr_source)conn->source, exchange->method, exchange->path);
}

/* Under any other name that it has, it must not be denied, either. */
static struct verdict judge_exchange(const struct conn *conn, const struct exchange *exchange)
{
	struct verdict verdict;

	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1) {
		verdict = judge_exchange_as(conn, exchange, at);
		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	if (exchange->host) {
		verdict = judge_exchange_as(conn, exchange, exchange->host);
		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	return judge_exchange_as(conn, exchange, conn_name(conn));
}

static void open_exchange(struct conn *conn, struct exchange *exchange)
{
	exchange->is_open = true;
	exchange->begun_ms = loop_now_ms(conn->conns->loop);
	exchange->sent_before = conn->sent.bytes;
	exchange->received_before = conn->received.bytes;
	conn->http->request_count++;
}

/* The request's head is complete: the first @length bytes of waiting. */
static enum conn_state judge_head(struct conn *conn, size_t length)
{
	struct inspection *http = conn->http;
	struct exchange *exchange = &http->exchange;
	struct http_head head;
	enum reason reason;
	bool is_read = http_head_read(waiting, length, &head) == SNIFF_YES;

	drop_exchange(exchange);
	if (!is_read || head.method.length >= sizeof(exchange->method))
		return refuse_bad(conn);
	memcpy(exchange->method, head.method.at, head.method.length);
	if (!note_url(conn, &head, exchange) || !http_head_is_framed(&head, &http->request) ||
	    !note_path(&head, exchange))
		return refuse_bad(conn);
	reason = check_hosts(conn, &head, exchange);
	if (reason != REASON_ALLOW_RULE)
		return refuse(conn, reason == REASON_BAD_HTTP ? 400 : 403,
			      (struct verdict) { .reason = reason });
	exchange->verdict = judge_exchange(conn, exchange);
	if (!exchange->verdict.is_allowed)
		return refuse(conn, 403, exchange->verdict);
	open_exchange(conn, exchange);
	exchange->wants_websocket =
		head.upgrade_count == 1 && http_span_is(head.upgrade, "websocket");
	exchange->is_sent = http->request.body != HTTP_BODY_CHUNKED;
	http->response.has_no_body = strcmp(exchange->method, "HEAD") == 0;
	conn->sent.allowance = length;
	if (http->request.body == HTTP_BODY_LENGTH)
		conn->sent.allowance += http->request.body_bytes;
	return CONN_INSPECTING;
}

/* ---- the client's side ---- */

static enum conn_state wait_for_head(struct conn *conn)
{
	if (conn->http->seen == HEAD_BYTES_MAX || conn->client_end.has_hangup)
		return refuse_bad(conn);
	conn->client_end.can_read = false; /* until more arrives */
	if (!link_is_in(&conn->sniff_deadline.link))
		timer_start(&conn->conns->sniff_deadlines, &conn->sniff_deadline);
	return CONN_INSPECTING;
}

static enum conn_state read_client(struct conn *conn, size_t length)
{
	struct inspection *http = conn->http;
	bool is_body = http->request.is_in_body;
	size_t used;
	enum http_part part =
		http_framing_read(&http->request, waiting + http->seen, length - http->seen, &used);

	http->seen += used;
	if (part == HTTP_PART_BAD)
		return refuse_bad(conn);
	if (part == HTTP_PART_MORE && !is_body)
		return wait_for_head(conn);
	length = http->seen;
	http->seen = 0;
	if (part == HTTP_PART_HEAD) {
		timer_stop(&conn->sniff_deadline);
		return judge_head(conn, length);
	}
	conn->sent.allowance = length;
	http->exchange.is_sent = part == HTTP_PART_END;
	return CONN_INSPECTING;
}

static bool wants_client(const struct conn *conn)
{
	const struct inspection *http = conn->http;

	return conn->sent.allowance == 0 && !conn->sent.pipe && !http->is_tunnel &&
	       conn->client_end.can_read && !conn->client_end.has_ended &&
	       !(http->exchange.is_open && http->exchange.is_sent && !http->is_blind);
}

/* Bytes that wait, or 0: nothing to be done. *@state_out says how it goes on. */
static size_t peek(struct conn *conn, struct relay_end *end, enum conn_state *state_out)
{
	ssize_t got = recv(end->fd, waiting, sizeof(waiting), MSG_PEEK | MSG_DONTWAIT);

	*state_out = CONN_INSPECTING;
	if (got > 0)
		return (size_t)got;
	if (got == 0)
		end->has_ended = true;
	else if (errno == EAGAIN)
		end->can_read = false;
	else
		end->is_broken = true;
	if (end->is_broken)
		*state_out = conn_break_off(conn);
	return 0;
}

/* The answer may have ended: what the client says next needs another connection. */
static enum conn_state look_past_blind(struct conn *conn)
{
	enum conn_state state;

	if (peek(conn, &conn->client_end, &state) == 0)
		return state;
	return conn_fail(conn, REASON_UPSTREAM_FAILED, "the server's answer is no HTTP/1");
}

static enum conn_state look_at_client(struct conn *conn)
{
	enum conn_state state;
	size_t got;

	if (!wants_client(conn))
		return CONN_INSPECTING;
	if (conn->http->is_blind)
		return look_past_blind(conn);
	got = peek(conn, &conn->client_end, &state);
	if (got == 0)
		return state;
	if (got > conn->http->seen)
		return read_client(conn, got);
	return conn->http->seen > 0 ? wait_for_head(conn) : CONN_INSPECTING;
}

/* ---- the server's side ---- */

static enum conn_state open_tunnel(struct conn *conn)
{
	conn->http->is_tunnel = true;
	conn->sent.is_limited = conn->received.is_limited = false;
	return CONN_INSPECTING;
}

/*
 * Where the server leaves HTTP, nobody looks any further, so it has to be for what was asked for: a WebSocket, or a
 * tunnel that a rule with method=CONNECT allows. HTTP/2 ("h2c") would be requests unseen.
 */
static enum conn_state take_answer_head(struct conn *conn)
{
	struct inspection *http = conn->http;
	struct exchange *exchange = &http->exchange;
	unsigned status = http->response.status;
	bool is_connect = strcmp(exchange->method, "CONNECT") == 0;

	if (status == 101)
		return exchange->wants_websocket ? open_tunnel(conn)
						 : conn_deny(conn, REASON_UNINSPECTED, NULL);
	if (is_connect && status / 100 == 2)
		return open_tunnel(conn);
	if (status / 100 == 1)
		return CONN_INSPECTING; /* another one follows */
	switch ((enum http_body)http->response.body) {
	case HTTP_BODY_NONE:
		exchange->is_answered = true;
		break;
	case HTTP_BODY_LENGTH:
		conn->received.allowance += http->response.body_bytes;
		exchange->is_answered = true;
		break;
	case HTTP_BODY_TO_END:
		conn->received.is_limited = false;
		break;
	case HTTP_BODY_CHUNKED:
		break;
	}
	return CONN_INSPECTING;
}

static enum conn_state read_upstream(struct conn *conn, size_t length)
{
	struct inspection *http = conn->http;
	size_t used;
	enum http_part part = http_framing_read(&http->response, waiting, length, &used);

	conn->received.allowance = used;
	switch (part) {
	case HTTP_PART_BAD:
		http->is_blind = true;
		conn->received.is_limited = false;
		break;
	case HTTP_PART_HEAD:
		return take_answer_head(conn);
	case HTTP_PART_END:
		http->exchange.is_answered = true;
		break;
	case HTTP_PART_MORE:
		break;
	}
	return CONN_INSPECTING;
}

static bool wants_upstream(const struct conn *conn)
{
	return conn->received.is_limited && conn->received.allowance == 0 && !conn->received.pipe &&
	       conn->upstream_end.can_read && !conn->upstream_end.has_ended;
}

static enum conn_state look_at_upstream(struct conn *conn)
{
	enum conn_state state;
	size_t got;

	if (!wants_upstream(conn))
		return CONN_INSPECTING;
	got = peek(conn, &conn->upstream_end, &state);
	return got > 0 ? read_upstream(conn, got) : state;
}

/* ---- both ---- */

/* Both directions have delivered the last byte of it. */
static bool is_done(const struct conn *conn)
{
	const struct exchange *exchange = &conn->http->exchange;

	return exchange->is_open && exchange->is_sent &&
	       (exchange->is_answered || conn->received.is_finished) && conn->sent.allowance == 0 &&
	       !conn->sent.pipe && conn->received.allowance == 0 && !conn->received.pipe;
}

/* A client that is gone is not kept from the server; what it has asked for beside is not looked at yet. */
static void note_client_end(struct conn *conn)
{
	const struct exchange *exchange = &conn->http->exchange;
	char byte;

	if (!conn->http->is_tunnel && exchange->is_open && exchange->is_sent &&
	    conn->sent.allowance == 0 && !conn->sent.pipe && conn->client_end.has_hangup &&
	    recv(conn->client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		conn->client_end.has_ended = true;
}

static enum conn_state look(struct conn *conn)
{
	enum conn_state state = look_at_client(conn);

	if (state != CONN_INSPECTING)
		return state;
	note_client_end(conn);
	return look_at_upstream(conn);
}

static enum conn_state move(struct conn *conn)
{
	enum relay_result received = conn_carry(conn, &conn->received, &conn->upstream_end,
						&conn->client_end, &conn->sent);
	enum relay_result sent = RELAY_WAIT;

	if (received != RELAY_BROKEN)
		sent = conn_carry(conn, &conn->sent, &conn->client_end, &conn->upstream_end,
				  &conn->received);
	if (sent == RELAY_BROKEN || received == RELAY_BROKEN)
		return conn_break_off(conn);
	if (conn_is_finished(conn))
		return CONN_CLOSED;
	if (is_done(conn) && !record_exchange(conn))
		return conn_deny(conn, REASON_AUDIT_FAILED, NULL);
	return CONN_INSPECTING;
}

enum conn_state conn_inspect(struct conn *conn)
{
	for (int i = 0; i < ROUNDS_A_TURN; i++) {
		enum conn_state state = look(conn);

		if (state == CONN_INSPECTING)
			state = move(conn);
		if (state != CONN_INSPECTING || (!wants_client(conn) && !wants_upstream(conn)))
			return state;
	}
	task_queue(conn->conns->loop, &conn->turn);
	return CONN_INSPECTING;
}

/*
 * An urgent byte is left out of what is read, unless it is said to be one like all others; what is looked
 * at and what goes on must be the same from the first byte. The client's socket was born so.
 */
static void read_urgent_bytes(const struct conn *conn)
{
	int one = 1;

	(void)setsockopt(conn->upstream->fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
}

enum conn_state conn_begin_inspection(struct conn *conn)
{
	struct verdict verdict;

	conn->http = calloc(1, sizeof(*conn->http));
	if (!conn->http)
		return conn_fail(conn, REASON_LIMIT, "out of memory");
	read_urgent_bytes(conn);
	http_framing_init(&conn->http->request, false);
	http_framing_init(&conn->http->response, true);
	conn->protocol = SNIFF_HTTP1;
	conn->sent.is_limited = conn->received.is_limited = true;
	conn->is_judged = true;
	verdict = conn_judge_stream(conn);
	if (!verdict.is_allowed)
		return conn_deny_verdict(conn, &verdict);
	conn_allow(conn, &verdict);
	return conn_inspect(conn);
}

/* By a new policy: what was asked for, and is not answered yet. The connection itself is allowed. */
enum conn_state conn_judge_inspected(struct conn *conn)
{
	struct exchange *exchange = &conn->http->exchange;

	if (!exchange->is_open)
		return same(conn);
	exchange->verdict = judge_exchange(conn, exchange);
	return exchange->verdict.is_allowed ? same(conn)
					    : conn_deny_verdict(conn, &exchange->verdict);
}

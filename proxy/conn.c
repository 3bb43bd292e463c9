/*
 * One intercepted connection, as a state machine. See conn.h.
 *
 *   new -> [naming ->] resolving -> dialing -> [handshaking ->] sniffing -> relaying -> closed
 *                                                                      \-> inspecting [-> lingering]
 *
 * Naming is for a dummy address, which every name has: only the client can say whom it wants.
 * Handshaking is with an upstream proxy.
 *
 * Two things happen at once: the proxy dials upstream, and it looks at the client's first bytes
 * without taking them (conn->is_sniffed once that is known). Nothing of the client's goes
 * upstream before both are done and the two together are judged (conn->is_judged), but the
 * server's bytes are relayed as soon as it answers: in SSH, SMTP and MySQL the server speaks first
 * and the client waits for it.
 *
 * Inspecting takes the place of relaying where rules speak of HTTP requests: see inspecting.c.
 *
 * The moves themselves are in conn/: dialing.c, inspecting.c, judging.c, relaying.c, sniffing.c.
 *
 * One that comes in through a published port goes the other way: its client is outside, upstream is
 * the jail (inbound.h), and there is nothing to judge.
 */
#include "proxy/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/log.h"
#include "proxy/conn/moves.h"
#include "proxy/dns/answer.h"
#include "proxy/origdst.h"
#include "proxy/sniff/sniff.h"

#define SPARE_CONNS_MAX 64
#define WORD_MS		100 /* for the rest of a request line that was cut */
#define LINGER_MS	2000 /* for a client to read why it is denied */

const char *conn_name(const struct conn *conn)
{
	return conn->name_number == CONN_NO_NAME ? NULL
						 : names_get(conn->conns->names, conn->name_number);
}

/* Texts with their NUL, and an empty one at the end. */
int conn_remember_name(struct conn *conn, const char *name)
{
	size_t used = 0, size = strlen(name) + 1;
	char *grown;

	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1)
		used += strlen(at) + 1;
	grown = realloc(conn->other_names, used + size + 1);
	if (!grown)
		return -ENOMEM;
	conn->other_names = grown;
	*(char *)mempcpy(grown + used, name, size) = '\0';
	return 0;
}

bool conn_has_denied_name(const struct conn *conn, struct verdict *verdict_out)
{
	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1) {
		*verdict_out = policy_judge_name(conn->conns->policy, at, conn->port);
		if (verdict_out->reason == REASON_DENY_RULE)
			return true;
	}
	return false;
}

/* ---- ways to end ---- */

enum conn_state conn_deny(struct conn *conn, enum reason reason, const struct rule *rule)
{
	conn->is_allowed = false;
	conn->reason = (uint8_t)reason;
	conn->rule = rule;
	conn->want_reset = true;
	return CONN_CLOSED;
}

enum conn_state conn_deny_verdict(struct conn *conn, const struct verdict *verdict)
{
	return conn_deny(conn, verdict->reason, verdict->rule);
}

enum conn_state conn_fail(struct conn *conn, enum reason reason, const char *error)
{
	conn->reason = (uint8_t)reason;
	conn->error = error;
	conn->want_reset = true;
	return CONN_CLOSED;
}

enum conn_state conn_reset(struct conn *conn)
{
	conn->want_reset = true;
	return CONN_CLOSED;
}

void conn_allow(struct conn *conn, const struct verdict *verdict)
{
	conn->is_allowed = true;
	conn->reason = (uint8_t)verdict->reason;
	conn->rule = verdict->rule;
}

static void client_ready(void *owner, uint32_t events)
{
	struct conn *conn = owner;

	relay_note(&conn->client_end, events);
	conn_feed(conn, CONN_EV_CLIENT);
}

/* ---- the machine ---- */

/*
 * A client that has ended its side may have left bytes behind, unread so far: those are waited
 * for. One that is cut off in mid-stream must not look like an end of stream.
 */
static enum conn_state finish_up(struct conn *conn)
{
	struct relay_end *ours = conn_jail_end(conn);
	struct pollfd program = { .fd = ours->fd, .events = POLLIN | POLLPRI | POLLRDHUP };
	enum conn_state state;

	if (conn->conns->is_over || (conn->published && !conn->upstream))
		return conn->handshake ? conn_shook_too_long(conn) : conn_reset(conn);
	if (poll(&program, 1, 0) == 1)
		relay_note(ours, (uint32_t)program.revents); /* the same bits */
	if (conn->state == CONN_NAMING)
		state = conn_name_and_judge(conn);
	else
		state = conn_can_relay(conn) ? conn_sniff_and_relay(conn) : conn_peek(conn);
	if (state == CONN_CLOSED)
		return state;
	if (state == CONN_NAMING)
		return conn_give_up_naming(conn);
	return ours->has_hangup ? state : conn_reset(conn);
}

static conn_move_fn *const moves[CONN_STATES][CONN_EVENTS] = {
	[CONN_NEW] = {
		[CONN_EV_ACCEPTED]    = conn_judge_and_watch,
	},
	[CONN_NAMING] = {
		[CONN_EV_CLIENT]      = conn_name_and_judge,
		[CONN_EV_TURN]        = conn_name_and_judge,
		[CONN_EV_DEADLINE]    = conn_give_up_naming,
		[CONN_EV_POLICY]      = conn_name_and_judge,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_RESOLVING] = {
		[CONN_EV_CLIENT]      = conn_peek,
		[CONN_EV_RESOLVED]    = conn_choose_found,
		[CONN_EV_DEADLINE]    = conn_stop_waiting,
		[CONN_EV_POLICY]      = conn_start_again,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_DIALING] = {
		[CONN_EV_CLIENT]      = conn_peek,
		[CONN_EV_CONNECTED]   = conn_connected,
		[CONN_EV_DIAL_FAILED] = conn_dial_failed,
		[CONN_EV_DEADLINE]    = conn_stop_waiting,
		[CONN_EV_POLICY]      = conn_start_again,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_HANDSHAKING] = {
		[CONN_EV_CLIENT]      = conn_peek,
		[CONN_EV_UPSTREAM]    = conn_shake_hands,
		[CONN_EV_NO_ANSWER]   = conn_shook_too_long,
		[CONN_EV_DEADLINE]    = conn_stop_waiting,
		[CONN_EV_POLICY]      = conn_start_again,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_SNIFFING] = {
		[CONN_EV_CLIENT]      = conn_sniff_and_relay,
		[CONN_EV_UPSTREAM]    = conn_relay,
		[CONN_EV_TURN]        = conn_relay,
		[CONN_EV_DEADLINE]    = conn_stop_waiting,
		[CONN_EV_POLICY]      = conn_judge_open,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_RELAYING] = {
		[CONN_EV_CLIENT]      = conn_relay,
		[CONN_EV_UPSTREAM]    = conn_relay,
		[CONN_EV_TURN]        = conn_relay,
		[CONN_EV_POLICY]      = conn_judge_open,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_INSPECTING] = {
		[CONN_EV_CLIENT]      = conn_inspect,
		[CONN_EV_UPSTREAM]    = conn_inspect,
		[CONN_EV_TURN]        = conn_inspect,
		[CONN_EV_DEADLINE]    = conn_head_too_slow,
		[CONN_EV_POLICY]      = conn_judge_open,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_LINGERING] = {
		[CONN_EV_CLIENT]      = conn_linger,
		[CONN_EV_TURN]        = conn_linger,
		[CONN_EV_DEADLINE]    = conn_stop_lingering,
		[CONN_EV_POLICY]      = conn_forget_rule,
		[CONN_EV_STOP]        = conn_stop_lingering,
	},
	/* an empty cell cannot happen: conn_feed() logs it and closes the connection */
};

static const char *state_name(enum conn_state state)
{
	switch (state) {
	case CONN_NEW:
		return "new";
	case CONN_NAMING:
		return "naming";
	case CONN_RESOLVING:
		return "resolving";
	case CONN_DIALING:
		return "dialing";
	case CONN_HANDSHAKING:
		return "handshaking";
	case CONN_SNIFFING:
		return "sniffing";
	case CONN_RELAYING:
		return "relaying";
	case CONN_INSPECTING:
		return "inspecting";
	case CONN_LINGERING:
		return "lingering";
	case CONN_CLOSED:
		return "closed";
	case CONN_STATES:
		break;
	}
	return "?";
}

static void conn_close(struct conn *conn);

void conn_feed(struct conn *conn, enum conn_event event)
{
	conn_move_fn *move = moves[conn->state][event];
	enum conn_state next;

	if (move) {
		next = move(conn);
	} else {
		log_error("connection %u: event %d in state %s", conn->id, event,
			  state_name((enum conn_state)conn->state));
		next = conn_reset(conn);
	}
	if (next == (enum conn_state)conn->state)
		return;
	log_debug("connection %u: %s -> %s", conn->id, state_name((enum conn_state)conn->state),
		  state_name(next));
	conn->state = (uint8_t)next;
	if (next == CONN_CLOSED)
		conn_close(conn);
}

/* ---- the record ---- */

static void tell_failure(const struct audit_record *record)
{
	char text[ADDR_TEXT_MAX];
	bool is_v6 = !record->name && record->address->family == AF_INET6;

	log_info("%s%s%s:%u: %s: %s", is_v6 ? "[" : "",
		 record->name ? record->name : addr_format(record->address, text), is_v6 ? "]" : "",
		 record->port, reason_text(record->verdict.reason), record->error);
}

static void tell(const struct conn *conn, const struct audit_record *record)
{
	struct tell_denial denial = {
		.protocol = record->protocol,
		.name = record->name,
		.sni = record->sni,
		.address = record->name ? record->refused : record->address,
		.port = record->port,
		.method = record->method,
		.path = record->path,
		.verdict = record->verdict,
	};

	if (!record->verdict.is_allowed)
		tell_denied(conn->conns->tell, &denial);
	else if (record->error && record->address)
		tell_failure(record);
}

struct audit_record conn_record(const struct conn *conn)
{
	struct conns *conns = conn->conns;
	const char *sniffed_name = conn->has_sni ? conn_sniffed_name() : NULL;
	bool is_dummy = conns->dns_mode == DNS_DUMMY && dns_is_dummy(&conn->address);

	return (struct audit_record) {
		.protocol = sniff_protocol_name((enum sniff_protocol)conn->protocol),
		.name = is_dummy && sniffed_name ? sniffed_name : conn_name(conn),
		.sni = is_dummy ? NULL : sniffed_name, /* what contradicts the name */
		.address = conn->address.family ? &conn->address : NULL,
		.port = conn->port,
		.dialed = conn->dialed.family && !conn->is_refused ? &conn->dialed : NULL,
		.refused = conn->is_refused ? &conn->dialed : NULL,
	};
}

/* When the log stops, conns_shut() ends all that are open: this one is its caller's to end. */
bool conn_write_record(struct conn *conn, const struct audit_record *record)
{
	struct link *next = conn->link.next; /* NULL: it is closed already */
	int rc;

	link_remove(&conn->link);
	tell(conn, record);
	rc = audit_write(conn->conns->audit, record);
	if (next)
		link_append(rc < 0 ? &conn->conns->open : next, &conn->link);
	return rc == 0;
}

static void write_record(struct conn *conn)
{
	const struct relay_flow *out = conn_jail_flow(conn);
	const struct relay_flow *in = out == &conn->sent ? &conn->received : &conn->sent;
	struct audit_record record = conn_record(conn);

	record.verdict =
		(struct verdict) { conn->is_allowed, (enum reason)conn->reason, conn->rule };
	record.error = conn->error;
	record.published = conn->published ? conn->published->text : NULL;
	record.client = conn->peer.family ? &conn->peer : NULL;
	record.requests = conn_request_count(conn);
	record.bytes_sent = out->bytes;
	record.bytes_received = in->bytes;
	record.duration_ms = loop_now_ms(conn->conns->loop) - conn->opened_ms;
	(void)conn_write_record(conn, &record); /* when it stops, so do all: conns_shut() */
}

/* ---- birth and death ---- */

static struct conn *conn_new(struct conns *conns)
{
	struct conn *conn = conns->spare;

	if (!conn)
		return calloc(1, sizeof(*conn));
	conns->spare = conn->link.next ? CONTAINER_OF(conn->link.next, struct conn, link) : NULL;
	conns->spare_count--;
	memset(conn, 0, sizeof(*conn));
	return conn;
}

static void conn_free(struct conn *conn)
{
	struct conns *conns = conn->conns;

	if (conns->spare_count >= SPARE_CONNS_MAX) {
		free(conn);
		return;
	}
	conn->link.next = conns->spare ? &conns->spare->link : NULL;
	conns->spare = conn;
	conns->spare_count++;
}

static void want_reset_on_close(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* else it is a FIN */
}

static void conn_close(struct conn *conn)
{
	struct conns *conns = conn->conns;

	resolve_cancel(&conn->waiter);
	dial_cancel(&conn->dial);
	inbound_cancel(&conn->inbound);
	timer_stop(&conn->sniff_deadline);
	task_cancel(&conn->turn);
	pipes_stop_waiting(&conn->pipe_waiter);
	relay_drop(&conns->pipes, &conn->sent);
	relay_drop(&conns->pipes, &conn->received);
	if (conn->want_reset) {
		want_reset_on_close(conn->client->fd);
		if (conn->upstream)
			want_reset_on_close(conn->upstream->fd);
	}
	watch_close(conns->loop, &conn->client);
	watch_close(conns->loop, &conn->upstream);
	link_remove(&conn->link);
	conns->count--;
	conn_record_request(conn);
	write_record(conn);
	conn_free_inspection(conn);
	free(conn->other_names);
	upstream_handshake_free(&conn->handshake); /* conn->error may be in it */
	conn_free(conn);
	if (conns->is_ending && conns->count == 0)
		loop_stop(conns->loop);
}

static void take_turn(struct task *task)
{
	conn_feed(CONTAINER_OF(task, struct conn, turn), CONN_EV_TURN);
}

static void pipe_available(struct pipe_waiter *waiter)
{
	struct conn *conn = CONTAINER_OF(waiter, struct conn, pipe_waiter);

	task_queue(conn->conns->loop, &conn->turn);
}

static void sniff_expired(struct timer *timer)
{
	conn_feed(CONTAINER_OF(timer, struct conn, sniff_deadline), CONN_EV_DEADLINE);
}

/* Takes the socket, or closes it where there is no memory even for a record: NULL then. */
static struct conn *take_client(struct conns *conns, int client_fd)
{
	struct conn *conn = conn_new(conns);
	struct watch *client = conn ? watch_new(conns->loop, client_fd, client_ready, conn) : NULL;

	if (!client) {
		free(conn);
		want_reset_on_close(client_fd);
		(void)close(client_fd); /* as said above */
		return NULL;
	}
	conn->conns = conns;
	conn->client = client;
	conn->client_end.fd = client_fd;
	conn->waiter.resolved = conn_resolved;
	conn->turn.run = take_turn;
	conn->pipe_waiter.available = pipe_available;
	conn->name_number = CONN_NO_NAME;
	conn->opened_ms = loop_now_ms(conns->loop);
	conn->id = conns->opened++;
	link_append(&conns->open, &conn->link);
	conns->count++;
	return conn;
}

void conn_open(struct conns *conns, int client_fd, sa_family_t family)
{
	struct conn *conn = take_client(conns, client_fd);

	if (!conn)
		return;
	(void)origdst_read(client_fd, family, &conn->address, &conn->port); /* port 0: unknown */
	conn_feed(conn, CONN_EV_ACCEPTED);
}

void conn_open_published(struct conns *conns, int client_fd, const struct conn_published *published)
{
	struct conn *conn = take_client(conns, client_fd);
	struct sockaddr_storage peer = { 0 };
	socklen_t length = sizeof(peer);

	if (!conn)
		return;
	if (getpeername(client_fd, (struct sockaddr *)&peer, &length) == 0)
		(void)addr_from_sockaddr(&peer, &conn->peer, NULL); /* TCP: it is one */
	conn->published = published;
	conn->address = net_plan_host_addresses[0]; /* the jail's own loopback */
	conn->port = published->jail_port;
	conn_feed(conn, CONN_EV_ACCEPTED);
}

void conns_init(struct conns *conns, unsigned max, unsigned sniff_timeout_ms,
		unsigned connect_timeout_ms)
{
	conns->max = max;
	link_ring_init(&conns->open);
	pipes_init(&conns->pipes, max / 2 > 0 ? max / 2 : 1);
	dials_init(&conns->dials, conns->loop, connect_timeout_ms);
	timer_queue_init(conns->loop, &conns->handshake_deadlines, connect_timeout_ms,
			 conn_handshake_expired);
	timer_queue_init(conns->loop, &conns->sniff_deadlines, sniff_timeout_ms, sniff_expired);
	timer_queue_init(conns->loop, &conns->word_deadlines, WORD_MS, sniff_expired);
	timer_queue_init(conns->loop, &conns->linger_deadlines, LINGER_MS, sniff_expired);
}

/* Each connection may leave the ring, but takes no other with it. */
static void feed_all(struct conns *conns, enum conn_event event)
{
	struct link *link = conns->open.next;

	while (link != &conns->open && !conns->audit->has_failed) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);

		link = link->next;
		conn_feed(conn, event);
	}
}

unsigned conns_judge_again(struct conns *conns, const struct policy *policy)
{
	unsigned before = conns->count;

	conns->policy = policy;
	feed_all(conns, CONN_EV_POLICY);
	return before - conns->count;
}

void conns_end(struct conns *conns)
{
	conns->is_ending = true;
	feed_all(conns, CONN_EV_STOP);
	if (conns->count == 0)
		loop_stop(conns->loop);
}

void conns_close(struct conns *conns)
{
	conns->is_over = true;
	feed_all(conns, CONN_EV_STOP);
}

void conns_shut(struct conns *conns)
{
	struct link *link;

	while ((link = conns->open.next) != &conns->open) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);

		(void)conn_deny(conn, REASON_AUDIT_FAILED, NULL);
		conn->state = CONN_CLOSED;
		conn_close(conn);
	}
}

void conns_done(struct conns *conns)
{
	while (conns->spare) {
		struct conn *conn = conn_new(conns);

		free(conn);
	}
	pipes_done(&conns->pipes);
}

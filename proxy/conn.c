/*
 * One intercepted connection, as a state machine. See conn.h.
 *
 *   new -> resolving -> dialing -> sniffing -> relaying -> closed
 *
 * Two things happen at once: the proxy dials upstream, and it looks at the client's first bytes
 * without taking them (conn->is_judged once that is decided). Nothing of the client's goes
 * upstream before both are done, but the server's bytes are relayed as soon as it answers:
 * in SSH, SMTP and MySQL the server speaks first and the client waits for it.
 */
#include "proxy/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/log.h"
#include "policy/base/text.h"
#include "proxy/origdst.h"
#include "proxy/sniff/sniff.h"

#define SPARE_CONNS_MAX 64
#define NO_NUMBER	UINT32_MAX
#define WORD_MS		100 /* for the rest of a request line that was cut */

enum conn_state {
	CONN_NEW, /* accepted, nothing known; not watched */
	CONN_RESOLVING, /* name and port are allowed; the waiter waits for addresses */
	CONN_DIALING, /* dial is set; its addresses are allowed */
	CONN_SNIFFING, /* upstream is connected and its bytes flow; the client's wait */
	CONN_RELAYING, /* bytes flow both ways */
	CONN_CLOSED, /* over; the record is being written */
	CONN_STATES
};

enum conn_event {
	CONN_EV_ACCEPTED,
	CONN_EV_CLIENT, /* conn->client_end was updated */
	CONN_EV_UPSTREAM, /* conn->upstream_end was updated */
	CONN_EV_RESOLVED, /* conns' found.answer is valid */
	CONN_EV_CONNECTED, /* upstream is set */
	CONN_EV_DIAL_FAILED, /* error is set */
	CONN_EV_DEADLINE, /* the client began a protocol and did not go on */
	CONN_EV_TURN, /* more to relay */
	CONN_EV_STOP, /* conns_end() or conns_close() */
	CONN_EVENTS
};

struct conn {
	struct link link; /* in conns->open */
	struct conns *conns;
	struct watch *client; /* owned */
	struct watch *upstream; /* owned; set from CONN_SNIFFING on */
	struct dial *dial; /* owned; only in CONN_DIALING */
	struct resolve_waiter waiter; /* waits only in CONN_RESOLVING */
	struct timer sniff_deadline; /* runs while the client's bytes are not enough to judge */
	struct task turn;
	struct pipe_waiter pipe_waiter;
	struct relay_end client_end, upstream_end;
	struct relay_flow sent, received; /* client to upstream; upstream to client */
	const struct rule *rule; /* what decided last; the policy's */
	const char *error; /* why an allowed connection failed; static text */
	uint64_t opened_ms;
	uint32_t id; /* for debug messages */
	uint32_t name_number; /* NO_NUMBER: the client dialled an address */
	struct addr address; /* where the client wanted to go */
	struct addr dialed; /* where it was connected to, or is_refused; family 0 = nowhere */
	uint16_t port;
	uint8_t state; /* enum conn_state */
	uint8_t reason; /* enum reason */
	uint8_t protocol; /* enum sniff_protocol */
	bool is_allowed; /* as far as is known */
	bool is_judged; /* the client's bytes may go upstream */
	bool is_refused; /* dialed was resolved, but must not be dialled */
	bool is_overdue; /* the client had its time to go on */
	bool want_reset; /* close both sides with RST */
	bool has_sni; /* sniffed.name is this connection's; only while it is closed */
};

/* Shared by all connections, used within one event only; never touched in an idle proxy. */
static uint8_t peeked[SNIFF_BYTES_MAX];
static struct sniff_result sniffed;
static const struct resolve_answer *found; /* valid during CONN_EV_RESOLVED */

static void conn_feed(struct conn *conn, enum conn_event event);

static const char *name_of(const struct conn *conn)
{
	return conn->name_number == NO_NUMBER ? NULL
					      : names_get(conn->conns->names, conn->name_number);
}

/* ---- ways to end ---- */

static enum conn_state deny(struct conn *conn, enum reason reason, const struct rule *rule)
{
	conn->is_allowed = false;
	conn->reason = (uint8_t)reason;
	conn->rule = rule;
	conn->want_reset = true;
	return CONN_CLOSED;
}

static enum conn_state deny_verdict(struct conn *conn, const struct verdict *verdict)
{
	return deny(conn, verdict->reason, verdict->rule);
}

/* Allowed, but it came to nothing. */
static enum conn_state fail(struct conn *conn, enum reason reason, const char *error)
{
	conn->reason = (uint8_t)reason;
	conn->error = error;
	conn->want_reset = true;
	return CONN_CLOSED;
}

static enum conn_state reset(struct conn *conn)
{
	conn->want_reset = true;
	return CONN_CLOSED;
}

static void allow(struct conn *conn, const struct verdict *verdict)
{
	conn->is_allowed = true;
	conn->reason = (uint8_t)verdict->reason;
	conn->rule = verdict->rule;
}

/* ---- relaying ---- */

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
	return reset(conn);
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

static enum conn_state relay(struct conn *conn)
{
	enum relay_result received =
		carry(conn, &conn->received, &conn->upstream_end, &conn->client_end, &conn->sent);
	enum relay_result sent = RELAY_WAIT;

	if (conn->is_judged && received != RELAY_BROKEN)
		sent = carry(conn, &conn->sent, &conn->client_end, &conn->upstream_end,
			     &conn->received);
	if (sent == RELAY_BROKEN || received == RELAY_BROKEN)
		return break_off(conn);
	if (conn->sent.is_finished && (conn->received.is_finished || conn->conns->is_ending))
		return CONN_CLOSED;
	return conn->is_judged ? CONN_RELAYING : CONN_SNIFFING;
}

/* ---- sniffing ---- */

/* The name that the client's own bytes ask for must be the one that led here. */
static bool judge_sniffed(struct conn *conn, struct verdict *verdict_out)
{
	const char *name = name_of(conn);

	conn->protocol = (uint8_t)sniffed.protocol;
	if (!sniffed.has_name)
		return true;
	if (name) {
		*verdict_out = (struct verdict) { .reason = REASON_NAME_MISMATCH };
		return strcmp(name, sniffed.name) == 0;
	}
	/* A cidr= rule allowed the address, whatever its name; only a deny rule is stronger. */
	*verdict_out = policy_judge_name(conn->conns->policy, sniffed.name, conn->port);
	return verdict_out->reason != REASON_DENY_RULE;
}

/*
 * Bytes that are not enough to tell the protocol. A begun ClientHello must be judged or denied;
 * for all else the protocol is but a word in the audit log, and a program that sends "hello"
 * and waits is not kept waiting for it.
 */
static enum conn_state wait_for_more(struct conn *conn, size_t length)
{
	struct conns *conns = conn->conns;
	struct sniff_result unused;
	bool is_hello = sniff_tls(peeked, length, &unused) == SNIFF_MORE;
	bool is_all = length == sizeof(peeked) || conn->client_end.has_hangup;

	if (is_hello)
		conn->protocol = SNIFF_TLS; /* for the record, if nothing more comes */
	if (is_all && is_hello)
		return deny(conn, REASON_SNIFF_TIMEOUT, NULL);
	if (is_all || (conn->is_overdue && !is_hello)) {
		conn->is_judged = true;
		return (enum conn_state)conn->state;
	}
	conn->client_end.can_read = false; /* until more arrives */
	if (!link_is_in(&conn->sniff_deadline.link))
		timer_start(is_hello ? &conns->sniff_deadlines : &conns->word_deadlines,
			    &conn->sniff_deadline);
	return (enum conn_state)conn->state;
}

static enum conn_state judge_bytes(struct conn *conn, size_t length)
{
	struct verdict verdict;

	memset(&sniffed, 0, sizeof(sniffed));
	switch (sniff(peeked, length, &sniffed)) {
	case SNIFF_MORE:
		return wait_for_more(conn, length);
	case SNIFF_BAD:
		conn->protocol = (uint8_t)sniffed.protocol;
		conn->has_sni = sniffed.has_name;
		return deny(conn, sniffed.reason, NULL);
	case SNIFF_YES:
		if (judge_sniffed(conn, &verdict))
			break;
		conn->has_sni = true;
		return deny_verdict(conn, &verdict);
	case SNIFF_NO:
		break; /* sniff() never says so */
	}
	timer_stop(&conn->sniff_deadline);
	conn->is_judged = true;
	return (enum conn_state)conn->state;
}

/* Looks at the client's first bytes; the state stays unless they are the end of it. */
static enum conn_state peek(struct conn *conn)
{
	ssize_t got;

	if (conn->is_judged || !conn->client_end.can_read)
		return (enum conn_state)conn->state;
	got = recv(conn->client->fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT);
	if (got > 0)
		return judge_bytes(conn, (size_t)got);
	if (got == 0) {
		conn->is_judged = true; /* nothing will come that could need judging */
		return (enum conn_state)conn->state;
	}
	if (errno != EAGAIN)
		return reset(conn);
	conn->client_end.can_read = false;
	return (enum conn_state)conn->state;
}

static enum conn_state sniff_and_relay(struct conn *conn)
{
	enum conn_state state = peek(conn);

	return state == CONN_CLOSED ? state : relay(conn);
}

/* One more look; only a ClientHello is not let go without a verdict. */
static enum conn_state stop_waiting(struct conn *conn)
{
	enum conn_state state;

	conn->client_end.can_read = true;
	conn->is_overdue = true;
	state = peek(conn);
	if (state == CONN_CLOSED)
		return state;
	if (!conn->is_judged)
		return deny(conn, REASON_SNIFF_TIMEOUT, NULL);
	return conn->upstream ? relay(conn) : state;
}

/* ---- dialling ---- */

static void client_ready(void *owner, uint32_t events)
{
	struct conn *conn = owner;

	relay_note(&conn->client_end, events);
	conn_feed(conn, CONN_EV_CLIENT);
}

static void upstream_ready(void *owner, uint32_t events)
{
	struct conn *conn = owner;

	relay_note(&conn->upstream_end, events);
	conn_feed(conn, CONN_EV_UPSTREAM);
}

static void dial_done(void *owner, struct watch *watch, const struct dial_target *target,
		      uint32_t events, int error)
{
	struct conn *conn = owner;

	conn->dial = NULL;
	if (!watch) {
		conn->error = strerrordesc_np(error);
		conn_feed(conn, CONN_EV_DIAL_FAILED);
		return;
	}
	watch->ready = upstream_ready;
	watch->owner = conn;
	conn->upstream = watch;
	conn->upstream_end.fd = watch->fd;
	relay_note(&conn->upstream_end, events);
	conn->dialed = target->addr;
	conn->rule = target->rule;
	conn_feed(conn, CONN_EV_CONNECTED);
}

static enum conn_state dial_failed(struct conn *conn)
{
	return fail(conn, REASON_UPSTREAM_FAILED, conn->error);
}

static enum conn_state dial(struct conn *conn, const struct dial_target *targets, size_t count)
{
	int rc = dial_start(&conn->conns->dials, targets, count, conn->port, dial_done, conn,
			    &conn->dial);

	return rc < 0 ? fail(conn, REASON_UPSTREAM_FAILED, strerrordesc_np(-rc)) : CONN_DIALING;
}

/* ---- resolving ---- */

/* A name that is denied must not be reached under another one. */
static bool has_denied_alias(const struct conn *conn, const struct resolve_answer *answer,
			     struct verdict *verdict_out)
{
	for (size_t i = 0; i < answer->alias_count; i++) {
		*verdict_out =
			policy_judge_name(conn->conns->policy, answer->aliases[i], conn->port);
		if (verdict_out->reason == REASON_DENY_RULE)
			return true;
	}
	return false;
}

/* Dials those addresses of the answer that the policy allows. */
static enum conn_state choose(struct conn *conn, const struct resolve_answer *answer)
{
	struct dial_target targets[RESOLVE_ADDRESSES_MAX];
	struct verdict refused = { .reason = REASON_NO_RULE };
	size_t count = 0;

	if (answer->error)
		return fail(conn, REASON_RESOLVE_FAILED, answer->error);
	if (has_denied_alias(conn, answer, &refused))
		return deny_verdict(conn, &refused);
	for (size_t i = 0; i < answer->count; i++) {
		struct verdict verdict =
			policy_judge_address(conn->conns->policy, name_of(conn),
					     &answer->addresses[i], conn->port, answer->source);

		if (verdict.is_allowed) {
			targets[count++] =
				(struct dial_target) { answer->addresses[i], verdict.rule };
		} else {
			conn->dialed = answer->addresses[i]; /* for the record, if none is left */
			refused = verdict;
		}
	}
	if (count == 0) {
		conn->is_refused = true;
		return deny_verdict(conn, &refused);
	}
	conn->dialed.family = 0;
	return dial(conn, targets, count);
}

static void resolved(struct resolve_waiter *waiter, const struct resolve_answer *answer)
{
	found = answer;
	conn_feed(CONTAINER_OF(waiter, struct conn, waiter), CONN_EV_RESOLVED);
	found = NULL;
}

static enum conn_state choose_found(struct conn *conn)
{
	return choose(conn, found);
}

/* ---- judging ---- */

static enum conn_state judge_name(struct conn *conn)
{
	struct conns *conns = conn->conns;
	const char *name = name_of(conn);
	const struct resolve_answer *answer;
	struct verdict verdict;

	if (!name)
		return deny(conn, REASON_UNKNOWN_NAME, NULL);
	verdict = policy_judge_name(conns->policy, name, conn->port);
	if (!verdict.is_allowed)
		return deny_verdict(conn, &verdict);
	allow(conn, &verdict);
	answer = resolve(conns->resolver, conn->name_number, name, &conn->waiter);
	return answer ? choose(conn, answer) : CONN_RESOLVING;
}

static enum conn_state judge_raw_address(struct conn *conn)
{
	struct verdict verdict = policy_judge_address(conn->conns->policy, NULL, &conn->address,
						      conn->port, ADDR_FROM_CLIENT);
	struct dial_target target = { .addr = conn->address, .rule = verdict.rule };

	if (!verdict.is_allowed)
		return deny_verdict(conn, &verdict);
	allow(conn, &verdict);
	return dial(conn, &target, 1);
}

static enum conn_state judge(struct conn *conn)
{
	struct conns *conns = conn->conns;
	uint32_t number;
	int rc = net_plan_synthetic_index(&conn->address, &number);

	if (rc == 0)
		conn->name_number = number; /* first: every record has the name then */
	if (conns->audit->has_failed)
		return deny(conn, REASON_AUDIT_FAILED, NULL);
	if (conns->count > conns->max)
		return deny(conn, REASON_LIMIT, NULL);
	/* Without an original destination it was not redirected, so it was meant for us. */
	if (!conn->port ||
	    origdst_is_self(conns->plan, conn->client->fd, &conn->address, conn->port))
		return deny(conn, REASON_SELF, NULL);
	if (rc == -ERANGE)
		return deny(conn, REASON_UNKNOWN_NAME, NULL);
	return rc == 0 ? judge_name(conn) : judge_raw_address(conn);
}

static enum conn_state judge_and_watch(struct conn *conn)
{
	enum conn_state state = judge(conn);

	if (state != CONN_CLOSED && watch_start(conn->conns->loop, conn->client, RELAY_EVENTS) < 0)
		return fail(conn, REASON_LIMIT, "cannot watch the client's socket");
	return state;
}

/* ---- the machine ---- */

typedef enum conn_state conn_move_fn(struct conn *conn);

/*
 * A client that has ended its side may have left bytes behind, unread so far: those are waited
 * for. One that is cut off in mid-stream must not look like an end of stream.
 */
static enum conn_state finish_up(struct conn *conn)
{
	struct pollfd client = { .fd = conn->client->fd, .events = POLLIN | POLLRDHUP };
	enum conn_state state;

	if (conn->conns->is_over)
		return reset(conn);
	if (poll(&client, 1, 0) == 1)
		relay_note(&conn->client_end, (uint32_t)client.revents); /* the same bits */
	state = conn->upstream ? sniff_and_relay(conn) : peek(conn);
	if (state == CONN_CLOSED)
		return state;
	return conn->client_end.has_hangup ? state : reset(conn);
}

static conn_move_fn *const moves[CONN_STATES][CONN_EVENTS] = {
	[CONN_NEW] = {
		[CONN_EV_ACCEPTED]    = judge_and_watch,
	},
	[CONN_RESOLVING] = {
		[CONN_EV_CLIENT]      = peek,
		[CONN_EV_RESOLVED]    = choose_found,
		[CONN_EV_DEADLINE]    = stop_waiting,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_DIALING] = {
		[CONN_EV_CLIENT]      = peek,
		[CONN_EV_CONNECTED]   = sniff_and_relay,
		[CONN_EV_DIAL_FAILED] = dial_failed,
		[CONN_EV_DEADLINE]    = stop_waiting,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_SNIFFING] = {
		[CONN_EV_CLIENT]      = sniff_and_relay,
		[CONN_EV_UPSTREAM]    = relay,
		[CONN_EV_TURN]        = relay,
		[CONN_EV_DEADLINE]    = stop_waiting,
		[CONN_EV_STOP]        = finish_up,
	},
	[CONN_RELAYING] = {
		[CONN_EV_CLIENT]      = relay,
		[CONN_EV_UPSTREAM]    = relay,
		[CONN_EV_TURN]        = relay,
		[CONN_EV_STOP]        = finish_up,
	},
	/* an empty cell cannot happen: conn_feed() logs it and closes the connection */
};

static const char *state_name(enum conn_state state)
{
	switch (state) {
	case CONN_NEW:
		return "new";
	case CONN_RESOLVING:
		return "resolving";
	case CONN_DIALING:
		return "dialing";
	case CONN_SNIFFING:
		return "sniffing";
	case CONN_RELAYING:
		return "relaying";
	case CONN_CLOSED:
		return "closed";
	case CONN_STATES:
		break;
	}
	return "?";
}

static void conn_close(struct conn *conn);

/* The only place that changes a state. The connection may be gone when it returns. */
static void conn_feed(struct conn *conn, enum conn_event event)
{
	conn_move_fn *move = moves[conn->state][event];
	enum conn_state next;

	if (move) {
		next = move(conn);
	} else {
		log_error("connection %u: event %d in state %s", conn->id, event,
			  state_name((enum conn_state)conn->state));
		next = reset(conn);
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
		.verdict = record->verdict,
	};

	if (!record->verdict.is_allowed)
		tell_denied(conn->conns->tell, &denial);
	else if (record->error && record->address) /* without one nothing was allowed */
		tell_failure(record);
}

static void write_record(struct conn *conn)
{
	struct conns *conns = conn->conns;
	const struct audit_record record = {
		.protocol = sniff_protocol_name((enum sniff_protocol)conn->protocol),
		.name = name_of(conn),
		.sni = conn->has_sni ? sniffed.name : NULL,
		.address = conn->address.family ? &conn->address : NULL,
		.port = conn->port,
		.dialed = conn->dialed.family && !conn->is_refused ? &conn->dialed : NULL,
		.refused = conn->is_refused ? &conn->dialed : NULL,
		.verdict = { conn->is_allowed, (enum reason)conn->reason, conn->rule },
		.error = conn->error,
		.bytes_sent = conn->sent.bytes,
		.bytes_received = conn->received.bytes,
		.duration_ms = loop_now_ms(conns->loop) - conn->opened_ms,
	};

	tell(conn, &record);
	(void)audit_write(conns->audit, &record); /* when it stops, so do all: conns_shut() */
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
	write_record(conn);
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

void conn_open(struct conns *conns, int client_fd, sa_family_t family)
{
	struct conn *conn = conn_new(conns);
	struct watch *client = conn ? watch_new(conns->loop, client_fd, client_ready, conn) : NULL;

	if (!client) {
		free(conn);
		want_reset_on_close(client_fd);
		(void)close(client_fd); /* no memory even for a record */
		return;
	}
	conn->conns = conns;
	conn->client = client;
	conn->client_end.fd = client_fd;
	conn->waiter.resolved = resolved;
	conn->turn.run = take_turn;
	conn->pipe_waiter.available = pipe_available;
	conn->name_number = NO_NUMBER;
	conn->opened_ms = loop_now_ms(conns->loop);
	conn->id = conns->opened++;
	link_append(&conns->open, &conn->link);
	conns->count++;
	(void)origdst_read(client_fd, family, &conn->address, &conn->port); /* port 0: unknown */
	conn_feed(conn, CONN_EV_ACCEPTED);
}

void conns_init(struct conns *conns, unsigned max, unsigned sniff_timeout_ms,
		unsigned connect_timeout_ms)
{
	conns->max = max;
	link_ring_init(&conns->open);
	pipes_init(&conns->pipes, max / 2 > 0 ? max / 2 : 1);
	dials_init(&conns->dials, conns->loop, connect_timeout_ms);
	timer_queue_init(conns->loop, &conns->sniff_deadlines, sniff_timeout_ms, sniff_expired);
	timer_queue_init(conns->loop, &conns->word_deadlines, WORD_MS, sniff_expired);
}

/* Each connection may leave the ring, but takes no other with it. */
static void stop_all(struct conns *conns)
{
	struct link *link = conns->open.next;

	while (link != &conns->open && !conns->audit->has_failed) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);

		link = link->next;
		conn_feed(conn, CONN_EV_STOP);
	}
}

void conns_end(struct conns *conns)
{
	conns->is_ending = true;
	stop_all(conns);
	if (conns->count == 0)
		loop_stop(conns->loop);
}

void conns_close(struct conns *conns)
{
	conns->is_over = true;
	stop_all(conns);
}

void conns_shut(struct conns *conns)
{
	struct link *link;

	while ((link = conns->open.next) != &conns->open) {
		struct conn *conn = CONTAINER_OF(link, struct conn, link);

		(void)deny(conn, REASON_AUDIT_FAILED, NULL);
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

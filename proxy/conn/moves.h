/* What the files of a connection share: see proxy/conn.c. Private to proxy/conn*. */
#ifndef NSGATE_CONN_MOVES_H
#define NSGATE_CONN_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/conn.h"

#define CONN_NO_NAME UINT32_MAX

enum conn_state {
	CONN_NEW, /* accepted, nothing known; not watched */
	CONN_NAMING, /* the client's bytes must say the name; nothing is allowed or dialled yet */
	CONN_RESOLVING, /* name and port are allowed; the waiter waits for addresses, its own or
			   the upstream proxy's */
	CONN_DIALING, /* dial is set, and its addresses are allowed; or inbound is set */
	CONN_HANDSHAKING, /* upstream is connected to the upstream proxy; handshake is not done */
	CONN_SNIFFING, /* upstream is connected and its bytes flow; the client's wait */
	CONN_RELAYING, /* bytes flow both ways */
	CONN_INSPECTING, /* http is set: the client's bytes flow as far as its requests are allowed */
	CONN_LINGERING, /* a denial was answered and upstream is gone; waits until it was read */
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
	CONN_EV_NO_ANSWER, /* of the upstream proxy, in time */
	CONN_EV_DEADLINE, /* the client began a protocol and did not go on */
	CONN_EV_TURN, /* more to relay */
	CONN_EV_POLICY, /* conns->policy is a new one */
	CONN_EV_STOP, /* conns_end() or conns_close() */
	CONN_EVENTS
};

struct conn {
	struct link link; /* in conns->open */
	struct conns *conns;
	struct watch *client; /* owned */
	struct watch *upstream; /* owned; set from CONN_SNIFFING on */
	struct dial *dial; /* owned; only in CONN_DIALING */
	struct inbound *inbound; /* the same, where it goes into the jail */
	struct upstream_handshake *handshake; /* owned; until the upstream proxy lets us through */
	struct inspection *http; /* owned; from CONN_INSPECTING on, NULL else */
	const struct conn_published *published; /* what it came in through; NULL: from the jail */
	struct resolve_waiter waiter; /* waits only in CONN_RESOLVING */
	struct timer sniff_deadline; /* runs while the client's bytes are not enough to judge; from
				      * the start in CONN_NAMING */
	struct task turn;
	struct pipe_waiter pipe_waiter;
	struct relay_end client_end, upstream_end;
	struct relay_flow sent, received; /* client to upstream; upstream to client */
	const struct rule *rule; /* what decided last; the policy's */
	char *other_names; /* owned; see conn_remember_name(); NULL = none */
	const char *error; /* why an allowed connection failed; static text */
	uint64_t opened_ms;
	uint32_t id; /* for debug messages */
	uint32_t name_number; /* CONN_NO_NAME: the client dialled an address */
	struct addr address; /* where the client wanted to go */
	struct addr peer; /* who uses a published port; family 0 = unknown */
	struct addr dialed; /* where it was connected to, or is_refused; family 0 = nowhere */
	uint16_t port;
	uint8_t state; /* enum conn_state */
	uint8_t reason; /* enum reason */
	uint8_t protocol; /* enum sniff_protocol */
	uint8_t source; /* of @dialed: enum addr_source */
	bool is_allowed; /* as far as is known */
	bool is_proxied; /* an upstream proxy dials: dialed is its address */
	bool is_sniffed; /* what the client speaks is known, as far as it ever will be */
	bool is_cut; /* not enough came to tell: it may go on as HTTP */
	bool is_judged; /* the client's bytes may go upstream */
	bool is_refused; /* dialed was resolved, but must not be dialled */
	bool is_overdue; /* the client had its time to go on */
	bool want_reset; /* close both sides with RST */
	bool has_sni; /* sniffed.name is this connection's; only while it is closed */
};

/* The only place that changes a state. The connection may be gone when it returns. */
void conn_feed(struct conn *conn, enum conn_event event);

/* A move does what an event asks for, and returns the state to go on in. */
typedef enum conn_state conn_move_fn(struct conn *conn);

/* ---- proxy/conn.c: names, and ways to end ---- */

/* NULL: there is none. */
const char *conn_name(const struct conn *conn);

/*
 * Other names that the stream stands for: aliases on the way to its address, the SNI at a raw
 * address. Only deny rules matter to them. Returns 0 or -ENOMEM.
 */
int conn_remember_name(struct conn *conn, const char *name);

/* A name that is denied must not be reached under another one. */
bool conn_has_denied_name(const struct conn *conn, struct verdict *verdict_out);

/* What a record says of where the connection leads. The texts are the connection's. */
struct audit_record conn_record(const struct conn *conn);
/* Writes, and tells of a denial. False: it was lost, and the connection must not go on. */
bool conn_write_record(struct conn *conn, const struct audit_record *record);

void conn_allow(struct conn *conn, const struct verdict *verdict);
enum conn_state conn_deny(struct conn *conn, enum reason reason, const struct rule *rule);
enum conn_state conn_deny_verdict(struct conn *conn, const struct verdict *verdict);
/* Allowed, but it came to nothing. @error lives as long as the connection. */
enum conn_state conn_fail(struct conn *conn, enum reason reason, const char *error);
conn_move_fn conn_reset;

/* ---- relaying.c ---- */

/* Runs one direction, and passes its end on, unless both have ended: then close() does. */
enum relay_result conn_carry(struct conn *conn, struct relay_flow *flow, struct relay_end *from,
			     struct relay_end *to, const struct relay_flow *other);
/* One end is gone: what it had sent is delivered as far as it goes at once, then both end. */
conn_move_fn conn_break_off;
bool conn_is_finished(const struct conn *conn);

/* Judges what is spoken, once, and moves bytes both ways; upstream lets us. */
conn_move_fn conn_relay;

/* An upstream that has not let us through yet takes nothing of the client's. */
bool conn_can_relay(const struct conn *conn);

/* What a program sent before it exited is still to be delivered: its end, and its direction. */
struct relay_end *conn_jail_end(struct conn *conn);
const struct relay_flow *conn_jail_flow(const struct conn *conn);

/* ---- inspecting.c: requests of HTTP/1, judged one by one ---- */

/* Do rules speak of requests where it leads? */
struct http_need conn_http_need(const struct conn *conn);

conn_move_fn conn_begin_inspection; /* in place of conn_relay(), before any byte was passed on */
conn_move_fn conn_inspect, conn_head_too_slow, conn_judge_inspected;
conn_move_fn conn_linger, conn_stop_lingering, conn_forget_rule;

/* Writes the record of a request that is not complete, if there is one. */
void conn_record_request(struct conn *conn);
uint64_t conn_request_count(const struct conn *conn);
void conn_free_inspection(struct conn *conn);

/* ---- sniffing.c ---- */

/* Looks at the client's first bytes; the state stays unless they are the end of it. */
conn_move_fn conn_peek;
conn_move_fn conn_sniff_and_relay;
/* One more look; only a ClientHello is not let go without a verdict. */
conn_move_fn conn_stop_waiting;

/* The name in the bytes that the last look was at: of a connection with has_sni. */
const char *conn_sniffed_name(void);

/* ---- dialing.c ---- */

struct dial_target;

/* Dials @targets (copied) at once, in turn. */
enum conn_state conn_dial(struct conn *conn, const struct dial_target *targets, size_t count,
			  uint16_t port);
conn_move_fn conn_dial_failed, conn_connected;

/* The connection is allowed: asks the upstream proxy for it. @name is NULL for an address. */
enum conn_state conn_go_upstream(struct conn *conn, const char *name);
/* The upstream proxy's addresses: the administrator's word, not judged. */
enum conn_state conn_dial_upstream(struct conn *conn, const struct resolve_answer *answer);
conn_move_fn conn_shake_hands, conn_shook_too_long;
void conn_handshake_expired(struct timer *timer);

/* The administrator published the port; which program uses it, and what for, is not ours to ask. */
conn_move_fn conn_enter_jail;

/* ---- judging.c ---- */

conn_move_fn conn_judge_and_watch; /* one that was just accepted */
conn_move_fn conn_choose_found; /* its addresses are there */
conn_move_fn conn_name_and_judge, conn_give_up_naming; /* at a dummy address */
conn_move_fn conn_start_again, conn_judge_open; /* by a new policy */
void conn_resolved(struct resolve_waiter *waiter, const struct resolve_answer *answer);

/* What rules' addresses are compared with; NULL: an upstream proxy dials a name. */
const struct addr *conn_judged_address(const struct conn *conn);
/* Judges where it leads, under all of its names, and what is spoken as far as that is known. */
struct verdict conn_judge_stream(const struct conn *conn);
/* Judges one of the names that the address was given for. */
struct verdict conn_judge_given(const struct conn *conn, const struct given_name *given);
/* From here on the connection is to that name. Returns 0 or -ENOMEM. */
int conn_take_given(struct conn *conn, const struct given_name *given);

#endif

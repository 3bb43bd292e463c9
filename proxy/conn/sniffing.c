/* A connection whose client begins to speak. See proxy/conn.c. */
#include "proxy/conn/moves.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/sniff/sniff.h"

/* Shared by all connections, used within one event only; never touched in an idle proxy. */
static uint8_t peeked[SNIFF_BYTES_MAX];
static struct sniff_result sniffed;

const char *conn_sniffed_name(void)
{
	return sniffed.name;
}

/* Several names may share the address; the one that is asked for must be allowed itself. */
static bool judge_shared(struct conn *conn, struct verdict *verdict_out)
{
	struct conns *conns = conn->conns;
	size_t count;
	const struct given_name *given = given_find(conns->given, &conn->address, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names_get(conns->names, given[i].number), sniffed.name) != 0)
			continue;
		conn->name_number = given[i].number;
		conn->source = (uint8_t)given[i].source;
		*verdict_out = conn_judge_given(conn, &given[i]);
		return verdict_out->is_allowed;
	}
	*verdict_out = (struct verdict) { .reason = REASON_NAME_MISMATCH };
	return false;
}

/* From here on the connection is to that name; a denied one gets no number. */
static bool take_name(struct conn *conn, struct verdict *verdict_out)
{
	struct conns *conns = conn->conns;

	if (!sniffed.has_name)
		return true; /* conn_name_and_judge() denies it */
	*verdict_out = policy_judge_name(conns->policy, sniffed.name, conn->port);
	if (!verdict_out->is_allowed)
		return false;
	*verdict_out = (struct verdict) { .reason = REASON_POOL_EXHAUSTED };
	return names_number(conns->names, sniffed.name, &conn->name_number) == 0;
}

/* The name that the client's own bytes ask for must be one that led here. */
static bool judge_sniffed(struct conn *conn, struct verdict *verdict_out)
{
	const char *name = conn_name(conn);

	conn->protocol = (uint8_t)sniffed.protocol;
	if (conn->state == CONN_NAMING)
		return take_name(conn, verdict_out);
	if (!sniffed.has_name)
		return true;
	if (name &&
	    !names_are_synthetic(conn->conns->names, conn->name_number, conn->conns->dns_mode) &&
	    conn->conns->dns_mode == DNS_REAL)
		return judge_shared(conn, verdict_out);
	if (name) {
		*verdict_out = (struct verdict) { .reason = REASON_NAME_MISMATCH };
		return strcmp(name, sniffed.name) == 0;
	}
	/* A cidr= rule allowed the address, whatever its name; only a deny rule is stronger. */
	*verdict_out = (struct verdict) { .reason = REASON_LIMIT };
	return conn_remember_name(conn, sniffed.name) == 0 &&
	       !conn_has_denied_name(conn, verdict_out);
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
		return conn_deny(conn, REASON_SNIFF_TIMEOUT, NULL);
	if (is_all || (conn->is_overdue && !is_hello)) {
		conn->is_word = sniff_http1(peeked, length, &unused) == SNIFF_MORE;
		conn->is_sniffed = true;
		return (enum conn_state)conn->state;
	}
	conn->client_end.can_read = false; /* until more arrives */
	if (!link_is_in(&conn->sniff_deadline.link))
		timer_start(is_hello ? &conns->sniff_deadlines : &conns->word_deadlines,
			    &conn->sniff_deadline);
	return (enum conn_state)conn->state;
}

/* What the first bytes are, and, where nothing else says it, whom they are for. */
static enum sniff_state look(const struct conn *conn, size_t length)
{
	enum sniff_state state = sniff(peeked, length, &sniffed);

	if (conn->state == CONN_NAMING && state == SNIFF_YES && sniffed.protocol == SNIFF_HTTP1)
		state = sniff_http1_host(peeked, length, &sniffed);
	return state;
}

static enum conn_state judge_bytes(struct conn *conn, size_t length)
{
	struct verdict verdict;

	memset(&sniffed, 0, sizeof(sniffed));
	switch (look(conn, length)) {
	case SNIFF_MORE:
		return wait_for_more(conn, length);
	case SNIFF_BAD:
		conn->protocol = (uint8_t)sniffed.protocol;
		conn->has_sni = sniffed.has_name;
		return conn_deny(conn, sniffed.reason, NULL);
	case SNIFF_YES:
		if (judge_sniffed(conn, &verdict))
			break;
		conn->has_sni = true;
		return conn_deny_verdict(conn, &verdict);
	case SNIFF_NO:
		break; /* sniff() never says so */
	}
	timer_stop(&conn->sniff_deadline);
	conn->is_sniffed = true;
	return (enum conn_state)conn->state;
}

enum conn_state conn_peek(struct conn *conn)
{
	ssize_t got;

	if (conn->is_sniffed || !conn->client_end.can_read)
		return (enum conn_state)conn->state;
	got = recv(conn->client->fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT);
	if (got > 0)
		return judge_bytes(conn, (size_t)got);
	if (got == 0) {
		conn->is_sniffed = conn->is_judged =
			true; /* nothing will come that could need it */
		return (enum conn_state)conn->state;
	}
	if (errno != EAGAIN)
		return conn_reset(conn);
	conn->client_end.can_read = false;
	return (enum conn_state)conn->state;
}

enum conn_state conn_sniff_and_relay(struct conn *conn)
{
	enum conn_state state = conn_peek(conn);

	return state == CONN_CLOSED ? state : conn_relay(conn);
}

enum conn_state conn_stop_waiting(struct conn *conn)
{
	enum conn_state state;

	conn->client_end.can_read = true;
	conn->is_overdue = true;
	state = conn_peek(conn);
	if (state == CONN_CLOSED)
		return state;
	if (!conn->is_sniffed)
		return conn_deny(conn, REASON_SNIFF_TIMEOUT, NULL);
	return conn_can_relay(conn) ? conn_relay(conn) : state;
}

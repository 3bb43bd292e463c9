/*
 * A connection that is judged: when it begins, when its addresses are known, by a new policy. See
 * proxy/conn.c.
 */
#include "proxy/conn/moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/dns/answer.h"
#include "proxy/origdst.h"
#include "proxy/sniff/sniff.h"

static const struct resolve_answer *found; /* valid during CONN_EV_RESOLVED */

static enum scheme scheme_of(enum sniff_protocol protocol)
{
	switch (protocol) {
	case SNIFF_TLS:
		return SCHEME_TLS;
	case SNIFF_HTTP1:
	case SNIFF_HTTP2:
		return SCHEME_HTTP;
	case SNIFF_OPAQUE:
	case SNIFF_SSH:
	case SNIFF_PROTOCOLS:
		break;
	}
	return SCHEME_TCP;
}

const struct addr *conn_judged_address(const struct conn *conn)
{
	if (!conn->is_proxied)
		return &conn->dialed;
	return conn_name(conn) ? NULL : &conn->address;
}

/* Nobody can say that none of it is a request which a rule denies: text that no parser of ours takes
 * for HTTP may be HTTP to a server, and HTTP/2 is HTTP. */
static bool is_unreadable(const struct conn *conn)
{
	bool is_http = conn->protocol == SNIFF_HTTP1;
	bool may_be_http = conn->protocol == SNIFF_HTTP2 || conn->protocol == SNIFF_OPAQUE;
	struct http_need need;

	if (!conn->is_sniffed || conn->http || (!is_http && !may_be_http))
		return false;
	need = conn_http_need(conn);
	return need.may_deny || (is_http && need.may_allow);
}

static struct verdict judge_stream_as(const struct conn *conn, const char *name)
{
	const struct addr *addr = conn_judged_address(conn);
	enum addr_source source = (enum addr_source)conn->source;
	enum scheme scheme =
		conn->is_sniffed ? scheme_of((enum sniff_protocol)conn->protocol) : SCHEMES;
	struct verdict verdict;

	if (conn->http)
		scheme = SCHEMES; /* each request is judged */
	if (conn->is_cut && !conn->http) {
		verdict = policy_judge_stream(conn->conns->policy, name, addr, conn->port, source,
					      SCHEME_HTTP);
		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	return policy_judge_stream(conn->conns->policy, name, addr, conn->port, source, scheme);
}

struct verdict conn_judge_stream(const struct conn *conn)
{
	struct verdict verdict;

	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1) {
		verdict = judge_stream_as(conn, at);
		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	verdict = judge_stream_as(conn, conn_name(conn));
	if (verdict.is_allowed && is_unreadable(conn))
		return (struct verdict) { .reason = REASON_UNINSPECTED };
	return verdict;
}

struct verdict conn_judge_given(const struct conn *conn, const struct given_name *given)
{
	const struct policy *policy = conn->conns->policy;
	const struct names *names = conn->conns->names;
	const char *name = names_get(names, given->number);
	struct verdict verdict;

	for (uint32_t i = 0; i < given->alias_count; i++) {
		verdict = policy_judge_address(policy, names_get(names, given->aliases[i]),
					       &conn->address, conn->port, given->source);
		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	verdict = policy_judge_name(policy, name, conn->port);
	return verdict.is_allowed ? policy_judge_address(policy, name, &conn->address, conn->port,
							 given->source)
				  : verdict;
}

static void forget_names(struct conn *conn)
{
	free(conn->other_names);
	conn->other_names = NULL;
	conn->name_number = CONN_NO_NAME;
}

int conn_take_given(struct conn *conn, const struct given_name *given)
{
	forget_names(conn);
	conn->name_number = given->number;
	conn->source = (uint8_t)given->source;
	for (uint32_t i = 0; i < given->alias_count; i++) {
		int rc = conn_remember_name(conn, names_get(conn->conns->names, given->aliases[i]));

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* An address that the name led to: under any of its aliases it must not be denied, either. */
static struct verdict judge_found(const struct conn *conn, const struct addr *addr,
				  enum addr_source source)
{
	const struct policy *policy = conn->conns->policy;

	for (const char *at = conn->other_names; at && *at; at += strlen(at) + 1) {
		struct verdict verdict = policy_judge_address(policy, at, addr, conn->port, source);

		if (verdict.reason == REASON_DENY_RULE)
			return verdict;
	}
	return policy_judge_address(policy, conn_name(conn), addr, conn->port, source);
}

/* Dials those addresses of the answer that the policy allows. */
static enum conn_state choose(struct conn *conn, const struct resolve_answer *answer)
{
	struct dial_target targets[RESOLVE_ADDRESSES_MAX];
	struct verdict refused = { .reason = REASON_NO_RULE };
	size_t count = 0;

	if (conn->handshake)
		return conn_dial_upstream(conn, answer);
	if (answer->error)
		return conn_fail(conn, REASON_RESOLVE_FAILED, answer->error);
	for (size_t i = 0; i < answer->alias_count; i++) {
		if (conn_remember_name(conn, answer->aliases[i]) < 0)
			return conn_fail(conn, REASON_LIMIT, "out of memory");
	}
	if (conn_has_denied_name(conn, &refused))
		return conn_deny_verdict(conn, &refused);
	for (size_t i = 0; i < answer->count; i++) {
		struct verdict verdict = judge_found(conn, &answer->addresses[i], answer->source);

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
		return conn_deny_verdict(conn, &refused);
	}
	conn->dialed.family = 0;
	conn->source = (uint8_t)answer->source;
	return conn_dial(conn, targets, count, conn->port);
}

void conn_resolved(struct resolve_waiter *waiter, const struct resolve_answer *answer)
{
	found = answer;
	conn_feed(CONTAINER_OF(waiter, struct conn, waiter), CONN_EV_RESOLVED);
	found = NULL;
}

enum conn_state conn_choose_found(struct conn *conn)
{
	return choose(conn, found);
}

static enum conn_state judge_name(struct conn *conn)
{
	struct conns *conns = conn->conns;
	const char *name = conn_name(conn);
	const struct resolve_answer *answer;
	struct verdict verdict;
	bool is_proxied;

	if (!name)
		return conn_deny(conn, REASON_UNKNOWN_NAME, NULL);
	is_proxied = conns->upstream && strcmp(name, NET_PLAN_HOST_NAME) != 0;
	verdict = is_proxied ? policy_judge_proxied(conns->policy, name, conn->port)
			     : policy_judge_name(conns->policy, name, conn->port);
	if (!verdict.is_allowed)
		return conn_deny_verdict(conn, &verdict);
	conn_allow(conn, &verdict);
	if (is_proxied)
		return conn_go_upstream(conn, name);
	answer = resolve(conns->resolver, conn->name_number, name, &conn->waiter);
	return answer ? choose(conn, answer) : CONN_RESOLVING;
}

enum conn_state conn_name_and_judge(struct conn *conn)
{
	enum conn_state state = conn_peek(conn);

	task_cancel(&conn->turn); /* this was it; the next state may have no use for one */
	if (state == CONN_CLOSED || !conn->is_sniffed)
		return state;
	return conn->name_number == CONN_NO_NAME ? conn_deny(conn, REASON_NO_NAME, NULL)
						 : judge_name(conn);
}

/* It may be waiting for the server to speak, but for which one? */
enum conn_state conn_give_up_naming(struct conn *conn)
{
	return conn_deny(conn, REASON_SNIFF_TIMEOUT, NULL);
}

static enum conn_state wait_for_name(struct conn *conn)
{
	conn->reason = REASON_NO_NAME; /* should the client go away */
	timer_start(&conn->conns->sniff_deadlines, &conn->sniff_deadline);
	return CONN_NAMING;
}

static struct verdict judge_raw(const struct conn *conn)
{
	return policy_judge_address(conn->conns->policy, NULL, &conn->address, conn->port,
				    ADDR_FROM_CLIENT);
}

static enum conn_state judge_raw_address(struct conn *conn)
{
	struct verdict verdict = judge_raw(conn);
	struct dial_target target = { .addr = conn->address, .rule = verdict.rule };

	if (!verdict.is_allowed)
		return conn_deny_verdict(conn, &verdict);
	conn_allow(conn, &verdict);
	conn->source = ADDR_FROM_CLIENT;
	return conn->conns->upstream ? conn_go_upstream(conn, NULL)
				     : conn_dial(conn, &target, 1, conn->port);
}

/*
 * An address that was answered: it is dialled itself, for the first of its names that allows it.
 * Where none does, it may still be allowed as an address, but not against a deny rule.
 */
static enum conn_state judge_real_address(struct conn *conn)
{
	struct conns *conns = conn->conns;
	struct verdict refused = { .reason = REASON_NO_RULE };
	struct dial_target target = { .addr = conn->address };
	size_t count;
	const struct given_name *given = given_find(conns->given, &conn->address, &count);

	for (size_t i = 0; i < count; i++) {
		struct verdict verdict = conn_judge_given(conn, &given[i]);

		if (verdict.is_allowed) {
			target.rule = verdict.rule;
			conn_allow(conn, &verdict);
			return conn_take_given(conn, &given[i]) < 0
				       ? conn_fail(conn, REASON_LIMIT, "out of memory")
				       : conn_dial(conn, &target, 1, conn->port);
		}
		if (i == 0 || verdict.reason == REASON_DENY_RULE) {
			conn->name_number = given[i].number;
			refused = verdict;
		}
	}
	if (count == 0 || (refused.reason != REASON_DENY_RULE && judge_raw(conn).is_allowed)) {
		conn->name_number = CONN_NO_NAME;
		return judge_raw_address(conn);
	}
	return conn_deny_verdict(conn, &refused);
}

/* What kind of address it is depends on what names are answered with. */
static enum conn_state judge_address(struct conn *conn)
{
	switch (conn->conns->dns_mode) {
	case DNS_DUMMY:
		return dns_is_dummy(&conn->address) ? wait_for_name(conn) : judge_raw_address(conn);
	case DNS_REAL:
		return judge_real_address(conn);
	case DNS_SYNTHETIC:
	case DNS_MODES:
		break;
	}
	return judge_raw_address(conn);
}

static enum conn_state judge(struct conn *conn)
{
	struct conns *conns = conn->conns;
	uint32_t number;
	int rc = net_plan_synthetic_index(&conn->address, &number);

	/* else it is an address like any other */
	if (rc == 0 ? !names_are_synthetic(conns->names, number, conns->dns_mode)
		    : conns->dns_mode != DNS_SYNTHETIC)
		rc = -ENOENT;
	if (rc == 0)
		conn->name_number = number; /* first: every record has the name then */
	if (conns->audit->has_failed)
		return conn_deny(conn, REASON_AUDIT_FAILED, NULL);
	if (conns->count > conns->max)
		return conn_deny(conn, REASON_LIMIT, NULL);
	if (conn->published)
		return conn_enter_jail(conn);
	/* Without an original destination it was not redirected, so it was meant for us. */
	if (!conn->port ||
	    origdst_is_self(conns->plan, conn->client->fd, &conn->address, conn->port))
		return conn_deny(conn, REASON_SELF, NULL);
	if (rc == -ERANGE)
		return conn_deny(conn, REASON_UNKNOWN_NAME, NULL);
	return rc == 0 ? judge_name(conn) : judge_address(conn);
}

enum conn_state conn_judge_and_watch(struct conn *conn)
{
	enum conn_state state = judge(conn);

	if (state != CONN_CLOSED && watch_start(conn->conns->loop, conn->client, RELAY_EVENTS) < 0)
		return conn_fail(conn, REASON_LIMIT, "cannot watch the client's socket");
	return state;
}

/* Nothing is connected yet: from the start, also with what the client has said so far. */
enum conn_state conn_start_again(struct conn *conn)
{
	enum conn_state next;

	if (conn->published)
		return (enum conn_state)conn->state;
	resolve_cancel(&conn->waiter);
	dial_cancel(&conn->dial);
	upstream_handshake_free(&conn->handshake);
	watch_close(conn->conns->loop, &conn->upstream);
	timer_stop(&conn->sniff_deadline);
	forget_names(conn);
	conn->upstream_end = (struct relay_end) { 0 };
	conn->rule = NULL;
	conn->is_allowed = conn->is_proxied = false;
	conn->is_sniffed = conn->is_cut = conn->is_judged = false;
	conn->client_end.can_read = true;
	next = judge(conn);
	if (next == CONN_NAMING)
		task_queue(conn->conns->loop, &conn->turn); /* there may be no further event */
	return next;
}

enum conn_state conn_judge_open(struct conn *conn)
{
	struct verdict verdict;

	if (conn->published)
		return (enum conn_state)conn->state;
	verdict = conn_judge_stream(conn);
	if (!verdict.is_allowed)
		return conn_deny_verdict(conn, &verdict);
	conn_allow(conn, &verdict);
	return conn->http ? conn_judge_inspected(conn) : (enum conn_state)conn->state;
}

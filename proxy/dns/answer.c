/*
 * The gate's resolver. See answer.h.
 *
 * An allowed name is answered with an address of our own, everything else about it with "no such
 * record", a denied name with "no such name": nothing is forwarded, so nothing can be carried out
 * in a query, and HTTPS records cannot bring keys that would hide the name from us.
 *
 * Where the policy wants real addresses or records, the same is done twice: once to learn that they
 * are wanted, and once when they are there, so that no half-made answer has to be kept.
 */
#include "proxy/dns/answer.h"

#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/net_plan.h"
#include "policy/reason.h"
#include "proxy/dns/wire.h"

#define TYPE_SVCB   64 /* RFC 9460; glibc 2.36 has no name for them */
#define TYPE_HTTPS  65
#define NIBBLES	    32 /* of an IPv6 address */
#define DUMMY_TTL_S 1 /* boundary's */

static_assert(sizeof(((struct dns_decision *)0)->asked) == DNS_ASKED_SIZE, "one size for both");

/* One message on its way. */
struct exchange {
	const struct dns_rules *rules;
	const struct dns_found *found; /* NULL in the first round */
	struct dns_query query;
	struct dns_reply reply;
	struct dns_decision *decision;
};

static uint8_t decide(struct exchange *exchange, bool is_allowed, enum reason reason, uint8_t rcode)
{
	exchange->decision->verdict.is_allowed = is_allowed;
	exchange->decision->verdict.reason = reason;
	return rcode;
}

/* The name is there, but no record of this type. */
static uint8_t answer_empty(struct exchange *exchange)
{
	dns_reply_soa(&exchange->reply);
	return decide(exchange, true, REASON_EMPTY_TYPE, ns_r_noerror);
}

static uint8_t answer_no_name(struct exchange *exchange, enum reason reason)
{
	dns_reply_soa(&exchange->reply);
	return decide(exchange, false, reason, ns_r_nxdomain);
}

/* Has the jail a use for this type of address? */
static bool is_address_type(const struct exchange *exchange)
{
	return exchange->query.type == ns_t_a ||
	       (exchange->query.type == ns_t_aaaa && exchange->rules->want_ipv6);
}

/* "localhost" and everything below it is the jail itself, RFC 6761 section 6.3. */
static bool is_localhost(const char *name)
{
	static const char suffix[] = ".localhost";
	size_t length = strlen(name);

	if (strcmp(name, suffix + 1) == 0)
		return true;
	return length >= sizeof(suffix) &&
	       strcmp(name + length - (sizeof(suffix) - 1), suffix) == 0;
}

static uint8_t answer_localhost(struct exchange *exchange)
{
	struct addr addr = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };

	if (!is_address_type(exchange))
		return answer_empty(exchange);
	if (exchange->query.type == ns_t_aaaa)
		addr = (struct addr) { .family = AF_INET6, .bytes = { [15] = 1 } };
	dns_reply_address(&exchange->reply, &addr);
	return decide(exchange, true, REASON_ALLOW_RULE, ns_r_noerror);
}

/* Not now: it was not the rule's doing. */
static uint8_t answer_trouble(struct exchange *exchange, enum reason reason)
{
	dns_reply_clear(&exchange->reply);
	exchange->decision->verdict.rule = NULL;
	return decide(exchange, false, reason, ns_r_servfail);
}

/* ---- dns: dummy ---- */

static const struct addr dummy4 = { .family = AF_INET, .bytes = { 6, 6, 6, 6 } };
static const struct addr dummy6 = {
	.family = AF_INET6,
	.bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
};

bool dns_is_dummy(const struct addr *addr)
{
	return addr_equal(addr, &dummy4) || addr_equal(addr, &dummy6);
}

/* As boundary does it: the name is judged when the client says it again. */
static uint8_t answer_dummy(struct exchange *exchange)
{
	exchange->reply.is_authoritative = true;
	exchange->reply.ttl_s = DUMMY_TTL_S;
	if (is_address_type(exchange))
		dns_reply_address(&exchange->reply,
				  exchange->query.type == ns_t_a ? &dummy4 : &dummy6);
	return decide(exchange, true, REASON_DUMMY_ANSWER, ns_r_noerror);
}

/* ---- what upstream servers said ---- */

static uint8_t want(struct exchange *exchange, enum dns_want want)
{
	exchange->decision->want = want;
	return ns_r_servfail; /* of an answer that is not sent */
}

/* An allowed name without what was asked for. */
static uint8_t answer_nothing_found(struct exchange *exchange, enum lookup_status status,
				    const char *error)
{
	exchange->reply.ttl_s = RESOLVE_TTL_NEGATIVE_S;
	if (status == LOOKUP_NO_DATA)
		return answer_empty(exchange);
	if (status == LOOKUP_NO_NAME)
		dns_reply_soa(&exchange->reply);
	exchange->decision->error = error;
	return decide(exchange, true, REASON_RESOLVE_FAILED,
		      status == LOOKUP_NO_NAME ? ns_r_nxdomain : ns_r_servfail);
}

/* A name that is denied must not be reached under another one. */
static bool is_denied_alias(struct exchange *exchange, const char *alias)
{
	struct verdict verdict = policy_judge_query(exchange->rules->policy, alias);

	if (verdict.reason != REASON_DENY_RULE)
		return false;
	exchange->decision->verdict = verdict;
	return true;
}

/* A rule may deny an alias on one port, or later. Returns 0 or what names_number() fails with. */
static int note_aliases(struct exchange *exchange, const struct resolve_answer *answer,
			struct given_name *name)
{
	for (size_t i = 0; i < answer->alias_count; i++) {
		int rc = names_number(exchange->rules->names, answer->aliases[i],
				      &name->aliases[name->alias_count]);

		if (rc < 0)
			return rc;
		name->alias_count++;
	}
	return 0;
}

/* Records each address: from now on it may be dialled. Returns 0 or what given_add() fails with. */
static int give(struct exchange *exchange, const struct addr *addr, const struct given_name *name)
{
	sa_family_t family = exchange->query.type == ns_t_a ? AF_INET : AF_INET6;

	if (addr->family != family)
		return 0;
	dns_reply_address(&exchange->reply, addr);
	return given_add(exchange->rules->given, addr, name);
}

/* Those addresses that the policy does not refuse whatever the port. */
static uint8_t answer_addresses(struct exchange *exchange, const struct resolve_answer *answer)
{
	struct dns_decision *decision = exchange->decision;
	struct given_name name = { .number = decision->number, .source = answer->source };
	struct verdict refused = { .reason = REASON_NO_RULE };
	bool has_any = false;

	if (note_aliases(exchange, answer, &name) < 0)
		return answer_trouble(exchange, REASON_POOL_EXHAUSTED);
	exchange->reply.ttl_s = answer->ttl_s;
	for (size_t i = 0; i < answer->count; i++) {
		struct verdict verdict =
			policy_judge_answer(exchange->rules->policy, decision->name,
					    &answer->addresses[i], answer->source);

		if (!verdict.is_allowed) {
			refused = verdict;
			decision->refused =
				answer->addresses[i]; /* for the record, if none is left */
		} else if (give(exchange, &answer->addresses[i], &name) < 0) {
			return answer_trouble(exchange, REASON_POOL_EXHAUSTED);
		} else {
			has_any = true;
		}
	}
	if (!has_any) {
		decision->verdict = refused;
		return answer_no_name(exchange, refused.reason);
	}
	decision->refused.family = 0;
	if (dns_reply_is_empty(&exchange->reply))
		return answer_empty(exchange); /* the other family has some */
	return ns_r_noerror;
}

static uint8_t answer_resolved(struct exchange *exchange, const struct resolve_answer *answer)
{
	if (answer->error)
		return answer_nothing_found(exchange, answer->status, answer->error);
	for (size_t i = 0; i < answer->alias_count; i++) {
		if (is_denied_alias(exchange, answer->aliases[i]))
			return answer_no_name(exchange, REASON_DENY_RULE);
	}
	return answer_addresses(exchange, answer);
}

/* The jail is not led to names that it cannot have. */
static bool is_wanted(const struct exchange *exchange, const struct record *record)
{
	return record->text || !record->target[0] ||
	       policy_judge_query(exchange->rules->policy, record->target).is_allowed;
}

static uint8_t answer_records(struct exchange *exchange, const struct records *records)
{
	if (records->status != LOOKUP_OK)
		return answer_nothing_found(exchange, records->status, records->error);
	exchange->reply.ttl_s = resolve_keep_ms((int)records->ttl_s, records->count) / 1000;
	for (size_t i = 0; i < records->count; i++) {
		if (is_wanted(exchange, &records->list[i]))
			dns_reply_record(&exchange->reply, exchange->query.type, &records->list[i]);
	}
	return dns_reply_is_empty(&exchange->reply) ? answer_empty(exchange) : ns_r_noerror;
}

static uint8_t answer_found_records(struct exchange *exchange, const struct records *records)
{
	for (size_t i = 0; i < records->alias_count; i++) {
		if (is_denied_alias(exchange, records->aliases[i]))
			return answer_no_name(exchange, REASON_DENY_RULE);
	}
	return answer_records(exchange, records);
}

/* ---- an allowed name ---- */

/* Is this a type that the policy wants looked up? */
static bool is_record_type(const struct exchange *exchange)
{
	static const struct {
		uint16_t type;
		unsigned bit;
	} rows[] = {
		{ ns_t_srv, DNS_TYPE_SRV },
		{ ns_t_mx, DNS_TYPE_MX },
		{ ns_t_txt, DNS_TYPE_TXT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type == exchange->query.type)
			return exchange->rules->types & rows[i].bit;
	}
	return false;
}

static uint8_t answer_real(struct exchange *exchange)
{
	if (!exchange->found)
		return want(exchange, DNS_WANT_ADDRESSES);
	if (!exchange->found->addresses)
		return answer_trouble(exchange, REASON_LIMIT);
	return answer_resolved(exchange, exchange->found->addresses);
}

static uint8_t answer_type(struct exchange *exchange)
{
	if (!is_record_type(exchange))
		return answer_empty(exchange);
	if (!exchange->found)
		return want(exchange, DNS_WANT_RECORDS);
	if (!exchange->found->records)
		return answer_trouble(exchange, REASON_LIMIT);
	return answer_found_records(exchange, exchange->found->records);
}

static uint8_t answer_allowed(struct exchange *exchange)
{
	uint32_t *number = &exchange->decision->number;
	struct addr addr;

	if (!is_address_type(exchange))
		return answer_type(exchange);
	/* no number left and no memory are the same to the jail: not now, and never a wrong one */
	if (names_number(exchange->rules->names, exchange->decision->name, number) < 0)
		return answer_trouble(exchange, REASON_POOL_EXHAUSTED);
	if (!names_are_synthetic(exchange->rules->names, *number, exchange->rules->mode))
		return answer_real(exchange);
	addr = exchange->query.type == ns_t_a ? net_plan_synthetic4(*number)
					      : net_plan_synthetic6(*number);
	dns_reply_address(&exchange->reply, &addr);
	return ns_r_noerror;
}

/* ---- reverse names ---- */

/* "4.3.2.1.in-addr.arpa". Returns 0 or -EINVAL. */
static int parse_reverse4(const char *name, struct addr *addr_out)
{
	char text[ADDR_TEXT_MAX];
	unsigned int part[4];
	int end = 0; /* stays 0 when the literal end does not match */

	if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", part, part + 1, part + 2, part + 3,
		   &end) != 4 ||
	    end == 0 || name[end] != '\0')
		return -EINVAL;
	(void)snprintf(text, sizeof(text), "%u.%u.%u.%u", part[3], part[2], part[1], part[0]);
	return addr_parse(text, addr_out);
}

/* 32 nibbles, the last one first, and "ip6.arpa". Returns 0 or -EINVAL. */
static int parse_reverse6(const char *name, struct addr *addr_out)
{
	static const char suffix[] = "ip6.arpa";
	char text[ADDR_TEXT_MAX] = "";
	size_t used = 0;

	if (strlen(name) != NIBBLES * 2 + sizeof(suffix) - 1 ||
	    strcmp(name + NIBBLES * 2, suffix) != 0)
		return -EINVAL;
	for (size_t nibble = NIBBLES; nibble-- > 0;) {
		if (name[2 * nibble + 1] != '.')
			return -EINVAL;
		text[used++] = name[2 * nibble];
		if (nibble % 4 == 0 && nibble > 0)
			text[used++] = ':';
	}
	return addr_parse(text, addr_out);
}

static bool is_reverse(const char *name, struct addr *addr_out)
{
	return parse_reverse4(name, addr_out) == 0 || parse_reverse6(name, addr_out) == 0;
}

/* The number of a name that the address was handed out for. Returns 0 or -ENOENT. */
static int number_of(const struct dns_rules *rules, const struct addr *addr, uint32_t *number_out)
{
	const struct given_name *given;
	size_t count;

	if (net_plan_synthetic_index(addr, number_out) == 0 &&
	    names_are_synthetic(rules->names, *number_out, rules->mode))
		return 0;
	if (rules->mode != DNS_REAL)
		return -ENOENT;
	given = given_find(rules->given, addr, &count);
	if (!given)
		return -ENOENT;
	*number_out = given->number;
	return 0;
}

/*
 * Which name stands for the address? A number has one exactly when it was handed out; its name was
 * allowed then. No other reverse name exists here.
 */
static uint8_t answer_reverse(struct exchange *exchange, const struct addr *addr)
{
	const char *name = NULL;
	uint32_t number;

	if (number_of(exchange->rules, addr, &number) == 0)
		name = names_get(exchange->rules->names, number);
	if (!name)
		return answer_no_name(exchange, REASON_UNKNOWN_NAME);
	exchange->decision->verdict = policy_judge_query(exchange->rules->policy, name);
	if (!exchange->decision->verdict.is_allowed)
		return answer_no_name(exchange, exchange->decision->verdict.reason);
	dns_reply_pointer(&exchange->reply, name);
	return ns_r_noerror;
}

static uint8_t answer_host(struct exchange *exchange)
{
	struct dns_decision *decision = exchange->decision;
	struct addr addr;

	if (exchange->query.type == ns_t_ptr && is_reverse(decision->name, &addr))
		return answer_reverse(exchange, &addr);
	decision->verdict = policy_judge_query(exchange->rules->policy, decision->name);
	if (!decision->verdict.is_allowed)
		return answer_no_name(exchange, decision->verdict.reason);
	return answer_allowed(exchange);
}

static uint8_t answer_name(struct exchange *exchange)
{
	const struct dns_query *query = &exchange->query;
	char *name = exchange->decision->name;
	bool is_host = !query->has_dotted_label &&
		       name_canonical(query->name, query->name_length, name) == 0;

	if (is_host && is_localhost(name))
		return answer_localhost(exchange);
	if (exchange->rules->mode == DNS_DUMMY)
		return answer_dummy(exchange);
	if (query->name_length == 0) /* "no such name" of the root would deny every name below */
		return decide(exchange, false, REASON_BAD_NAME, ns_r_refused);
	return is_host ? answer_host(exchange) : answer_no_name(exchange, REASON_BAD_NAME);
}

/* How much the client takes: RFC 6891 section 6.2.5 counts less than 512 as 512. */
static size_t reply_limit(const struct dns_query *query, bool is_tcp)
{
	if (is_tcp)
		return DNS_TCP_SIZE;
	if (!query->has_edns || query->edns_size < DNS_UDP_SIZE)
		return DNS_UDP_SIZE;
	return query->edns_size < DNS_EDNS_SIZE ? query->edns_size : DNS_EDNS_SIZE;
}

static size_t finish(struct exchange *exchange, uint8_t rcode)
{
	const struct verdict *verdict = &exchange->decision->verdict;
	char why[64];

	exchange->decision->rcode = rcode;
	if (verdict->is_allowed && rcode != ns_r_servfail)
		return dns_reply_end(&exchange->reply, rcode, 0, NULL);
	(void)snprintf(why, sizeof(why), "nsgate: %s", reason_code(verdict->reason));
	return dns_reply_end(&exchange->reply, rcode,
			     rcode == ns_r_nxdomain ? DNS_EDE_BLOCKED : DNS_EDE_OTHER, why);
}

size_t dns_answer(const struct dns_rules *rules, const uint8_t *query, size_t length, bool is_tcp,
		  const struct dns_found *found, uint8_t *answer_out,
		  struct dns_decision *decision_out)
{
	struct exchange exchange = { .rules = rules, .found = found };
	uint8_t rcode;

	memset(decision_out, 0, sizeof(*decision_out));
	exchange.decision = decision_out;
	(void)decide(&exchange, false, REASON_BAD_QUERY, ns_r_formerr);
	decision_out->rcode = ns_r_formerr;
	/* an answer to an answer could go on for ever */
	if (length < DNS_HEADER_SIZE || query[2] & 0x80)
		return 0;
	rcode = dns_query_parse(query, length, &exchange.query);
	decision_out->type = exchange.query.type;
	memcpy(decision_out->asked, exchange.query.asked, sizeof(decision_out->asked));
	dns_reply_begin(&exchange.reply, &exchange.query, answer_out,
			reply_limit(&exchange.query, is_tcp));
	if (rcode == ns_r_noerror)
		rcode = answer_name(&exchange);
	return decision_out->want == DNS_WANT_NOTHING ? finish(&exchange, rcode) : 0;
}

const char *dns_type_name(uint16_t type, char out[16])
{
	static const struct {
		uint16_t type;
		const char *name;
	} rows[] = {
		{ ns_t_a, "A" },	 { ns_t_ns, "NS" },	  { ns_t_cname, "CNAME" },
		{ ns_t_soa, "SOA" },	 { ns_t_null, "NULL" },	  { ns_t_ptr, "PTR" },
		{ ns_t_hinfo, "HINFO" }, { ns_t_mx, "MX" },	  { ns_t_txt, "TXT" },
		{ ns_t_aaaa, "AAAA" },	 { ns_t_srv, "SRV" },	  { ns_t_naptr, "NAPTR" },
		{ ns_t_ds, "DS" },	 { ns_t_rrsig, "RRSIG" }, { ns_t_dnskey, "DNSKEY" },
		{ ns_t_tlsa, "TLSA" },	 { TYPE_SVCB, "SVCB" },	  { TYPE_HTTPS, "HTTPS" },
		{ ns_t_axfr, "AXFR" },	 { ns_t_any, "ANY" },	  { ns_t_caa, "CAA" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type == type) {
			(void)snprintf(out, 16, "%s", rows[i].name);
			return out;
		}
	}
	(void)snprintf(out, 16, "TYPE%u", (unsigned int)type);
	return out;
}

/*
 * The gate's resolver. See answer.h.
 *
 * An allowed name is answered with an address of our own, everything else about it with "no such
 * record", a denied name with "no such name": nothing is forwarded, so nothing can be carried out
 * in a query, and HTTPS records cannot bring keys that would hide the name from us.
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

#define TYPE_SVCB  64 /* RFC 9460; glibc 2.36 has no name for them */
#define TYPE_HTTPS 65
#define NIBBLES	   32 /* of an IPv6 address */

static_assert(sizeof(((struct dns_decision *)0)->asked) == DNS_ASKED_SIZE, "one size for both");

/* One message on its way. */
struct exchange {
	const struct policy *policy;
	struct names *names;
	bool want_ipv6;
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
	       (exchange->query.type == ns_t_aaaa && exchange->want_ipv6);
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

static uint8_t answer_address(struct exchange *exchange)
{
	struct addr addr;
	uint32_t number;

	if (!is_address_type(exchange))
		return answer_empty(exchange);
	/* no number left and no memory are the same to the jail: not now, and never a wrong one */
	if (names_number(exchange->names, exchange->decision->name, &number) < 0) {
		exchange->decision->verdict.rule = NULL; /* it was not the rule's doing */
		return decide(exchange, false, REASON_POOL_EXHAUSTED, ns_r_servfail);
	}
	addr = exchange->query.type == ns_t_a ? net_plan_synthetic4(number)
					      : net_plan_synthetic6(number);
	dns_reply_address(&exchange->reply, &addr);
	return ns_r_noerror;
}

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

/*
 * Which name stands for the address? A number has one exactly when it was handed out, and then
 * its name is allowed. No other reverse name exists here.
 */
static uint8_t answer_reverse(struct exchange *exchange, const struct addr *addr)
{
	const char *name = NULL;
	uint32_t number;

	if (net_plan_synthetic_index(addr, &number) == 0)
		name = names_get(exchange->names, number);
	if (!name)
		return answer_no_name(exchange, REASON_UNKNOWN_NAME);
	exchange->decision->verdict = policy_judge_query(exchange->policy, name);
	dns_reply_pointer(&exchange->reply, name);
	return ns_r_noerror;
}

static uint8_t answer_name(struct exchange *exchange)
{
	struct dns_query *query = &exchange->query;
	struct dns_decision *decision = exchange->decision;
	struct addr addr;

	if (query->name_length == 0) /* "no such name" of the root would deny every name below */
		return decide(exchange, false, REASON_BAD_NAME, ns_r_refused);
	if (query->has_dotted_label ||
	    name_canonical(query->name, query->name_length, decision->name) < 0)
		return answer_no_name(exchange, REASON_BAD_NAME);
	if (is_localhost(decision->name))
		return answer_localhost(exchange);
	if (query->type == ns_t_ptr && is_reverse(decision->name, &addr))
		return answer_reverse(exchange, &addr);
	decision->verdict = policy_judge_query(exchange->policy, decision->name);
	if (!decision->verdict.is_allowed)
		return answer_no_name(exchange, decision->verdict.reason);
	return answer_address(exchange);
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
	if (verdict->is_allowed)
		return dns_reply_end(&exchange->reply, rcode, 0, NULL);
	(void)snprintf(why, sizeof(why), "nsgate: %s", reason_code(verdict->reason));
	return dns_reply_end(&exchange->reply, rcode,
			     rcode == ns_r_nxdomain ? DNS_EDE_BLOCKED : DNS_EDE_OTHER, why);
}

size_t dns_answer(const struct policy *policy, struct names *names, bool want_ipv6,
		  const uint8_t *query, size_t length, bool is_tcp, uint8_t *answer_out,
		  struct dns_decision *decision_out)
{
	struct exchange exchange = { .policy = policy, .names = names, .want_ipv6 = want_ipv6 };
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
	return finish(&exchange, rcode);
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

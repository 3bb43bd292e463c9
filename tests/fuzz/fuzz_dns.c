/*
 * The resolver. What holds for every message:
 * - no answer to less than a header or to an answer; else one that libc can parse, with the
 *   query's id, within the size the client takes;
 * - an address is one of ours: the number of the name that was asked, or the jail's own loopback
 *   for localhost; a reverse name is one that was handed out;
 * - a denied name has no address, and gets no number;
 * - what was asked is printable;
 * - a dummy wants nothing from upstream; with real addresses and records, only an allowed name
 *   makes anybody ask, and of the addresses that come the private one is not passed on.
 */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/net_plan.h"
#include "proxy/dns/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 8

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static void names_release(struct names **names)
{
	names_free(*names);
}

static bool is_localhost(const char *name)
{
	static const char suffix[] = "localhost";
	size_t length = strlen(name);

	return length >= strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

static bool is_loopback(const uint8_t *bytes, size_t length)
{
	static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
	static const uint8_t loopback6[16] = { [15] = 1 };

	return memcmp(bytes, length == 4 ? loopback4 : loopback6, length) == 0;
}

static void check_address(const struct names *names, const struct dns_decision *decision,
			  ns_rr record)
{
	struct addr addr = { 0 };
	const char *name;
	uint32_t number;

	addr.family = ns_rr_type(record) == ns_t_a ? AF_INET : AF_INET6;
	must(ns_rr_rdlen(record) == (addr.family == AF_INET ? 4 : 16), "an address has its length");
	memcpy(addr.bytes, ns_rr_rdata(record), ns_rr_rdlen(record));
	if (is_localhost(decision->name) && is_loopback(addr.bytes, ns_rr_rdlen(record)))
		return;
	must(net_plan_synthetic_index(&addr, &number) == 0, "an address is one of ours");
	name = names_get(names, number);
	must(name && strcmp(name, decision->name) == 0, "an address belongs to the name asked");
}

static void check_pointer(const struct policy *policy, const struct names *names, ns_msg parsed,
			  ns_rr record)
{
	char text[NS_MAXDNAME];
	bool is_known = false;

	must(ns_name_uncompress(ns_msg_base(parsed), ns_msg_end(parsed), ns_rr_rdata(record), text,
				sizeof(text)) > 0,
	     "a reverse name can be read");
	must(policy_judge_query(policy, text).is_allowed, "a reverse name is an allowed one");
	for (uint32_t i = 0; i < NAMES; i++)
		is_known =
			is_known || (names_get(names, i) && strcmp(names_get(names, i), text) == 0);
	must(is_known, "a reverse name was handed out");
}

static void check_records(const struct policy *policy, const struct names *names,
			  const struct dns_decision *decision, ns_msg parsed)
{
	must(decision->verdict.is_allowed || ns_msg_count(parsed, ns_s_an) == 0,
	     "a denial has no answer");
	for (int section = ns_s_an; section < ns_s_max; section++) {
		for (int i = 0; i < ns_msg_count(parsed, (ns_sect)section); i++) {
			ns_rr record;

			must(ns_parserr(&parsed, (ns_sect)section, i, &record) == 0,
			     "each record can be parsed");
			if (ns_rr_type(record) == ns_t_a || ns_rr_type(record) == ns_t_aaaa)
				check_address(names, decision, record);
			else if (ns_rr_type(record) == ns_t_ptr)
				check_pointer(policy, names, parsed, record);
			else
				must(section != ns_s_an, "answers are addresses and names");
		}
	}
}

static void check_decision(const struct policy *policy, const struct names *names,
			   const struct dns_decision *decision)
{
	for (const char *byte = decision->asked; *byte; byte++)
		must(*byte >= 0x20 && *byte < 0x7f, "what was asked is printable");
	for (uint32_t i = 0; i < NAMES && names_get(names, i); i++)
		must(policy_judge_query(policy, names_get(names, i)).is_allowed,
		     "only allowed names have a number");
	must(decision->verdict.is_allowed == (decision->verdict.reason == REASON_ALLOW_RULE ||
					      decision->verdict.reason == REASON_EMPTY_TYPE),
	     "verdict and reason agree");
}

static void ask(const struct policy *policy, struct names *names, const uint8_t *query, size_t size,
		bool is_tcp)
{
	const struct dns_rules rules = { .policy = policy, .names = names, .want_ipv6 = true };
	size_t limit = is_tcp ? DNS_TCP_SIZE : DNS_EDNS_SIZE;
	uint8_t *out AUTO(heap_release) = malloc(limit);
	struct dns_decision decision;
	ns_msg parsed;
	size_t length;

	must(out != NULL, "memory for the answer");
	length = dns_answer(&rules, query, size, is_tcp, NULL, out, &decision);
	check_decision(policy, names, &decision);
	must((length == 0) == (size < 12 || (query[2] & 0x80)), "each query has an answer");
	if (length == 0)
		return;
	must(length <= 512, "no answer needs more than any client takes");
	must(ns_initparse(out, (int)length, &parsed) == 0, "the answer can be parsed");
	must(memcmp(out, query, 2) == 0, "the answer keeps the id");
	must(ns_msg_getflag(parsed, ns_f_qr) && !ns_msg_getflag(parsed, ns_f_tc), "it is whole");
	must(ns_msg_getflag(parsed, ns_f_rcode) == (decision.rcode & 15), "the rcode is as said");
	check_records(policy, names, &decision, parsed);
}

/* The second round: what a query wanted is there. */
static void ask_found(const struct dns_rules *rules, const uint8_t *query, size_t size,
		      const struct dns_found *found)
{
	uint8_t *out AUTO(heap_release) = malloc(DNS_TCP_SIZE);
	struct dns_decision decision;
	ns_msg parsed;
	size_t length;

	must(out != NULL, "memory for the answer");
	length = dns_answer(rules, query, size, true, found, out, &decision);
	must(decision.want == DNS_WANT_NOTHING, "what was found is enough");
	must(ns_initparse(out, (int)length, &parsed) == 0, "the answer can be parsed");
	must(decision.verdict.is_allowed || ns_msg_count(parsed, ns_s_an) == 0,
	     "a denial has no answer");
	for (int i = 0; i < ns_msg_count(parsed, ns_s_an); i++) {
		ns_rr record;

		must(ns_parserr(&parsed, ns_s_an, i, &record) == 0, "each record can be parsed");
		must(ns_rr_type(record) == ns_t_a &&
			     memcmp(ns_rr_rdata(record), "\x5d\xb8\xd8\x22", 4) == 0,
		     "an address is the public one that came");
	}
}

static void ask_mode(struct dns_rules *rules, enum dns_mode mode, const uint8_t *query, size_t size)
{
	static const struct resolve_answer addresses = {
		.count = 2,
		.addresses = { { AF_INET, { 93, 184, 216, 34 } }, { AF_INET, { 10, 0, 0, 1 } } },
	};
	uint8_t *out AUTO(heap_release) = malloc(DNS_EDNS_SIZE);
	struct dns_decision decision;
	static const struct records records = { .status = LOOKUP_NO_DATA };
	static const struct dns_found found = { .addresses = &addresses, .records = &records };

	must(out != NULL, "memory for the answer");
	rules->mode = mode;
	(void)dns_answer(rules, query, size, false, NULL, out, &decision);
	if (decision.want == DNS_WANT_NOTHING)
		return;
	must(mode == DNS_REAL, "a dummy wants nothing");
	must(policy_judge_query(rules->policy, decision.name).is_allowed,
	     "only an allowed name is asked for");
	ask_found(rules, query, size, &found);
}

static void given_release(struct given **given)
{
	given_free(*given);
}

static void ask_modes(const struct policy *policy, struct names *names, const uint8_t *query,
		      size_t size)
{
	struct given *given AUTO(given_release) = given_new();
	struct dns_rules rules = {
		.policy = policy,
		.names = names,
		.given = given,
		.types = DNS_TYPE_SRV | DNS_TYPE_MX | DNS_TYPE_TXT,
		.want_ipv6 = true,
	};

	must(given != NULL, "memory for the addresses");
	ask_mode(&rules, DNS_DUMMY, query, size);
	ask_mode(&rules, DNS_REAL, query, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *query AUTO(heap_release) = malloc(size ? size : 1);
	struct names *names AUTO(names_release) = names_new(NAMES);
	struct policy policy AUTO(policy_done);
	struct err err;
	uint32_t number;

	policy_init(&policy);
	must(query && names, "memory for the query");
	must(policy_allow(&policy, "domain=*.example.org", place_of("fuzz"), &err) == 0 &&
		     policy_allow(&policy, "domain=ok.test", place_of("fuzz"), &err) == 0 &&
		     policy_deny(&policy, "domain=no.example.org", place_of("fuzz"), &err) == 0 &&
		     policy_compile(&policy, &err) == 0,
	     "the rules are fine");
	must(names_number(names, "a.example.org", &number) == 0, "memory for a name");
	if (size)
		memcpy(query, data, size);
	ask(&policy, names, query, size, false);
	ask(&policy, names, query, size, true);
	ask_modes(&policy, names, query, size);
	return 0;
}

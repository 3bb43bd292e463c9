/*
 * Records of an upstream's answer. What holds for every message, and each type:
 * - names are canonical, texts stand in the message and their strings add up;
 * - an answer made of them can be parsed, and leads to no name that the policy denies.
 */
#include <arpa/nameser.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "proxy/dns/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "a.test"

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static void check_name(const char *name)
{
	char canonical[NAME_SIZE];

	must(!name[0] || (name_canonical(name, strlen(name), canonical) == 0 &&
			  strcmp(name, canonical) == 0),
	     "a name is canonical, or the root");
}

static void check_record(const uint8_t *message, size_t size, const struct record *record)
{
	size_t at = 0;

	check_name(record->target);
	if (!record->text)
		return;
	must(record->text >= message && record->text + record->text_length <= message + size,
	     "a text stands in the message");
	while (at < record->text_length)
		at += 1u + record->text[at];
	must(at == record->text_length, "strings add up");
}

static void check_answer(const struct dns_rules *rules, uint16_t type,
			 const struct records *records)
{
	const uint8_t query[] = { 1, 2, 1,   0, 0,   1,	  0,   0,   0, 0, 0,
				  0, 1, 'a', 4, 't', 'e', 's', 't', 0, 0, (uint8_t)type,
				  0, 1 };
	const struct dns_found found = { .records = records };
	uint8_t *out AUTO(heap_release) = malloc(DNS_TCP_SIZE);
	struct dns_decision decision;
	ns_msg parsed;
	size_t length;

	must(out != NULL, "memory for the answer");
	length = dns_answer(rules, query, sizeof(query), true, &found, out, &decision);
	must(ns_initparse(out, (int)length, &parsed) == 0, "the answer can be parsed");
	for (int i = 0; i < ns_msg_count(parsed, ns_s_an); i++) {
		char text[NS_MAXDNAME];
		ns_rr record;

		must(ns_parserr(&parsed, ns_s_an, i, &record) == 0, "each record can be parsed");
		must(ns_rr_type(record) == type, "each record is of the type asked for");
		if (type == ns_t_txt)
			continue;
		must(ns_name_uncompress(ns_msg_base(parsed), ns_msg_end(parsed),
					ns_rr_rdata(record) + (type == ns_t_srv ? 6 : 2), text,
					sizeof(text)) > 0,
		     "a target can be read");
		must(strcmp(text, ".") == 0 || policy_judge_query(rules->policy, text).is_allowed,
		     "a target is an allowed name");
	}
}

static void names_release(struct names **names)
{
	names_free(*names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { ns_t_mx, ns_t_srv, ns_t_txt };
	uint8_t *message AUTO(heap_release) = malloc(size ? size : 1);
	struct names *names AUTO(names_release) = names_new(1);
	struct policy policy AUTO(policy_done);
	struct dns_rules rules = { .policy = &policy, .names = names, .types = ~0u };
	struct records records;
	struct err err;

	policy_init(&policy);
	must(message && names, "memory for the message");
	must(policy_allow(&policy, "domain=" NAME, place_of("fuzz"), &err) == 0 &&
		     policy_allow(&policy, "domain=b.test", place_of("fuzz"), &err) == 0 &&
		     policy_compile(&policy, &err) == 0,
	     "the rules are fine");
	if (size)
		memcpy(message, data, size);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		records_parse(message, size, NAME, types[i], &records);
		must((records.status == LOOKUP_OK) == !records.error, "a failure has a reason");
		must(records.status != LOOKUP_OK || records.count > 0, "success has records");
		for (size_t j = 0; j < records.count; j++)
			check_record(message, size, &records.list[j]);
		for (size_t j = 0; j + 1 < records.alias_count; j++)
			check_name(records.aliases[j]);
		check_answer(&rules, types[i], &records);
	}
	return 0;
}

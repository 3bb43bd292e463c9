/*
 * Rules. What holds for every input:
 * - a refusal names a column inside the rule, in printable text, and leaves an empty rule behind;
 * - an accepted text parses to the same rule again, also with blanks behind it and also when it
 *   is written anew from the parsed fields;
 * - only cidr= (or a literal) opens a raw address;
 * - a rule that is allowed and denied is denied.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static bool same_blocks(const struct rule *a, const struct rule *b)
{
	if (a->block_count != b->block_count)
		return false;
	for (size_t i = 0; i < a->block_count; i++) {
		if (!addr_equal(&a->blocks[i].base, &b->blocks[i].base) ||
		    a->blocks[i].prefix != b->blocks[i].prefix)
			return false;
	}
	return true;
}

static bool same_ports(const struct rule *a, const struct rule *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++) {
		if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
			return false;
	}
	return true;
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return !a->domain == !b->domain && a->has_address == b->has_address &&
	       (!a->domain || strcmp(a->domain, b->domain) == 0) && same_ports(a, b) &&
	       same_blocks(a, b);
}

/* The rule's text from its fields. The caller frees it. */
static char *write_rule(const struct rule *rule)
{
	char address[ADDR_BLOCK_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(out != NULL, "memory for the text");
	if (rule->domain)
		(void)fprintf(out, "domain=%s ", rule->domain);
	if (rule->has_address)
		(void)fprintf(out, "domain=%s ", addr_format(&rule->blocks[0].base, address));
	for (size_t i = 0; i < rule->port_count; i++)
		(void)fprintf(out, "%s%u-%u", i ? "," : "port=", rule->ports[i].first,
			      rule->ports[i].last);
	for (size_t i = 0; i < rule->block_count && !rule->has_address; i++)
		(void)fprintf(out, "%s%s",
			      i ? "," : " cidr=", addr_block_format(&rule->blocks[i], address));
	(void)fclose(out);
	if (text[0] == ' ')
		memmove(text, text + 1, strlen(text));
	return text;
}

static void must_reparse(const struct rule *rule, const char *text, const char *property)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule again;
	struct err err;

	must(rule_parse(text, "again", &arena, &again, &err) == 0, property);
	must(same_rule(rule, &again), property);
}

static void check_refusal(const char *text, const struct rule *rule, const struct err *err)
{
	static const char prefix[] = "fuzz: column ";
	unsigned long column;

	must(err->code == EINVAL && strncmp(err->text, prefix, strlen(prefix)) == 0,
	     "a refusal names origin and column");
	column = strtoul(err->text + strlen(prefix), NULL, 10);
	must(column >= 1 && column <= strlen(text) + 1, "the column lies inside the rule");
	for (const char *byte = err->text; *byte; byte++)
		must(*byte == '\n' || (*byte >= 0x20 && *byte < 0x7f), "a message is printable");
	must(!rule->text && !rule->origin && !rule->ports && !rule->blocks,
	     "a refused rule is empty");
}

static void check_verdicts(const char *text, const struct rule *rule)
{
	struct addr addr = { .family = AF_INET, .bytes = { 93, 184, 216, 34 } };
	char name[NAME_SIZE] = "some.name";
	struct policy policy AUTO(policy_done);
	uint16_t port = rule->ports ? rule->ports[0].first : 443;
	struct err err;

	policy_init(&policy);
	must(policy_allow(&policy, text, "fuzz", &err) == 0 && policy_compile(&policy, &err) == 0,
	     "an accepted rule can be kept");
	if (rule->domain) {
		(void)strcpy(name, rule->domain);
		for (char *star = name; (star = strchr(star, '*'));)
			*star = 'x';
	}
	if (rule->blocks)
		addr = rule->blocks[0].base;
	must(policy_judge_address(&policy, NULL, &addr, port, ADDR_FROM_CLIENT).is_allowed ==
		     (rule->blocks && !rule->domain),
	     "only a rule of addresses opens a raw address");
	must(policy_judge_name(&policy, name, port).is_allowed == (rule->domain || !rule->blocks),
	     "a rule allows the name it is made of");
	must(policy_deny(&policy, text, "fuzz", &err) == 0 && policy_compile(&policy, &err) == 0,
	     "an accepted rule can be kept");
	must(!policy_judge_address(&policy, name, &addr, port, ADDR_FROM_DNS).is_allowed &&
		     !policy_judge_address(&policy, NULL, &addr, port, ADDR_FROM_CLIENT).is_allowed,
	     "deny beats allow");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO(heap_release) = strndup((const char *)data, size);
	char *padded AUTO(heap_release) = NULL;
	char *written AUTO(heap_release) = NULL;
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule;
	struct err err = { 0 };

	must(text != NULL, "memory for the text");
	if (rule_parse(text, "fuzz", &arena, &rule, &err) < 0) {
		check_refusal(text, &rule, &err);
		return 0;
	}
	must(strcmp(rule.text, text) == 0, "the text is kept as written");
	must_reparse(&rule, rule.text, "the text parses to the same rule");
	must(asprintf(&padded, "%s \t", text) > 0, "memory for the text");
	must_reparse(&rule, padded, "blanks behind a rule change nothing");
	written = write_rule(&rule);
	must_reparse(&rule, written, "the fields written out parse to the same rule");
	check_verdicts(text, &rule);
	return 0;
}

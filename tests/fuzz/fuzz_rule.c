/*
 * Rules, in both dialects. What holds for every input:
 * - a refusal names a column inside the rule, in printable text, and leaves an empty rule behind;
 * - an accepted text parses to the same rule again, also with blanks behind it and also when it
 *   is written anew from the parsed fields;
 * - only cidr= (or a literal) opens a raw address;
 * - a rule that is allowed and denied is denied;
 * - of what a rule says of HTTP, all is needed: another method or path is not allowed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/name.h"
#include "policy/policy.h"
#include "policy/request.h"

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

static bool same_texts(const char *a, const char *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, a += strlen(a) + 1, b += strlen(b) + 1) {
		if (strcmp(a, b) != 0)
			return false;
	}
	return true;
}

static bool same_http(const struct rule_http *a, const struct rule_http *b)
{
	if (!a || !b)
		return !a && !b;
	return a->schemes == b->schemes && a->method_count == b->method_count &&
	       a->path_count == b->path_count &&
	       same_texts(a->methods, b->methods, a->method_count) &&
	       same_texts(a->paths, b->paths, a->path_count);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return !a->domain == !b->domain && a->has_address == b->has_address &&
	       (!a->domain || strcmp(a->domain, b->domain) == 0) && same_ports(a, b) &&
	       same_blocks(a, b) && same_http(a->http, b->http);
}

/* A compiled path as a rule is written: whatever must not stand there as it is, encoded. */
static void write_path(FILE *out, const char *path, enum rule_dialect dialect)
{
	(void)fputs(*path ? "" : "/", out);
	for (; *path; path++) {
		bool is_plain = dialect == RULE_BOUNDARY || strchr("/*-._~", *path) ||
				(*path >= 'a' && *path <= 'z') || (*path >= '0' && *path <= '9');

		(void)(is_plain ? fputc(*path, out) : fprintf(out, "%%%02X", (unsigned char)*path));
	}
}

static void write_http(FILE *out, const struct rule_http *http, enum rule_dialect dialect)
{
	const char *method = http->methods, *path = http->paths;

	for (unsigned i = 0, count = 0; i < SCHEMES; i++) {
		if (http->schemes & 1 << i)
			(void)fprintf(out, "%s%s",
				      count++ ? "," : "scheme=", scheme_name((enum scheme)i));
	}
	(void)fputs(http->schemes ? " " : "", out);
	for (uint32_t i = 0; i < http->method_count; i++, method += strlen(method) + 1)
		(void)fprintf(out, "%s%s", i ? "," : "method=", method);
	(void)fputs(http->method_count ? " " : "", out);
	for (uint32_t i = 0; i < http->path_count; i++, path += strlen(path) + 1) {
		(void)fputs(i ? "," : "path=", out);
		write_path(out, path, dialect);
	}
	(void)fputs(http->path_count ? " " : "", out);
}

/* The rule's text from its fields. The caller frees it. */
static char *write_rule(const struct rule *rule, enum rule_dialect dialect)
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
	(void)fputs(rule->ports ? " " : "", out);
	for (size_t i = 0; i < rule->block_count && !rule->has_address; i++)
		(void)fprintf(out, "%s%s",
			      i ? "," : "cidr=", addr_block_format(&rule->blocks[i], address));
	(void)fputs(rule->blocks ? " " : "", out);
	if (rule->http)
		write_http(out, rule->http, dialect);
	(void)fclose(out);
	return text;
}

static void must_reparse(const struct rule *rule, const char *text, enum rule_dialect dialect,
			 const char *property)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule again;
	struct err err;

	must(rule_parse(text, place_of("again"), dialect, &arena, &again, &err) == 0, property);
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
	must(!rule->text && !rule->origin && !rule->ports && !rule->blocks && !rule->http,
	     "a refused rule is empty");
}

/* A request that the rule is made for, as far as HTTP goes; paths[] is its buffer. */
static void make_request(const struct rule *rule, struct request *request, char path[])
{
	const struct rule_http *http = rule->http;
	const char *method = http && http->methods ? http->methods : "GET";

	request->method = *method ? method : "GET";
	request->path = path;
	request->scheme = SCHEME_HTTPS;
	for (unsigned i = 0; http && i < SCHEMES; i++) {
		if (http->schemes & 1 << i)
			request->scheme = (enum scheme)i;
	}
	(void)strcpy(path, http && http->paths && *http->paths ? http->paths : "/");
}

/* The host is the rule's own, and so is all else but what is broken here. */
static void check_requests(const struct policy *policy, const struct rule *rule,
			   struct request *request, bool is_expected)
{
	const struct rule_http *http = rule->http;
	bool has_path = http && http->paths && !http->warning;

	must(policy_judge_request(policy, request).is_allowed == is_expected,
	     "a rule allows the request it is made of");
	request->path = NULL;
	must(!has_path || !policy_judge_request(policy, request).is_allowed,
	     "a rule of paths needs one");
	request->method = NULL;
	must(!(http && http->methods) || !policy_judge_request(policy, request).is_allowed,
	     "a rule of methods needs one");
}

static void check_verdicts(const char *text, const struct rule *rule, enum rule_dialect dialect)
{
	struct addr addr = { .family = AF_INET, .bytes = { 93, 184, 216, 34 } };
	char *path AUTO(heap_release) = malloc(strlen(text) + 2);
	uint16_t port = rule->ports ? rule->ports[0].first : 443;
	struct policy policy AUTO(policy_done);
	struct request request = { .port = port };
	char name[NAME_SIZE + 2] = "some.name", canonical[NAME_SIZE];
	bool is_named = rule->domain || !rule->blocks, is_name;
	struct err err;

	must(path != NULL, "memory for a path");
	policy_init(&policy);
	policy.dialect = dialect;
	must(policy_allow(&policy, text, place_of("fuzz"), &err) == 0 &&
		     policy_compile(&policy, &err) == 0,
	     "an accepted rule can be kept");
	if (rule->domain) {
		(void)strcpy(name, rule->domain);
		for (char *star = name; (star = strchr(star, '*'));)
			*star = 'x';
	}
	/* Boundary's patterns may end in a number; no name does. */
	is_name = name_canonical(name, strlen(name), canonical) == 0;
	must(is_name || dialect == RULE_BOUNDARY, "a pattern has a name");
	if (rule->blocks)
		addr = rule->blocks[0].base;
	must(policy_judge_address(&policy, NULL, &addr, port, ADDR_FROM_CLIENT).is_allowed ==
		     (rule->blocks && !rule->domain),
	     "only a rule of addresses opens a raw address");
	must(policy_judge_name(&policy, name, port).is_allowed == is_named,
	     "a rule allows the name it is made of");
	request.name = is_named ? name : NULL;
	request.addr = addr;
	make_request(rule, &request, path);
	/* Where a first method is none, the request is not the rule's. */
	if (!rule->http || !rule->http->methods || *rule->http->methods)
		check_requests(&policy, rule, &request, true);
	must(policy_deny(&policy, text, place_of("fuzz"), &err) == 0 &&
		     policy_compile(&policy, &err) == 0,
	     "an accepted rule can be kept");
	make_request(rule, &request, path);
	must(!policy_judge_request(&policy, &request).is_allowed || (is_named && rule->blocks) ||
		     (rule->http && rule->http->warning),
	     "deny beats allow");
	must(rule->http ||
		     (!policy_judge_address(&policy, name, &addr, port, ADDR_FROM_DNS).is_allowed &&
		      !policy_judge_address(&policy, NULL, &addr, port, ADDR_FROM_CLIENT)
			       .is_allowed),
	     "deny beats allow, for an address");
}

static void check(const char *text, enum rule_dialect dialect)
{
	char *padded AUTO(heap_release) = NULL;
	char *written AUTO(heap_release) = NULL;
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule;
	struct err err = { 0 };

	if (rule_parse(text, place_of("fuzz"), dialect, &arena, &rule, &err) < 0) {
		check_refusal(text, &rule, &err);
		return;
	}
	must(strcmp(rule.text, text) == 0, "the text is kept as written");
	must_reparse(&rule, rule.text, dialect, "the text parses to the same rule");
	must(asprintf(&padded, "%s \t", text) > 0, "memory for the text");
	must_reparse(&rule, padded, dialect, "blanks behind a rule change nothing");
	written = write_rule(&rule, dialect);
	must_reparse(&rule, written, dialect, "the fields written out parse to the same rule");
	check_verdicts(text, &rule, dialect);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO(heap_release) = strndup((const char *)data, size);

	must(text != NULL, "memory for the text");
	check(text, RULE_NSGATE);
	check(text, RULE_BOUNDARY);
	return 0;
}

/*
 * The compiled policy gives the verdicts of a naive matcher, which reads every rule in order: on
 * random policies of random rules, whose words come from small alphabets so that rules match, beat
 * and repeat each other. The naive one is the language's meaning written down a second time; it
 * shares the parsed fields of a rule, and nothing else.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/name.h"
#include "policy/path.h"
#include "policy/policy.h"
#include "policy/request.h"
#include "tests/unit/suite.h"

#ifdef NSGATE_SANITIZED
#define PAIRS	       250000 /* each costs four times as much */
#define PAIRS_A_POLICY 62
#else
#define PAIRS	       1000000
#define PAIRS_A_POLICY 250
#endif
#define ROUNDS	  20 /* tests of one suite; each has a seed of its own */
#define RULE_SIZE 400

/* ---- the naive matcher ---- */

struct target {
	const char *name; /* NULL: the jail dialled an address */
	struct addr addr;
	uint16_t port;
	const struct request *request; /* NULL: not known yet */
};

typedef bool (*applies_fn)(const struct rule *rule, const struct target *target);

/* Left to right, by recursion. */
static bool naive_labels(const char *pattern, const char *name)
{
	size_t p = strcspn(pattern, "."), n = strcspn(name, ".");

	if (!(p == 1 && pattern[0] == '*') && !(p == n && memcmp(pattern, name, n) == 0))
		return false;
	if (!pattern[p] || !name[n])
		return !pattern[p] && !name[n];
	return naive_labels(pattern + p + 1, name + n + 1);
}

static bool naive_pattern(const char *pattern, const char *name)
{
	if (strncmp(pattern, "**.", 3) == 0) /* itself, or below it */
		return naive_pattern(pattern + 3, name) || naive_pattern(pattern + 1, name);
	if (naive_labels(pattern, name) || strcmp(pattern, "*") == 0)
		return true;
	if (strncmp(pattern, "*.", 2) != 0)
		return false;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (naive_labels(pattern + 2, dot + 1))
			return true;
	}
	return false;
}

static bool has_name(const struct rule *rule, const struct target *target)
{
	return !rule->domain || (target->name && naive_pattern(rule->domain, target->name));
}

static bool has_port(const struct rule *rule, const struct target *target)
{
	for (size_t i = 0; i < rule->port_count; i++) {
		if (target->port >= rule->ports[i].first && target->port <= rule->ports[i].last)
			return true;
	}
	return !rule->ports;
}

static bool has_address(const struct rule *rule, const struct addr *addr)
{
	for (size_t i = 0; i < rule->block_count; i++) {
		if (addr_in_block(addr, &rule->blocks[i]))
			return true;
	}
	return false;
}

static bool has_address_within(const struct rule *rule, const struct addr *addr)
{
	struct addr embedded[ADDR_EMBEDDED_MAX];
	size_t count = addr_embedded(addr, embedded);

	for (size_t i = 0; i < count; i++) {
		if (has_address(rule, &embedded[i]))
			return true;
	}
	return has_address(rule, addr);
}

/* What a rule says of HTTP. The path is compared by path.c, which has tests of its own. */
static bool has_http(const struct rule *rule, const struct target *target, bool if_unknown)
{
	const struct rule_http *http = rule->http;
	const struct request *request = target->request;
	const char *method = http ? http->methods : NULL, *path = http ? http->paths : NULL;
	bool has_method, has_path;

	if (!http || !request)
		return !http || if_unknown;
	if (http->schemes && !(http->schemes & 1 << SCHEME_TCP) &&
	    !(http->schemes & 1 << request->scheme) &&
	    !(http->schemes & 1 << SCHEME_TLS && request->scheme == SCHEME_HTTPS))
		return false;
	has_method = !method;
	has_path = !path;
	for (uint32_t i = 0; method && i < http->method_count; i++, method += strlen(method) + 1)
		has_method |= *method == '*' || strcmp(method, request->method) == 0;
	for (uint32_t i = 0; path && i < http->path_count; i++, path += strlen(path) + 1)
		has_path |= path_pattern_match(path, request->path);
	return has_method && has_path;
}

static bool denies_query(const struct rule *rule, const struct target *target)
{
	return !rule->ports && !rule->blocks && has_name(rule, target) &&
	       has_http(rule, target, false);
}

static bool allows_query(const struct rule *rule, const struct target *target)
{
	return (rule->domain || !rule->blocks) && has_name(rule, target) &&
	       has_http(rule, target, true);
}

static bool denies_name(const struct rule *rule, const struct target *target)
{
	return !rule->blocks && has_name(rule, target) && has_port(rule, target) &&
	       has_http(rule, target, false);
}

static bool allows_name(const struct rule *rule, const struct target *target)
{
	return allows_query(rule, target) && has_port(rule, target);
}

static bool denies_address(const struct rule *rule, const struct target *target)
{
	return has_name(rule, target) && has_port(rule, target) && has_http(rule, target, false) &&
	       (!rule->blocks || has_address_within(rule, &target->addr));
}

static bool allows_address(const struct rule *rule, const struct target *target)
{
	return allows_name(rule, target) && (!rule->blocks || has_address(rule, &target->addr));
}

static bool names_address(const struct rule *rule, const struct target *target)
{
	return has_name(rule, target) && has_port(rule, target) && has_http(rule, target, true) &&
	       has_address(rule, &target->addr);
}

static bool names_host(const struct rule *rule, const struct target *target)
{
	return rule->domain && strspn(rule->domain, "*.") < strlen(rule->domain) &&
	       allows_address(rule, target);
}

static const struct rule *first(const struct rule_list *list, applies_fn applies,
				const struct target *target)
{
	for (size_t i = 0; i < list->count; i++) {
		if (applies(&list->rules[i], target))
			return &list->rules[i];
	}
	return NULL;
}

static struct verdict naive(const struct policy *policy, applies_fn denies, applies_fn allows,
			    const struct target *target)
{
	struct verdict verdict = { .reason = REASON_DENY_RULE };

	verdict.rule = first(&policy->deny, denies, target);
	if (verdict.rule)
		return verdict;
	verdict.rule = first(&policy->allow, allows, target);
	verdict.is_allowed = verdict.rule != NULL;
	verdict.reason = verdict.rule ? REASON_ALLOW_RULE : REASON_NO_RULE;
	return verdict;
}

static struct verdict naive_raw(const struct policy *policy, const struct target *target)
{
	struct verdict verdict = naive(policy, denies_address, names_address, target);

	if (verdict.reason == REASON_NO_RULE)
		verdict.reason = addr_classify(&target->addr) == ADDR_EMBEDDED
					 ? REASON_PRIVATE_EMBEDDED
					 : REASON_RAW_IP;
	return verdict;
}

static struct verdict naive_address(const struct policy *policy, const struct target *target,
				    enum addr_source source)
{
	struct verdict verdict = naive(policy, denies_address, allows_address, target);
	enum addr_class class = addr_classify(&target->addr);
	bool is_host_enough =
		class == ADDR_DOCUMENTATION ||
		(source == ADDR_FROM_HOSTS_FILE &&
		 (class == ADDR_PRIVATE || class == ADDR_SHARED || class == ADDR_RESERVED));

	if (!verdict.is_allowed || class == ADDR_PUBLIC)
		return verdict;
	verdict.rule = first(&policy->allow, names_address, target);
	if (!verdict.rule && is_host_enough)
		verdict.rule = first(&policy->allow, names_host, target);
	if (!verdict.rule)
		return (struct verdict) { .reason = class == ADDR_EMBEDDED
							    ? REASON_PRIVATE_EMBEDDED
							    : REASON_PRIVATE_ADDRESS };
	return verdict;
}

/* ---- random policies and requests ---- */

static uint64_t random_state;

/* xorshift64*: the same everywhere for the same seed. */
static unsigned below(unsigned count)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % count;
}

static void random_name(char out[64], bool is_pattern)
{
	static const char *const labels[] = { "a", "b", "ab", "*" };
	unsigned count = 1 + below(4);

	if (is_pattern && below(20) == 0) {
		(void)strcpy(out, "*");
		return;
	}
	(void)strcpy(out, is_pattern && below(8) == 0 ? "**." : "");
	for (unsigned i = 0; i < count; i++) {
		bool may_star = is_pattern && i + 1 < count;

		(void)strcat(out, i ? "." : "");
		(void)strcat(out, labels[below(may_star ? 4 : 3)]);
	}
}

/* Few bits differ, at both ends, so that blocks nest. */
static void random_addr(struct addr *addr)
{
	static const char *const bases[] = {
		"93.184.216.0", "10.1.0.0",	     "192.0.2.0", "127.0.0.0",	    "2606:2800::",
		"2001:db8::",	"64:ff9b::10.1.0.0", "fd00::",	  "2002:a01:0:1::",
	};
	const char *base = bases[below(sizeof(bases) / sizeof(bases[0]))];
	size_t last;

	ck_assert_int_eq(addr_parse(base, addr), 0);
	last = addr->family == AF_INET ? 3 : 15;
	addr->bytes[last] = (uint8_t)(addr->bytes[last] ^ below(4));
	addr->bytes[last - 1] = (uint8_t)(addr->bytes[last - 1] ^ below(2));
}

static void random_block(char out[ADDR_BLOCK_MAX])
{
	static const uint8_t lengths[] = { 0, 7, 8, 24, 31, 32, 63, 64, 65, 96, 127, 128 };
	struct addr_block block;
	char text[ADDR_TEXT_MAX + 8];
	unsigned bits;

	random_addr(&block.base);
	bits = block.base.family == AF_INET ? 32 : 128;
	do
		block.prefix = lengths[below(sizeof(lengths))];
	while (block.prefix > bits);
	(void)addr_format(&block.base, out);
	(void)snprintf(text, sizeof(text), "%s/%u", out, (unsigned)block.prefix);
	(void)addr_block_parse(text, &block); /* -EDOM: with the bits cleared */
	(void)addr_block_format(&block, out);
}

static void random_list(char *out, const char *key, void (*item)(char *))
{
	unsigned count = 1 + below(3);

	(void)strcat(out, key);
	for (unsigned i = 0; i < count; i++) {
		char text[64];

		item(text);
		(void)strcat(out, i ? "," : "");
		(void)strcat(out, text);
	}
	(void)strcat(out, " ");
}

static void random_port(char *out)
{
	unsigned port = 1 + below(4);

	(void)(below(3) ? sprintf(out, "%u", port) : sprintf(out, "%u-%u", port, port + below(3)));
}

static void random_method(char *out)
{
	static const char *const methods[] = { "GET", "PUT", "*" };

	(void)strcpy(out, methods[below(3)]);
}

static void random_scheme(char *out)
{
	(void)strcpy(out, scheme_name((enum scheme)below(SCHEMES)));
}

static void random_path(char *out)
{
	static const char *const paths[] = { "/", "/a", "/a/*", "/*/b", "/a/b", "*" };

	(void)strcpy(out, paths[below(6)]);
}

static void random_rule(char out[RULE_SIZE])
{
	unsigned keys = 1 + below(7);

	out[0] = '\0';
	if (keys & 1) {
		(void)strcat(out, "domain=");
		if ((keys & 4) || below(10))
			random_name(out + strlen(out), true);
		else
			random_block(out + strlen(out)), *strchr(out, '/') = '\0';
		(void)strcat(out, " ");
	}
	if (keys & 2)
		random_list(out, "port=", random_port);
	if (keys & 4)
		random_list(out, "cidr=", random_block);
	if (below(6) == 0)
		random_list(out, "method=", random_method);
	if (below(12) == 0)
		random_list(out, "scheme=", random_scheme);
	if (below(6) == 0)
		random_list(out, "path=", random_path);
}

static void random_request(struct target *target, struct request *request)
{
	static const char *const paths[] = { "", "/", "/a", "/a/b", "/c/b", "/a/b/c" };

	target->request = request;
	if (below(3) == 0)
		target->name = NULL;
	request->scheme = (enum scheme)below(SCHEMES);
	request->method = below(2) ? "GET" : "PUT";
	request->path = paths[below(6)];
	request->name = target->name;
	request->addr = target->addr;
}

static void random_policy(struct policy *policy)
{
	/* Mostly small ones: in a large one some short rule decides everything. */
	unsigned allow = below(16) ? below(12) : below(200), deny = below(3) ? 0 : below(6);
	struct err err;

	policy_init(policy);
	for (unsigned i = 0; i < allow + deny; i++) {
		char rule[RULE_SIZE];

		random_rule(rule);
		ck_assert_msg((i < allow ? policy_allow : policy_deny)(policy, rule, place_of("t"),
								       &err) == 0,
			      "%s", err.text);
	}
	ck_assert_int_eq(policy_compile(policy, &err), 0);
}

static void assert_same(const struct verdict *got, const struct verdict *expected)
{
	ck_assert_int_eq(got->is_allowed, expected->is_allowed);
	ck_assert_str_eq(reason_code(got->reason), reason_code(expected->reason));
	ck_assert_msg(got->rule == expected->rule, "'%s' instead of '%s'",
		      got->rule ? got->rule->text : "no rule",
		      expected->rule ? expected->rule->text : "no rule");
}

static struct verdict ask(const struct policy *policy, const struct target *target, unsigned stage,
			  enum addr_source source)
{
	switch (stage) {
	case 0:
		return policy_judge_query(policy, target->name);
	case 1:
		return policy_judge_name(policy, target->name, target->port);
	case 4:
		return policy_judge_request(policy, target->request);
	case 2:
		return policy_judge_address(policy, target->name, &target->addr, target->port,
					    source);
	}
	return policy_judge_address(policy, NULL, &target->addr, target->port, ADDR_FROM_CLIENT);
}

static struct verdict ask_naive(const struct policy *policy, struct target *target, unsigned stage,
				enum addr_source source)
{
	switch (stage) {
	case 0:
		return naive(policy, denies_query, allows_query, target);
	case 1:
		return naive(policy, denies_name, allows_name, target);
	case 4:
		return target->name ? naive(policy, denies_name, allows_name, target)
				    : naive_raw(policy, target);
	case 2:
		return naive_address(policy, target, source);
	}
	target->name = NULL;
	return naive_raw(policy, target);
}

START_TEST(agrees_with_a_naive_matcher)
{
	unsigned allowed = 0, by_deny_rule = 0;

	random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
	for (int pairs = 0; pairs < PAIRS / ROUNDS;) {
		struct policy policy AUTO(policy_done);

		random_policy(&policy);
		for (int i = 0; i < PAIRS_A_POLICY; i++, pairs++) {
			enum addr_source source = below(2) ? ADDR_FROM_DNS : ADDR_FROM_HOSTS_FILE;
			struct target target = { .port = (uint16_t)(1 + below(6)) };
			unsigned stage = below(5);
			struct request request = { .port = target.port };
			struct verdict got, expected;
			char name[64];

			random_name(name, false);
			target.name = name;
			random_addr(&target.addr);
			if (stage == 4)
				random_request(&target, &request);
			got = ask(&policy, &target, stage, source);
			expected = ask_naive(&policy, &target, stage, source);
			assert_same(&got, &expected);
			allowed += got.is_allowed;
			by_deny_rule += got.reason == REASON_DENY_RULE;
		}
	}
	/* All three ends are reached often, or this proves little. */
	ck_assert_uint_gt(allowed, PAIRS / ROUNDS / 10);
	ck_assert_uint_gt(by_deny_rule, PAIRS / ROUNDS / 50);
	ck_assert_uint_lt(allowed + by_deny_rule, PAIRS / ROUNDS * 9 / 10);
}
END_TEST

/* The longest name against patterns that fork at every label. */
START_TEST(the_deepest_name_is_judged)
{
	struct policy policy AUTO(policy_done);
	char name[NAME_SIZE] = "a", rule[NAME_SIZE + 8] = "domain=*";
	struct err err;

	policy_init(&policy);
	for (int i = 0; i < 126; i++) {
		(void)strcat(name, ".a");
		(void)strcat(rule, i % 2 ? ".a" : ".*");
	}
	ck_assert_uint_eq(strlen(name), NAME_MAX_LENGTH);
	ck_assert_int_eq(policy_allow(&policy, rule, place_of("test"), &err), 0);
	ck_assert_int_eq(policy_allow(&policy, "domain=*.a.a", place_of("test"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert_str_eq(policy_judge_query(&policy, name).rule->text, rule);
	ck_assert_str_eq(policy_judge_query(&policy, name + 2).rule->text, "domain=*.a.a");
	ck_assert(!policy_judge_query(&policy, "a.a").is_allowed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/engine");
	TCase *tcase = tcase_create("engine");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, agrees_with_a_naive_matcher, 0, ROUNDS);
	tcase_add_test(tcase, the_deepest_name_is_judged);
	return suite_run(suite);
}

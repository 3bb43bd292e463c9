/* The boundary dialect: its vectors, its grammar, and where ours is stricter. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/policy.h"
#include "policy/request.h"
#include "tests/unit/boundary_rules.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A URL that is none matches no rule. */
static enum outcome judge(const struct policy *policy, const char *method, const char *url)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct request request;
	struct err err;

	if (request_from_url(method, url, &arena, &request, &err) < 0)
		return DENY;
	return policy_judge_request(policy, &request).is_allowed ? ALLOW : DENY;
}

START_TEST(judges_as_boundary_does)
{
	struct policy policy AUTO(policy_done);
	enum outcome outcome = SAME;
	struct err err;

	policy_init(&policy);
	policy.dialect = RULE_BOUNDARY;
	for (int i = 0; boundary_rules[_i].rules[i] && outcome == SAME; i++) {
		if (policy_allow(&policy, boundary_rules[_i].rules[i], place_of("--allow"), &err) <
		    0)
			outcome = REFUSED;
	}
	if (outcome == SAME) {
		ck_assert_int_eq(policy_compile(&policy, &err), 0);
		outcome = judge(&policy, boundary_rules[_i].method, boundary_rules[_i].url);
	}
	ck_assert_msg(outcome == boundary_rules[_i].outcome, "row %d: %s %s", _i,
		      boundary_rules[_i].rules[0], boundary_rules[_i].url);
}
END_TEST

/* Names apart, which have no case, ours never allows what boundary denies. */
START_TEST(differences_only_deny_more)
{
	if (boundary_rules[_i].boundary == SAME)
		return;
	ck_assert(boundary_rules[_i].outcome != ALLOW ||
		  strcasestr(boundary_rules[_i].url, "github.com"));
}
END_TEST

#define KEYS   "a key (domain, method, path)"
#define OURS   "\nonly nsgate's own policy language has this key"
#define METHOD "a method (GET) or '*'"

static const struct {
	const char *text, *message; /* after "--allow: column " */
} refused[] = {
	{ "", "1: empty rule" },
	{ " \n", "1: empty rule" },
	{ " domain=a.com", "1: expected a key, got \" \"" },
	{ "port=443", "1: expected " KEYS ", got \"port\"" OURS },
	{ "domain=a.com cidr=::1", "14: expected " KEYS ", got \"cidr\"" OURS },
	{ "scheme=http", "1: expected " KEYS ", got \"scheme\"" OURS },
	{ "host-port=1", "1: expected " KEYS ", got \"host-port\"" OURS },
	{ "Domain=a.com", "1: expected " KEYS ", got \"Domain\"\ndid you mean domain=?" },
	{ "domain=**.a.com", "8: expected '*' as a whole label, got \"*\"" },
	{ "domain=a_b.com", "9: expected a letter, a digit, '-' or '.', got \"_\"" },
	{ "domain=a.com.", "14: expected a label, got nothing" },
	{ "domain=::1",
	  "8: expected a letter, a digit, '-', '_' or '.', got \":\"\na host name "
	  "alone, without scheme, port and path; a port is a word of its own: port=443" },
	{ "domain=b\xc3\xbc.com", "9: expected a letter, a digit, '-', '_' or '.', got \"\\xc3\"" },
	{ "domain=a.com domain=b.com",
	  "14: expected every key once, got \"domain=b.com\"\ndomain is given twice: write two "
	  "rules" },
	{ "method=", "8: expected METHOD[,...], got nothing" },
	{ "method=GET,", "12: expected " METHOD ", got nothing" },
	{ "method=G@T", "9: expected " METHOD ", got \"@\"" },
	{ "path=", "6: expected PATH[,...], got nothing" },
	{ "path=/a,", "9: expected a path, got nothing" },
	{ "path=/a,,/b", "9: expected a path, got nothing" },
	{ "path=/a, domain=x", "9: expected a path, got nothing" },
	{ "path=/a//b", "9: expected a path segment, got \"/\"" },
	{ "path=/*x", "7: expected '*' as a whole segment, got \"*\"" },
	{ "path=/%zz", "7: expected two hex digits behind '%', got \"%\"" },
	{ "path=/a?x", "8: expected a letter, a digit or one of -._~!$&'()+;=:@%, got \"?\"" },
};

START_TEST(refuses_and_says_where_and_why)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule;
	char message[512];
	struct err err;

	(void)snprintf(message, sizeof(message), "--allow: column %s", refused[_i].message);
	ck_assert_msg(rule_parse(refused[_i].text, place_of("--allow"), RULE_BOUNDARY, &arena,
				 &rule, &err) == -EINVAL,
		      "'%s' is refused", refused[_i].text);
	ck_assert_str_eq(err.text, message);
}
END_TEST

/* What only the dialect takes: lists that go on, blanks of its own, patterns that match nothing. */
static const struct {
	const char *rule, *method, *url;
	enum outcome outcome;
	bool has_warning;
} corners[] = {
	{ "method=GET method=POST", "POST", "https://a.com/", ALLOW, false },
	{ "method=GET method=POST", "GET", "https://a.com/", ALLOW, false },
	{ "path=/a path=/b", "GET", "https://a.com/b", ALLOW, false },
	{ "method=GET\ndomain=a.com\n", "GET", "https://a.com/", ALLOW, false },
	{ "method=GET, domain=a.com", "GET", "https://a.com/", ALLOW, true },
	{ "method=GET,,PUT", "PUT", "https://a.com/", ALLOW, true },
	{ "path=/", "PUT", "https://a.com/x", ALLOW, true },
	{ "path=/user*", "GET", "https://a.com/user*", ALLOW, false },
	{ "path=/user*", "GET", "https://a.com/user1", DENY, false },
	{ "path=/a/../b", "GET", "https://a.com/a/../b", DENY, false },
	{ "path=/a/../b", "GET", "https://a.com/b", DENY, false },
	{ "path=/%61", "GET", "https://a.com/a", DENY, false },
	{ "domain=*", "GET", "http://192.168.1.1/", DENY, false },
	{ "domain=192.168.1.1", "GET", "http://192.168.1.1/", ALLOW, false },
};

START_TEST(reads_corners)
{
	struct policy policy AUTO(policy_done);
	const struct rule_http *http;
	struct err err;

	policy_init(&policy);
	policy.dialect = RULE_BOUNDARY;
	ck_assert_msg(policy_allow(&policy, corners[_i].rule, place_of("--allow"), &err) == 0, "%s",
		      err.text);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert_int_eq(judge(&policy, corners[_i].method, corners[_i].url), corners[_i].outcome);
	http = policy.allow.rules[0].http;
	ck_assert_int_eq(http && http->warning, corners[_i].has_warning);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/boundary");
	TCase *tcase = tcase_create("boundary");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, judges_as_boundary_does, 0, ROWS(boundary_rules));
	tcase_add_loop_test(tcase, differences_only_deny_more, 0, ROWS(boundary_rules));
	tcase_add_loop_test(tcase, refuses_and_says_where_and_why, 0, ROWS(refused));
	tcase_add_loop_test(tcase, reads_corners, 0, ROWS(corners));
	return suite_run(suite);
}

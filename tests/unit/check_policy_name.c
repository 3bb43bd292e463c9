/* Host names and patterns: spelling, refusals, and what matches what. */
#include "policy/name.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/policy.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define L10	    "abcdefghij"
#define L63	    L10 L10 L10 L10 L10 L10 "abc"

static const struct {
	const char *text, *canonical;
} spellings[] = {
	{ "example.com", "example.com" },
	{ "EXAMPLE.Com", "example.com" },
	{ "eXaMpLe.cOm.", "example.com" }, /* DNS 0x20 */
	{ "localhost", "localhost" },
	{ "x", "x" },
	{ "_dmarc.example.com", "_dmarc.example.com" },
	{ "a_b.example.com", "a_b.example.com" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "a--b.example", "a--b.example" },
	{ "1.2.3.example", "1.2.3.example" },
	{ "0x7f.example", "0x7f.example" },
	{ "0xg", "0xg" },
	{ "1a", "1a" },
	{ L63 ".example", L63 ".example" },
	{ L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a",
	  L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a" }, /* 253 bytes */
	{ L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a.",
	  L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a" },
};

START_TEST(names_have_one_spelling)
{
	char out[NAME_SIZE];

	ck_assert_int_eq(name_canonical(spellings[_i].text, strlen(spellings[_i].text), out), 0);
	ck_assert_str_eq(out, spellings[_i].canonical);
}
END_TEST

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t length;
} no_names[] = {
	{ BYTES("") },
	{ BYTES(".") },
	{ BYTES("..") },
	{ BYTES(".example.com") },
	{ BYTES("a..b") },
	{ BYTES("example.com..") },
	{ BYTES("ok.test\0.evil.test") },
	{ BYTES("ok.test\0") },
	{ BYTES("ok%00.test") },
	{ BYTES("user@ok.test") },
	{ BYTES("ok.test\\evil.test") },
	{ BYTES("ok.test/evil") },
	{ BYTES("ok.test:443") },
	{ BYTES("ok.test#evil") },
	{ BYTES("ok.test?evil") },
	{ BYTES("ok test") },
	{ BYTES(" ok.test") },
	{ BYTES("ok.test ") },
	{ BYTES("ok\t.test") },
	{ BYTES("ok.test\r\n") },
	{ BYTES("ok\x7f.test") },
	{ BYTES("b\xc3\xbc"
		"cher.example") },
	{ BYTES("\xd0\xbe"
		"k.test") }, /* Cyrillic o */
	{ BYTES("ok\xe3\x80\x82test") }, /* ideographic full stop, a dot to IDNA */
	{ BYTES("ok\xef\xbc\x8etest") }, /* full-width full stop */
	{ BYTES("*") },
	{ BYTES("*.ok.test") },
	{ BYTES("[::1]") },
	{ BYTES("::1") },
	{ BYTES("fe80::1%lo") },
	{ BYTES("-a.test") },
	{ BYTES("a-.test") },
	{ BYTES("a.-b.test") },
	{ BYTES("a.test-") },
	{ BYTES("-") },
	{ BYTES("127.0.0.1") },
	{ BYTES("127.0.0.1.") },
	{ BYTES("127.1") },
	{ BYTES("2130706433") },
	{ BYTES("0x7f000001") },
	{ BYTES("0X7F000001") },
	{ BYTES("0x") },
	{ BYTES("0177.0.0.0x1") },
	{ BYTES("ok.test.1") },
	{ BYTES("1.2.3.256") },
	{ BYTES(L63 "d.example") }, /* 64 bytes */
	{ BYTES(L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "ab") }, /* 254 bytes */
	{ BYTES(L63 "." L63 "." L63 "." L63 "." L63) },
};

START_TEST(refuses_what_no_host_is_called)
{
	char out[NAME_SIZE] = "untouched";

	ck_assert_msg(name_canonical(no_names[_i].text, no_names[_i].length, out) == -EINVAL,
		      "'%s' is refused", no_names[_i].text);
	ck_assert_str_eq(out, "untouched");
}
END_TEST

static const struct {
	const char *text;
	size_t bad;
	const char *expected;
} bad_patterns[] = {
	{ "", 0, "a label" },
	{ ".", 0, "a label" },
	{ "*.", 2, "a label" },
	{ "a..b", 2, "a label" },
	{ ".a", 0, "a label" },
	{ "a..", 2, "a label" },
	{ "example.*", 8, "a last label other than '*'" },
	{ "*.*", 2, "a last label other than '*'" },
	{ "*.*.", 2, "a last label other than '*'" },
	{ "*example.com", 0, "'*' as a whole label" },
	{ "ex*mple.com", 2, "'*' as a whole label" },
	{ "***.example.com", 0, "'*' as a whole label" },
	{ "a.**.example.com", 2, "'*' as a whole label" },
	{ "**", 2, "'.' and a name" },
	{ "a.*b.com", 2, "'*' as a whole label" },
	{ "a.b\xc3.example", 2, "a label that IDNA allows" },
	{ "a.com:443", 5, "a letter, a digit, '-', '_' or '.'" },
	{ "a.com,b.com", 5, "a letter, a digit, '-', '_' or '.'" },
	{ "https://a.com", 5, "a letter, a digit, '-', '_' or '.'" },
	{ "a.com/x", 5, "a letter, a digit, '-', '_' or '.'" },
	{ "test@example.com", 4, "a letter, a digit, '-', '_' or '.'" },
	{ "-a.com", 0, "a label that does not begin with '-'" },
	{ "test.invalid-.com", 12, "a label that does not end with '-'" },
	{ "*.1.1", 4, "a last label that is not a number" },
	{ "192.168.1.256", 10, "a last label that is not a number" },
	{ "2130706433", 0, "a last label that is not a number" },
	{ "0x7f.0x1", 5, "a last label that is not a number" },
	{ L63 "d.com", 63, "a label of at most 63 bytes" },
	{ L63 "." L63 "." L63 "." L63, 253, "a name of at most 253 bytes" },
};

START_TEST(refuses_a_pattern_and_says_where)
{
	struct name_pattern pattern;
	const char *expected = NULL;
	size_t bad = 0;

	ck_assert_int_eq(name_pattern_parse(bad_patterns[_i].text, strlen(bad_patterns[_i].text),
					    NAME_NSGATE, &pattern, &bad, &expected),
			 -EINVAL);
	ck_assert_str_eq(expected, bad_patterns[_i].expected);
	ck_assert_uint_eq(bad, bad_patterns[_i].bad);
}
END_TEST

/* Threat model row 154, and the domain-only rows of boundary's own table. */
static const struct {
	const char *pattern, *name;
	bool is_match;
} matches[] = {
	/* exact: itself, in any spelling */
	{ "ok.test", "ok.test", true },
	{ "OK.Test", "ok.test", true },
	{ "ok.test", "OK.TEST", true },
	{ "ok.test.", "ok.test", true },
	{ "ok.test", "ok.test.", true },
	{ "localhost", "localhost", true },
	{ "_x.ok.test", "_X.ok.test", true },
	{ "xn--bcher-kva.test", "XN--BCHER-KVA.test", true },
	/* exact: nothing above, below or beside it */
	{ "ok.test", "a.ok.test", false },
	{ "ok.test", "test", false },
	{ "a.ok.test", "ok.test", false },
	{ "ok.test", "evilok.test", false },
	{ "ok.test", "ok.test.evil", false },
	{ "ok.test", "ok.testevil", false },
	{ "ok.test", "evil-ok.test", false },
	{ "ok.test", "ok-test", false },
	{ "ok.test", "okxtest", false },
	{ "ok.test", "k.test", false },
	{ "ok.test", "ok.tes", false },
	{ "localhost", "localhost.ok", false },
	{ "localhost", "a.localhost", false },
	{ "xn--bcher-kva.test", "bucher.test", false },
	/* a first '*' takes one label or more, never none */
	{ "*.ok.test", "a.ok.test", true },
	{ "*.ok.test", "a.b.ok.test", true },
	{ "*.ok.test", "a.b.c.d.e.ok.test", true },
	{ "*.OK.test", "A.oK.TEST.", true },
	{ "*.ok.test", "ok.test", false },
	{ "*.ok.test", "test", false },
	{ "*.ok.test", "evilok.test", false },
	{ "*.ok.test", "a.evilok.test", false },
	{ "*.ok.test", "a.ok.test.evil", false },
	{ "*.ok.test", "ok.test.evil", false },
	{ "*.ok.test", "a.ok.testevil", false },
	{ "*.ok.test", "a-ok.test", false },
	{ "*.ok.test", "ok.ok.test", true },
	{ "*.test", "ok.test", true },
	{ "*.test", "a.ok.test", true },
	{ "*.test", "test", false },
	{ "*.test", "ok.testx", false },
	/* a first "**" takes none, too */
	{ "**.ok.test", "ok.test", true },
	{ "**.ok.test", "a.ok.test", true },
	{ "**.ok.test", "a.b.ok.test", true },
	{ "**.ok.test", "evilok.test", false },
	{ "**.ok.test", "test", false },
	{ "**.a.*.test", "a.b.test", true },
	{ "**.a.*.test", "x.a.b.test", true },
	{ "**.a.*.test", "a.test", false },
	{ "**.*.test", "a.test", true },
	{ "**.*.test", "test", false },
	/* several */
	{ "*.*.test", "a.b.test", true },
	{ "*.*.test", "a.b.c.test", true },
	{ "*.*.test", "a.test", false },
	{ "*.*.test", "test", false },
	{ "*.a.*.test", "x.a.y.test", true },
	{ "*.a.*.test", "w.x.a.y.test", true },
	{ "*.a.*.test", "x.a.y.z.test", false },
	{ "*.a.*.test", "a.y.test", false },
	/* inside, '*' is one label */
	{ "api.*.test", "api.v1.test", true },
	{ "api.*.test", "API.v1.test", true },
	{ "api.*.test", "api.test", false },
	{ "api.*.test", "api.v1.v2.test", false },
	{ "api.*.test", "x.api.v1.test", false },
	{ "api.*.test", "v1.api.test", false },
	{ "a.*.b.*.test", "a.1.b.2.test", true },
	{ "a.*.b.*.test", "a.1.c.2.test", false },
	/* alone */
	{ "*", "ok.test", true },
	{ "*", "test", true },
	{ "*", "a.b.c.d.e.f", true },
	/* boundary's table, by domain alone */
	{ "github.com", "example.com", false },
	{ "example.com", "example.com", true },
	{ "*", "example.com", true },
	{ "*.github.com", "api.github.com", true },
	{ "github.com", "api.github.com", false },
	{ "*.github.com", "v1.api.github.com", true },
	{ "api.*.com", "api.v1.github.com", false },
	{ "github.com", "github.com", true },
	{ "*.github.com", "raw.github.com", true },
	{ "*.github.com", "example.com", false },
	{ "*.packages.example", "api.packages.example", true },
	{ "*.packages.example", "example.com", false },
	{ "registry.packages.example", "registry.packages.example", true },
	{ "registry.packages.example", "packages.example", false },
	{ "example.org", "example.com", false },
	{ "*.example.com", "api.example.com", true },
	{ "v1.api.example.com", "api.example.com", false },
	{ "example.com", "not-a-valid-url", false },
	{ "GitHub.com", "github.com", true },
	{ "github.com", "evilgithub.com", false },
	{ "*.github.com", "github.com.evil.net", false },
	{ "*.*.com", "a.b.c.com", true },
	{ "api.*.com", "x.api.github.com", false },
	{ "a.com", "a.com.b.com", false },
};

static struct name_pattern parse(const char *text)
{
	struct name_pattern pattern;
	const char *expected;
	size_t bad;

	ck_assert_msg(
		name_pattern_parse(text, strlen(text), NAME_NSGATE, &pattern, &bad, &expected) == 0,
		"%s is a pattern", text);
	return pattern;
}

START_TEST(matches_label_by_label)
{
	struct policy policy AUTO(policy_done);
	char name[NAME_SIZE], rule[NAME_SIZE + 8];
	struct err err;

	policy_init(&policy);
	(void)snprintf(rule, sizeof(rule), "domain=%s", matches[_i].pattern);
	ck_assert_int_eq(policy_allow(&policy, rule, place_of("test"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert_int_eq(name_canonical(matches[_i].name, strlen(matches[_i].name), name), 0);
	ck_assert_msg(policy_judge_query(&policy, name).is_allowed == matches[_i].is_match,
		      "%s %s %s", matches[_i].pattern,
		      matches[_i].is_match ? "matches" : "does not match", name);
}
END_TEST

START_TEST(knows_what_a_pattern_is_made_of)
{
	struct name_pattern any = parse("*"), below = parse("*.*.TEST."), exact = parse("ok.test");

	ck_assert(any.has_wildcard && !name_pattern_has_literal(any.text));
	ck_assert(below.has_wildcard && name_pattern_has_literal(below.text));
	ck_assert(!exact.has_wildcard && name_pattern_has_literal(exact.text));
	ck_assert_str_eq(below.text, "*.*.test");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/name");
	TCase *tcase = tcase_create("name");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, names_have_one_spelling, 0, ROWS(spellings));
	tcase_add_loop_test(tcase, refuses_what_no_host_is_called, 0, ROWS(no_names));
	tcase_add_loop_test(tcase, refuses_a_pattern_and_says_where, 0, ROWS(bad_patterns));
	tcase_add_loop_test(tcase, matches_label_by_label, 0, ROWS(matches));
	tcase_add_test(tcase, knows_what_a_pattern_is_made_of);
	return suite_run(suite);
}

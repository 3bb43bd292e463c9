/* Lines that ask a policy something: what they mean, and what is no such line. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jail/command/trial.h"
#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct arena arena;
static struct trial trial;
static struct err err;

static void setup(void)
{
	arena = (struct arena) { 0 };
	err = (struct err) { 0 };
}

static void teardown(void)
{
	arena_done(&arena);
}

static const struct {
	const char *text;
	enum scheme scheme;
	const char *method, *host, *path; /* NULL = none */
	uint16_t port;
	const char *leads_to;
} streams[] = {
	{ "tcp a.test:22", SCHEME_TCP, NULL, "a.test", NULL, 22, NULL },
	{ "  tls\tA.Test.:443  ", SCHEME_TLS, NULL, "a.test", NULL, 443, NULL },
	{ "tcp 192.0.2.1:65535", SCHEME_TCP, NULL, "192.0.2.1", NULL, 65535, NULL },
	{ "tcp [2001:DB8::1]:1", SCHEME_TCP, NULL, "2001:db8::1", NULL, 1, NULL },
	{ "tcp [::ffff:192.0.2.1]:1", SCHEME_TCP, NULL, "192.0.2.1", NULL, 1, NULL },
	{ "tcp a.test:22 10.0.0.7", SCHEME_TCP, NULL, "a.test", NULL, 22, "10.0.0.7" },
	{ "tcp a.test:22 fd00::1", SCHEME_TCP, NULL, "a.test", NULL, 22, "fd00::1" },
	{ "GET https://a.test/x/../y?z", SCHEME_HTTPS, "GET", "a.test", "/y", 443, NULL },
	{ "M-SEARCH http://a.test:81", SCHEME_HTTP, "M-SEARCH", "a.test", "", 81, NULL },
	{ "GET http://[::1]/ ", SCHEME_HTTP, "GET", "::1", "/", 80, NULL },
	{ "GET a.test/ 10.0.0.7", SCHEME_HTTPS, "GET", "a.test", "/", 443, "10.0.0.7" },
};

static const char *host_of(const struct request *request, char text[ADDR_TEXT_MAX])
{
	return request->name ? request->name : addr_format(&request->addr, text);
}

START_TEST(reads_connections)
{
	char text[ADDR_TEXT_MAX];

	ck_assert_msg(trial_parse(streams[_i].text, place_of("row"), &arena, &trial, &err) == 0,
		      "%s", err.text);
	ck_assert(!trial.is_query);
	ck_assert_int_eq(trial.request.scheme, streams[_i].scheme);
	ck_assert_pstr_eq(trial.request.method, streams[_i].method);
	ck_assert_str_eq(host_of(&trial.request, text), streams[_i].host);
	ck_assert_pstr_eq(trial.request.path, streams[_i].path);
	ck_assert_uint_eq(trial.request.port, streams[_i].port);
	ck_assert_int_eq(trial.leads_to.family != 0, streams[_i].leads_to != NULL);
	if (streams[_i].leads_to)
		ck_assert_str_eq(addr_format(&trial.leads_to, text), streams[_i].leads_to);
}
END_TEST

static const struct {
	const char *text, *name;
	uint16_t type;
} queries[] = {
	{ "dns A.test. A", "a.test", 1 },
	{ "dns a.test aaaa", "a.test", 28 },
	{ "dns a.test HTTPS", "a.test", 65 },
	{ "dns a.test ANY", "a.test", 255 },
	{ "dns a.test TYPE65535", "a.test", 65535 },
	{ "dns a..test A", NULL, 1 },
	{ "dns 1.2.3.4 A", NULL, 1 },
};

START_TEST(reads_queries)
{
	ck_assert_msg(trial_parse(queries[_i].text, place_of("row"), &arena, &trial, &err) == 0,
		      "%s", err.text);
	ck_assert(trial.is_query);
	ck_assert_pstr_eq(trial.request.name, queries[_i].name);
	ck_assert_uint_eq(trial.type, queries[_i].type);
}
END_TEST

#define STREAM "HOST:PORT (an IPv6 address in brackets)"

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "column 1: expected METHOD URL, tcp HOST:PORT, tls HOST:PORT or dns NAME TYPE, got "
	      "nothing" },
	{ "get a.test", "column 1: expected METHOD (in capitals), tcp, tls or dns, got \"get\"" },
	{ " TCP", "column 5: expected a URL, got nothing" },
	{ "udp a.test:1", "column 1: expected METHOD (in capitals), tcp, tls or dns, got \"udp\"" },
	{ "tcp", "column 4: expected " STREAM ", got nothing" },
	{ "tcp a.test", "column 5: expected " STREAM ", got \"a.test\"" },
	{ "tcp a.test:", "column 5: expected " STREAM ", got \"a.test:\"" },
	{ "tcp a.test:0", "column 5: expected " STREAM ", got \"a.test:0\"" },
	{ "tcp a.test:http", "column 5: expected " STREAM ", got \"a.test:http\"" },
	{ "tcp :80", "column 5: expected " STREAM ", got \":80\"" },
	{ "tcp ::1:80", "column 5: expected " STREAM ", got \"::1:80\"" },
	{ "tcp [10.0.0.1]:80", "column 5: expected " STREAM ", got \"[10.0.0.1]:80\"" },
	{ "tcp [a.test]:80", "column 5: expected " STREAM ", got \"[a.test]:80\"" },
	{ "tcp a..test:80", "column 5: expected " STREAM ", got \"a..test:80\"" },
	{ "tcp a.test:80 b.test", "column 15: expected the address that the name leads to, got "
				  "\"b.test\"" },
	{ "tcp ::1 1", "column 5: expected " STREAM ", got \"::1\"" },
	{ "tcp [::1]:1 ::1", "column 13: expected nothing behind an address, got \"::1\"" },
	{ "tcp a.test:80 ::1 x", "column 19: expected nothing more, got \"x\"" },
	{ "dns", "column 4: expected NAME TYPE, got nothing" },
	{ "dns a.test", "column 11: expected a record type (A, AAAA, TXT, TYPE1234), got nothing" },
	{ "dns a.test TYPE65536",
	  "column 12: expected a record type (A, AAAA, TXT, TYPE1234), got \"TYPE65536\"" },
	{ "dns a.test \x1b",
	  "column 12: expected a record type (A, AAAA, TXT, TYPE1234), got \"\\x1b\"" },
	{ "GET ftp://a.test", "ftp://a.test: column 1: expected http:// or https://" },
};

START_TEST(refuses_and_says_where)
{
	char message[512];

	(void)snprintf(message, sizeof(message), "row: %s", refused[_i].message);
	ck_assert_int_eq(trial_parse(refused[_i].text, place_of("row"), &arena, &trial, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, message);
}
END_TEST

/* A host that fits no buffer of ours. */
START_TEST(refuses_long_hosts)
{
	char text[1024] = "tcp ";

	memset(text + 4, 'a', 900);
	memcpy(text + 904, ":80", 4);
	ck_assert_int_eq(trial_parse(text, place_of("row"), &arena, &trial, &err), -EINVAL);
}
END_TEST

static const struct {
	const char *allow, *deny; /* NULL = none */
	const char *text, *answer;
} verdicts[] = {
	{ "domain=a.test", NULL, "tcp a.test:1", "allow allow-rule 'domain=a.test' at --allow" },
	{ "domain=a.test", NULL, "tcp b.test:1", "deny no-rule" },
	{ "domain=a.test", "port=25", "tcp a.test:25", "deny deny-rule 'port=25' at --deny" },
	{ "domain=a.test", NULL, "tcp a.test:1 10.0.0.1", "deny private-address" },
	{ "domain=a.test", "cidr=8.0.0.0/8", "tcp a.test:1 8.8.8.8",
	  "deny deny-rule 'cidr=8.0.0.0/8' at --deny" },
	{ "domain=a.test", "cidr=8.0.0.0/8", "tcp a.test:1",
	  "allow allow-rule 'domain=a.test' at --allow" },
	{ "domain=a.test", NULL, "tcp 10.0.0.1:1", "deny raw-ip" },
	{ "scheme=tls", NULL, "tcp a.test:1", "deny no-rule" },
	{ "scheme=tls", NULL, "tls a.test:1", "allow allow-rule 'scheme=tls' at --allow" },
	{ "method=GET", NULL, "tls a.test:1", "deny no-rule" },
	{ "method=GET", NULL, "GET a.test", "allow allow-rule 'method=GET' at --allow" },
	{ "domain=a.test", NULL, "dns a.test AAAA", "allow allow-rule 'domain=a.test' at --allow" },
	{ "domain=a.test", NULL, "dns a.test MX", "allow empty-type 'domain=a.test' at --allow" },
	{ "domain=a.test", NULL, "dns a.test SRV", "allow allow-rule 'domain=a.test' at --allow" },
	{ "domain=a.test", NULL, "dns b.test MX", "deny no-rule" },
	{ "domain=*", NULL, "dns -.test A", "deny bad-name" },
};

START_TEST(answers_in_one_line)
{
	struct settings settings AUTO(settings_done);
	struct verdict verdict;
	char answer[256];

	settings_init(&settings);
	settings.values.dns_types = DNS_TYPE_SRV;
	ck_assert_int_eq(
		policy_allow(&settings.policy, verdicts[_i].allow, place_of("--allow"), &err), 0);
	if (verdicts[_i].deny)
		ck_assert_int_eq(
			policy_deny(&settings.policy, verdicts[_i].deny, place_of("--deny"), &err),
			0);
	ck_assert_int_eq(policy_compile(&settings.policy, &err), 0);
	ck_assert_int_eq(trial_parse(verdicts[_i].text, place_of("row"), &arena, &trial, &err), 0);
	verdict = trial_judge(&settings, &trial);
	ck_assert_str_eq(trial_answer(&verdict, answer, sizeof(answer)), verdicts[_i].answer);
}
END_TEST

/* Queries are not judged then, but what follows is. */
START_TEST(answers_queries_alike_in_dummy_mode)
{
	struct settings settings AUTO(settings_done);
	struct verdict verdict;
	char answer[256];

	settings_init(&settings);
	settings.values.dns = DNS_DUMMY;
	ck_assert_int_eq(trial_parse("dns a.test A", place_of("row"), &arena, &trial, &err), 0);
	verdict = trial_judge(&settings, &trial);
	ck_assert_str_eq(trial_answer(&verdict, answer, sizeof(answer)), "allow dummy-answer");
	ck_assert_int_eq(trial_parse("tcp a.test:1", place_of("row"), &arena, &trial, &err), 0);
	ck_assert(!trial_judge(&settings, &trial).is_allowed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail/command/trial");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, reads_connections, 0, ROWS(streams));
	tcase_add_loop_test(tests, reads_queries, 0, ROWS(queries));
	tcase_add_loop_test(tests, refuses_and_says_where, 0, ROWS(refused));
	tcase_add_test(tests, refuses_long_hosts);
	tcase_add_loop_test(tests, answers_in_one_line, 0, ROWS(verdicts));
	tcase_add_test(tests, answers_queries_alike_in_dummy_mode);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

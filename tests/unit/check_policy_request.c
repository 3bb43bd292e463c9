/* Requests: URLs, paths, and rules that speak of HTTP (policy/request.c, path.c, keys_http.c). */
#include "policy/request.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/path.h"
#include "policy/policy.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text, *normal; /* NULL: refused */
} paths[] = {
	{ "", "" },
	{ "/", "/" },
	{ "/a/b", "/a/b" },
	{ "/a/", "/a/" },
	{ "/a//b", "/a//b" },
	{ "//a", "//a" },
	{ "/%61%2Fb", "/a/b" },
	{ "/a%252e", "/a%2e" },
	{ "/a/./b", "/a/b" },
	{ "/a/../b", "/b" },
	{ "/a/%2e%2E/b", "/b" },
	{ "/a%2f..%2fb", "/b" },
	{ "/a/b/..", "/a/" },
	{ "/a/.", "/a/" },
	{ "/a//../b", "/a/b" },
	{ "/.", "/" },
	{ "/a/..", "/" },
	{ "/...", "/..." },
	{ "/.a/..b", "/.a/..b" },
	{ "/..", NULL },
	{ "/a/../..", NULL },
	{ "/%2e%2e/a", NULL },
	{ "/%", NULL },
	{ "/%4", NULL },
	{ "/%zz", NULL },
	{ "/%00", NULL },
	{ "a", NULL },
	{ "*", NULL },
};

START_TEST(paths_have_one_form)
{
	char out[64];
	int rc = path_normalize(paths[_i].text, strlen(paths[_i].text), out);

	ck_assert_msg(rc == (paths[_i].normal ? 0 : -EINVAL), "'%s'", paths[_i].text);
	if (paths[_i].normal)
		ck_assert_str_eq(out, paths[_i].normal);
}
END_TEST

static const struct {
	const char *url;
	const char *parsed; /* SCHEME HOST PORT PATH, or the message */
} urls[] = {
	{ "http://A.test", "http a.test 80 " },
	{ "https://a.test./x?q#f", "https a.test 443 /x" },
	{ "a.test/x", "https a.test 443 /x" },
	{ "HTTPS://a.test:8443/", "https a.test 8443 /" },
	{ "http://u:p@a.test:81?x/y", "http a.test 81 " },
	{ "http://u@b.test@a.test/", "http a.test 80 /" },
	{ "http://a.test:/", "http a.test 80 /" },
	{ "http://192.0.2.1:8080/", "http 192.0.2.1 8080 /" },
	{ "http://[2001:DB8::1]/", "http 2001:db8::1 80 /" },
	{ "http://[::ffff:192.0.2.1]:1/", "http 192.0.2.1 1 /" },
	{ "ftp://a.test/", "ftp://a.test/: column 1: expected http:// or https://" },
	{ "http://", "http://: column 8: expected a host name or an address" },
	{ "http://a..b/", "http://a..b/: column 8: expected a host name or an address" },
	{ "http://[::1/", "http://[::1/: column 12: expected ']'" },
	{ "http://[::1]x/", "http://[::1]x/: column 13: expected ':' and a port" },
	{ "http://[192.0.2.1]/",
	  "http://[192.0.2.1]/: column 9: expected a host name or an address" },
	{ "http://[a.test]/", "http://[a.test]/: column 9: expected a host name or an address" },
	{ "http://0x7f.1/", "http://0x7f.1/: column 8: expected a host name or an address" },
	{ "http://a.test:0/", "http://a.test:0/: column 15: expected a port from 1 to 65535" },
	{ "http://a.test:65536/",
	  "http://a.test:65536/: column 15: expected a port from 1 to 65535" },
	{ "http://a.test:x/", "http://a.test:x/: column 15: expected a port from 1 to 65535" },
	{ "http://a.test:123456789/",
	  "http://a.test:123456789/: column 15: expected a port from 1 to 65535" },
	{ "http://a.test/../x",
	  "http://a.test/../x: column 14: expected a path within the root, well encoded" },
};

START_TEST(reads_a_url)
{
	struct arena arena AUTO(arena_done) = { 0 };
	char parsed[256], address[ADDR_TEXT_MAX];
	struct request request;
	struct err err;

	if (request_from_url("GET", urls[_i].url, &arena, &request, &err) < 0) {
		ck_assert_str_eq(err.text, urls[_i].parsed);
		return;
	}
	(void)snprintf(parsed, sizeof(parsed), "%s %s %u %s", scheme_name(request.scheme),
		       request.name ? request.name : addr_format(&request.addr, address),
		       (unsigned)request.port, request.path);
	ck_assert_str_eq(parsed, urls[_i].parsed);
	ck_assert_str_eq(request.method, "GET");
}
END_TEST

#define NONE REASON_NO_RULE
#define YES  REASON_ALLOW_RULE
#define DENY REASON_DENY_RULE

static const struct {
	const char *allow, *deny, *method, *url; /* without a method: a stream to that host */
	enum reason reason;
} verdicts[] = {
	{ "method=GET,HEAD", NULL, "HEAD", "https://a.test/", YES },
	{ "method=GET", NULL, "get", "https://a.test/", NONE },
	{ "method=*", NULL, "BREW", "https://a.test/", YES },
	{ "method=GET", NULL, NULL, "https://a.test/", NONE },
	{ "path=/", NULL, NULL, "https://a.test/", NONE },
	{ "domain=a.test", NULL, NULL, "https://a.test/", YES },
	{ "domain=a.test method=GET path=/x/*", NULL, "GET", "https://a.test/x/y/z", YES },
	{ "domain=a.test method=GET path=/x/*", NULL, "GET", "https://a.test/x", NONE },
	{ "domain=a.test method=GET path=/x/*", NULL, "GET", "https://b.test/x/y", NONE },
	{ "domain=a.test port=8443 path=/x", NULL, "GET", "https://a.test/x", NONE },
	{ "domain=a.test port=8443 path=/x", NULL, "GET", "https://a.test:8443/x", YES },
	{ "path=/a%20b", NULL, "GET", "https://a.test/a%20b", YES },
	{ "path=/caf%C3%A9", NULL, "GET", "https://a.test/caf%c3%a9", YES },
	{ "path=x", NULL, "GET", "https://a.test/x", YES },
	{ "path=/x/", NULL, "GET", "https://a.test/x", YES },
	{ "path=/x/", NULL, "GET", "https://a.test/x/", NONE },
	{ "path=/*/x", NULL, "GET", "https://a.test/1/x", YES },
	{ "path=/*/x", NULL, "GET", "https://a.test/1/2/x", NONE },
	{ "path=/*", NULL, "GET", "https://a.test/", YES },
	{ "path=/*", NULL, "GET", "https://a.test", NONE },
	{ "path=/@scope/name", NULL, "GET", "https://a.test/@scope%2fname", YES },
	{ "domain=a.test", "path=/secret/*", "GET", "https://a.test/secret/x", DENY },
	{ "domain=a.test", "path=/secret/*", "GET", "https://a.test/y/../secret/x", DENY },
	{ "domain=a.test", "path=/secret/*", "GET", "https://a.test/%73ecret/x", DENY },
	{ "domain=a.test", "path=/secret/*", "GET", "https://a.test/public", YES },
	{ "domain=a.test", "method=POST", "GET", "https://a.test/", YES },
	{ "domain=a.test", "method=POST", NULL, "https://a.test/", YES },
	/* each scheme is what it is made of */
	{ "scheme=https", NULL, "GET", "https://a.test/", YES },
	{ "scheme=https", NULL, "GET", "http://a.test/", NONE },
	{ "scheme=http,https", NULL, "GET", "http://a.test/", YES },
	{ "scheme=tls", NULL, "GET", "https://a.test/", YES },
	{ "scheme=tls", NULL, "GET", "http://a.test/", NONE },
	{ "scheme=tcp", NULL, "GET", "http://a.test/", YES },
	{ "domain=a.test", "scheme=tls", "GET", "https://a.test/", DENY },
	/* an address as the host */
	{ "cidr=192.0.2.0/24 method=GET", NULL, "GET", "http://192.0.2.1/", YES },
	{ "cidr=192.0.2.0/24 method=GET", NULL, "PUT", "http://192.0.2.1/", REASON_RAW_IP },
	{ "domain=* method=GET", NULL, "GET", "http://192.0.2.1/", REASON_RAW_IP },
	{ "domain=192.0.2.1", "path=/x", "GET", "http://192.0.2.1/x", DENY },
};

START_TEST(judges_a_request)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct policy policy AUTO(policy_done);
	struct request request;
	struct err err = { 0 };

	policy_init(&policy);
	ck_assert_msg(policy_allow(&policy, verdicts[_i].allow, place_of("a"), &err) == 0, "%s",
		      err.text);
	if (verdicts[_i].deny)
		ck_assert_int_eq(policy_deny(&policy, verdicts[_i].deny, place_of("d"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert_int_eq(
		request_from_url(verdicts[_i].method, verdicts[_i].url, &arena, &request, &err), 0);
	if (!verdicts[_i].method)
		request.path = NULL;
	ck_assert_str_eq(reason_code(policy_judge_request(&policy, &request).reason),
			 reason_code(verdicts[_i].reason));
}
END_TEST

/* Before a request is known, an allow rule about HTTP may apply, and a deny rule waits. */
START_TEST(what_is_not_known_yet_does_not_deny)
{
	struct policy policy AUTO(policy_done);
	struct addr addr;
	struct err err;

	policy_init(&policy);
	ck_assert_int_eq(addr_parse("93.184.216.34", &addr), 0);
	ck_assert_int_eq(policy_allow(&policy, "domain=a.test method=GET", place_of("a"), &err), 0);
	ck_assert_int_eq(policy_deny(&policy, "path=/x", place_of("d"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert(policy_judge_query(&policy, "a.test").is_allowed);
	ck_assert(policy_judge_name(&policy, "a.test", 443).is_allowed);
	ck_assert(policy_judge_address(&policy, "a.test", &addr, 443, ADDR_FROM_DNS).is_allowed);
	ck_assert(!policy_judge_query(&policy, "b.test").is_allowed);
}
END_TEST

START_TEST(a_run_cannot_look_into_http)
{
	static const struct {
		const char *rule, *message;
	} refused[] = {
		{ "domain=a.test scheme=http,https",
		  "15: scheme=https cannot be used: it needs inspection of TLS, which is not "
		  "available yet; use scheme=tls" },
		{ "port=80,443 method=GET",
		  "13: method= needs scheme=http beside it: TLS cannot be looked into yet; write "
		  "scheme=http, or leave method= out" },
		{ "path=/x scheme=tcp",
		  "1: path= needs scheme=http beside it: TLS cannot be looked into yet; write "
		  "scheme=http, or leave path= out" },
	};
	struct policy policy AUTO(policy_done);
	struct err err = { 0 };
	char message[256];

	policy_init(&policy);
	ck_assert_int_eq(policy_allow(&policy, "scheme=tls,http,tcp", place_of("--allow"), &err),
			 0);
	ck_assert_int_eq(
		policy_allow(&policy, "scheme=http method=GET path=/x", place_of("--allow"), &err),
		0);
	ck_assert_int_eq(policy_check_run(&policy, &err), 0);
	ck_assert_int_eq((_i ? policy_deny : policy_allow)(&policy, refused[_i].rule,
							   place_of("p.yaml:7"), &err),
			 0);
	ck_assert_int_eq(policy_check_run(&policy, &err), -EINVAL);
	(void)snprintf(message, sizeof(message), "p.yaml:7: column %s", refused[_i].message);
	ck_assert_str_eq(err.text, message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/request");
	TCase *tcase = tcase_create("request");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, paths_have_one_form, 0, ROWS(paths));
	tcase_add_loop_test(tcase, reads_a_url, 0, ROWS(urls));
	tcase_add_loop_test(tcase, judges_a_request, 0, ROWS(verdicts));
	tcase_add_test(tcase, what_is_not_known_yet_does_not_deny);
	tcase_add_loop_test(tcase, a_run_cannot_look_into_http, 0, 3);
	return suite_run(suite);
}

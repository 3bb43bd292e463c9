/* Whom an HTTP/1 request is for: read strictly, or not at all. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "proxy/sniff/sniff.h"
#include "tests/unit/suite.h"

static const struct {
	const char *request;
	const char *name; /* NULL: none */
	enum sniff_state state;
	enum reason reason;
} rows[] = {
	{ "GET / HTTP/1.1\r\nHost: ok.test\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "GET / HTTP/1.1\r\nA: b\r\nhost:OK.Test.:8080\t \r\nC:\r\n\r\nbody", "ok.test", SNIFF_YES,
	  0 },
	{ "GET / HTTP/1.1\r\nHost: ok.test:\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "POST http://ok.test:80/x HTTP/1.1\r\nHost: ok.test\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "GET http://OK.test?x HTTP/1.0\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "OPTIONS * HTTP/1.1\r\nHost: ok.test\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	{ "GET / HTTP/1.1\r\nA: \x80\xff\tz\r\nHost: ok.test\r\n\r\n", "ok.test", SNIFF_YES, 0 },
	/* nobody is named */
	{ "GET / HTTP/1.0\r\n\r\n", NULL, SNIFF_YES, 0 },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", NULL, SNIFF_YES, 0 },
	/* read differently by different servers */
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD,
	  REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\nHOST:\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\n\tb: c\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\nHost: a.test\n\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nA: \x01\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\nHost\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1\r\n: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.12\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET / HTTP/1.2\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "CONNECT / HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	/* two different answers */
	{ "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	{ "GET http://x@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD,
	  REASON_BAD_HTTP },
	{ "CONNECT b.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_HTTP },
	/* no host name */
	{ "GET / HTTP/1.1\r\nHost: x@a.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: a.test:80x\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: a.test:80:81\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET / HTTP/1.1\r\nHost: a%2etest\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET http:// HTTP/1.0\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	{ "GET http://[::1]/ HTTP/1.0\r\n\r\n", NULL, SNIFF_BAD, REASON_BAD_NAME },
	/* not all of it */
	{ "GET / HTTP/1.1\r\nHost: ok.test\r\n\r", NULL, SNIFF_MORE, 0 },
	{ "GET / HTTP/1.1\r\nHost: ok.test\r\n", NULL, SNIFF_MORE, 0 },
	{ "GET / HTTP/1.1", NULL, SNIFF_MORE, 0 },
};

static enum sniff_state look(const char *request, size_t length, struct sniff_result *result)
{
	uint8_t *copy AUTO(heap_release) = malloc(length);

	memcpy(copy, request, length);
	return sniff_http1_host(copy, length, result);
}

static void assert_row(int i, const char *request, size_t length)
{
	struct sniff_result result;

	ck_assert_msg(look(request, length, &result) == rows[i].state, "%s", request);
	ck_assert_int_eq(result.protocol, SNIFF_HTTP1);
	ck_assert_int_eq(result.has_name, rows[i].name != NULL);
	ck_assert_str_eq(result.name, rows[i].name ? rows[i].name : "");
	if (rows[i].state == SNIFF_BAD)
		ck_assert_msg(result.reason == rows[i].reason, "%s: %s", request,
			      reason_code(result.reason));
}

START_TEST(the_host_is_read_or_refused)
{
	assert_row(_i, rows[_i].request, strlen(rows[_i].request));
}
END_TEST

START_TEST(a_verdict_does_not_change_with_more_bytes)
{
	const char *request = rows[_i].request;
	struct sniff_result early;
	char longer[512];

	for (size_t length = sizeof("GET / HTTP/1.") - 1; length < strlen(request); length++) {
		enum sniff_state state = look(request, length, &early);

		ck_assert(state == SNIFF_MORE || state == rows[_i].state);
		ck_assert(state != SNIFF_MORE || !early.has_name);
	}
	if (rows[_i].state == SNIFF_MORE)
		return;
	(void)snprintf(longer, sizeof(longer), "%sHost: b.test\r\n\r\n", request);
	assert_row(_i, longer, strlen(longer));
}
END_TEST

#define ROWS (int)(sizeof(rows) / sizeof(rows[0]))

int main(void)
{
	Suite *suite = suite_create("proxy/sniff/http1");
	TCase *tcase = tcase_create("host");

	tcase_add_loop_test(tcase, the_host_is_read_or_refused, 0, ROWS);
	tcase_add_loop_test(tcase, a_verdict_does_not_change_with_more_bytes, 0, ROWS);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

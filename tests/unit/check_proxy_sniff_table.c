/* The table of sniffers: who speaks what, and that no answer is taken back. */
#include "proxy/sniff/sniff.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *bytes;
	size_t sure_at; /* the number of bytes after which the answer stands */
	const char *protocol;
} streams[] = {
	{ "GET / HTTP/1.1\r\nHost: example.org\r\n", 13, "http" },
	{ "get http://example.org/ HTTP/1.0\r\n", 31, "http" },
	{ "OPTIONS * HTTP/1.1\r\n", 17, "http" },
	{ "CONNECT example.org:443 HTTP/1.1\r\n", 31, "http" },
	{ "M-SEARCH * HTTP/1.1\r\n", 18, "http" },
	{ "GET /\xc3\xa9 HTTP/1.1\r\n", 15, "http" },
	{ "GET /\r\n", 6, "tcp" }, /* HTTP/0.9 */
	{ "GET / HTTP/2.0\r\n", 12, "tcp" },
	{ "GET / FTP/1.1\r\n", 7, "tcp" },
	{ "GET  / HTTP/1.1\r\n", 5, "tcp" },
	{ " GET / HTTP/1.1\r\n", 1, "tcp" },
	{ "GET\t/ HTTP/1.1\r\n", 4, "tcp" },
	{ "EHLO example.org\r\n", 17, "tcp" }, /* SMTP */
	{ "USER someone\r\n", 13, "tcp" }, /* FTP, POP3 */
	{ "PING\r\n", 5, "tcp" }, /* Redis, inline */
	{ "*1\r\n$4\r\nPING\r\n", 3, "tcp" }, /* Redis */
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, "h2" },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\n", 23, "tcp" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", 4, "ssh" },
	{ "SSH 2\r\n", 6, "tcp" },
	{ "\x01\x02", 1, "tcp" },
	{ "\xff", 1, "tcp" },
	{ "\x15\x03\x01", 1, "tcp" }, /* a TLS alert opens nothing */
};
#define STREAMS (int)(sizeof(streams) / sizeof(streams[0]))

START_TEST(says_what_a_stream_is_as_early_as_it_is_certain)
{
	const uint8_t *bytes = (const uint8_t *)streams[_i].bytes;
	struct sniff_result result;

	for (size_t length = 1; length <= strlen(streams[_i].bytes); length++) {
		enum sniff_state state = sniff(bytes, length, &result);

		ck_assert_int_eq(state, length < streams[_i].sure_at ? SNIFF_MORE : SNIFF_YES);
		if (state == SNIFF_YES)
			ck_assert_str_eq(sniff_protocol_name(result.protocol),
					 streams[_i].protocol);
		ck_assert(!result.has_name);
	}
}
END_TEST

/* What it could still be, for the one who waits. */
START_TEST(says_what_it_waits_for)
{
	struct sniff_result result;

	ck_assert_int_eq(sniff((const uint8_t *)"\x16", 1, &result), SNIFF_MORE);
	ck_assert_int_eq(result.protocol, SNIFF_TLS);
	ck_assert_int_eq(sniff((const uint8_t *)"S", 1, &result), SNIFF_MORE);
	ck_assert_int_eq(result.protocol, SNIFF_SSH);
	ck_assert_int_eq(sniff((const uint8_t *)"P", 1, &result), SNIFF_MORE);
	ck_assert_int_eq(result.protocol, SNIFF_HTTP2);
	ck_assert_int_eq(sniff((const uint8_t *)"hello", 5, &result), SNIFF_MORE);
	ck_assert_int_eq(result.protocol, SNIFF_HTTP1);
}
END_TEST

/* Nobody can make us look at the same bytes over and over: words have an end. */
START_TEST(a_word_without_an_end_is_no_request)
{
	static uint8_t method[33], request[4 + 8001];
	struct sniff_result result;

	memset(method, 'a', sizeof(method));
	ck_assert_int_eq(sniff(method, sizeof(method) - 1, &result), SNIFF_MORE);
	ck_assert_int_eq(sniff(method, sizeof(method), &result), SNIFF_YES);
	ck_assert_int_eq(result.protocol, SNIFF_OPAQUE);
	memset(request, 'a', sizeof(request));
	memcpy(request, "GET ", 4);
	ck_assert_int_eq(sniff(request, sizeof(request) - 1, &result), SNIFF_MORE);
	ck_assert_int_eq(sniff(request, sizeof(request), &result), SNIFF_YES);
	ck_assert_int_eq(result.protocol, SNIFF_OPAQUE);
}
END_TEST

START_TEST(every_protocol_has_a_name_of_its_own)
{
	for (int a = 0; a < SNIFF_PROTOCOLS; a++) {
		ck_assert_str_ne(sniff_protocol_name((enum sniff_protocol)a), "?");
		for (int b = 0; b < a; b++)
			ck_assert_str_ne(sniff_protocol_name((enum sniff_protocol)a),
					 sniff_protocol_name((enum sniff_protocol)b));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("proxy/sniff/table");
	TCase *tcase = tcase_create("table");

	tcase_add_loop_test(tcase, says_what_a_stream_is_as_early_as_it_is_certain, 0, STREAMS);
	tcase_add_test(tcase, says_what_it_waits_for);
	tcase_add_test(tcase, a_word_without_an_end_is_no_request);
	tcase_add_test(tcase, every_protocol_has_a_name_of_its_own);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(suite());
}

/* Where requests begin and end: what servers could read in two ways is refused, however it is cut. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/http_walk.h"
#include "tests/unit/suite.h"

#define HOST	 "Host: a.test\r\n"
#define GET	 "GET / HTTP/1.1\r\n" HOST "\r\n"
#define POST	 "POST /p HTTP/1.1\r\n" HOST
#define CHUNKED	 POST "Transfer-Encoding: chunked\r\n\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"

static const struct {
	const char *stream, *read;
} rows[] = {
	/* what is clear */
	{ GET, "GET /; " },
	{ GET GET "GET /2 HTTP/1.1\r\n" HOST "\r\n", "GET /; GET /; GET /2; " },
	{ POST "Content-Length: 3\r\n\r\nabc" GET, "POST /p length; GET /; " },
	{ POST "Content-Length: 0\r\n\r\n" GET, "POST /p; GET /; " },
	{ POST "Content-Length: 003\r\n\r\nabc" GET, "POST /p length; GET /; " },
	{ POST "content-LENGTH:3\r\n\r\n"
	       "GE",
	  "POST /p length; " },
	{ CHUNKED "3\r\nabc\r\n0\r\n\r\n" GET, "POST /p chunked end; GET /; " },
	{ CHUNKED "A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n" GET,
	  "POST /p chunked end; GET /; " },
	{ CHUNKED "3;c=\"d e\"\r\n\r\n\r\r\n0;x\r\nT: x\r\nU: y\r\n\r\n" GET,
	  "POST /p chunked end; GET /; " },
	{ CHUNKED "3\r\n\n \n\r\n0\r\n\r\n", "POST /p chunked end; " },
	/* llhttp takes no tab for a blank there, other servers do */
	{ POST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n" SMUGGLED, "BAD" },
	{ CHUNKED "3\r\nab", "POST /p chunked ..." },
	{ CHUNKED "0\r\nT: x\r\n", "POST /p chunked ..." },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS *; " },
	{ "GET http://a.test/x?y HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n" GET,
	  "GET http://a.test/x?y; GET /; " },
	{ "GET / HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n" GET, "GET /; GET /; " },
	{ "CONNECT a.test:1 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED,
	  "CONNECT a.test:1; GET /smuggled; " },
	{ "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" HOST "\r\n" SMUGGLED,
	  "GET /ws; GET /smuggled; " },
	{ POST "Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc" GET,
	  "POST /p length; GET /; " },
	{ POST
	  "Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET,
	  "POST /p chunked end; GET /; " },
	{ "GET / HTTP/1.1\r\nA: \x80\xff\tz\r\nB:\r\n" HOST "\r\n", "GET /; " },
	{ "GET / HTTP/1.1\r\n" HOST, "..." },
	/* row 131: two lengths */
	{ POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: 3, 3\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: +3\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: -1\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: 0x3\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: 3 4\r\n\r\nabc", "BAD" },
	{ POST "Content-Length: 3.0\r\n\r\nabc", "BAD" },
	{ POST "Content-Length:\r\n\r\n", "BAD" },
	{ POST "Content-Length: 99999999999999999999\r\n\r\n", "BAD" },
	{ POST "Content-Length : 3\r\n\r\nabc", "BAD" },
	{ POST " Content-Length: 3\r\n\r\nabc", "BAD" },
	{ POST "\tContent-Length: 3\r\n\r\nabc", "BAD" },
	{ POST "Content-Length:\v3\r\n\r\nabc", "BAD" },
	/* codings that are not just chunked, once */
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "BAD" },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	  "BAD" },
	{ POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  "BAD" },
	{ POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "BAD" },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "BAD" },
	{ POST "Transfer-Encoding: identity\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding: chunked;q=1\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding: \"chunked\"\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding:\vchunked\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding: chunked\r\n , identity\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding:\r\n chunked\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "Transfer-Encoding : chunked\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "X: y\rTransfer-Encoding: chunked\r\n\r\n" SMUGGLED, "BAD" },
	{ POST "X: y\nTransfer-Encoding: chunked\r\n\r\n" SMUGGLED, "BAD" },
	{ "POST /p HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "BAD" },
	/* chunks */
	{ CHUNKED "3\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3\r\nabc\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "+3\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "-1\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "g\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3;\nx\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3;a\rb\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0\r\n\n" SMUGGLED, "POST /p chunked BAD" },
	{ CHUNKED "0\r\nT: x\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0\r\nT: x\r\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0\r\nT: x\r\n y\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0\r\n T: x\r\n\r\n", "POST /p chunked BAD" },
	{ CHUNKED "0\r\n" SMUGGLED, "POST /p chunked BAD" },
	/* row 130: lines, request lines, versions, hosts */
	{ "GET / HTTP/1.1\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\nHost: a.test\n\n", "BAD" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\n\n" SMUGGLED, "BAD" },
	{ "GET / HTTP/1.1\r\nHost: a.test\r\n\r" SMUGGLED, "BAD" },
	{ "GET / HTTP/1.1\rHost: a.test\r\n\r\n", "BAD" },
	{ "\r\n" GET, "BAD" },
	{ GET "\r\n" GET, "GET /; BAD" },
	{ " " GET, "BAD" },
	{ "GET /\r\n", "..." },
	{ "GET /\r\n\r\n", "BAD" },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", "BAD" },
	{ "GET /\t HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET\t/ HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / b HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/0.9\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.2\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / http/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / ICY/1.1\r\n" HOST "\r\n", "BAD" },
	{ "G\x01T / HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "get / HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "BAD" },
	{ "HTTP/1.1 200 OK\r\n\r\n", "BAD" },
	{ "GET x HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "CONNECT / HTTP/1.1\r\n" HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST " b\r\n\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", "BAD" },
	{ "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", "BAD" },
	{ GET "junk", "GET /; BAD" },
	{ GET "\x16\x03\x01", "GET /; BAD" },
};

START_TEST(a_request_is_clear_or_refused)
{
	struct http_walk walk;

	http_walk(&walk, (const uint8_t *)rows[_i].stream, strlen(rows[_i].stream), 0);
	ck_assert_msg(strcmp(walk.text, rows[_i].read) == 0, "%s: read as '%s'", rows[_i].stream,
		      walk.text);
}
END_TEST

START_TEST(it_does_not_matter_how_a_stream_is_cut)
{
	const char *stream = rows[_i].stream;
	struct http_walk walk;

	for (size_t piece = 1; piece < strlen(stream); piece++) {
		http_walk(&walk, (const uint8_t *)stream, strlen(stream), piece);
		ck_assert_msg(strcmp(walk.text, rows[_i].read) == 0, "%s in %zu: read as '%s'",
			      stream, piece, walk.text);
	}
}
END_TEST

START_TEST(a_nul_is_nowhere_but_in_bodies)
{
	static const char head[] = "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n";
	static const char line[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n";
	static const char body[] = CHUNKED "3\r\n\0\0\0\r\n0\r\n\r\n";
	static const char trailer[] = CHUNKED "0\r\nA: \0\r\n\r\n";
	struct http_walk walk;

	http_walk(&walk, (const uint8_t *)head, sizeof(head) - 1, 0);
	ck_assert_str_eq(walk.text, "BAD");
	http_walk(&walk, (const uint8_t *)line, sizeof(line) - 1, 0);
	ck_assert_str_eq(walk.text, "BAD");
	http_walk(&walk, (const uint8_t *)body, sizeof(body) - 1, 0);
	ck_assert_str_eq(walk.text, "POST /p chunked end; ");
	http_walk(&walk, (const uint8_t *)trailer, sizeof(trailer) - 1, 0);
	ck_assert_str_eq(walk.text, "POST /p chunked BAD");
}
END_TEST

static const struct {
	const char *head;
	bool is_to_head;
	enum http_body body;
} answers[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, HTTP_BODY_LENGTH },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, HTTP_BODY_NONE },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, HTTP_BODY_NONE },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, HTTP_BODY_CHUNKED },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, HTTP_BODY_NONE },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, HTTP_BODY_TO_END },
	{ "HTTP/1.0 200 OK\r\n\r\n", false, HTTP_BODY_TO_END },
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", false, HTTP_BODY_NONE },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", false, HTTP_BODY_NONE },
	{ "HTTP/1.1 100 Continue\r\n\r\n", false, HTTP_BODY_NONE },
	{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	  false, HTTP_BODY_NONE },
};

START_TEST(an_answer_is_as_long_as_it_says)
{
	const uint8_t *bytes = (const uint8_t *)answers[_i].head;
	size_t length = strlen(answers[_i].head), used;
	struct http_framing framing;

	http_framing_init(&framing, true);
	framing.has_no_body = answers[_i].is_to_head;
	ck_assert_int_eq(http_framing_read(&framing, bytes, length - 1, &used), HTTP_PART_MORE);
	ck_assert_uint_eq(used, length - 1);
	ck_assert_int_eq(http_framing_read(&framing, bytes + used, 1, &used), HTTP_PART_HEAD);
	ck_assert_int_eq(framing.body, answers[_i].body);
}
END_TEST

#define ROWS	(int)(sizeof(rows) / sizeof(rows[0]))
#define ANSWERS (int)(sizeof(answers) / sizeof(answers[0]))

int main(void)
{
	Suite *suite = suite_create("proxy/http/framing");
	TCase *tcase = tcase_create("framing");

	tcase_add_loop_test(tcase, a_request_is_clear_or_refused, 0, ROWS);
	tcase_add_loop_test(tcase, it_does_not_matter_how_a_stream_is_cut, 0, ROWS);
	tcase_add_test(tcase, a_nul_is_nowhere_but_in_bodies);
	tcase_add_loop_test(tcase, an_answer_is_as_long_as_it_says, 0, ANSWERS);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

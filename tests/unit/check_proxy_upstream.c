/* The way out through a proxy: what is said to it, what its answers mean, and where they end. */
#include "proxy/upstream.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct upstream_credentials nobody, somebody = { "Aladdin", "open sesame" };
static struct upstream_handshake *handshake;
static int ours = -1, theirs = -1;

static void setup(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ours = ends[0];
	theirs = ends[1];
	handshake = NULL;
}

static void teardown(void)
{
	upstream_handshake_free(&handshake);
	(void)close(ours);
	(void)close(theirs);
}

static void start(enum upstream_kind kind, const struct upstream_credentials *credentials,
		  const char *host, uint16_t port)
{
	struct upstream_target target = { .port = port };

	if (addr_parse(host, &target.addr) < 0)
		target.name = host;
	handshake = upstream_handshake_new(kind, credentials, &target);
	ck_assert_ptr_nonnull(handshake);
}

static enum upstream_result step(void)
{
	return upstream_step(handshake, ours, false);
}

static void assert_said(const char *bytes, size_t length)
{
	char got[4096];
	ssize_t count = recv(theirs, got, sizeof(got), 0);

	ck_assert_int_eq(count, (ssize_t)length);
	ck_assert_mem_eq(got, bytes, length);
}

static void answer(const char *bytes, size_t length)
{
	ck_assert_int_eq(send(theirs, bytes, length, 0), (ssize_t)length);
}

#define SAID(text)   assert_said(text, sizeof(text) - 1)
#define ANSWER(text) answer(text, sizeof(text) - 1)

static void assert_left(const char *text)
{
	char got[100] = "";

	(void)recv(ours, got, sizeof(got) - 1, 0);
	ck_assert_str_eq(got, text);
}

static const struct {
	const char *host;
	const struct upstream_credentials *credentials;
	const char *said;
} requests[] = {
	{ "ok.test", &nobody, "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n" },
	{ "192.0.2.1", &nobody, "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n" },
	{ "2001:db8::1", &nobody,
	  "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n" },
	{ "ok.test", &somebody, /* RFC 7617's own example */
	  "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n"
	  "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n" },
};

START_TEST(asks_an_http_proxy)
{
	start(UPSTREAM_HTTP, requests[_i].credentials, requests[_i].host, 443);
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	assert_said(requests[_i].said, strlen(requests[_i].said));
}
END_TEST

static const struct {
	const char *answer, *left; /* without error: what is for the client */
	const char *error;
} http_answers[] = {
	{ "HTTP/1.1 200 Connection established\r\n\r\n", "", NULL },
	{ "HTTP/1.0 200 OK\r\nVia: x\r\n\r\nSSH-2.0-x\r\n", "SSH-2.0-x\r\n", NULL },
	{ "HTTP/1.1 200\r\n\r\n\r\n\r\n", "\r\n\r\n", NULL },
	{ "HTTP/1.1 204 x\nA: b\n\nrest", "rest", NULL },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest", "rest", NULL },
	{ "HTTP/1.1 407 Proxy Authentication Required\r\nA: b\r\n\r\n<html>", NULL,
	  "upstream proxy: 407 Proxy Authentication Required" },
	{ "HTTP/1.1 502 \x1b[31mred\r\n\r\n", NULL, "upstream proxy: 502 \\x1b[31mred" },
	{ "HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n", NULL, "upstream proxy: 302 Found" },
	{ "HTTP/2 200\r\n\r\n", NULL, "upstream proxy: its answer is not HTTP" },
	{ "HTTP/1.1200\r\n\r\n", NULL, "upstream proxy: its answer is not HTTP" },
	{ "HTTP/1.\n\n", NULL, "upstream proxy: its answer is not HTTP" },
	{ "SSH-2.0-x\r\n", NULL, "upstream proxy: its answer is not HTTP" },
};

static void assert_end(enum upstream_result result, const char *error, const char *left)
{
	if (error) {
		ck_assert_int_eq(result, UPSTREAM_FAILED);
		ck_assert_str_eq(handshake->error, error);
		return;
	}
	ck_assert_int_eq(result, UPSTREAM_READY);
	assert_left(left);
}

START_TEST(reads_an_http_answer_and_not_a_byte_more)
{
	const char *text = http_answers[_i].answer;

	start(UPSTREAM_HTTP, &nobody, "ok.test", 22);
	answer(text, strlen(text));
	assert_end(step(), http_answers[_i].error, http_answers[_i].left);
}
END_TEST

START_TEST(reads_an_answer_that_comes_byte_by_byte)
{
	const char *text = http_answers[_i].answer;
	enum upstream_result result = UPSTREAM_AGAIN;
	size_t at = 0;

	start(UPSTREAM_HTTP, &nobody, "ok.test", 22);
	while (text[at] && result == UPSTREAM_AGAIN) {
		answer(text + at++, 1);
		result = step();
	}
	answer(text + at, strlen(text + at));
	assert_end(result, http_answers[_i].error, http_answers[_i].left);
}
END_TEST

START_TEST(gives_up_on_a_header_without_end)
{
	enum upstream_result result = UPSTREAM_AGAIN;

	start(UPSTREAM_HTTP, &nobody, "ok.test", 22);
	ANSWER("HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 1000 && result == UPSTREAM_AGAIN; i++) {
		ANSWER("X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
		result = step();
	}
	assert_end(result, "upstream proxy: its answer is too long", NULL);
}
END_TEST

/* It could go on for ever, and nothing else would happen meanwhile. */
START_TEST(gives_up_on_answers_without_end)
{
	enum upstream_result result = UPSTREAM_AGAIN;

	start(UPSTREAM_HTTP, &nobody, "ok.test", 22);
	for (int i = 0; i < 1000 && result == UPSTREAM_AGAIN; i++) {
		ANSWER("HTTP/1.1 100 Continue\r\n\r\n");
		result = step();
	}
	assert_end(result, "upstream proxy: its answer is too long", NULL);
}
END_TEST

START_TEST(says_that_the_proxy_hung_up)
{
	start(UPSTREAM_HTTP, &nobody, "ok.test", 22);
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	if (_i == 1)
		ANSWER("HTTP/1.1 200 OK\r\nX");
	ck_assert_int_eq(shutdown(theirs, SHUT_WR), 0);
	assert_end(upstream_step(handshake, ours, true), "upstream proxy: it hung up", NULL);
}
END_TEST

START_TEST(asks_a_socks_proxy_by_name)
{
	start(UPSTREAM_SOCKS5, &nobody, "ok.test", 0x1234);
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	SAID("\5\1\0");
	ANSWER("\5\0");
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	SAID("\5\1\0\3\7ok.test\x12\x34");
	ANSWER("\5\0\0\1\x7f\0\0\1\0\x50rest");
	assert_end(step(), NULL, "rest");
}
END_TEST

START_TEST(asks_a_socks_proxy_by_address)
{
	start(UPSTREAM_SOCKS5, &nobody, _i ? "2001:db8::1" : "192.0.2.1", 22);
	ANSWER("\5\0");
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	if (_i)
		SAID("\5\1\0\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x16");
	else
		SAID("\5\1\0\5\1\0\1\xc0\0\2\1\0\x16");
	ANSWER("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	assert_end(step(), NULL, "");
}
END_TEST

START_TEST(logs_in_at_a_socks_proxy)
{
	start(UPSTREAM_SOCKS5, &somebody, "a.b", 1);
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	SAID("\5\2\0\2");
	ANSWER("\5\2");
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	SAID("\1\7Aladdin\13open sesame");
	ANSWER("\1\0");
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	SAID("\5\1\0\3\3a.b\0\1");
	ANSWER("\5\0\0\3\4host\0\1");
	assert_end(step(), NULL, "");
}
END_TEST

static const struct {
	const char *methods, *login, *reply; /* NULL: it does not come to that */
	size_t reply_length;
	const struct upstream_credentials *credentials;
	const char *error;
} socks_failures[] = {
	{ "HT", NULL, NULL, 0, &nobody, "its answer is not SOCKS5" },
	{ "\5\xff", NULL, NULL, 0, &nobody, "it wants a user and a password" },
	{ "\5\xff", NULL, NULL, 0, &somebody, "it wants another kind of authentication" },
	{ "\5\2", NULL, NULL, 0, &nobody, "it wants another kind of authentication" },
	{ "\5\1", NULL, NULL, 0, &somebody, "it wants another kind of authentication" },
	{ "\5\2", "\1\1", NULL, 0, &somebody, "it does not accept the user and password" },
	{ "\5\2", "\1\0", "\5\2", 2, &somebody, "connection not allowed" },
	{ "\5\2", "\1\0", "\5\5\0\1\0\0\0\0\0\0", 10, &somebody, "connection refused" },
	{ "\5\2", "\1\0", "\5\x63", 2, &somebody, "unknown failure" },
	{ "\5\2", "\1\0", "\4\0\0\1\0", 5, &somebody, "its answer is not SOCKS5" },
	{ "\5\2", "\1\0", "\5\0\0\2\0", 5, &somebody, "its answer is not SOCKS5" },
};

START_TEST(says_why_a_socks_proxy_refuses)
{
	char error[100];

	(void)snprintf(error, sizeof(error), "upstream proxy: %s", socks_failures[_i].error);
	start(UPSTREAM_SOCKS5, socks_failures[_i].credentials, "a.b", 1);
	answer(socks_failures[_i].methods, 2);
	if (socks_failures[_i].login)
		answer(socks_failures[_i].login, 2);
	if (socks_failures[_i].reply)
		answer(socks_failures[_i].reply, socks_failures[_i].reply_length);
	assert_end(step(), error, NULL);
}
END_TEST

START_TEST(has_room_for_the_longest_of_all)
{
	struct upstream_credentials longest;
	char name[254], got[4096];
	ssize_t count;

	memset(&longest, 'x', sizeof(longest));
	longest.user[sizeof(longest.user) - 1] = longest.password[sizeof(longest.password) - 1] =
		'\0';
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	start(_i ? UPSTREAM_SOCKS5 : UPSTREAM_HTTP, &longest, name, 65535);
	if (_i) {
		ANSWER("\5\2\1\0");
		ck_assert_int_eq(step(), UPSTREAM_AGAIN);
		count = recv(theirs, got, sizeof(got), 0);
		ck_assert_int_eq(count, 4 + 1 + 2 * 256 + 4 + 1 + 253 + 2);
		return;
	}
	ck_assert_int_eq(step(), UPSTREAM_AGAIN);
	count = recv(theirs, got, sizeof(got), 0);
	ck_assert_int_gt(count, 684 + 2 * 253);
	ck_assert_mem_eq(got + count - 4, "\r\n\r\n", 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/upstream");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, asks_an_http_proxy, 0, ROWS(requests));
	tcase_add_loop_test(all, reads_an_http_answer_and_not_a_byte_more, 0, ROWS(http_answers));
	tcase_add_loop_test(all, reads_an_answer_that_comes_byte_by_byte, 0, ROWS(http_answers));
	tcase_add_test(all, gives_up_on_a_header_without_end);
	tcase_add_test(all, gives_up_on_answers_without_end);
	tcase_add_loop_test(all, says_that_the_proxy_hung_up, 0, 2);
	tcase_add_test(all, asks_a_socks_proxy_by_name);
	tcase_add_loop_test(all, asks_a_socks_proxy_by_address, 0, 2);
	tcase_add_test(all, logs_in_at_a_socks_proxy);
	tcase_add_loop_test(all, says_why_a_socks_proxy_refuses, 0, ROWS(socks_failures));
	tcase_add_loop_test(all, has_room_for_the_longest_of_all, 0, 2);
	return suite_run(suite);
}

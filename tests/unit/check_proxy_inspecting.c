/* The whole proxy, where rules speak of requests: HTTP/1 is judged request by request. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/proxy_client.h"

/* ---- requests of HTTP/1: the echo server answers with no HTTP, which is passed on, too ---- */

static const char *const http_rules[] = {
	"allow domain=ok.test scheme=http method=GET path=/ok",
	"allow domain=alias.test",
	"allow cidr=192.0.2.2 scheme=http method=GET",
	"deny domain=dns.test scheme=http path=/secret", /* which alias.test leads to */
	"deny domain=any.test scheme=http path=/secret",
	NULL,
};

#define OK_REQUEST "GET /ok HTTP/1.1\r\nHost: ok.test\r\n\r\n"

static const struct {
	const char *name; /* NULL: a raw address */
	const char *request;
	const char *status; /* of our own answer; NULL: it reaches the server */
	const char *reason;
} requests[] = {
	{ "ok.test", OK_REQUEST, NULL, "allow-rule" },
	{ "ok.test", "GET /x/../ok?q HTTP/1.1\r\nHost: OK.test.:7001\r\n\r\n", NULL, "allow-rule" },
	{ "ok.test", "GET /no HTTP/1.1\r\nHost: ok.test\r\n\r\n", "403", "no-rule" },
	{ "ok.test", "GET /ok/../no HTTP/1.1\r\nHost: ok.test\r\n\r\n", "403", "no-rule" },
	{ "ok.test", "POST /ok HTTP/1.1\r\nHost: ok.test\r\n\r\n", "403", "no-rule" },
	{ "ok.test", "GET /ok HTTP/1.1\r\nHost: alias.test\r\n\r\n", "403", "name-mismatch" },
	{ "ok.test", "GET http://ok.test/ok HTTP/1.1\r\nHost: ok.test\r\n\r\n", NULL,
	  "allow-rule" },
	{ "ok.test", "GET http://x.test/ok HTTP/1.1\r\nHost: ok.test\r\n\r\n", "400", "bad-http" },
	{ "ok.test", "GET /ok HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "400", "bad-http" },
	{ "ok.test", "GET /ok HTTP/1.0\r\n\r\n", "400", "bad-http" },
	{ "ok.test", "GET /%00 HTTP/1.1\r\nHost: ok.test\r\n\r\n", "400", "bad-http" },
	{ "ok.test", "GET /../ok HTTP/1.1\r\nHost: ok.test\r\n\r\n", "400", "bad-http" },
	{ "ok.test", "GET /ok HTTP/1.1\r\nHost: ok.test\r\nA: \n\r\n", "400", "bad-http" },
	{ "ok.test", "CONNECT ok.test:1 HTTP/1.1\r\nHost: ok.test\r\n\r\n", "403", "no-rule" },
	{ "alias.test", "GET /ok HTTP/1.1\r\nHost: alias.test\r\n\r\n", NULL, "allow-rule" },
	{ "alias.test", "GET /secret HTTP/1.1\r\nHost: alias.test\r\n\r\n", "403", "deny-rule" },
	{ "alias.test", "CONNECT alias.test:1 HTTP/1.1\r\nHost: alias.test\r\n\r\n", "403",
	  "no-rule" },
	{ NULL, "GET / HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n", NULL, "allow-rule" },
	{ NULL, "GET / HTTP/1.1\r\nHost: 192.0.2.2:7001\r\n\r\n", NULL, "allow-rule" },
	{ NULL, "GET / HTTP/1.1\r\nHost: some.test\r\n\r\n", NULL, "allow-rule" },
	{ NULL, "GET /secret HTTP/1.1\r\nHost: any.test\r\n\r\n", "403", "deny-rule" },
	{ NULL, "PUT / HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n", "403", "no-rule" },
	{ NULL, "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "403", "name-mismatch" },
	{ NULL, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "403", "name-mismatch" },
	{ NULL, "GET / HTTP/1.1\r\nHost: 0300.0.2.2\r\n\r\n", "400", "bad-http" },
};

static void start_http(void)
{
	proxy_start(&proxy, http_rules, -1, 0);
}

static int dial_or_raw(const char *name)
{
	const struct addr raw = address(RAW_ADDRESS);

	return name ? dial(name, PORT_ECHO) : connect_to(&raw, PORT_ECHO, SOCK_STREAM);
}

/* Our own answer, which ends the connection in good order. */
static void expect_answer(int fd, const char *status)
{
	char got[4096];
	ssize_t length = recv(fd, got, sizeof(got) - 1, MSG_WAITALL);

	ck_assert_msg(length > 12, "%zd", length);
	got[length] = '\0';
	ck_assert_msg(strncmp(got, "HTTP/1.1 ", 9) == 0 && strncmp(got + 9, status, 3) == 0, "%s",
		      got);
	ck_assert_msg(strstr(got, "Connection: close\r\n") && strstr(got, "\r\n\r\nnsgate: "), "%s",
		      got);
	expect_end(fd);
}

START_TEST(judges_each_request)
{
	const char *request = requests[_i].request;
	int fd = dial_or_raw(requests[_i].name);

	put(fd, request, strlen(request));
	if (requests[_i].status)
		expect_answer(fd, requests[_i].status);
	else
		expect(fd, request, strlen(request));
	(void)close(fd);
	expect_verdict(requests[_i].status ? "deny" : "allow", requests[_i].reason);
}
END_TEST

static const char *const slow_heads[] = { "GET /ok HTTP/1.1\r\nHost: ok", "GE",
					  "GET /ok HTTP/1.1\r\nHost: ok.test\r\n\r" };

START_TEST(answers_a_head_that_does_not_go_on)
{
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, slow_heads[_i], strlen(slow_heads[_i]));
	expect_answer(fd, "408");
	(void)close(fd);
	expect_verdict("deny", "sniff-timeout");
}
END_TEST

START_TEST(a_head_has_its_time_however_it_trickles)
{
	static const char begin[] = "GET /ok HTTP/1.1\r\nA: ";
	int fd = dial("ok.test", PORT_ECHO);
	int sent = 0;

	put(fd, begin, sizeof(begin) - 1);
	while (sent < 50 && poll(&(struct pollfd) { .fd = fd, .events = POLLIN }, 1, 50) == 0) {
		put(fd, "a", 1);
		sent++;
	}
	ck_assert_int_lt(sent, 20); /* 300 ms are its time */
	expect_answer(fd, "408");
	(void)close(fd);
	expect_verdict("deny", "sniff-timeout");
}
END_TEST

START_TEST(refuses_a_head_that_has_no_end)
{
	static const char begin[] = "GET /ok HTTP/1.1\r\nA: ";
	char more[8192];
	int fd = dial("ok.test", PORT_ECHO);

	memset(more, 'a', sizeof(more));
	put(fd, begin, sizeof(begin) - 1);
	for (int i = 0; i < 9; i++)
		(void)send(fd, more, sizeof(more), MSG_NOSIGNAL);
	expect_answer(fd, "400");
	(void)close(fd);
	expect_verdict("deny", "bad-http");
}
END_TEST

/* Urgent bytes are left out of a stream by who does not ask for them: the path would be /ok. */
START_TEST(an_urgent_byte_hides_nothing)
{
	static const char begin[] = "GET /o", end[] = "k HTTP/1.1\r\nHost: ok.test\r\n\r\n";
	char got[4096];
	ssize_t length;
	json_t *list;
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, begin, sizeof(begin) - 1);
	(void)poll(NULL, 0, _i * 50);
	ck_assert_int_eq(send(fd, "n", 1, MSG_OOB), 1);
	(void)poll(NULL, 0, _i * 50);
	put(fd, end, sizeof(end) - 1);
	length = recv(fd, got, sizeof(got), 0);
	ck_assert_int_gt(length, 12);
	ck_assert(memcmp(got, "HTTP/1.1 40", 11) ==
		  0); /* 403, or 408: it is not read past the mark */
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "verdict"), "deny");
	ck_assert_int_eq(json_integer_value(json_object_get(connection(list), "bytes_sent")), 0);
	json_decref(list);
}
END_TEST

START_TEST(asks_nothing_more_of_a_server_that_speaks_no_http)
{
	json_t *list;
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, OK_REQUEST, strlen(OK_REQUEST));
	expect(fd, OK_REQUEST, strlen(OK_REQUEST));
	put(fd, OK_REQUEST, strlen(OK_REQUEST));
	expect_reset(fd);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(nth_connection(list, 0), "error"),
			 "the server's answer is no HTTP/1");
	ck_assert_int_eq(json_integer_value(json_object_get(nth_connection(list, 1), "requests")),
			 1);
	json_decref(list);
}
END_TEST

START_TEST(a_word_that_was_cut_is_still_a_request)
{
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, "GE", 2);
	(void)poll(NULL, 0, 200); /* longer than a word is waited for */
	put(fd, OK_REQUEST + 2, strlen(OK_REQUEST) - 2);
	expect(fd, OK_REQUEST, strlen(OK_REQUEST));
	(void)close(fd);
	expect_verdict("allow", "allow-rule");
}
END_TEST

static const struct {
	const char *bytes;
	const char *rules[4];
	const char *reason; /* NULL: it stays open */
} changed[] = {
	{ OK_REQUEST,
	  { "allow domain=ok.test", "deny domain=ok.test scheme=http path=/x" },
	  "uninspected" },
	{ OK_REQUEST,
	  { "allow domain=ok.test", "allow domain=ok.test scheme=http method=GET" },
	  "uninspected" },
	{ OK_REQUEST,
	  { "allow domain=ok.test", "deny domain=ok.test port=80 scheme=http path=/x" },
	  NULL },
	{ "\r\nGET /",
	  { "allow domain=ok.test", "deny domain=ok.test scheme=http path=/x" },
	  "uninspected" },
	{ "\r\nGET /",
	  { "allow domain=ok.test", "allow domain=ok.test scheme=http path=/x" },
	  NULL },
	{ "SSH-2.0-x\r\n",
	  { "allow domain=ok.test", "deny domain=ok.test scheme=http path=/x" },
	  NULL },
};

START_TEST(a_new_policy_closes_what_it_cannot_look_into)
{
	int fd;

	stop();
	start();
	fd = dial("ok.test", PORT_ECHO);
	put(fd, changed[_i].bytes, strlen(changed[_i].bytes));
	expect(fd, changed[_i].bytes, strlen(changed[_i].bytes));
	ck_assert_uint_eq(update(changed[_i].rules), changed[_i].reason ? 1 : 0);
	if (changed[_i].reason)
		expect_reset(fd);
	else
		expect_alive(fd);
	(void)close(fd);
	expect_verdict(changed[_i].reason ? "deny" : "allow",
		       changed[_i].reason ? changed[_i].reason : "allow-rule");
}
END_TEST

static const struct {
	const char *rules[4];
	const char *reason;
} renewed_requests[] = {
	{ { "allow domain=ok.test" }, "allow-rule" },
	{ { "allow domain=ok.test scheme=http method=GET,PUT" }, "allow-rule" },
	{ { "allow domain=ok.test scheme=http method=PUT" }, "no-rule" },
	{ { "allow domain=ok.test", "deny domain=ok.test scheme=http path=/ok" }, "deny-rule" },
	{ { NULL }, "no-rule" },
};

START_TEST(judges_a_request_that_is_not_answered_by_a_new_policy)
{
	bool is_kept = strcmp(renewed_requests[_i].reason, "allow-rule") == 0;
	json_t *list;
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, OK_REQUEST, strlen(OK_REQUEST));
	expect(fd, OK_REQUEST, strlen(OK_REQUEST));
	ck_assert_uint_eq(update(renewed_requests[_i].rules), is_kept ? 0 : 1);
	if (!is_kept)
		expect_reset(fd);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(nth_connection(list, 0), "url"), "http://ok.test/ok");
	ck_assert_str_eq(text_of(nth_connection(list, 0), "reason"), renewed_requests[_i].reason);
	if (is_kept)
		ck_assert_str_eq(text_of(nth_connection(list, 0), "rule"),
				 renewed_requests[_i].rules[0] + strlen("allow "));
	ck_assert_int_eq(json_integer_value(json_object_get(nth_connection(list, 1), "requests")),
			 1);
	json_decref(list);
}
END_TEST

START_TEST(a_denial_that_cannot_be_recorded_closes_the_network)
{
	static const char request[] = "PUT / HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n";
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int other, fd, status;

	stop();
	proxy_start(&proxy, http_rules, full, 0);
	other = dial_or_raw(NULL);
	put(other, "GET / HTTP/1.1\r\n", 16);
	fd = dial_or_raw(NULL);
	put(fd, request, sizeof(request) - 1);
	expect_reset(other);
	(void)close(other);
	(void)close(fd);
	status = proxy_stop(&proxy);
	proxy.control_fd = -1;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "proxy status %x", status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/inspecting");
	TCase *http = tcase_create("http");

	tcase_add_checked_fixture(http, start_http, stop);
	tcase_set_timeout(http, 60);
	suite_add_tcase(suite, http);
	tcase_add_loop_test(http, judges_each_request, 0, ROWS(requests));
	tcase_add_loop_test(http, answers_a_head_that_does_not_go_on, 0, ROWS(slow_heads));
	tcase_add_test(http, a_head_has_its_time_however_it_trickles);
	tcase_add_test(http, refuses_a_head_that_has_no_end);
	tcase_add_loop_test(http, an_urgent_byte_hides_nothing, 0, 3);
	tcase_add_test(http, asks_nothing_more_of_a_server_that_speaks_no_http);
	tcase_add_test(http, a_word_that_was_cut_is_still_a_request);
	tcase_add_loop_test(http, a_new_policy_closes_what_it_cannot_look_into, 0, ROWS(changed));
	tcase_add_loop_test(http, judges_a_request_that_is_not_answered_by_a_new_policy, 0,
			    ROWS(renewed_requests));
	tcase_add_test(http, a_denial_that_cannot_be_recorded_closes_the_network);
	return client_suite_run(suite);
}

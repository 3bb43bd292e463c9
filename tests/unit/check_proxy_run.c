/* The whole proxy, confined, between two network namespaces: what a program in the jail sees. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/net_plan.h"
#include "proxy/dns/answer.h"
#include "tests/unit/proxy_client.h"

/* ---- relaying ---- */

START_TEST(relays_to_an_allowed_name_and_records_it)
{
	int fd = dial("ok.test", PORT_ECHO);
	const json_t *record;
	json_t *list;

	put(fd, "hello", 5);
	expect(fd, "hello", 5);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "jail"), "0123456789abcdef");
	ck_assert_str_eq(text_of(record, "protocol"), "tcp");
	ck_assert_str_eq(text_of(record, "name"), "ok.test");
	ck_assert_str_eq(text_of(record, "address"), "198.18.0.1");
	ck_assert_str_eq(text_of(record, "dialed"), SERVER_ADDRESS);
	ck_assert_str_eq(text_of(record, "verdict"), "allow");
	ck_assert_str_eq(text_of(record, "rule"), "domain=ok.test");
	ck_assert_str_eq(text_of(record, "rule_origin"), "test");
	ck_assert_int_eq(json_integer_value(json_object_get(record, "port")), PORT_ECHO);
	ck_assert_int_eq(json_integer_value(json_object_get(record, "bytes_sent")), 5);
	ck_assert_int_eq(json_integer_value(json_object_get(record, "bytes_received")), 5);
	ck_assert_uint_eq(json_array_size(list), 2); /* the query, the connection */
	json_decref(list);
}
END_TEST

START_TEST(lets_the_server_speak_first)
{
	int fd = dial("ok.test", PORT_BANNER);

	expect(fd, "220 hello\r\n", 11);
	put(fd, "QUIT", 4);
	expect(fd, "QUIT", 4);
	(void)close(fd);
}
END_TEST

START_TEST(passes_the_clients_end_of_stream_on)
{
	int fd = dial("ok.test", PORT_SINK);
	uint8_t bytes[1000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = bulk_byte(i);
	put(fd, bytes, sizeof(bytes));
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect(fd, "1000", 4);
	expect_end(fd);
	(void)close(fd);
}
END_TEST

START_TEST(passes_on_an_end_of_stream_without_any_byte)
{
	int fd = dial("ok.test", PORT_SINK);

	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect(fd, "0", 1);
	expect_end(fd);
	(void)close(fd);
}
END_TEST

START_TEST(passes_the_servers_end_of_stream_on)
{
	unsigned before = world->half_bytes;
	int fd = dial("ok.test", PORT_HALF);

	expect_end(fd);
	put(fd, "still here", 10);
	wait_for(&world->half_bytes, before + 10);
	(void)close(fd);
}
END_TEST

START_TEST(passes_the_servers_reset_on)
{
	int fd = dial("ok.test", PORT_RESET);

	put(fd, "xy", 2);
	expect_reset(fd);
	(void)close(fd);
}
END_TEST

START_TEST(passes_the_clients_reset_on)
{
	const struct linger now = { 1, 0 };
	unsigned before = world->resets;
	int fd = dial("ok.test", PORT_WAIT_RESET);

	put(fd, "xy", 2);
	(void)poll(NULL, 0, 50);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	(void)close(fd);
	wait_for(&world->resets, before + 1);
}
END_TEST

START_TEST(receives_64_mebibytes_unharmed)
{
	int fd = dial("ok.test", PORT_SOURCE);
	static uint8_t bytes[65536];
	uint64_t at = 0;
	unsigned wrong = 0;
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			wrong += bytes[i] != bulk_byte(at + (uint64_t)i);
		at += (uint64_t)got;
	}
	ck_assert_int_eq(got, 0);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(at, BULK_BYTES);
	(void)close(fd);
}
END_TEST

START_TEST(sends_64_mebibytes_unharmed)
{
	int fd = dial("ok.test", PORT_SINK);
	static uint8_t bytes[65536];
	unsigned before = world->wrong_bytes;

	for (uint64_t at = 0; at < BULK_BYTES; at += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = bulk_byte(at + i);
		ck_assert_int_eq(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	}
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect(fd, "67108864", 8);
	ck_assert_uint_eq(world->wrong_bytes, before);
	(void)close(fd);
}
END_TEST

START_TEST(gets_past_an_urgent_byte)
{
	int fd = dial("ok.test", PORT_ECHO);

	put(fd, "one", 3);
	expect(fd, "one", 3);
	ck_assert_int_eq(send(fd, "two!", 4, MSG_OOB), 4);
	put(fd, "three", 5);
	expect(fd, "two!three", 9);
	(void)close(fd);
}
END_TEST

START_TEST(carries_500_connections_at_once)
{
	static int fds[500];
	struct addr addr;

	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	for (size_t i = 0; i < 500; i++)
		fds[i] = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
	for (size_t i = 0; i < 500; i++)
		put(fds[i], &i, sizeof(i));
	for (size_t i = 0; i < 500; i++)
		expect(fds[i], &i, sizeof(i));
	for (size_t i = 0; i < 500; i++)
		(void)close(fds[i]);
}
END_TEST

/* ---- verdicts ---- */

START_TEST(resets_an_address_that_no_rule_allows)
{
	const struct addr addr = address("198.51.100.7");
	int fd = connect_to(&addr, 4444, SOCK_STREAM);

	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "raw-ip");
}
END_TEST

START_TEST(relays_to_an_address_that_a_cidr_rule_allows)
{
	const struct addr addr = address(_i ? RAW_ADDRESS6 : RAW_ADDRESS);
	int fd = connect_to(&addr, PORT_ECHO, SOCK_STREAM);

	put(fd, "raw", 3);
	expect(fd, "raw", 3);
	(void)close(fd);
	expect_verdict("allow", "allow-rule");
}
END_TEST

START_TEST(resets_a_synthetic_address_that_was_never_given_out)
{
	const struct addr addr = net_plan_synthetic4(77);
	int fd = connect_to(&addr, 443, SOCK_STREAM);

	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "unknown-name");
}
END_TEST

START_TEST(resets_who_dials_the_listener_itself)
{
	const struct addr addr = address(_i ? "::1" : "127.0.0.1");
	int fd = connect_to(&addr, NET_PLAN_TCP_PORT, SOCK_STREAM);

	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "self");
}
END_TEST

START_TEST(refuses_a_name_that_leads_to_loopback)
{
	int fd = dial("loop.test", PORT_ECHO);

	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "private-address");
}
END_TEST

START_TEST(records_why_an_allowed_dial_failed)
{
	int fd = dial("ok.test", PORT_NOBODY);
	const json_t *record;
	json_t *list;

	expect_reset(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "verdict"), "allow");
	ck_assert_str_eq(text_of(record, "reason"), "upstream-failed");
	ck_assert_str_eq(text_of(record, "error"), "Connection refused");
	json_decref(list);
}
END_TEST

/* One that listens, and never says a word. */
START_TEST(gives_up_on_an_upstream_proxy_that_does_not_answer)
{
	static const char *const rules[] = { "allow domain=ok.test",
					     "upstream-proxy socks5://" SERVER_ADDRESS ":7004",
					     NULL };
	const json_t *record;
	json_t *list;
	int fd;

	stop();
	proxy_start(&proxy, rules, -1, 0);
	fd = dial("ok.test", PORT_ECHO);
	put(fd, "hello", 5);
	expect_reset(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "reason"), "upstream-failed");
	ck_assert_str_eq(text_of(record, "error"), "upstream proxy: no answer in time");
	ck_assert_int_eq(json_integer_value(json_object_get(record, "bytes_sent")), 0);
	json_decref(list);
}
END_TEST

START_TEST(records_that_a_name_has_no_address)
{
	int fd = dial("nowhere.test", 443);

	expect_reset(fd);
	(void)close(fd);
	expect_verdict("allow", "resolve-failed");
}
END_TEST

START_TEST(asks_dns_once_for_connections_in_a_row)
{
	unsigned before = world->dns_queries;

	for (int i = 0; i < 5; i++) {
		int fd = dial("dns.test", PORT_ECHO);

		put(fd, "\n", 1);
		expect(fd, "\n", 1);
		(void)close(fd);
	}
	ck_assert_uint_eq(world->dns_queries, before + 2); /* A and AAAA, no search domain */
}
END_TEST

START_TEST(follows_an_alias)
{
	int fd = dial("alias.test", PORT_ECHO);

	put(fd, "\n", 1);
	expect(fd, "\n", 1);
	(void)close(fd);
}
END_TEST

START_TEST(refuses_an_alias_of_a_denied_name)
{
	static const char *const rules[] = { "allow domain=alias.test", "deny domain=dns.test",
					     NULL };
	int fd;

	stop();
	proxy_start(&proxy, rules, -1, 0);
	fd = dial("alias.test", PORT_ECHO);
	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "deny-rule");
}
END_TEST

START_TEST(dials_the_next_address_when_one_is_silent)
{
	struct timespec before, after;
	int fd;

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	fd = dial("slow.test", PORT_ECHO);
	put(fd, "\n", 1);
	expect(fd, "\n", 1);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_le((after.tv_sec - before.tv_sec) * 1000 +
				 (after.tv_nsec - before.tv_nsec) / 1000000,
			 1000);
	(void)close(fd);
}
END_TEST

START_TEST(reaches_a_name_that_has_only_ipv6)
{
	struct addr addr;
	int fd;

	ck_assert_int_eq(lookup("six.test", 28, &addr), 0);
	ck_assert_int_eq(addr.family, AF_INET6);
	fd = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
	put(fd, "\n", 1);
	expect(fd, "\n", 1);
	(void)close(fd);
}
END_TEST

/* ---- sniffing ---- */

START_TEST(relays_tls_with_the_right_name)
{
	uint8_t hello[512];
	size_t length = make_hello("ok.test", hello);
	int fd = dial("ok.test", PORT_ECHO);
	json_t *list;

	for (size_t i = 0; i < length; i++)
		put(fd, hello + i, 1);
	expect(fd, hello, length);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "protocol"), "tls");
	json_decref(list);
}
END_TEST

START_TEST(resets_tls_with_another_name)
{
	uint8_t hello[512];
	size_t length = make_hello("evil.test", hello);
	int fd = dial("ok.test", PORT_BANNER);
	const json_t *record;
	json_t *list;

	expect(fd, "220 hello\r\n", 11);
	put(fd, hello, length);
	expect_reset(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "verdict"), "deny");
	ck_assert_str_eq(text_of(record, "reason"), "name-mismatch");
	ck_assert_str_eq(text_of(record, "sni"), "evil.test");
	ck_assert_int_eq(json_integer_value(json_object_get(record, "bytes_sent")), 0);
	json_decref(list);
}
END_TEST

START_TEST(judges_the_sni_at_a_raw_address_by_deny_rules)
{
	const struct addr addr = address(RAW_ADDRESS);
	uint8_t hello[512];
	size_t length = make_hello(_i ? "secret.test" : "any.test", hello);
	int fd = connect_to(&addr, PORT_ECHO, SOCK_STREAM);

	put(fd, hello, length);
	if (_i)
		expect_reset(fd);
	else
		expect(fd, hello, length);
	(void)close(fd);
	expect_verdict(_i ? "deny" : "allow", _i ? "deny-rule" : "allow-rule");
}
END_TEST

static const char *const scheme_rules[] = {
	"allow domain=ok.test scheme=tls",
	"allow domain=alias.test scheme=http",
	NULL,
};

static const struct {
	const char *name;
	bool is_tls;
	const char *reason;
} spoken[] = {
	{ "ok.test", true, "allow-rule" },
	{ "ok.test", false, "not-tls" },
	{ "alias.test", false, "allow-rule" },
	{ "alias.test", true, "other-scheme" },
};

START_TEST(judges_what_is_spoken_before_any_of_it_is_sent)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: alias.test\r\n\r\n";
	bool is_allowed = strcmp(spoken[_i].reason, "allow-rule") == 0;
	uint8_t bytes[512];
	size_t length = make_hello(spoken[_i].name, bytes);
	json_t *list;
	int fd;

	if (!spoken[_i].is_tls)
		memcpy(bytes, request, length = sizeof(request) - 1);
	stop();
	proxy_start(&proxy, scheme_rules, -1, 0);
	fd = dial(spoken[_i].name, PORT_ECHO);
	put(fd, bytes, length);
	if (is_allowed)
		expect(fd, bytes, length);
	else
		expect_reset(fd);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "reason"), spoken[_i].reason);
	ck_assert_int_eq(json_integer_value(json_object_get(connection(list), "bytes_sent")),
			 is_allowed ? (json_int_t)length : 0);
	json_decref(list);
}
END_TEST

/* All of them allow the name that is dialled, and deny another one that leads there. */
static const struct {
	const char *name; /* NULL: a raw address */
	const char *sni;
	const char *rules[3];
} led_to[] = {
	{ NULL, "secret.test", { RAW_RULE, "deny domain=secret.test scheme=tls" } },
	{ NULL, "secret.test", { RAW_RULE, "deny domain=secret.test cidr=192.0.2.0/24" } },
	{ "alias.test",
	  "alias.test",
	  { "allow domain=alias.test", "deny domain=dns.test scheme=tls" } },
	{ "alias.test",
	  "alias.test",
	  { "allow domain=alias.test", "deny domain=dns.test cidr=" PUBLIC_ADDRESS } },
};

START_TEST(judges_every_name_that_led_there_by_all_that_is_known)
{
	const struct addr raw = address(RAW_ADDRESS);
	uint8_t hello[512];
	size_t length = make_hello(led_to[_i].sni, hello);
	json_t *list;
	int fd;

	stop();
	proxy_start(&proxy, led_to[_i].rules, -1, 0);
	fd = led_to[_i].name ? dial(led_to[_i].name, PORT_ECHO)
			     : connect_to(&raw, PORT_ECHO, SOCK_STREAM);
	put(fd, hello, length);
	expect_reset(fd);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "reason"), "deny-rule");
	ck_assert_int_eq(json_integer_value(json_object_get(connection(list), "bytes_sent")), 0);
	json_decref(list);
}
END_TEST

static const struct {
	const char *bytes;
	bool is_denied;
} not_http[] = {
	{ "GET / HTTP/1.1\r\n\r\n", true },
	{ "\r\n\r\nGET / HTTP/1.1\r\n\r\n", true }, /* RFC 9112, 2.2: servers skip it */
	{ "G", true },
	{ "\r\n", true },
	{ "PRI * HT", true },
	{ "EHLO me\r\n", false },
};

START_TEST(http_that_is_denied_is_not_begun_either)
{
	static const char *const rules[] = { "allow domain=ok.test", "deny scheme=http", NULL };
	size_t length = strlen(not_http[_i].bytes);
	int fd;

	stop();
	proxy_start(&proxy, rules, -1, 0);
	fd = dial("ok.test", PORT_ECHO);
	put(fd, not_http[_i].bytes, length);
	if (not_http[_i].is_denied)
		expect_reset(fd);
	else
		expect(fd, not_http[_i].bytes, length);
	(void)close(fd);
	expect_verdict(not_http[_i].is_denied ? "deny" : "allow",
		       not_http[_i].is_denied ? "deny-rule" : "allow-rule");
}
END_TEST

START_TEST(lets_a_client_leave_that_never_spoke)
{
	int fd;

	stop();
	proxy_start(&proxy, scheme_rules, -1, 0);
	fd = dial("ok.test", PORT_ECHO);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	(void)close(fd);
	expect_verdict("allow", "allow-rule");
}
END_TEST

START_TEST(resets_a_hello_that_does_not_go_on)
{
	uint8_t hello[512];
	int fd = dial("ok.test", PORT_ECHO);
	json_t *list;

	(void)make_hello("ok.test", hello);
	put(fd, hello, 20);
	expect_reset(fd);
	(void)close(fd);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "reason"), "sniff-timeout");
	ck_assert_str_eq(text_of(connection(list), "protocol"), "tls");
	ck_assert_str_eq(text_of(connection(list), "name"), "ok.test");
	json_decref(list);
}
END_TEST

START_TEST(waits_for_a_silent_client)
{
	int fd = dial("ok.test", PORT_ECHO);

	(void)poll(NULL, 0, 600); /* longer than the sniff timeout */
	put(fd, "at last", 7);
	expect(fd, "at last", 7);
	(void)close(fd);
}
END_TEST

/* "hel" could be the beginning of a method; that its deadline passes later is nobody's business. */
START_TEST(serves_a_client_that_said_half_a_word_and_no_more)
{
	static char bytes[65536];
	int fd = dial("ok.test", PORT_SOURCE);
	uint64_t total = 0;
	ssize_t got;

	put(fd, "hel", 3);
	(void)poll(NULL, 0, 30); /* until it was looked at */
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	(void)poll(NULL, 0, 300); /* the server has more to say than the sockets hold */
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		total += (uint64_t)got;
	ck_assert_uint_gt(total, BULK_BYTES / 2); /* it reads nothing, so it resets in the end */
	(void)close(fd);
}
END_TEST

/* ---- DNS ---- */

START_TEST(answers_nxdomain_for_a_denied_name)
{
	struct addr addr;
	json_t *list;

	ck_assert_int_eq(lookup("evil.test", _i ? 28 : 1, &addr), 3);
	list = records();
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(text_of(json_array_get(list, 0), "protocol"), "dns");
	ck_assert_str_eq(text_of(json_array_get(list, 0), "name"), "evil.test");
	ck_assert_str_eq(text_of(json_array_get(list, 0), "qtype"), _i ? "AAAA" : "A");
	ck_assert_str_eq(text_of(json_array_get(list, 0), "verdict"), "deny");
	json_decref(list);
}
END_TEST

START_TEST(answers_queries_over_tcp_however_they_are_cut)
{
	const struct addr server = address("8.8.8.8");
	uint8_t two[1024], answer[1024];
	size_t one = make_query("ok.test", 1, two + 2);
	int fd = connect_to(&server, 53, SOCK_STREAM);

	two[0] = 0;
	two[1] = (uint8_t)one;
	memcpy(two + 2 + one, two, 2 + one);
	for (size_t i = 0; i < 2 * (2 + one); i++)
		put(fd, two + i, 1);
	for (int i = 0; i < 2; i++) {
		struct addr addr;
		size_t length;

		ck_assert_int_eq(recv(fd, answer, 2, MSG_WAITALL), 2);
		length = (size_t)answer[0] << 8 | answer[1];
		ck_assert_uint_le(length, sizeof(answer));
		ck_assert_int_eq(recv(fd, answer, length, MSG_WAITALL), (ssize_t)length);
		ck_assert_int_eq(read_answer(answer, length, one, 1, &addr), 0);
		ck_assert_int_eq(addr.family, AF_INET);
	}
	(void)close(fd);
}
END_TEST

START_TEST(keeps_dns_connections_bounded)
{
	const struct addr server = address("8.8.8.8");
	int fds[70];
	struct addr addr;

	for (size_t i = 0; i < 70; i++)
		fds[i] = connect_to(&server, 53, SOCK_STREAM);
	expect_end(fds[69]);
	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0); /* others are still served */
	for (size_t i = 0; i < 70; i++)
		(void)close(fds[i]);
}
END_TEST

/* ---- confinement, limits and ends ---- */

static bool status_says(const char *line)
{
	char path[64], text[4096] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", proxy.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	return strstr(text, line) != NULL;
}

START_TEST(serves_without_any_privilege)
{
	ck_assert(status_says("\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
			      "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
			      "CapAmb:\t0000000000000000\n"));
	ck_assert(status_says("\nNoNewPrivs:\t1\n"));
	ck_assert(status_says("\nSeccomp:\t2\n"));
}
END_TEST

START_TEST(refuses_listeners_of_its_own_namespace)
{
	stop();
	ck_assert_int_eq(proxy_start_inside(usual_rules), 97 << 8);
}
END_TEST

START_TEST(resets_connections_beyond_the_limit)
{
	int fds[12], resets = 0;
	struct addr addr;
	json_t *list;

	stop();
	proxy_start(&proxy, usual_rules, -1, 64 + 4 * 10);
	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	for (size_t i = 0; i < 12; i++) {
		fds[i] = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
		(void)send(fds[i], "\n", 1, MSG_NOSIGNAL);
		resets += recv(fds[i], &(char) { 0 }, 1, 0) != 1;
	}
	ck_assert_int_eq(resets, 2);
	for (size_t i = 0; i < 12; i++)
		(void)close(fds[i]);
	list = records();
	ck_assert_uint_eq(json_array_size(list), 13);
	ck_assert_str_eq(text_of(connection(list), "reason"), "limit");
	json_decref(list);
}
END_TEST

START_TEST(writes_every_record_before_it_ends)
{
	int fds[50];
	struct addr addr;
	json_t *list;

	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	for (size_t i = 0; i < 50; i++) {
		fds[i] = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
		put(fds[i], "\n", 1);
		expect(fds[i], "\n", 1);
	}
	list = records();
	ck_assert_uint_eq(json_array_size(list), 51);
	for (size_t i = 0; i < 50; i++) {
		expect_reset(fds[i]);
		(void)close(fds[i]);
	}
	json_decref(list);
}
END_TEST

START_TEST(delivers_what_was_sent_just_before_the_end)
{
	unsigned before = world->half_bytes;
	int fd = dial("ok.test", PORT_HALF);

	expect_end(fd);
	put(fd, "last words", 10);
	(void)close(fd);
	json_decref(records());
	wait_for(&world->half_bytes, before + 10);
}
END_TEST

START_TEST(delivers_and_records_what_it_had_not_looked_at)
{
	unsigned before = world->half_bytes;
	struct addr addr;
	json_t *list;

	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	ck_assert_int_eq(kill(proxy.pid, SIGSTOP), 0);
	for (int i = 0; i < 100; i++) { /* more than one turn accepts */
		int fd = connect_to(&addr, PORT_HALF, SOCK_STREAM);

		put(fd, "last words", 10);
		(void)close(fd);
	}
	ck_assert_int_eq(shutdown(proxy.control_fd, SHUT_RDWR), 0);
	ck_assert_int_eq(kill(proxy.pid, SIGCONT), 0);
	list = records();
	ck_assert_uint_eq(json_array_size(list), 101);
	ck_assert_int_eq(json_integer_value(json_object_get(connection(list), "bytes_sent")), 10);
	wait_for(&world->half_bytes, before + 1000);
	json_decref(list);
}
END_TEST

/* What is judged are the bytes that go upstream, the urgent one among them. */
START_TEST(looks_at_urgent_bytes_as_at_all_others)
{
	uint8_t hello[512];
	size_t length = make_hello("ok.test", hello);
	unsigned before = world->half_bytes;
	struct addr addr;
	json_t *list;
	int fd;

	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	ck_assert_int_eq(kill(proxy.pid, SIGSTOP), 0);
	fd = connect_to(&addr, PORT_HALF, SOCK_STREAM);
	ck_assert_int_eq(send(fd, "!", 1, MSG_OOB), 1);
	put(fd, hello, length);
	(void)close(fd);
	ck_assert_int_eq(shutdown(proxy.control_fd, SHUT_RDWR), 0);
	ck_assert_int_eq(kill(proxy.pid, SIGCONT), 0);
	list = records();
	ck_assert_str_eq(text_of(connection(list), "protocol"), "tcp");
	ck_assert_int_eq(json_integer_value(json_object_get(connection(list), "bytes_sent")),
			 (json_int_t)length + 1);
	wait_for(&world->half_bytes, before + (unsigned)length + 1);
	json_decref(list);
}
END_TEST

START_TEST(closes_the_network_when_a_record_is_lost)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct addr addr = address(RAW_ADDRESS);
	int first, second, status;

	stop();
	proxy_start(&proxy, usual_rules, full, 0);
	first = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
	put(first, "\n", 1);
	expect(first, "\n", 1);
	ck_assert_int_eq(lookup("ok.test", 1, &(struct addr) { 0 }), 5); /* REFUSED */
	expect_reset(first); /* though it is idle, and another's record was lost */
	second = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
	expect_reset(second);
	(void)close(first);
	(void)close(second);
	status = proxy_stop(&proxy);
	proxy.control_fd = -1;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "proxy status %x", status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/run");
	TCase *relaying = tcase_create("relaying");
	TCase *verdicts = tcase_create("verdicts");
	TCase *sniffing = tcase_create("sniffing");
	TCase *dns = tcase_create("dns");
	TCase *ends = tcase_create("ends");

	tcase_add_checked_fixture(relaying, start, stop);
	tcase_set_timeout(relaying, 60);
	suite_add_tcase(suite, relaying);
	tcase_add_test(relaying, relays_to_an_allowed_name_and_records_it);
	tcase_add_test(relaying, lets_the_server_speak_first);
	tcase_add_test(relaying, passes_the_clients_end_of_stream_on);
	tcase_add_test(relaying, passes_on_an_end_of_stream_without_any_byte);
	tcase_add_test(relaying, passes_the_servers_end_of_stream_on);
	tcase_add_test(relaying, passes_the_servers_reset_on);
	tcase_add_test(relaying, passes_the_clients_reset_on);
	tcase_add_test(relaying, receives_64_mebibytes_unharmed);
	tcase_add_test(relaying, sends_64_mebibytes_unharmed);
	tcase_add_test(relaying, gets_past_an_urgent_byte);
	tcase_add_test(relaying, carries_500_connections_at_once);
	tcase_add_checked_fixture(verdicts, start, stop);
	tcase_set_timeout(verdicts, 60);
	suite_add_tcase(suite, verdicts);
	tcase_add_test(verdicts, resets_an_address_that_no_rule_allows);
	tcase_add_loop_test(verdicts, relays_to_an_address_that_a_cidr_rule_allows, 0, 2);
	tcase_add_test(verdicts, resets_a_synthetic_address_that_was_never_given_out);
	tcase_add_loop_test(verdicts, resets_who_dials_the_listener_itself, 0, 2);
	tcase_add_test(verdicts, refuses_a_name_that_leads_to_loopback);
	tcase_add_test(verdicts, records_why_an_allowed_dial_failed);
	tcase_add_test(verdicts, records_that_a_name_has_no_address);
	tcase_add_test(verdicts, gives_up_on_an_upstream_proxy_that_does_not_answer);
	tcase_add_test(verdicts, asks_dns_once_for_connections_in_a_row);
	tcase_add_test(verdicts, follows_an_alias);
	tcase_add_test(verdicts, refuses_an_alias_of_a_denied_name);
	tcase_add_test(verdicts, dials_the_next_address_when_one_is_silent);
	tcase_add_test(verdicts, reaches_a_name_that_has_only_ipv6);
	tcase_add_checked_fixture(sniffing, start, stop);
	tcase_set_timeout(sniffing, 60);
	suite_add_tcase(suite, sniffing);
	tcase_add_test(sniffing, relays_tls_with_the_right_name);
	tcase_add_test(sniffing, resets_tls_with_another_name);
	tcase_add_loop_test(sniffing, judges_the_sni_at_a_raw_address_by_deny_rules, 0, 2);
	tcase_add_loop_test(sniffing, judges_what_is_spoken_before_any_of_it_is_sent, 0,
			    ROWS(spoken));
	tcase_add_loop_test(sniffing, judges_every_name_that_led_there_by_all_that_is_known, 0,
			    ROWS(led_to));
	tcase_add_loop_test(sniffing, http_that_is_denied_is_not_begun_either, 0, ROWS(not_http));
	tcase_add_test(sniffing, lets_a_client_leave_that_never_spoke);
	tcase_add_test(sniffing, resets_a_hello_that_does_not_go_on);
	tcase_add_test(sniffing, waits_for_a_silent_client);
	tcase_add_test(sniffing, serves_a_client_that_said_half_a_word_and_no_more);
	tcase_add_checked_fixture(dns, start, stop);
	tcase_set_timeout(dns, 60);
	suite_add_tcase(suite, dns);
	tcase_add_loop_test(dns, answers_nxdomain_for_a_denied_name, 0, 2);
	tcase_add_test(dns, answers_queries_over_tcp_however_they_are_cut);
	tcase_add_test(dns, keeps_dns_connections_bounded);
	tcase_add_checked_fixture(ends, start, stop);
	tcase_set_timeout(ends, 60);
	suite_add_tcase(suite, ends);
	tcase_add_test(ends, serves_without_any_privilege);
	tcase_add_test(ends, refuses_listeners_of_its_own_namespace);
	tcase_add_test(ends, resets_connections_beyond_the_limit);
	tcase_add_test(ends, writes_every_record_before_it_ends);
	tcase_add_test(ends, delivers_what_was_sent_just_before_the_end);
	tcase_add_test(ends, delivers_and_records_what_it_had_not_looked_at);
	tcase_add_test(ends, looks_at_urgent_bytes_as_at_all_others);
	tcase_add_test(ends, closes_the_network_when_a_record_is_lost);
	return client_suite_run(suite);
}

/* The whole proxy, confined, between two network namespaces: what a program in the jail sees. */
#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/net_plan.h"
#include "proxy/dns/answer.h"
#include "proxy/update.h"
#include "tests/unit/proxy_world.h"

#define TIMEOUT_S   10
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct world_proxy proxy;
static json_int_t first_sequence; /* of the audit file that records() reads */

/* ---- what a program does ---- */

static const char *const usual_rules[] = {
	"allow domain=ok.test",
	"allow domain=six.test",
	"allow domain=slow.test",
	"allow domain=dns.test",
	"allow domain=alias.test",
	"allow domain=loop.test",
	"allow domain=nowhere.test",
	RAW_RULE,
	RAW_RULE6,
	"deny domain=secret.test",
	NULL,
};

static void start(void)
{
	proxy_start(&proxy, usual_rules, -1, 0);
}

static void stop(void)
{
	if (proxy.control_fd >= 0)
		(void)proxy_stop(&proxy);
	proxy.control_fd = -1;
}

/* Ends the proxy and reads its audit records: an array, to be json_decref()ed. */
static json_t *records(void)
{
	json_t *list = json_array();
	int status = proxy_stop(&proxy);
	FILE *file;
	char line[8192];

	proxy.control_fd = -1;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "proxy status %x", status);
	ck_assert_int_ge(lseek(proxy.audit_fd, 0, SEEK_SET), 0);
	file = fdopen(proxy.audit_fd, "r");
	while (fgets(line, sizeof(line), file)) {
		json_t *record = json_loads(line, 0, NULL);

		ck_assert_msg(record != NULL, "no JSON: %s", line);
		ck_assert_int_eq(json_integer_value(json_object_get(record, "seq")),
				 first_sequence + (json_int_t)json_array_size(list));
		json_array_append_new(list, record);
	}
	(void)fclose(file);
	return list;
}

static const char *text_of(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

/* The first record that is not about DNS. */
static const json_t *connection(const json_t *list)
{
	size_t i;
	json_t *record;

	json_array_foreach(list, i, record)
	{
		if (strcmp(text_of(record, "protocol"), "dns") != 0)
			return record;
	}
	ck_abort_msg("no record of a connection");
	return NULL;
}

static void expect_verdict(const char *verdict, const char *reason)
{
	json_t *list = records();
	const json_t *record = connection(list);

	ck_assert_str_eq(text_of(record, "verdict"), verdict);
	ck_assert_str_eq(text_of(record, "reason"), reason);
	json_decref(list);
}

static size_t make_query(const char *name, uint16_t type, uint8_t *out)
{
	static const uint8_t header[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	size_t at = sizeof(header);

	memcpy(out, header, sizeof(header));
	while (*name) {
		size_t label = strcspn(name, ".");

		out[at++] = (uint8_t)label;
		memcpy(out + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	out[at++] = 0;
	out[at++] = (uint8_t)(type >> 8);
	out[at++] = (uint8_t)type;
	out[at++] = 0;
	out[at++] = 1;
	return at;
}

/* The address is what stands at the end of the answer. Returns the rcode. */
static int read_answer(const uint8_t *answer, size_t length, size_t query_length, uint16_t type,
		       struct addr *addr_out)
{
	size_t size = type == 1 ? 4 : 16;

	ck_assert_uint_ge(length, 12);
	memset(addr_out, 0, sizeof(*addr_out));
	if (answer[7] == 1) {
		ck_assert_uint_ge(length, query_length + 12 + size);
		addr_out->family = type == 1 ? AF_INET : AF_INET6;
		memcpy(addr_out->bytes, answer + query_length + 12, size);
	}
	return answer[3] & 15;
}

static void set_timeout(int fd)
{
	const struct timeval patience = { .tv_sec = TIMEOUT_S };

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
}

static int connect_to(const struct addr *addr, uint16_t port, int type)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(addr, port, &storage);
	int fd = socket(addr->family, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	set_timeout(fd);
	ck_assert_msg(connect(fd, (struct sockaddr *)&storage, length) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

static struct addr address(const char *text)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr), 0);
	return addr;
}

/* Asks a resolver somewhere; the gate answers. Returns the rcode. */
static int lookup(const char *name, uint16_t type, struct addr *addr_out)
{
	const struct addr server = address(type == 1 ? "9.9.9.9" : "2620:fe::fe");
	uint8_t query[512], answer[1500];
	size_t length = make_query(name, type, query);
	int fd = connect_to(&server, 53, SOCK_DGRAM);
	ssize_t got;

	ck_assert_int_eq(send(fd, query, length, 0), (ssize_t)length);
	got = recv(fd, answer, sizeof(answer), 0);
	ck_assert_msg(got > 0, "no DNS answer: %s", strerror(errno));
	(void)close(fd);
	return read_answer(answer, (size_t)got, length, type, addr_out);
}

static int dial(const char *name, uint16_t port)
{
	struct addr addr;

	ck_assert_int_eq(lookup(name, 1, &addr), 0);
	ck_assert_int_eq(addr.family, AF_INET);
	return connect_to(&addr, port, SOCK_STREAM);
}

static void put(int fd, const void *bytes, size_t length)
{
	ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static void expect(int fd, const void *bytes, size_t length)
{
	char got[4096];

	ck_assert_uint_le(length, sizeof(got));
	ck_assert_int_eq(recv(fd, got, length, MSG_WAITALL), (ssize_t)length);
	ck_assert_int_eq(memcmp(got, bytes, length), 0);
}

static void expect_end(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

static void expect_reset(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, 0);

	ck_assert_msg(got < 0 && errno == ECONNRESET, "%zd %s instead of a reset", got,
		      got < 0 ? strerror(errno) : "bytes");
}

static void wait_for(const atomic_uint *counter, unsigned value)
{
	for (int i = 0; i < 1000 && *counter < value; i++)
		(void)poll(NULL, 0, 5);
	ck_assert_uint_ge(*counter, value);
}

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

/* A minimal ClientHello that names @sni. */
static size_t make_hello(const char *sni, uint8_t *out)
{
	const uint8_t name = (uint8_t)strlen(sni);
	const uint8_t fixed[] = {
		0x16, 3, 1, 0, (uint8_t)(name + 56), 1, 0, 0, (uint8_t)(name + 52), 3, 3
	};
	const uint8_t rest[] = { 0,
				 0,
				 2,
				 0x13,
				 1,
				 1,
				 0,
				 0,
				 (uint8_t)(name + 9),
				 0,
				 0,
				 0,
				 (uint8_t)(name + 5),
				 0,
				 (uint8_t)(name + 3),
				 0,
				 0,
				 name };
	size_t at = sizeof(fixed);

	memcpy(out, fixed, sizeof(fixed));
	memset(out + at, 7, 32); /* random */
	at += 32;
	memcpy(out + at, rest, sizeof(rest));
	at += sizeof(rest);
	memcpy(out + at, sni, name);
	return at + name;
}

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

/* ---- other ways to answer names ---- */

static void start_with(const char *mode)
{
	const char *rules[sizeof(usual_rules) / sizeof(usual_rules[0]) + 2] = { mode,
										"dns-types MX" };

	memcpy(rules + 2, usual_rules, sizeof(usual_rules));
	proxy_start(&proxy, rules, -1, 0);
}

static void start_dummy(void)
{
	start_with("dns dummy");
}

static void start_real(void)
{
	start_with("dns real");
}

/* The client says it in its hello, one byte at a time, or in a request. */
START_TEST(at_a_dummy_the_client_says_whom_it_wants)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: Ok.Test\r\n\r\n";
	uint8_t bytes[512];
	size_t length = make_hello("ok.test", bytes);
	int fd = dial("any.test", PORT_ECHO);
	const json_t *record;
	json_t *list;

	if (_i) {
		length = sizeof(request) - 1;
		memcpy(bytes, request, length);
	}
	for (size_t i = 0; i < length; i++)
		put(fd, bytes + i, 1);
	expect(fd, bytes, length);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "protocol"), _i ? "http" : "tls");
	ck_assert_str_eq(text_of(record, "name"), "ok.test");
	ck_assert_str_eq(text_of(record, "address"), "6.6.6.6");
	ck_assert_str_eq(text_of(record, "dialed"), SERVER_ADDRESS);
	ck_assert_str_eq(text_of(record, "verdict"), "allow");
	json_decref(list);
}
END_TEST

static const struct {
	const char *bytes; /* NULL: none */
	const char *reason;
	bool want_end; /* the client ends its side */
} nameless[] = {
	{ "GET / HTTP/1.0\r\n\r\n", "no-name", false },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no-name", false },
	{ "EHLO me\r\n", "no-name", false },
	{ "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", "no-rule", false },
	{ "GET / HTTP/1.1\r\nHost: secret.test\r\n\r\n", "deny-rule", false },
	{ "GET / HTTP/1.1\nHost: ok.test\n\n", "bad-http", false },
	{ "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "bad-name", false },
	{ "\x16\x03\x01", "sniff-timeout", false },
	{ "GET / HTTP/1.1\r\nHost: ok.test\r\n", "sniff-timeout", false },
	{ NULL, "sniff-timeout", false },
	{ NULL, "no-name", true },
	{ "GET / HTTP/1.1\r\nHost: ok.test\r\n", "no-name", true },
};

START_TEST(at_a_dummy_nothing_is_dialled_without_an_allowed_name)
{
	unsigned before = world->accepted;
	int fd = dial("any.test", PORT_ECHO);

	if (nameless[_i].bytes)
		put(fd, nameless[_i].bytes, strlen(nameless[_i].bytes));
	if (nameless[_i].want_end)
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", nameless[_i].reason);
	ck_assert_uint_eq(world->accepted, before);
}
END_TEST

START_TEST(at_a_dummy_a_client_that_is_gone_was_denied)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fd = dial("any.test", PORT_ECHO);

	(void)poll(NULL, 0, 50); /* until it was accepted */
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	(void)close(fd);
	expect_verdict("deny", "no-name");
}
END_TEST

/* The end of the run finds it waiting, or with a request that was not looked at. */
START_TEST(at_a_dummy_the_end_leaves_nothing_unsaid)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: ok.test\r\n\r\n";
	int fd = dial("any.test", PORT_ECHO);
	json_t *list;

	if (_i) {
		put(fd, request, sizeof(request) - 1);
		(void)close(fd);
	}
	list = records();
	ck_assert_str_eq(text_of(connection(list), "verdict"), _i ? "allow" : "deny");
	ck_assert_str_eq(text_of(connection(list), "reason"), _i ? "allow-rule" : "sniff-timeout");
	json_decref(list);
	if (!_i)
		(void)close(fd);
}
END_TEST

START_TEST(a_real_address_is_dialled_once_it_was_answered)
{
	struct addr addr = address(PUBLIC_ADDRESS);
	const json_t *record;
	json_t *list;
	int fd = connect_to(&addr, PORT_ECHO, SOCK_STREAM);

	expect_reset(fd); /* nobody has asked so far */
	(void)close(fd);
	fd = dial("dns.test", PORT_ECHO);
	put(fd, "hello", 5);
	expect(fd, "hello", 5);
	(void)close(fd);
	list = records();
	ck_assert_uint_eq(json_array_size(list), 3);
	record = json_array_get(list, 0);
	ck_assert_str_eq(text_of(record, "reason"), "raw-ip");
	record = json_array_get(list, 2);
	ck_assert_str_eq(text_of(record, "name"), "dns.test");
	ck_assert_str_eq(text_of(record, "address"), PUBLIC_ADDRESS);
	ck_assert_str_eq(text_of(record, "dialed"), PUBLIC_ADDRESS);
	ck_assert_str_eq(text_of(record, "rule"), "domain=dns.test");
	json_decref(list);
}
END_TEST

/* dns.test and alias.test have the same address. */
static const struct {
	const char *asked[2]; /* for; the last one is dialled */
	const char *sni;
	const char *verdict, *reason;
} shared[] = {
	{ { "alias.test", "dns.test" }, "dns.test", "allow", "allow-rule" },
	{ { "dns.test", "alias.test" }, "alias.test", "allow", "allow-rule" },
	{ { "dns.test", "dns.test" }, "alias.test", "deny", "name-mismatch" },
	{ { "dns.test", "alias.test" }, "ok.test", "deny", "name-mismatch" },
	{ { "dns.test", "alias.test" }, "secret.test", "deny", "name-mismatch" },
};

START_TEST(names_that_share_an_address_are_told_apart_by_sni)
{
	bool is_allowed = strcmp(shared[_i].verdict, "allow") == 0;
	uint8_t hello[512];
	size_t length = make_hello(shared[_i].sni, hello);
	const json_t *record;
	struct addr addr;
	json_t *list;
	int fd;

	ck_assert_int_eq(lookup(shared[_i].asked[0], 1, &addr), 0);
	fd = dial(shared[_i].asked[1], PORT_ECHO);
	put(fd, hello, length);
	if (is_allowed)
		expect(fd, hello, length);
	else
		expect_reset(fd);
	(void)close(fd);
	list = records();
	record = connection(list);
	ck_assert_str_eq(text_of(record, "verdict"), shared[_i].verdict);
	ck_assert_str_eq(text_of(record, "reason"), shared[_i].reason);
	if (is_allowed) {
		ck_assert_str_eq(text_of(record, "name"), shared[_i].sni);
		ck_assert_str_eq(text_of(record, "rule") + strlen("domain="), shared[_i].sni);
	}
	json_decref(list);
}
END_TEST

static const struct {
	const char *name;
	uint16_t type;
	int rcode;
	sa_family_t family; /* of the answer; 0 = none */
	const char *reason;
} real[] = {
	{ "dns.test", 1, 0, AF_INET, "allow-rule" },   { "dns.test", 28, 0, 0, "empty-type" },
	{ "six.test", 28, 0, AF_INET6, "allow-rule" }, /* of the hosts file */
	{ "nowhere.test", 1, 0, 0, "empty-type" }, /* there is an AAAA, without an address */
	{ "loop.test", 1, 3, 0, "private-address" },   { "other.test", 1, 3, 0, "no-rule" },
	{ "secret.test", 1, 3, 0, "deny-rule" },       { "dns.test", 15, 0, 0, "empty-type" },
};

START_TEST(real_names_are_answered_as_they_are)
{
	struct addr addr;
	json_t *list;

	ck_assert_int_eq(lookup(real[_i].name, real[_i].type, &addr), real[_i].rcode);
	ck_assert_int_eq(addr.family, real[_i].family);
	list = records();
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(text_of(json_array_get(list, 0), "reason"), real[_i].reason);
	json_decref(list);
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

/* ---- a new policy ---- */

/* Returns how many connections it closed. The audit goes on at @audit_fd. */
static unsigned update_to(const char *const *rules, int audit_fd)
{
	struct settings settings;
	unsigned closed = UINT32_MAX;
	struct err err;

	settings_init(&settings);
	world_add_settings(&settings, rules);
	ck_assert_msg(update_send(proxy.control_fd, &settings.policy, audit_fd, &closed, &err) == 0,
		      "%s", err.text);
	settings_done(&settings);
	return closed;
}

static unsigned update(const char *const *rules)
{
	return update_to(rules, proxy.audit_fd);
}

static void expect_alive(int fd)
{
	put(fd, "still", 5);
	expect(fd, "still", 5);
}

/* Record number @number of those that are not about DNS. */
static const json_t *nth_connection(const json_t *list, size_t number)
{
	size_t i, seen = 0;
	json_t *record;

	json_array_foreach(list, i, record)
	{
		if (strcmp(text_of(record, "protocol"), "dns") != 0 && seen++ == number)
			return record;
	}
	ck_abort_msg("no record %zu of a connection", number);
	return NULL;
}

START_TEST(closes_what_a_new_policy_denies_and_keeps_the_rest)
{
	static const char *const fewer[] = { "allow cidr=192.0.2.0/24", NULL };
	const struct addr raw = address(RAW_ADDRESS);
	int named = dial("ok.test", PORT_ECHO), other = connect_to(&raw, PORT_ECHO, SOCK_STREAM);
	struct addr addr;
	json_t *list;

	expect_alive(named);
	expect_alive(other);
	ck_assert_uint_eq(update(fewer), 1);
	expect_reset(named);
	expect_alive(other);
	ck_assert_int_eq(lookup("ok.test", 1, &addr), 3);
	(void)close(named);
	(void)close(other);
	list = records();
	ck_assert_str_eq(text_of(nth_connection(list, 0), "verdict"), "deny");
	ck_assert_str_eq(text_of(nth_connection(list, 0), "reason"), "no-rule");
	ck_assert_int_eq(json_integer_value(json_object_get(nth_connection(list, 0), "bytes_sent")),
			 5);
	ck_assert_str_eq(text_of(nth_connection(list, 1), "rule"), "cidr=192.0.2.0/24");
	json_decref(list);
}
END_TEST

START_TEST(a_new_policy_opens_what_was_denied)
{
	static const char *const more[] = { "allow domain=secret.test", "allow domain=ok.test",
					    NULL };
	struct addr addr;
	int fd = dial("ok.test", PORT_ECHO);

	ck_assert_int_eq(lookup("secret.test", 1, &addr), 3);
	expect_alive(fd);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(update(more), 0);
	ck_assert_int_eq(lookup("secret.test", 1, &addr), 0);
	expect_alive(fd);
	(void)close(fd);
}
END_TEST

static const struct {
	const char *name; /* NULL: a raw address, with TLS */
	const char *rules[4];
	const char *reason; /* NULL: it stays open */
} renewed[] = {
	{ "alias.test", { "allow domain=alias.test" }, NULL },
	{ "alias.test", { "allow domain=alias.test", "deny domain=dns.test" }, "deny-rule" },
	{ "ok.test", { "allow domain=ok.test", "deny cidr=192.0.2.1" }, "deny-rule" },
	{ "ok.test", { "allow domain=ok.test scheme=tls" }, "not-tls" },
	{ "ok.test", { "allow domain=ok.test port=80" }, "no-rule" },
	{ "ok.test", { NULL }, "no-rule" },
	{ NULL, { RAW_RULE }, NULL },
	{ NULL, { RAW_RULE, "deny domain=any.test" }, "deny-rule" },
	{ NULL, { RAW_RULE " scheme=http" }, "other-scheme" },
	{ NULL, { "allow domain=*" }, "raw-ip" },
};

START_TEST(judges_an_open_connection_by_all_that_is_known_of_it)
{
	const struct addr raw = address(RAW_ADDRESS);
	int fd = renewed[_i].name ? dial(renewed[_i].name, PORT_ECHO)
				  : connect_to(&raw, PORT_ECHO, SOCK_STREAM);
	uint8_t hello[512];
	size_t length = make_hello("any.test", hello);

	if (renewed[_i].name) {
		expect_alive(fd);
	} else {
		put(fd, hello, length);
		expect(fd, hello, length);
	}
	ck_assert_uint_eq(update(renewed[_i].rules), renewed[_i].reason ? 1 : 0);
	if (renewed[_i].reason)
		expect_reset(fd);
	else
		expect_alive(fd);
	(void)close(fd);
	expect_verdict(renewed[_i].reason ? "deny" : "allow",
		       renewed[_i].reason ? renewed[_i].reason : "allow-rule");
}
END_TEST

/* Its first address is silent: the dial takes a quarter of a second. */
START_TEST(judges_a_connection_that_is_still_being_made)
{
	static const char *const rules[] = { "allow domain=slow.test port=7001", NULL };
	static const char *const none[] = { NULL };
	int fd = dial("slow.test", PORT_ECHO);

	ck_assert_uint_eq(update(_i ? rules : none), _i ? 0 : 1);
	if (_i)
		expect_alive(fd);
	else
		expect_reset(fd);
	(void)close(fd);
	expect_verdict(_i ? "allow" : "deny", _i ? "allow-rule" : "no-rule");
}
END_TEST

START_TEST(goes_on_with_another_audit_file)
{
	int before = dup(proxy.audit_fd), after = memfd_create("audit", MFD_CLOEXEC);
	int fd = dial("ok.test", PORT_ECHO);
	json_t *list;

	expect_alive(fd);
	ck_assert_uint_eq(update_to(usual_rules, after), 0);
	(void)close(fd);
	ck_assert_int_gt(lseek(before, 0, SEEK_END), 0); /* the query */
	(void)dup2(after, proxy.audit_fd);
	first_sequence = 1;
	list = records();
	first_sequence = 0;
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(text_of(json_array_get(list, 0), "name"), "ok.test");
	json_decref(list);
	(void)close(before);
	(void)close(after);
}
END_TEST

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
	Suite *suite = suite_create("proxy/run");
	TCase *relaying = tcase_create("relaying"), *verdicts = tcase_create("verdicts");
	TCase *sniffing = tcase_create("sniffing"), *dns = tcase_create("dns");
	TCase *dummy = tcase_create("dummy"), *real_names = tcase_create("real");
	TCase *updates = tcase_create("updates"), *ends = tcase_create("ends");
	TCase *http = tcase_create("http");
	TCase *const cases[] = { relaying, verdicts, sniffing, dns, updates, ends };
	SRunner *runner = srunner_create(suite);
	const char *missing = world_start();
	int failed;

	if (missing) {
		(void)printf("skipped: %s\n", missing);
		srunner_free(runner);
		return getenv("JAIL_TESTS_MUST_RUN") ? 1 : 77;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tcase_add_checked_fixture(cases[i], start, stop);
		tcase_set_timeout(cases[i], 60);
		suite_add_tcase(suite, cases[i]);
	}
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
	tcase_add_test(sniffing, relays_tls_with_the_right_name);
	tcase_add_test(sniffing, resets_tls_with_another_name);
	tcase_add_loop_test(sniffing, judges_the_sni_at_a_raw_address_by_deny_rules, 0, 2);
	tcase_add_loop_test(sniffing, judges_what_is_spoken_before_any_of_it_is_sent, 0,
			    ROWS(spoken));
	tcase_add_test(sniffing, lets_a_client_leave_that_never_spoke);
	tcase_add_test(sniffing, resets_a_hello_that_does_not_go_on);
	tcase_add_test(sniffing, waits_for_a_silent_client);
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
	tcase_add_loop_test(dns, answers_nxdomain_for_a_denied_name, 0, 2);
	tcase_add_test(dns, answers_queries_over_tcp_however_they_are_cut);
	tcase_add_test(dns, keeps_dns_connections_bounded);
	tcase_add_checked_fixture(dummy, start_dummy, stop);
	suite_add_tcase(suite, dummy);
	tcase_add_loop_test(dummy, at_a_dummy_the_client_says_whom_it_wants, 0, 2);
	tcase_add_loop_test(dummy, at_a_dummy_nothing_is_dialled_without_an_allowed_name, 0,
			    ROWS(nameless));
	tcase_add_test(dummy, at_a_dummy_a_client_that_is_gone_was_denied);
	tcase_add_loop_test(dummy, at_a_dummy_the_end_leaves_nothing_unsaid, 0, 2);
	tcase_add_checked_fixture(real_names, start_real, stop);
	suite_add_tcase(suite, real_names);
	tcase_add_test(real_names, a_real_address_is_dialled_once_it_was_answered);
	tcase_add_loop_test(real_names, names_that_share_an_address_are_told_apart_by_sni, 0,
			    ROWS(shared));
	tcase_add_loop_test(real_names, real_names_are_answered_as_they_are, 0, ROWS(real));
	tcase_add_test(updates, closes_what_a_new_policy_denies_and_keeps_the_rest);
	tcase_add_test(updates, a_new_policy_opens_what_was_denied);
	tcase_add_loop_test(updates, judges_an_open_connection_by_all_that_is_known_of_it, 0,
			    ROWS(renewed));
	tcase_add_loop_test(updates, judges_a_connection_that_is_still_being_made, 0, 2);
	tcase_add_test(updates, goes_on_with_another_audit_file);
	tcase_add_test(ends, serves_without_any_privilege);
	tcase_add_test(ends, refuses_listeners_of_its_own_namespace);
	tcase_add_test(ends, resets_connections_beyond_the_limit);
	tcase_add_test(ends, writes_every_record_before_it_ends);
	tcase_add_test(ends, delivers_what_was_sent_just_before_the_end);
	tcase_add_test(ends, delivers_and_records_what_it_had_not_looked_at);
	tcase_add_test(ends, closes_the_network_when_a_record_is_lost);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	world_stop();
	return failed == 0 ? 0 : 1;
}

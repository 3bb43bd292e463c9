/* The whole proxy, where names are answered in other ways: dummy and real addresses. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/proxy_client.h"

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

int main(void)
{
	Suite *suite = suite_create("proxy/naming");
	TCase *dummy = tcase_create("dummy");
	TCase *real_names = tcase_create("real");

	tcase_add_checked_fixture(dummy, start_dummy, stop);
	tcase_set_timeout(dummy, 60);
	suite_add_tcase(suite, dummy);
	tcase_add_loop_test(dummy, at_a_dummy_the_client_says_whom_it_wants, 0, 2);
	tcase_add_loop_test(dummy, at_a_dummy_nothing_is_dialled_without_an_allowed_name, 0,
			    ROWS(nameless));
	tcase_add_test(dummy, at_a_dummy_a_client_that_is_gone_was_denied);
	tcase_add_loop_test(dummy, at_a_dummy_the_end_leaves_nothing_unsaid, 0, 2);
	tcase_add_checked_fixture(real_names, start_real, stop);
	tcase_set_timeout(real_names, 60);
	suite_add_tcase(suite, real_names);
	tcase_add_test(real_names, a_real_address_is_dialled_once_it_was_answered);
	tcase_add_loop_test(real_names, names_that_share_an_address_are_told_apart_by_sni, 0,
			    ROWS(shared));
	tcase_add_loop_test(real_names, real_names_are_answered_as_they_are, 0, ROWS(real));
	return client_suite_run(suite);
}

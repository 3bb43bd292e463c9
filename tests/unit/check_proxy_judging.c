/* The whole proxy, when it gets a new policy: what is open is judged again. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/settings.h"
#include "proxy/update.h"
#include "tests/unit/proxy_client.h"

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

/* The proxy answers an order without a policy with an error; nobody had the time to read it. */
START_TEST(a_late_answer_is_not_taken_for_the_next_one)
{
	struct update_link link = { .control_fd = proxy.control_fd, .unanswered = 1 };
	struct settings settings;
	unsigned closed;
	struct err err;

	settings_init(&settings);
	ck_assert_int_eq(send(proxy.control_fd, "x", 1, 0), 1);
	ck_assert_msg(update_send(&link, &settings.policy, proxy.audit_fd, &closed, &err) == 0,
		      "%s", err.text);
	ck_assert_uint_eq(link.unanswered, 0);
	settings_done(&settings);
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

static const char slow_request[] = "GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n";

/* The proxy finds both at once: first the policy, then more of the client's. */
START_TEST(takes_a_new_policy_and_more_bytes_at_once)
{
	static const char *const rules[] = { "allow domain=slow.test", NULL };
	pid_t pid;
	int fd;

	stop();
	start_dummy();
	fd = dial("any.test", PORT_ECHO);
	put(fd, slow_request, sizeof(slow_request) - 1);
	(void)poll(NULL, 0, 50); /* until it is dialled */
	ck_assert_int_eq(kill(proxy.pid, SIGSTOP), 0);
	pid = fork();
	if (pid == 0) {
		(void)poll(NULL, 0, 100); /* behind the update */
		put(fd, "more", 4);
		(void)kill(proxy.pid, SIGCONT);
		_exit(0);
	}
	ck_assert_uint_eq(update(rules), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	expect(fd, slow_request, sizeof(slow_request) - 1);
	expect(fd, "more", 4);
	(void)close(fd);
	expect_verdict("allow", "allow-rule");
}
END_TEST

/*
 * alias.test is an alias of dns.test, which is denied on this port only, or later. dog.test has the
 * same address, and may be reached there.
 */
START_TEST(a_real_address_is_not_reached_under_an_alias_of_a_denied_name)
{
	static const char *const rules[][5] = {
		{ "dns real", "allow domain=alias.test", "allow domain=dog.test",
		  "deny domain=dns.test port=7001" },
		{ "dns real", "allow domain=alias.test", "allow domain=dog.test" },
	};
	static const char *const fewer[] = { "allow domain=alias.test", "allow domain=dog.test",
					     "deny domain=dns.test", NULL };
	uint8_t hello[512];
	size_t length = make_hello("alias.test", hello);
	struct addr addr;
	int fd;

	stop();
	proxy_start(&proxy, rules[_i / 2], -1, 0);
	ck_assert_int_eq(lookup("alias.test", 1, &addr), 0);
	if (_i % 2)
		ck_assert_int_eq(lookup("dog.test", 1, &addr), 0);
	if (_i / 2)
		(void)update(fewer);
	fd = connect_to(&addr, PORT_ECHO, SOCK_STREAM);
	if (_i % 2)
		put(fd, hello, length);
	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "deny-rule");
}
END_TEST

START_TEST(tells_no_name_of_an_address_that_is_denied_by_now)
{
	static const char *const none[] = { NULL };
	char reverse[64];
	struct addr addr, unused;
	json_t *list;

	ck_assert_int_eq(lookup("ok.test", 1, &addr), 0);
	(void)snprintf(reverse, sizeof(reverse), "%u.%u.%u.%u.in-addr.arpa", addr.bytes[3],
		       addr.bytes[2], addr.bytes[1], addr.bytes[0]);
	(void)update(none);
	ck_assert_int_eq(lookup(reverse, 12, &unused), 3);
	list = records();
	ck_assert_str_eq(text_of(json_array_get(list, 1), "verdict"), "deny");
	json_decref(list);
}
END_TEST

/* The upstream proxy has taken the connection, and says nothing: all begins again. */
START_TEST(judges_a_connection_that_waits_for_an_upstream_proxy)
{
	static const char *const rules[] = { "allow domain=ok.test",
					     "upstream-proxy socks5://" SERVER_ADDRESS ":7004",
					     NULL };
	static const char *const none[] = { NULL };
	unsigned before = world->accepted;
	int fd;

	stop();
	proxy_start(&proxy, rules, -1, 0);
	fd = dial("ok.test", PORT_ECHO);
	put(fd, "hello", 5);
	wait_for(&world->accepted, before + 1);
	(void)poll(NULL, 0, 50); /* until it was spoken to */
	for (unsigned i = 2; i < 5; i++) {
		ck_assert_uint_eq(update(rules), 0);
		wait_for(&world->accepted, before + i);
	}
	ck_assert_uint_eq(update(none), 1);
	expect_reset(fd);
	(void)close(fd);
	expect_verdict("deny", "no-rule");
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

int main(void)
{
	Suite *suite = suite_create("proxy/judging");
	TCase *updates = tcase_create("updates");

	tcase_add_checked_fixture(updates, start, stop);
	tcase_set_timeout(updates, 60);
	suite_add_tcase(suite, updates);
	tcase_add_test(updates, closes_what_a_new_policy_denies_and_keeps_the_rest);
	tcase_add_test(updates, a_late_answer_is_not_taken_for_the_next_one);
	tcase_add_test(updates, a_new_policy_opens_what_was_denied);
	tcase_add_loop_test(updates, judges_an_open_connection_by_all_that_is_known_of_it, 0,
			    ROWS(renewed));
	tcase_add_loop_test(updates, judges_a_connection_that_is_still_being_made, 0, 2);
	tcase_add_test(updates, takes_a_new_policy_and_more_bytes_at_once);
	tcase_add_loop_test(updates, a_real_address_is_not_reached_under_an_alias_of_a_denied_name,
			    0, 4);
	tcase_add_test(updates, tells_no_name_of_an_address_that_is_denied_by_now);
	tcase_add_test(updates, judges_a_connection_that_waits_for_an_upstream_proxy);
	tcase_add_test(updates, goes_on_with_another_audit_file);
	return client_suite_run(suite);
}

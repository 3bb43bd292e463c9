/* What a policy says beside its rules: each row's values, and who has the last word. */
#include "policy/settings.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct settings settings;
static struct err err;

static void setup(void)
{
	settings_init(&settings);
	err = (struct err) { 0 };
}

static void teardown(void)
{
	settings_done(&settings);
}

static int put_from(const char *key, const char *text, const char *origin,
		    enum setting_source source)
{
	const struct setting_key *row = setting_key_find(key);

	ck_assert_msg(row != NULL, "no key %s", key);
	return setting_put(&settings, row, text, (struct place) { origin, 5, false }, source, &err);
}

static int put(const char *key, const char *text)
{
	return put_from(key, text, "p:1", SETTING_FROM_FILE);
}

/* ---- values ---- */

static const struct {
	const char *key, *text;
} accepted[] = {
	{ "network.allow", "domain=a.test" },
	{ "network.deny", "port=25" },
	{ "network.tls", "auto" },
	{ "network.tls", "passthrough" },
	{ "network.dns", "synthetic" },
	{ "network.dns", "dummy" },
	{ "network.dns", "real" },
	{ "network.dns-types", "SRV" },
	{ "network.dns-types", "MX" },
	{ "network.dns-types", "TXT" },
	{ "network.publish", "1" },
	{ "network.publish", "65535:65535" },
	{ "network.publish", "0.0.0.0:80" },
	{ "network.publish", "[::1]:80:81" },
	{ "network.upstream-proxy", "http://proxy.test:3128" },
	{ "network.upstream-proxy", "socks5://10.0.0.1:1080" },
	{ "network.upstream-proxy", "socks5://[2001:db8::1]:1080" },
	{ "network.upstream-proxy-credentials", "/etc/proxy" },
	{ "filesystem.write", "." },
	{ "filesystem.overlay", "~" },
	{ "filesystem.hide", "~/.ssh" },
	{ "filesystem.bind", "/a:/b" },
	{ "filesystem.ro-bind", "/a" },
	{ "filesystem.tmpfs", "/a:64m" },
	{ "limits.time", "1ms" },
	{ "limits.time", "1000000h" },
	{ "limits.open-files", "16" },
	{ "seccomp", "default" },
	{ "audit.file", "audit.jsonl" },
	{ "audit.on-failure", "stop" },
	{ "audit.on-failure", "count" },
};

START_TEST(takes_a_value)
{
	ck_assert_msg(put(accepted[_i].key, accepted[_i].text) == 0, "%s", err.text);
}
END_TEST

START_TEST(every_key_has_a_value_that_is_taken)
{
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		bool is_tested = !key->put;

		for (int i = 0; i < ROWS(accepted); i++)
			is_tested |= strcmp(accepted[i].key, key->path) == 0;
		ck_assert_msg(is_tested, "no row for %s", key->path);
		ck_assert_msg(key->put || key->instead, "%s is explained", key->path);
	}
}
END_TEST

#define TIME	 "a number above 0 with a unit: 500ms, 30s, 5m, 2h"
#define PUBLISH	 "[ADDRESS:]PORT[:JAIL_PORT] (127.0.0.1:3000:3000)"
#define UPSTREAM "http://HOST:PORT or socks5://HOST:PORT"

static const struct {
	const char *key, *text, *expected;
} refused[] = {
	{ "network.tls", "no", "auto or passthrough" },
	{ "network.tls", "inspect", "auto or passthrough" },
	{ "network.dns", "", "synthetic, dummy or real" },
	{ "network.dns", "Real", "synthetic, dummy or real" },
	{ "network.dns-types", "A", "SRV, MX or TXT" },
	{ "network.dns-types", "srv", "SRV, MX or TXT" },
	{ "network.publish", "", PUBLISH },
	{ "network.publish", "0", PUBLISH },
	{ "network.publish", "65536", PUBLISH },
	{ "network.publish", "80:0", PUBLISH },
	{ "network.publish", "80:", PUBLISH },
	{ "network.publish", ":80", PUBLISH },
	{ "network.publish", "80:81:82", PUBLISH },
	{ "network.publish", "127.0.0.1", PUBLISH },
	{ "network.publish", "127.0.0.1:", PUBLISH },
	{ "network.publish", "127.1:80", PUBLISH },
	{ "network.publish", "[::1]", PUBLISH },
	{ "network.publish", "[::1]80", PUBLISH },
	{ "network.publish", "[::1:80", PUBLISH },
	{ "network.publish", "::1:80", PUBLISH },
	{ "network.publish", "localhost:80", PUBLISH },
	{ "network.publish", "+80", PUBLISH },
	{ "network.publish", " 80", PUBLISH },
	{ "network.upstream-proxy", "", UPSTREAM },
	{ "network.upstream-proxy", "proxy.test:3128", UPSTREAM },
	{ "network.upstream-proxy", "https://proxy.test:3128", UPSTREAM },
	{ "network.upstream-proxy", "HTTP://proxy.test:3128", UPSTREAM },
	{ "network.upstream-proxy", "http://proxy.test", UPSTREAM },
	{ "network.upstream-proxy", "http://proxy.test:", UPSTREAM },
	{ "network.upstream-proxy", "http://proxy.test:0", UPSTREAM },
	{ "network.upstream-proxy", "http://proxy.test:3128/", UPSTREAM },
	{ "network.upstream-proxy", "http://:3128", UPSTREAM },
	{ "network.upstream-proxy", "http://pro xy:3128", UPSTREAM },
	{ "network.upstream-proxy", "http://*.test:3128", UPSTREAM },
	{ "network.upstream-proxy-credentials", "", "a file" },
	{ "filesystem.write", "", "a path" },
	{ "limits.time", "", TIME },
	{ "limits.time", "30", TIME },
	{ "limits.time", "s", TIME },
	{ "limits.time", "0s", TIME },
	{ "limits.time", "-1s", TIME },
	{ "limits.time", "1.5s", TIME },
	{ "limits.time", "1000001s", TIME },
	{ "limits.time", "1d", TIME },
	{ "limits.open-files", "15", "a number of at least 16" },
	{ "limits.open-files", "1073741825", "a number of at least 16" },
	{ "limits.open-files", "many", "a number of at least 16" },
	{ "seccomp", "off", "default (there is no other filter yet)" },
	{ "audit.file", "", "a file" },
	{ "audit.on-failure", "ignore", "stop or count" },
};

START_TEST(refuses_a_value_and_says_what_it_expects)
{
	char message[256];
	int length;

	ck_assert_int_eq(put(refused[_i].key, refused[_i].text), -EINVAL);
	length = *refused[_i].text ? snprintf(message, sizeof(message),
					      "p:1: column 5: expected %s, got \"%s\"",
					      refused[_i].expected, refused[_i].text)
				   : snprintf(message, sizeof(message),
					      "p:1: column 5: expected %s, got nothing",
					      refused[_i].expected);
	ck_assert_msg(strncmp(err.text, message, (size_t)length) == 0, "%s", err.text);
}
END_TEST

START_TEST(credentials_are_kept_apart_and_out_of_messages)
{
	ck_assert_int_eq(put("network.upstream-proxy", "http://me:secret@proxy.test:1"), -EINVAL);
	ck_assert_str_eq(err.text,
			 "p:1: column 5: expected " UPSTREAM
			 ", got \"http://\"\ncredentials do not belong "
			 "here: upstream-proxy-credentials names a file with user:password");
}
END_TEST

START_TEST(what_is_not_available_says_why)
{
	ck_assert_int_eq(put("limits.pids", "5"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "p:1: column 5: limits.pids cannot be used: "));
}
END_TEST

static const struct {
	const char *text, *address;
	unsigned port, jail_port;
} publishes[] = {
	{ "80", "127.0.0.1", 80, 80 },	     { "80:81", "127.0.0.1", 80, 81 },
	{ "0.0.0.0:80", "0.0.0.0", 80, 80 }, { "10.0.0.1:80:81", "10.0.0.1", 80, 81 },
	{ "[::]:80", "::", 80, 80 },	     { "[2001:db8::1]:80:81", "2001:db8::1", 80, 81 },
};

START_TEST(a_published_port_is_on_loopback_unless_said_otherwise)
{
	char address[ADDR_TEXT_MAX];

	ck_assert_int_eq(put("network.publish", "1"), 0);
	ck_assert_int_eq(put("network.publish", publishes[_i].text), 0);
	ck_assert_uint_eq(settings.publish_count, 2);
	ck_assert_str_eq(addr_format(&settings.publishes[1].address, address),
			 publishes[_i].address);
	ck_assert_uint_eq(settings.publishes[1].port, publishes[_i].port);
	ck_assert_uint_eq(settings.publishes[1].jail_port, publishes[_i].jail_port);
	ck_assert_str_eq(settings.publishes[1].origin, "p:1");
}
END_TEST

START_TEST(an_upstream_is_a_name_or_an_address)
{
	const struct upstream *upstream = &settings.values.upstream;
	char address[ADDR_TEXT_MAX];

	ck_assert_int_eq(put("network.upstream-proxy-credentials", "file"), 0);
	ck_assert_int_eq(put("network.upstream-proxy", "http://Proxy.Test.:3128"), 0);
	ck_assert_int_eq(upstream->kind, UPSTREAM_HTTP);
	ck_assert_str_eq(upstream->name, "proxy.test");
	ck_assert_uint_eq(upstream->port, 3128);
	ck_assert_str_eq(upstream->credentials_path, "file");
	ck_assert_int_eq(put_from("network.upstream-proxy", "socks5://[2001:db8::1]:1080", "-",
				  SETTING_FROM_COMMAND_LINE),
			 0);
	ck_assert_int_eq(upstream->kind, UPSTREAM_SOCKS5);
	ck_assert_ptr_null(upstream->name);
	ck_assert_str_eq(addr_format(&upstream->addr, address), "2001:db8::1");
	ck_assert_str_eq(upstream->credentials_path, "file");
}
END_TEST

START_TEST(a_refused_value_changes_nothing)
{
	ck_assert_int_eq(put("network.dns", "real"), 0);
	ck_assert_int_eq(put("network.publish", "80"), 0);
	for (int i = 0; i < ROWS(refused); i++)
		(void)put_from(refused[i].key, refused[i].text, "-", SETTING_FROM_COMMAND_LINE);
	ck_assert_int_eq(settings.values.dns, DNS_REAL);
	ck_assert_uint_eq(settings.publish_count, 1);
	ck_assert_uint_eq(settings.path_count, 0);
	ck_assert_int_eq(settings.values.upstream.kind, UPSTREAM_NONE);
	ck_assert_uint_eq(settings.values.time_limit_ms, 0);
	ck_assert_uint_eq(settings.values.open_files, 0);
}
END_TEST

/* ---- who has the last word ---- */

START_TEST(the_command_line_wins_whichever_comes_first)
{
	ck_assert_int_eq(put_from("network.dns", "dummy", "--dns", SETTING_FROM_COMMAND_LINE), 0);
	ck_assert_int_eq(put("network.dns", "real"), 0);
	ck_assert_int_eq(settings.values.dns, DNS_DUMMY);
	ck_assert_int_eq(put("limits.time", "30s"), 0);
	ck_assert_int_eq(put_from("limits.time", "1s", "-", SETTING_FROM_COMMAND_LINE), 0);
	ck_assert_uint_eq(settings.values.time_limit_ms, 1000);
	/* of its own words the last */
	ck_assert_int_eq(put_from("limits.time", "2s", "-", SETTING_FROM_COMMAND_LINE), 0);
	ck_assert_uint_eq(settings.values.time_limit_ms, 2000);
}
END_TEST

START_TEST(a_file_is_read_for_mistakes_all_the_same)
{
	ck_assert_int_eq(put_from("network.dns", "dummy", "--dns", SETTING_FROM_COMMAND_LINE), 0);
	ck_assert_int_eq(put("network.dns", "unreal"), -EINVAL);
	ck_assert_int_eq(put("network.dns", "real"), 0);
	ck_assert_int_eq(put_from("network.dns", "synthetic", "q:1", SETTING_FROM_FILE), -EINVAL);
	ck_assert_int_eq(settings.values.dns, DNS_DUMMY);
}
END_TEST

START_TEST(files_must_agree)
{
	ck_assert_int_eq(put("network.dns", "real"), 0);
	ck_assert_int_eq(put_from("network.dns", "real", "q:7", SETTING_FROM_FILE), 0);
	ck_assert_int_eq(put_from("network.dns", "dummy", "r:8", SETTING_FROM_FILE), -EINVAL);
	ck_assert_str_eq(err.text, "r:8: column 5: expected one value, got \"dummy\"\n"
				   "q:7 says network.dns: real");
	ck_assert_int_eq(settings.values.dns, DNS_REAL);
	ck_assert_int_eq(put("audit.file", "a\x1b[31m"), 0);
	ck_assert_int_eq(put("audit.file", "b"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "p:1 says audit.file: a\\x1b[31m"));
}
END_TEST

START_TEST(lists_add_up)
{
	ck_assert_int_eq(put("network.dns-types", "SRV"), 0);
	ck_assert_int_eq(put_from("network.dns-types", "MX", "-", SETTING_FROM_COMMAND_LINE), 0);
	ck_assert_uint_eq(settings.values.dns_types, DNS_TYPE_SRV | DNS_TYPE_MX);
	ck_assert_int_eq(put("filesystem.write", "a"), 0);
	ck_assert_int_eq(put("filesystem.hide", "a"), 0);
	ck_assert_uint_eq(settings.path_count, 2);
	ck_assert_int_eq(settings.paths[0].kind, PATH_WRITE);
	ck_assert_int_eq(settings.paths[1].kind, PATH_HIDE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/settings");
	TCase *tcase = tcase_create("settings");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, takes_a_value, 0, ROWS(accepted));
	tcase_add_test(tcase, every_key_has_a_value_that_is_taken);
	tcase_add_loop_test(tcase, refuses_a_value_and_says_what_it_expects, 0, ROWS(refused));
	tcase_add_test(tcase, credentials_are_kept_apart_and_out_of_messages);
	tcase_add_test(tcase, what_is_not_available_says_why);
	tcase_add_loop_test(tcase, a_published_port_is_on_loopback_unless_said_otherwise, 0,
			    ROWS(publishes));
	tcase_add_test(tcase, an_upstream_is_a_name_or_an_address);
	tcase_add_test(tcase, a_refused_value_changes_nothing);
	tcase_add_test(tcase, the_command_line_wins_whichever_comes_first);
	tcase_add_test(tcase, a_file_is_read_for_mistakes_all_the_same);
	tcase_add_test(tcase, files_must_agree);
	tcase_add_test(tcase, lists_add_up);
	return suite_run(suite);
}

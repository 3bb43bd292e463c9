/* The rule language: what is read, and what a refusal says. */
#include "policy/rule.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/keys.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text;
	const char *domain; /* NULL: none */
	bool has_address;
	const char *ports, *blocks; /* as print_fields() writes them */
} accepted[] = {
	{ "domain=example.com", "example.com", false, "", "" },
	{ "domain=GitHub.COM.", "github.com", false, "", "" },
	{ "domain=*", "*", false, "", "" },
	{ "domain=*.npmjs.org", "*.npmjs.org", false, "", "" },
	{ "domain=api.*.com port=443", "api.*.com", false, "443-443", "" },
	{ "port=443 domain=a.example", "a.example", false, "443-443", "" },
	{ "domain=a.example\tport=1", "a.example", false, "1-1", "" },
	{ "domain=a.example  \t port=1", "a.example", false, "1-1", "" },
	{ "domain=a.example ", "a.example", false, "", "" },
	{ "domain=a.example\t \t", "a.example", false, "", "" },
	{ "domain=192.0.2.1", NULL, true, "", "192.0.2.1/32" },
	{ "domain=2001:DB8::1 port=22", NULL, true, "22-22", "2001:db8::1/128" },
	{ "domain=::ffff:192.0.2.1", NULL, true, "", "192.0.2.1/32" },
	{ "domain=**.Example.ORG", "**.example.org", false, "", "" },
	{ "domain=**.a.*.org", "**.a.*.org", false, "", "" },
	{ "domain=*.B\xc3\x9c"
	  "CHER.example.",
	  "*.xn--bcher-kva.example", false, "", "" },
	{ "domain=\xd0\xbek.test", "xn--k-0tb.test", false, "", "" },
	{ "domain=stra\xc3\x9f"
	  "e.test",
	  "xn--strae-oqa.test", false, "", "" },
	{ "port=80 method=GET path=/a/*,/b scheme=http", NULL, false, "80-80", "" },
	{ "port=80", NULL, false, "80-80", "" },
	{ "port=1,65535", NULL, false, "1-1,65535-65535", "" },
	{ "port=80,443,8000-8100", NULL, false, "80-80,443-443,8000-8100", "" },
	{ "port=7-7", NULL, false, "7-7", "" },
	{ "port=1-65535", NULL, false, "1-65535", "" },
	{ "cidr=10.0.0.0/8", NULL, false, "", "10.0.0.0/8" },
	{ "cidr=10.1.2.3", NULL, false, "", "10.1.2.3/32" },
	{ "cidr=10.0.0.0/8,2001:db8::/32,::1", NULL, false, "",
	  "10.0.0.0/8,2001:db8::/32,::1/128" },
	{ "cidr=::ffff:10.0.0.0/104", NULL, false, "", "10.0.0.0/8" },
	{ "domain=db.example cidr=10.20.0.0/16 port=5432", "db.example", false, "5432-5432",
	  "10.20.0.0/16" },
	{ "host-port=8080", "host.nsgate", false, "8080-8080", "127.0.0.1/32,::1/128" },
	{ "host-port=80,8000-8100 method=GET", "host.nsgate", false, "80-80,8000-8100",
	  "127.0.0.1/32,::1/128" },
};

static void print_fields(const struct rule *rule, char ports[256], char blocks[256])
{
	char block[ADDR_BLOCK_MAX];
	int used = 0;

	ports[0] = blocks[0] = '\0';
	for (size_t i = 0; i < rule->port_count; i++)
		used += snprintf(ports + used, 256 - (size_t)used, "%s%u-%u", i ? "," : "",
				 rule->ports[i].first, rule->ports[i].last);
	used = 0;
	for (size_t i = 0; i < rule->block_count; i++)
		used += snprintf(blocks + used, 256 - (size_t)used, "%s%s", i ? "," : "",
				 addr_block_format(&rule->blocks[i], block));
}

START_TEST(reads_a_rule)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule = { 0 };
	char ports[256], blocks[256];
	struct err err = { 0 };

	ck_assert_msg(rule_parse(accepted[_i].text, place_of("--allow"), RULE_NSGATE, &arena, &rule,
				 &err) == 0,
		      "%s", err.text);
	print_fields(&rule, ports, blocks);
	ck_assert_str_eq(rule.text, accepted[_i].text);
	ck_assert_str_eq(rule.origin, "--allow");
	ck_assert_int_eq(rule.domain != NULL, accepted[_i].domain != NULL);
	if (accepted[_i].domain)
		ck_assert_str_eq(rule.domain, accepted[_i].domain);
	ck_assert_int_eq(rule.has_address, accepted[_i].has_address);
	ck_assert_str_eq(ports, accepted[_i].ports);
	ck_assert_str_eq(blocks, accepted[_i].blocks);
}
END_TEST

#define KEYS	  "a key (domain, port, cidr, scheme, method, path, host-port)"
#define HOST_PORT "\nhost-port= says name, port and addresses: write two rules"
#define BYTE	  "a letter, a digit, '-', '_' or '.'"
#define PORT	  "a port from 1 to 65535 or a range (8000-8100)"
#define CIDR	  "an address or a block (192.0.2.0/24, 2001:db8::/32)"

static const struct {
	const char *text, *message; /* after "--allow: column " */
} refused[] = {
	/* the words */
	{ "", "1: empty rule" },
	{ " \t ", "1: empty rule" },
	{ " domain=a.example", "1: expected a key, got \" \"" },
	{ "\tdomain=a.example", "1: expected a key, got \"\\x09\"" },
	{ "domain=a.example\n", "17: expected " BYTE ", got \"\\x0a\"" },
	{ "=a", "1: expected " KEYS ", got nothing" },
	{ ":8080", "1: expected " KEYS ", got \":8080\"" },
	{ "?x=1", "1: expected " KEYS ", got \"?x\"" },
	{ "domian=a.example", "1: expected " KEYS ", got \"domian\"\ndid you mean domain=?" },
	{ "port=1 cdir=::/0", "8: expected " KEYS ", got \"cdir\"\ndid you mean cidr=?" },
	{ "Domain=a.example", "1: expected " KEYS ", got \"Domain\"\ndid you mean domain=?" },
	{ "DOMAIN=a.example", "1: expected " KEYS ", got \"DOMAIN\"\ndid you mean domain=?" },
	{ "flavour=sweet", "1: expected " KEYS ", got \"flavour\"" },
	{ "github.com",
	  "1: expected " KEYS ", got \"github.com\"\ndid you mean domain=github.com?" },
	{ "domain=a.example port", "22: expected '=' and a value, got nothing" },
	{ "domain", "7: expected '=' and a value, got nothing" },
	{ "domain=a.com domain=b.com",
	  "14: expected every key once, got \"domain=b.com\"\ndomain is given twice: write two "
	  "rules" },
	{ "port=1 port=2",
	  "8: expected every key once, got \"port=2\"\nport is given twice: write two rules" },
	{ "\x1b[31mred=1", "1: expected " KEYS ", got \"\\x1b[31mred\"" },
	/* host-port */
	{ "host-port=", "11: expected PORT|FIRST-LAST[,...], got nothing" },
	{ "host-port=0", "11: expected " PORT ", got \"0\"" },
	{ "host-port=80,", "14: expected " PORT ", got nothing" },
	{ "host-port=80 host-port=81",
	  "14: expected every key once, got \"host-port=81\"\nhost-port is given twice: write two "
	  "rules" },
	{ "host-port=80 domain=a.example",
	  "14: expected no domain= beside host-port=, got \"domain=a.example\"" HOST_PORT },
	{ "domain=192.0.2.1 host-port=80",
	  "18: expected no host-port= beside domain=, got \"host-port=80\"" HOST_PORT },
	{ "host-port=80 port=81",
	  "14: expected no port= beside host-port=, got \"port=81\"" HOST_PORT },
	{ "port=81 host-port=80",
	  "9: expected no host-port= beside port=, got \"host-port=80\"" HOST_PORT },
	{ "host-port=80 cidr=::1",
	  "14: expected no cidr= beside host-port=, got \"cidr=::1\"" HOST_PORT },
	{ "cidr=::1 host-port=80",
	  "10: expected no host-port= beside cidr=, got \"host-port=80\"" HOST_PORT },
	/* domain */
	{ "domain=", "8: expected NAME|*.NAME|**.NAME|ADDRESS, got nothing" },
	{ "domain= port=1", "8: expected NAME|*.NAME|**.NAME|ADDRESS, got nothing" },
	{ "domain=github.*", "15: expected a last label other than '*', got \"*\"" },
	{ "domain=*.*", "10: expected a last label other than '*', got \"*\"" },
	{ "domain=*.", "10: expected a label, got nothing" },
	{ "domain=a..b", "10: expected a label, got \".\"" },
	{ "domain=*github.com", "8: expected '*' as a whole label, got \"*\"" },
	{ "domain=test.invalid-.com",
	  "20: expected a label that does not end with '-', got \"-\"" },
	{ "domain=test@example.com", "12: expected " BYTE ", got \"@\"" },
	{ "domain=a.com=b", "13: expected " BYTE ", got \"=\"" },
	{ "domain=\"a.com\"", "8: expected " BYTE ", got \"\"\"" },
	{ "domain=a.com,b.com",
	  "13: expected " BYTE ", got \",\"\none name a rule: write two rules" },
	{ "domain=a.com, path=/x",
	  "13: expected " BYTE ", got \",\"\none name a rule: write two rules" },
	{ "domain=a.com:443",
	  "13: expected " BYTE ", got \":\"\na host name alone, without scheme, "
	  "port and path; a port is a word of its own: port=443" },
	{ "domain=https://a.com",
	  "13: expected " BYTE ", got \":\"\na host name alone, without scheme, port and path; "
	  "a port is a word of its own: port=443" },
	{ "domain=a.com/path",
	  "13: expected " BYTE ", got \"/\"\na host name alone, without scheme, port and path; a "
	  "port is a word of its own: port=443" },
	{ "domain=[::1]",
	  "8: expected " BYTE ", got \"[\"\nan address is written without brackets" },
	{ "domain=a.b\xc3.example", "10: expected a label that IDNA allows, got \"b\"" },
	{ "domain=\xe2\x98\x83\xe2\x80\xae.test",
	  "8: expected a label that IDNA allows, got \"\\xe2\"" },
	{ "domain=ok\xe3\x80\x82test", "8: expected a label that IDNA allows, got \"o\"" },
	{ "domain=\xef\xbd\x81.test", "8: expected a label that IDNA allows, got \"\\xef\"" },
	{ "domain=**", "10: expected '.' and a name, got nothing" },
	{ "domain=**.", "11: expected a label, got nothing" },
	{ "domain=**.*", "11: expected a last label other than '*', got \"*\"" },
	{ "domain=a.**.test", "10: expected '*' as a whole label, got \"*\"" },
	{ "domain=***.test", "8: expected '*' as a whole label, got \"*\"" },
	{ "domain=*.1.1", "12: expected a last label that is not a number, got \"1\"" },
	{ "domain=0x7f000001", "8: expected a last label that is not a number, got \"0\"" },
	{ "domain=010.0.0.1", "16: expected a last label that is not a number, got \"1\"" },
	{ "domain=192.0.2.1 cidr=192.0.2.0/24",
	  "23: expected no cidr= beside an address, got \"192.0.2.0/24\"\nan address in domain= is "
	  "a block itself: write two rules" },
	{ "cidr=192.0.2.0/24 domain=192.0.2.1",
	  "26: expected a name beside cidr=, got \"192.0.2.1\"\nan address in domain= is a block "
	  "itself: write two rules" },
	/* scheme, method, path */
	{ "scheme=ftp", "8: expected http, https, tls or tcp, got \"ftp\"" },
	{ "scheme=http,", "13: expected http, https, tls or tcp, got nothing" },
	{ "method=", "8: expected METHOD[,...], got nothing" },
	{ "method=GET, domain=a.test", "12: expected a method (GET) or '*', got nothing" },
	{ "method=GET,,PUT", "12: expected a method (GET) or '*', got nothing" },
	{ "method=G@T", "9: expected a method (GET) or '*', got \"@\"" },
	{ "method=GET method=PUT",
	  "12: expected every key once, got \"method=PUT\"\nmethod is given twice: write two rules" },
	{ "path=", "6: expected PATH[,...], got nothing" },
	{ "path=/a,", "9: expected a path, got nothing" },
	{ "path=/a,,/b", "9: expected a path, got nothing" },
	{ "path=/a//b", "9: expected a path segment, got \"/\"" },
	{ "path=//", "7: expected a path segment, got \"/\"" },
	{ "path=/a*", "8: expected '*' as a whole segment, got \"*\"" },
	{ "path=/x,/*a", "10: expected '*' as a whole segment, got \"*\"" },
	{ "path=/%2a", "7: expected no encoded '*', '/' or NUL, got \"%\"" },
	{ "path=/a%2Fb", "8: expected no encoded '*', '/' or NUL, got \"%\"" },
	{ "path=/%0", "7: expected two hex digits behind '%', got \"%\"" },
	{ "path=/a/../b", "9: expected a segment other than '.' and '..', got \".\"" },
	{ "path=/%2e/b", "7: expected a segment other than '.' and '..', got \"%\"" },
	{ "path=/a?b", "8: expected a letter, a digit or one of -._~!$&'()+;=:@%, got \"?\"" },
	/* port */
	{ "port=", "6: expected PORT|FIRST-LAST[,...], got nothing" },
	{ "port=0", "6: expected " PORT ", got \"0\"" },
	{ "port=65536", "6: expected " PORT ", got \"65536\"" },
	{ "port=99999999999999999999", "6: expected " PORT ", got \"99999999999999999999\"" },
	{ "port=https", "6: expected " PORT ", got \"https\"" },
	{ "port=*", "6: expected " PORT ", got \"*\"" },
	{ "port=-80", "6: expected " PORT ", got \"-80\"" },
	{ "port=+80", "6: expected " PORT ", got \"+80\"" },
	{ "port=80-", "6: expected " PORT ", got \"80-\"" },
	{ "port=80-443-8080", "6: expected " PORT ", got \"80-443-8080\"" },
	{ "port=443-80", "6: expected a range with the lower port first, got \"443-80\"" },
	{ "port=0-80", "6: expected " PORT ", got \"0-80\"" },
	{ "port=80,", "9: expected " PORT ", got nothing" },
	{ "port=,80", "6: expected " PORT ", got nothing" },
	{ "port=80,,443", "9: expected " PORT ", got nothing" },
	{ "port=80, domain=a.example", "9: expected " PORT ", got nothing" },
	{ "port=80,x", "9: expected " PORT ", got \"x\"" },
	{ "port=00000000000000000000000000000000000000000000000000000000000000080",
	  "6: expected a port or a range of ports, got "
	  "\"000000000000000000000000000000000000000000000000000000000...\"" },
	/* cidr */
	{ "cidr=", "6: expected ADDRESS[/PREFIX][,...], got nothing" },
	{ "cidr=10.0.0.1/8", "6: expected a block whose bits past the prefix are zero, got "
			     "\"10.0.0.1/8\"\ndid you mean 10.0.0.0/8?" },
	{ "cidr=::1,2001:db8::1/32",
	  "10: expected a block whose bits past the prefix are zero, got "
	  "\"2001:db8::1/32\"\ndid you mean 2001:db8::/32?" },
	{ "cidr=10.0.0.0/33", "6: expected " CIDR ", got \"10.0.0.0/33\"" },
	{ "cidr=10.0.0.0/", "6: expected " CIDR ", got \"10.0.0.0/\"" },
	{ "cidr=10/8", "6: expected " CIDR ", got \"10/8\"" },
	{ "cidr=example.com", "6: expected " CIDR ", got \"example.com\"" },
	{ "cidr=*", "6: expected " CIDR ", got \"*\"" },
	{ "cidr=[::1]", "6: expected " CIDR ", got \"[::1]\"" },
	{ "cidr=10.0.0.0/8,", "17: expected " CIDR ", got nothing" },
	{ "cidr=,10.0.0.0/8", "6: expected " CIDR ", got nothing" },
	{ "cidr=::1,,::2", "10: expected " CIDR ", got nothing" },
};

START_TEST(refuses_and_says_where_and_why)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule;
	char message[1024];
	struct err err = { 0 };

	memset(&rule, 0xa5, sizeof(rule)); /* must be emptied */
	(void)snprintf(message, sizeof(message), "--allow: column %s", refused[_i].message);
	ck_assert_msg(rule_parse(refused[_i].text, place_of("--allow"), RULE_NSGATE, &arena, &rule,
				 &err) == -EINVAL,
		      "'%s' is refused", refused[_i].text);
	ck_assert_str_eq(err.text, message);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert(!err.show_code);
	ck_assert(!rule.text && !rule.origin && !rule.ports && !rule.blocks && !arena.chunks);
	ck_assert(!rule.domain && !rule.has_address);
}
END_TEST

START_TEST(a_long_word_is_cut_in_the_message)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule = { 0 };
	char text[5000] = "port=";
	struct err err;

	memset(text + 5, '\x01', sizeof(text) - 6);
	ck_assert_int_eq(rule_parse(text, place_of("--allow"), RULE_NSGATE, &arena, &rule, &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "\\x01..."));
	ck_assert_uint_lt(strlen(err.text), 200);
}
END_TEST

START_TEST(ports_include_both_ends)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule = { 0 };
	struct err err;

	ck_assert_int_eq(rule_parse("port=80,8000-8100", place_of("--allow"), RULE_NSGATE, &arena,
				    &rule, &err),
			 0);
	ck_assert(rule_has_port(&rule, 80));
	ck_assert(rule_has_port(&rule, 8000) && rule_has_port(&rule, 8100));
	ck_assert(!rule_has_port(&rule, 79) && !rule_has_port(&rule, 81));
	ck_assert(!rule_has_port(&rule, 7999) && !rule_has_port(&rule, 8101));
}
END_TEST

START_TEST(no_ports_are_all_ports)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct rule rule = { 0 };
	struct err err;

	ck_assert_int_eq(rule_parse("domain=a.example", place_of("--allow"), RULE_NSGATE, &arena,
				    &rule, &err),
			 0);
	ck_assert(rule_has_port(&rule, 1) && rule_has_port(&rule, 65535));
}
END_TEST

START_TEST(every_key_says_what_it_takes)
{
	for (const struct rule_key *key = rule_keys; key->name; key++) {
		ck_assert_ptr_eq(rule_key_find(key->name, strlen(key->name)), key);
		ck_assert(key->value && *key->value && key->help && *key->help);
		ck_assert_msg(key->parse != NULL, "%s is read", key->name);
	}
	ck_assert_ptr_null(rule_key_find("dom", 3));
	ck_assert_ptr_null(rule_key_find("", 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/rule");
	TCase *tcase = tcase_create("rule");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, reads_a_rule, 0, ROWS(accepted));
	tcase_add_loop_test(tcase, refuses_and_says_where_and_why, 0, ROWS(refused));
	tcase_add_test(tcase, a_long_word_is_cut_in_the_message);
	tcase_add_test(tcase, ports_include_both_ends);
	tcase_add_test(tcase, no_ports_are_all_ports);
	tcase_add_test(tcase, every_key_says_what_it_takes);
	return suite_run(suite);
}

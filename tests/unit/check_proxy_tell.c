/* The line on stderr: what it says, and that it says it once. */
#include "proxy/audit/tell.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct addr plain, private6;
static struct rule rule = { .text = (char[]) { "domain=b.test" },
			    .origin = (char[]) { "p.yaml:7" } };

static const struct {
	struct tell_denial denial;
	const char *line;
} lines[] = {
	{ { .protocol = "tcp",
	    .name = "example.org",
	    .port = 443,
	    .verdict = { .reason = REASON_NO_RULE } },
	  "denied: tcp example.org:443 (no-rule: no rule allows it); to allow: "
	  "--allow 'domain=example.org port=443'" },
	{ { .protocol = "tcp",
	    .address = &plain,
	    .port = 22,
	    .verdict = { .reason = REASON_RAW_IP } },
	  "denied: tcp 198.51.100.7:22 (raw-ip: an address without a name needs a cidr= rule); "
	  "to allow: --allow 'cidr=198.51.100.7 port=22'" },
	{ { .protocol = "tcp",
	    .name = "a.test",
	    .address = &private6,
	    .port = 80,
	    .verdict = { .reason = REASON_PRIVATE_ADDRESS } },
	  "denied: tcp a.test:80 (private-address: the name leads to a non-public address that no "
	  "rule names, fd00::1); to allow: --allow 'domain=a.test cidr=fd00::1 port=80'" },
	{ { .protocol = "tcp",
	    .address = &private6,
	    .port = 80,
	    .verdict = { .reason = REASON_SELF } },
	  "denied: tcp [fd00::1]:80 (self: the connection leads back to nsgate)" },
	{ { .protocol = "dns",
	    .name = "b.test",
	    .qtype = "A",
	    .verdict = { .reason = REASON_DENY_RULE, .rule = &rule } },
	  "denied: dns b.test A (deny-rule: a deny rule matches, 'domain=b.test' at p.yaml:7)" },
	{ { .protocol = "tls",
	    .name = "a.test",
	    .sni = "c.test",
	    .port = 443,
	    .verdict = { .reason = REASON_NAME_MISMATCH } },
	  "denied: tls a.test:443 (name-mismatch: another name is asked for than DNS led to, SNI "
	  "c.test)" },
};

static void parse_addresses(void)
{
	ck_assert_int_eq(addr_parse("198.51.100.7", &plain), 0);
	ck_assert_int_eq(addr_parse("fd00::1", &private6), 0);
}

START_TEST(says_what_why_and_how_to_allow_it)
{
	char line[TELL_TEXT_MAX];

	ck_assert_str_eq(tell_format(&lines[_i].denial, line, sizeof(line)), lines[_i].line);
}
END_TEST

START_TEST(cuts_a_line_that_is_too_long)
{
	char line[40];

	(void)tell_format(&lines[0].denial, line, sizeof(line));
	ck_assert_str_eq(line, "denied: tcp example.org:443 (no-rule: n");
}
END_TEST

START_TEST(tells_the_same_thing_once)
{
	static struct tell tell;
	struct tell_denial denial = lines[0].denial;

	ck_assert(tell_is_new(&tell, &denial));
	ck_assert(!tell_is_new(&tell, &denial));
	denial.port = 80;
	ck_assert(tell_is_new(&tell, &denial));
	denial.protocol = "tls";
	ck_assert(tell_is_new(&tell, &denial));
	denial.verdict.reason = REASON_DENY_RULE;
	ck_assert(tell_is_new(&tell, &denial));
	denial.name = "other.test";
	ck_assert(tell_is_new(&tell, &denial));
}
END_TEST

START_TEST(takes_both_address_types_of_a_name_as_one)
{
	static struct tell tell;
	struct tell_denial denial = lines[4].denial;

	ck_assert(tell_is_new(&tell, &denial));
	denial.qtype = "AAAA";
	ck_assert(!tell_is_new(&tell, &denial));
}
END_TEST

START_TEST(remembers_only_so_many)
{
	static struct tell tell;
	struct tell_denial denial = lines[0].denial;

	for (unsigned i = 0; i < 3 * TELL_LINES_MAX; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "n%u.test", i);
		denial.name = name;
		ck_assert(tell_is_new(&tell, &denial));
	}
	ck_assert_uint_eq(tell.count, TELL_LINES_MAX);
	denial.name = "n0.test";
	ck_assert(!tell_is_new(&tell, &denial));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/tell");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(all, parse_addresses, NULL);
	tcase_add_loop_test(all, says_what_why_and_how_to_allow_it, 0,
			    sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(all, cuts_a_line_that_is_too_long);
	tcase_add_test(all, tells_the_same_thing_once);
	tcase_add_test(all, takes_both_address_types_of_a_name_as_one);
	tcase_add_test(all, remembers_only_so_many);
	return suite_run(suite);
}

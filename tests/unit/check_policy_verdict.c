/* Verdicts (policy/policy.c): which rule decides what, at each stage of a connection. */
#include "policy/policy.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/net_plan.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define RULES_MAX   4
#define PUBLIC	    "93.184.216.34"
#define PUBLIC6	    "2606:2800::1"
#define ALLOWED	    REASON_ALLOW_RULE
#define HOSTS	    ADDR_FROM_HOSTS_FILE
#define DNS	    ADDR_FROM_DNS

struct rules {
	const char *allow[RULES_MAX], *deny[RULES_MAX];
};

static void load(struct policy *policy, const struct rules *rules)
{
	struct err err = { 0 };

	policy_init(policy);
	for (int i = 0; i < RULES_MAX && rules->allow[i]; i++)
		ck_assert_msg(policy_allow(policy, rules->allow[i], place_of("--allow"), &err) == 0,
			      "%s", err.text);
	for (int i = 0; i < RULES_MAX && rules->deny[i]; i++)
		ck_assert_msg(policy_deny(policy, rules->deny[i], place_of("--deny"), &err) == 0,
			      "%s", err.text);
	ck_assert_int_eq(policy_compile(policy, &err), 0);
}

static void assert_verdict(const struct verdict *got, enum reason reason, const char *rule)
{
	ck_assert_str_eq(reason_code(got->reason), reason_code(reason));
	ck_assert_int_eq(got->is_allowed, reason == ALLOWED);
	if (rule) {
		ck_assert_ptr_nonnull(got->rule);
		ck_assert_str_eq(got->rule->text, rule);
	} else {
		ck_assert_ptr_null(got->rule);
	}
}

static const struct {
	struct rules rules;
	const char *name;
	uint16_t port;
	enum reason query, dial; /* policy_judge_query(), policy_judge_name() */
	const char *query_rule, *dial_rule;
} names[] = {
	/* nothing said means deny */
	{ { { NULL }, { NULL } }, "ok.test", 443, REASON_NO_RULE, REASON_NO_RULE, NULL, NULL },
	{ { { "domain=ok.test" }, { NULL } },
	  "ok.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=ok.test",
	  "domain=ok.test" },
	{ { { "domain=ok.test" }, { NULL } },
	  "evil.test",
	  443,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL,
	  NULL },
	{ { { NULL }, { "domain=x.test" } },
	  "ok.test",
	  443,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL,
	  NULL },
	/* the first rule that matches is named */
	{ { { "domain=*.test", "domain=a.test" }, { NULL } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=*.test",
	  "domain=*.test" },
	{ { { "domain=b.test", "domain=a.test" }, { NULL } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test",
	  "domain=a.test" },
	/* a port narrows the connection, not the query */
	{ { { "domain=ok.test port=443" }, { NULL } },
	  "ok.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=ok.test port=443",
	  "domain=ok.test port=443" },
	{ { { "domain=ok.test port=443" }, { NULL } },
	  "ok.test",
	  80,
	  ALLOWED,
	  REASON_NO_RULE,
	  "domain=ok.test port=443",
	  NULL },
	/* a key that is not given matches everything */
	{ { { "port=443" }, { NULL } }, "any.test", 443, ALLOWED, ALLOWED, "port=443", "port=443" },
	{ { { "port=443" }, { NULL } }, "any.test", 22, ALLOWED, REASON_NO_RULE, "port=443", NULL },
	/* deny beats allow, however the two are written */
	{ { { "domain=*.test" }, { "domain=evil.test" } },
	  "evil.test",
	  443,
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  "domain=evil.test",
	  "domain=evil.test" },
	{ { { "domain=evil.test port=443" }, { "domain=*" } },
	  "evil.test",
	  443,
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  "domain=*",
	  "domain=*" },
	{ { { "domain=a.test" }, { "domain=a.test" } },
	  "a.test",
	  1,
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  "domain=a.test",
	  "domain=a.test" },
	{ { { NULL }, { "domain=a.test" } },
	  "a.test",
	  1,
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  "domain=a.test",
	  "domain=a.test" },
	/* a deny rule of a port leaves the query alone */
	{ { { "domain=a.test" }, { "domain=a.test port=25" } },
	  "a.test",
	  25,
	  ALLOWED,
	  REASON_DENY_RULE,
	  "domain=a.test",
	  "domain=a.test port=25" },
	{ { { "domain=a.test" }, { "domain=a.test port=25" } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test",
	  "domain=a.test" },
	{ { { "domain=a.test" }, { "port=25" } },
	  "a.test",
	  25,
	  ALLOWED,
	  REASON_DENY_RULE,
	  "domain=a.test",
	  "port=25" },
	/* a deny rule of addresses waits for the address */
	{ { { "domain=a.test" }, { "cidr=10.0.0.0/8" } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test",
	  "domain=a.test" },
	{ { { "domain=a.test" }, { "domain=a.test cidr=10.0.0.0/8" } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test",
	  "domain=a.test" },
	{ { { "domain=a.test" }, { "domain=192.0.2.1" } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test",
	  "domain=a.test" },
	/* a rule of addresses alone gives no name leave */
	{ { { "cidr=0.0.0.0/0,::/0" }, { NULL } },
	  "a.test",
	  443,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL,
	  NULL },
	{ { { "domain=192.0.2.1" }, { NULL } },
	  "a.test",
	  443,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL,
	  NULL },
	{ { { "domain=a.test cidr=10.0.0.0/8" }, { NULL } },
	  "a.test",
	  443,
	  ALLOWED,
	  ALLOWED,
	  "domain=a.test cidr=10.0.0.0/8",
	  "domain=a.test cidr=10.0.0.0/8" },
	{ { { "domain=a.test cidr=10.0.0.0/8" }, { NULL } },
	  "b.test",
	  443,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL,
	  NULL },
};

START_TEST(judges_a_name)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;

	load(&policy, &names[_i].rules);
	verdict = policy_judge_query(&policy, names[_i].name);
	assert_verdict(&verdict, names[_i].query, names[_i].query_rule);
	verdict = policy_judge_name(&policy, names[_i].name, names[_i].port);
	assert_verdict(&verdict, names[_i].dial, names[_i].dial_rule);
}
END_TEST

static const struct {
	struct rules rules;
	const char *addr;
	uint16_t port;
	enum reason reason;
	const char *rule;
} raws[] = {
	/* no name: only an address in a rule helps */
	{ { { NULL }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "domain=*" }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "port=443" }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "domain=* cidr=0.0.0.0/0" }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "domain=*" }, { NULL } }, PUBLIC6, 443, REASON_RAW_IP, NULL },
	{ { { "domain=*" }, { NULL } }, "127.0.0.1", 443, REASON_RAW_IP, NULL },
	{ { { "domain=*" }, { NULL } }, "169.254.169.254", 80, REASON_RAW_IP, NULL },
	{ { { "cidr=93.184.0.0/16" }, { NULL } }, PUBLIC, 443, ALLOWED, "cidr=93.184.0.0/16" },
	{ { { "cidr=93.184.0.0/16 port=22" }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "cidr=93.184.0.0/16 port=22" }, { NULL } },
	  PUBLIC,
	  22,
	  ALLOWED,
	  "cidr=93.184.0.0/16 port=22" },
	{ { { "domain=93.184.216.34" }, { NULL } }, PUBLIC, 22, ALLOWED, "domain=93.184.216.34" },
	{ { { "domain=93.184.216.35" }, { NULL } }, PUBLIC, 22, REASON_RAW_IP, NULL },
	{ { { "cidr=::/0" }, { NULL } }, PUBLIC, 443, REASON_RAW_IP, NULL },
	{ { { "cidr=0.0.0.0/0" }, { NULL } }, PUBLIC6, 443, REASON_RAW_IP, NULL },
	{ { { "cidr=2606:2800::/32" }, { NULL } }, PUBLIC6, 443, ALLOWED, "cidr=2606:2800::/32" },
	{ { { "cidr=10.0.0.0/8" }, { NULL } }, "10.1.2.3", 443, ALLOWED, "cidr=10.0.0.0/8" },
	{ { { "cidr=127.0.0.1 port=9999" }, { NULL } },
	  "127.0.0.1",
	  9999,
	  ALLOWED,
	  "cidr=127.0.0.1 port=9999" },
	/* deny beats allow */
	{ { { "cidr=93.184.0.0/16" }, { "cidr=93.184.216.34" } },
	  PUBLIC,
	  1,
	  REASON_DENY_RULE,
	  "cidr=93.184.216.34" },
	{ { { "cidr=93.184.0.0/16" }, { "cidr=0.0.0.0/0 port=25" } },
	  PUBLIC,
	  25,
	  REASON_DENY_RULE,
	  "cidr=0.0.0.0/0 port=25" },
	{ { { "cidr=93.184.0.0/16" }, { "port=25" } }, PUBLIC, 25, REASON_DENY_RULE, "port=25" },
	{ { { "cidr=93.184.0.0/16" }, { "port=25" } }, PUBLIC, 26, ALLOWED, "cidr=93.184.0.0/16" },
	{ { { NULL }, { "cidr=93.184.216.34" } },
	  PUBLIC,
	  1,
	  REASON_DENY_RULE,
	  "cidr=93.184.216.34" },
	{ { { "cidr=93.184.0.0/16" }, { "domain=*" } }, PUBLIC, 1, ALLOWED, "cidr=93.184.0.0/16" },
	{ { { "cidr=93.184.0.0/16" }, { "domain=* cidr=0.0.0.0/0" } },
	  PUBLIC,
	  1,
	  ALLOWED,
	  "cidr=93.184.0.0/16" },
	/* IPv4 in IPv6 clothes: threat model row 5 */
	{ { { "domain=*" }, { NULL } }, "64:ff9b::7f00:1", 80, REASON_PRIVATE_EMBEDDED, NULL },
	{ { { "domain=*" }, { NULL } }, "2002:7f00:1::", 80, REASON_PRIVATE_EMBEDDED, NULL },
	{ { { "domain=*" }, { NULL } }, "2001:0:a01:203::1", 80, REASON_PRIVATE_EMBEDDED, NULL },
	{ { { "domain=*" }, { NULL } }, "::8.8.8.8", 80, REASON_PRIVATE_EMBEDDED, NULL },
	{ { { "cidr=0.0.0.0/0" }, { NULL } },
	  "64:ff9b::808:808",
	  80,
	  REASON_PRIVATE_EMBEDDED,
	  NULL },
	{ { { "cidr=64:ff9b::/96" }, { NULL } },
	  "64:ff9b::808:808",
	  80,
	  ALLOWED,
	  "cidr=64:ff9b::/96" },
	{ { { "cidr=64:ff9b::/96" }, { "cidr=10.0.0.0/8" } },
	  "64:ff9b::a01:203",
	  80,
	  REASON_DENY_RULE,
	  "cidr=10.0.0.0/8" },
	{ { { "cidr=64:ff9b::/96" }, { "cidr=10.0.0.0/8" } },
	  "64:ff9b::808:808",
	  80,
	  ALLOWED,
	  "cidr=64:ff9b::/96" },
	{ { { "cidr=2002::/16" }, { "domain=10.1.2.3" } },
	  "2002:a01:203::1",
	  80,
	  REASON_DENY_RULE,
	  "domain=10.1.2.3" },
	{ { { "cidr=2001::/32" }, { "cidr=10.1.2.3" } },
	  "2001:0:808:808::f5fe:fdfc",
	  80,
	  REASON_DENY_RULE,
	  "cidr=10.1.2.3" },
	/* v4-mapped is IPv4: row 4 */
	{ { { "cidr=93.184.216.34" }, { NULL } },
	  "::ffff:93.184.216.34",
	  80,
	  ALLOWED,
	  "cidr=93.184.216.34" },
	{ { { "domain=*" }, { NULL } }, "::ffff:198.51.100.7", 80, REASON_RAW_IP, NULL },
};

START_TEST(judges_a_raw_address)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct addr addr;

	load(&policy, &raws[_i].rules);
	ck_assert_int_eq(addr_parse(raws[_i].addr, &addr), 0);
	verdict = policy_judge_address(&policy, NULL, &addr, raws[_i].port, ADDR_FROM_CLIENT);
	assert_verdict(&verdict, raws[_i].reason, raws[_i].rule);
}
END_TEST

static const struct {
	struct rules rules;
	const char *addr;
	enum addr_source source;
	enum reason reason;
	const char *rule;
} named[] = {
	/* db.test, port 5432 */
	{ { { "domain=db.test" }, { NULL } }, PUBLIC, DNS, ALLOWED, "domain=db.test" },
	{ { { "domain=db.test" }, { NULL } }, PUBLIC6, DNS, ALLOWED, "domain=db.test" },
	{ { { "port=5432" }, { NULL } }, PUBLIC, DNS, ALLOWED, "port=5432" },
	{ { { "domain=ok.test" }, { NULL } }, PUBLIC, DNS, REASON_NO_RULE, NULL },
	{ { { "domain=db.test port=1" }, { NULL } }, PUBLIC, DNS, REASON_NO_RULE, NULL },
	{ { { "cidr=93.184.216.34" }, { NULL } }, PUBLIC, DNS, REASON_NO_RULE, NULL },
	/* domain and cidr in one rule: both */
	{ { { "domain=db.test cidr=93.184.0.0/16" }, { NULL } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=db.test cidr=93.184.0.0/16" },
	{ { { "domain=db.test cidr=93.185.0.0/16" }, { NULL } },
	  PUBLIC,
	  DNS,
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=db.test cidr=93.185.0.0/16", "domain=*" }, { NULL } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=*" },
	/* deny */
	{ { { "domain=db.test" }, { "cidr=93.184.0.0/16" } },
	  PUBLIC,
	  DNS,
	  REASON_DENY_RULE,
	  "cidr=93.184.0.0/16" },
	{ { { "domain=db.test" }, { "domain=93.184.216.34" } },
	  PUBLIC,
	  DNS,
	  REASON_DENY_RULE,
	  "domain=93.184.216.34" },
	{ { { "domain=db.test" }, { "domain=db.test cidr=93.184.0.0/16" } },
	  PUBLIC,
	  DNS,
	  REASON_DENY_RULE,
	  "domain=db.test cidr=93.184.0.0/16" },
	{ { { "domain=db.test" }, { "domain=x.test cidr=93.184.0.0/16" } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=db.test" },
	{ { { "domain=db.test" }, { "cidr=93.184.0.0/16 port=1" } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=db.test" },
	{ { { "domain=db.test" }, { "domain=db.test" } },
	  PUBLIC,
	  DNS,
	  REASON_DENY_RULE,
	  "domain=db.test" },
	{ { { "domain=db.test", "cidr=10.0.0.0/8" }, { "cidr=10.1.0.0/16" } },
	  "10.1.2.3",
	  HOSTS,
	  REASON_DENY_RULE,
	  "cidr=10.1.0.0/16" },
	{ { { "domain=db.test", "cidr=64:ff9b::/96" }, { "cidr=10.0.0.0/8" } },
	  "64:ff9b::a01:203",
	  DNS,
	  REASON_DENY_RULE,
	  "cidr=10.0.0.0/8" },
	/* the guard: a name does not open what is not public */
	{ { { "domain=db.test" }, { NULL } }, "10.1.2.3", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=*" }, { NULL } }, "127.0.0.1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "169.254.169.254",
	  DNS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test" }, { NULL } }, "0.0.0.0", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "100.64.0.1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "198.18.0.1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "224.0.0.1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "255.255.255.255",
	  DNS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test" }, { NULL } }, "::1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "fd00:ec2::254", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "168.63.129.16", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "64:ff9b::808:808",
	  DNS,
	  REASON_PRIVATE_EMBEDDED,
	  NULL },
	{ { { "domain=db.test", "cidr=8.8.8.8" }, { NULL } },
	  "64:ff9b::808:808",
	  DNS,
	  REASON_PRIVATE_EMBEDDED,
	  NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "2002:808:808::1",
	  HOSTS,
	  REASON_PRIVATE_EMBEDDED,
	  NULL },
	/* … unless a rule names the address, and then that rule decides */
	{ { { "domain=db.test", "cidr=10.0.0.0/8" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  ALLOWED,
	  "cidr=10.0.0.0/8" },
	{ { { "domain=db.test", "domain=10.1.2.3" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  ALLOWED,
	  "domain=10.1.2.3" },
	{ { { "domain=db.test", "cidr=10.0.0.0/8 port=5432" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  ALLOWED,
	  "cidr=10.0.0.0/8 port=5432" },
	{ { { "domain=db.test", "cidr=10.0.0.0/8 port=1" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test", "domain=*.x cidr=10.0.0.0/8" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test cidr=10.0.0.0/8" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  ALLOWED,
	  "domain=db.test cidr=10.0.0.0/8" },
	{ { { "domain=db.test cidr=10.0.0.0/8" }, { NULL } },
	  "11.1.2.3",
	  DNS,
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=db.test", "cidr=64:ff9b::/96" }, { NULL } },
	  "64:ff9b::808:808",
	  DNS,
	  ALLOWED,
	  "cidr=64:ff9b::/96" },
	{ { { "domain=db.test", "cidr=127.0.0.0/8" }, { NULL } },
	  "127.0.0.1",
	  DNS,
	  ALLOWED,
	  "cidr=127.0.0.0/8" },
	/* … but it does not allow the name */
	{ { { "domain=ok.test", "cidr=10.0.0.0/8" }, { NULL } },
	  "10.1.2.3",
	  DNS,
	  REASON_NO_RULE,
	  NULL },
	/* the caller's hosts file: a name spelt in the rule is enough */
	{ { { "domain=db.test" }, { NULL } }, "10.1.2.3", HOSTS, ALLOWED, "domain=db.test" },
	{ { { "domain=*.test" }, { NULL } }, "192.168.1.1", HOSTS, ALLOWED, "domain=*.test" },
	{ { { "domain=db.test" }, { NULL } }, "fd12::1", HOSTS, ALLOWED, "domain=db.test" },
	{ { { "domain=db.test" }, { NULL } }, "100.64.0.1", HOSTS, ALLOWED, "domain=db.test" },
	{ { { "domain=db.test" }, { NULL } }, "198.18.0.1", HOSTS, ALLOWED, "domain=db.test" },
	{ { { "domain=db.test" }, { NULL } }, "203.0.113.80", DNS, ALLOWED, "domain=db.test" },
	{ { { "domain=*.test" }, { NULL } }, "2001:db8::1", DNS, ALLOWED, "domain=*.test" },
	{ { { "domain=*" }, { NULL } }, "203.0.113.80", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, PUBLIC, HOSTS, ALLOWED, "domain=db.test" },
	{ { { "domain=*", "domain=db.test" }, { NULL } },
	  "10.1.2.3",
	  HOSTS,
	  ALLOWED,
	  "domain=db.test" },
	{ { { "domain=*" }, { NULL } }, "10.1.2.3", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "port=5432" }, { NULL } }, "10.1.2.3", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=*", "domain=db.test port=1" }, { NULL } },
	  "10.1.2.3",
	  HOSTS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test" }, { NULL } }, "127.0.0.1", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "::1", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } }, "0.0.0.0", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "169.254.169.254",
	  HOSTS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test" }, { NULL } }, "fe80::1", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "100.100.100.200",
	  HOSTS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
	{ { { "domain=db.test" }, { NULL } }, "224.0.0.1", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=db.test" }, { NULL } },
	  "255.255.255.255",
	  HOSTS,
	  REASON_PRIVATE_ADDRESS,
	  NULL },
};

START_TEST(judges_the_address_behind_a_name)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct addr addr;

	load(&policy, &named[_i].rules);
	ck_assert_int_eq(addr_parse(named[_i].addr, &addr), 0);
	verdict = policy_judge_address(&policy, "db.test", &addr, 5432, named[_i].source);
	assert_verdict(&verdict, named[_i].reason, named[_i].rule);
}
END_TEST

/* ---- the address in an answer, before a port is known ---- */

static const struct {
	struct rules rules;
	const char *address;
	enum addr_source source;
	enum reason reason;
	const char *rule;
} answers[] = {
	{ { { "domain=ok.test" }, { NULL } }, PUBLIC, DNS, ALLOWED, "domain=ok.test" },
	{ { { "domain=ok.test port=443" }, { NULL } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=ok.test port=443" },
	{ { { "domain=other.test" }, { NULL } }, PUBLIC, DNS, REASON_NO_RULE, NULL },
	/* a deny rule for some port has to wait */
	{ { { "domain=ok.test" }, { "domain=ok.test port=22" } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=ok.test" },
	{ { { "domain=ok.test" }, { "cidr=93.184.0.0/16" } },
	  PUBLIC,
	  DNS,
	  REASON_DENY_RULE,
	  "cidr=93.184.0.0/16" },
	{ { { "domain=ok.test" }, { "cidr=93.184.0.0/16 port=22" } },
	  PUBLIC,
	  DNS,
	  ALLOWED,
	  "domain=ok.test" },
	/* the guard does not wait */
	{ { { "domain=ok.test" }, { NULL } }, "10.0.0.1", DNS, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=ok.test cidr=10.0.0.0/8 port=443" }, { NULL } },
	  "10.0.0.1",
	  DNS,
	  ALLOWED,
	  "domain=ok.test cidr=10.0.0.0/8 port=443" },
	{ { { "domain=ok.test port=443" }, { NULL } },
	  "10.0.0.1",
	  HOSTS,
	  ALLOWED,
	  "domain=ok.test port=443" },
	{ { { "domain=ok.test" }, { NULL } }, "127.0.0.1", HOSTS, REASON_PRIVATE_ADDRESS, NULL },
};

START_TEST(judges_the_address_in_an_answer)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct addr addr;

	load(&policy, &answers[_i].rules);
	ck_assert_int_eq(addr_parse(answers[_i].address, &addr), 0);
	verdict = policy_judge_answer(&policy, "ok.test", &addr, answers[_i].source);
	assert_verdict(&verdict, answers[_i].reason, answers[_i].rule);
}
END_TEST

static const struct {
	struct rules rules;
	const char *name, *addr;
	enum scheme scheme;
	const char *reason;
} streams[] = {
	{ { { "domain=a.test" }, { NULL } }, "a.test", PUBLIC, SCHEME_TCP, "allow-rule" },
	{ { { "domain=a.test scheme=tls" }, { NULL } },
	  "a.test",
	  PUBLIC,
	  SCHEME_TLS,
	  "allow-rule" },
	{ { { "domain=a.test scheme=tls" }, { NULL } }, "a.test", PUBLIC, SCHEME_HTTP, "not-tls" },
	{ { { "domain=a.test scheme=tls" }, { NULL } }, "a.test", PUBLIC, SCHEME_TCP, "not-tls" },
	{ { { "domain=a.test scheme=http,tls" }, { NULL } },
	  "a.test",
	  PUBLIC,
	  SCHEME_HTTP,
	  "allow-rule" },
	{ { { "domain=a.test scheme=http" }, { NULL } },
	  "a.test",
	  PUBLIC,
	  SCHEME_TLS,
	  "other-scheme" },
	{ { { "domain=a.test scheme=http" }, { NULL } },
	  "a.test",
	  PUBLIC,
	  SCHEME_TCP,
	  "other-scheme" },
	{ { { "domain=a.test scheme=tcp" }, { NULL } },
	  "a.test",
	  PUBLIC,
	  SCHEME_TLS,
	  "allow-rule" },
	{ { { "domain=a.test" }, { "scheme=tls" } }, "a.test", PUBLIC, SCHEME_TLS, "deny-rule" },
	{ { { "domain=a.test" }, { "scheme=tls" } }, "a.test", PUBLIC, SCHEME_HTTP, "allow-rule" },
	{ { { "cidr=192.0.2.1 scheme=tls" }, { NULL } },
	  NULL,
	  "192.0.2.1",
	  SCHEME_TLS,
	  "allow-rule" },
	{ { { "cidr=192.0.2.1 scheme=tls" }, { NULL } }, NULL, "192.0.2.1", SCHEME_TCP, "not-tls" },
	/* the guard is asked anew, with the rules that are left */
	{ { { "domain=a.test", "domain=a.test cidr=10.0.0.0/8 scheme=tls" }, { NULL } },
	  "a.test",
	  "10.0.0.1",
	  SCHEME_TLS,
	  "allow-rule" },
	{ { { "domain=a.test", "domain=a.test cidr=10.0.0.0/8 scheme=tls" }, { NULL } },
	  "a.test",
	  "10.0.0.1",
	  SCHEME_TCP,
	  "not-tls" },
	/* what was allowed before is not any more: another reason than what is spoken */
	{ { { "domain=b.test scheme=tls" }, { NULL } }, "a.test", PUBLIC, SCHEME_TCP, "no-rule" },
	{ { { "domain=b.test scheme=tls" }, { NULL } }, NULL, "192.0.2.1", SCHEME_TCP, "raw-ip" },
};

START_TEST(judges_what_is_spoken)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct addr addr;

	ck_assert_int_eq(addr_parse(streams[_i].addr, &addr), 0);
	load(&policy, &streams[_i].rules);
	verdict =
		policy_judge_stream(&policy, streams[_i].name, &addr, 443,
				    streams[_i].name ? DNS : ADDR_FROM_CLIENT, streams[_i].scheme);
	ck_assert_str_eq(reason_code(verdict.reason), streams[_i].reason);
	ck_assert_int_eq(verdict.is_allowed, verdict.reason == REASON_ALLOW_RULE);
	/* as long as it is not known, a rule about it may apply */
	if (verdict.reason == REASON_NOT_TLS || verdict.reason == REASON_OTHER_SCHEME)
		ck_assert(policy_judge_address(&policy, streams[_i].name, &addr, 443,
					       streams[_i].name ? DNS : ADDR_FROM_CLIENT)
				  .is_allowed);
}
END_TEST

static const struct {
	const char *name, *addr;
	uint16_t port;
	const char *hint;
} hints[] = {
	{ "example.com", NULL, 443, "domain=example.com port=443" },
	{ "example.com", NULL, 0, "domain=example.com" },
	{ NULL, "192.0.2.1", 22, "cidr=192.0.2.1 port=22" },
	{ NULL, "2001:db8::1", 0, "cidr=2001:db8::1" },
	{ "example.com", PUBLIC, 443, "domain=example.com port=443" },
	{ "db.example.com", "10.1.2.3", 5432, "domain=db.example.com cidr=10.1.2.3 port=5432" },
	{ "host.nsgate", NULL, 8080, "host-port=8080" },
	{ "host.nsgate", "127.0.0.1", 8080, "host-port=8080" },
	{ "host.nsgate", "::1", 1, "host-port=1" },
	{ "x.example.com", "64:ff9b::1", 65535, "domain=x.example.com cidr=64:ff9b::1 port=65535" },
};

START_TEST(a_hint_turns_the_denial)
{
	struct policy policy AUTO(policy_done);
	uint16_t port = hints[_i].port ? hints[_i].port : 1;
	const char *name = hints[_i].name;
	struct addr addr = { 0 };
	struct err err = { 0 };
	char out[400];

	if (hints[_i].addr)
		ck_assert_int_eq(addr_parse(hints[_i].addr, &addr), 0);
	(void)policy_hint(name, hints[_i].addr ? &addr : NULL, hints[_i].port, out, sizeof(out));
	ck_assert_str_eq(out, hints[_i].hint);
	policy_init(&policy);
	ck_assert_int_eq(policy_allow(&policy, out, place_of("hint"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	if (name)
		ck_assert(policy_judge_name(&policy, name, port).is_allowed);
	if (hints[_i].addr)
		ck_assert(policy_judge_address(&policy, name, &addr, port, DNS).is_allowed);
}
END_TEST

/* Port 8080 of the caller's loopback, whose name is asked for and whose two addresses are dialled. */
static const struct {
	struct rules rules;
	enum reason query, name, address;
	const char *rule; /* that decides the last */
} host_ports[] = {
	{ { { "host-port=8080" }, { NULL } }, ALLOWED, ALLOWED, ALLOWED, "host-port=8080" },
	{ { { "host-port=80,8000-8100" }, { NULL } },
	  ALLOWED,
	  ALLOWED,
	  ALLOWED,
	  "host-port=80,8000-8100" },
	{ { { "host-port=8081" }, { NULL } }, ALLOWED, REASON_NO_RULE, REASON_NO_RULE, NULL },
	{ { { "domain=host.nsgate port=8080 cidr=127.0.0.1,::1" }, { NULL } },
	  ALLOWED,
	  ALLOWED,
	  ALLOWED,
	  "domain=host.nsgate port=8080 cidr=127.0.0.1,::1" },
	/* no name alone opens it */
	{ { { "domain=*" }, { NULL } }, ALLOWED, ALLOWED, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "domain=host.nsgate" }, { NULL } }, ALLOWED, ALLOWED, REASON_PRIVATE_ADDRESS, NULL },
	{ { { "cidr=127.0.0.1,::1" }, { NULL } },
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  REASON_NO_RULE,
	  NULL },
	/* deny beats allow */
	{ { { "host-port=8080" }, { "host-port=8080" } },
	  ALLOWED,
	  ALLOWED,
	  REASON_DENY_RULE,
	  "host-port=8080" },
	{ { { "host-port=8000-9000" }, { "host-port=8081" } },
	  ALLOWED,
	  ALLOWED,
	  ALLOWED,
	  "host-port=8000-9000" },
	{ { { "host-port=8080" }, { "domain=*.nsgate" } },
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  REASON_DENY_RULE,
	  "domain=*.nsgate" },
};

START_TEST(judges_a_port_of_the_callers_loopback)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;

	load(&policy, &host_ports[_i].rules);
	verdict = policy_judge_query(&policy, NET_PLAN_HOST_NAME);
	ck_assert_int_eq(verdict.reason, host_ports[_i].query);
	verdict = policy_judge_name(&policy, NET_PLAN_HOST_NAME, 8080);
	ck_assert_int_eq(verdict.reason, host_ports[_i].name);
	for (size_t i = 0; i < NET_PLAN_HOST_ADDRESSES; i++) {
		const struct addr *addr = &net_plan_host_addresses[i];

		verdict = policy_judge_address(&policy, NET_PLAN_HOST_NAME, addr, 8080, DNS);
		assert_verdict(&verdict, host_ports[_i].address, host_ports[_i].rule);
		/* somebody else's name that leads there is another matter */
		verdict = policy_judge_address(&policy, "a.test", addr, 8080, DNS);
		ck_assert(!verdict.is_allowed);
	}
}
END_TEST

/* Port 443 of a.test, behind an upstream proxy: no address will ever be known. */
static const struct {
	struct rules rules;
	enum reason reason;
	const char *rule;
	const char
		*refused; /* by policy_check_proxied(): what its message says; NULL: it is fine */
} proxied[] = {
	{ { { "domain=a.test" }, { NULL } }, ALLOWED, "domain=a.test", NULL },
	{ { { "domain=*" }, { NULL } }, ALLOWED, "domain=*", NULL },
	{ { { "port=443" }, { NULL } }, ALLOWED, "port=443", NULL },
	{ { { "domain=a.test port=80" }, { NULL } }, REASON_NO_RULE, NULL, NULL },
	{ { { "domain=b.test" }, { NULL } }, REASON_NO_RULE, NULL, NULL },
	/* an address that cannot be checked is none that was checked */
	{ { { "domain=a.test cidr=0.0.0.0/0,::/0" }, { NULL } }, REASON_NO_RULE, NULL, NULL },
	{ { { "domain=a.test cidr=10.0.0.0/8", "domain=*.test" }, { NULL } },
	  ALLOWED,
	  "domain=*.test",
	  NULL },
	{ { { "cidr=0.0.0.0/0,::/0" }, { NULL } }, REASON_NO_RULE, NULL, NULL },
	/* deny */
	{ { { "domain=a.test" }, { "domain=a.test" } }, REASON_DENY_RULE, "domain=a.test", NULL },
	{ { { "domain=a.test" }, { "port=443" } }, REASON_DENY_RULE, "port=443", NULL },
	{ { { "domain=a.test" }, { "port=80" } }, ALLOWED, "domain=a.test", NULL },
	{ { { "domain=a.test" }, { "domain=a.test cidr=10.0.0.0/8" } },
	  REASON_DENY_RULE,
	  "domain=a.test cidr=10.0.0.0/8",
	  NULL },
	{ { { "domain=a.test" }, { "domain=a.test cidr=10.0.0.0/8 port=80" } },
	  ALLOWED,
	  "domain=a.test",
	  NULL },
	{ { { "domain=a.test" }, { "host-port=443" } }, ALLOWED, "domain=a.test", NULL },
	/* addresses wherever they come from */
	{ { { "domain=a.test" }, { "cidr=10.0.0.0/8" } },
	  ALLOWED,
	  "domain=a.test",
	  "--deny: 'cidr=10.0.0.0/8' cannot be kept" },
	{ { { "port=443" }, { "domain=10.1.2.3 port=80" } },
	  ALLOWED,
	  "port=443",
	  "--deny: 'domain=10.1.2.3 port=80' cannot be kept" },
	{ { { "cidr=93.184.0.0/16", "domain=a.test cidr=::/0" }, { "cidr=10.0.0.0/8" } },
	  REASON_NO_RULE,
	  NULL,
	  NULL },
};

START_TEST(judges_a_name_that_an_upstream_proxy_will_look_up)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct err err = { 0 };
	int rc;

	load(&policy, &proxied[_i].rules);
	verdict = policy_judge_proxied(&policy, "a.test", 443);
	assert_verdict(&verdict, proxied[_i].reason, proxied[_i].rule);
	rc = policy_check_proxied(&policy, &err);
	ck_assert_int_eq(rc, proxied[_i].refused ? -EINVAL : 0);
	if (proxied[_i].refused)
		ck_assert_ptr_eq(strstr(err.text, proxied[_i].refused), err.text);
}
END_TEST

START_TEST(a_refused_rule_changes_nothing)
{
	static const struct rules none = { { NULL }, { NULL } };
	struct policy policy AUTO(policy_done);
	struct err err = { 0 };

	load(&policy, &none);
	ck_assert_int_eq(
		policy_allow(&policy, "domain=a.test port=0", place_of("policy.yaml:7"), &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "policy.yaml:7: column 20: expected a port from 1 to 65535 or a "
				   "range (8000-8100), got \"0\"");
	ck_assert_int_eq(policy_deny(&policy, "", place_of("--deny"), &err), -EINVAL);
	ck_assert_str_eq(err.text, "--deny: column 1: empty rule");
	ck_assert_uint_eq(policy.allow.count + policy.deny.count, 0);
}
END_TEST

START_TEST(keeps_many_rules_in_order)
{
	struct policy policy AUTO(policy_done);
	struct err err = { 0 };

	policy_init(&policy);
	for (int i = 0; i < 1000; i++) {
		char rule[64];

		(void)snprintf(rule, sizeof(rule), "domain=h%d.test", i);
		ck_assert_int_eq(policy_allow(&policy, rule, place_of("--allow"), &err), 0);
	}
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert_str_eq(policy_judge_name(&policy, "h999.test", 1).rule->text, "domain=h999.test");
	ck_assert_str_eq(policy_judge_name(&policy, "h0.test", 1).rule->text, "domain=h0.test");
	ck_assert(!policy_judge_name(&policy, "h1000.test", 1).is_allowed);
	policy_done(&policy); /* and once more at the end of the scope */
}
END_TEST

START_TEST(a_policy_that_is_not_compiled_denies)
{
	static const struct rules some = { { "domain=a.test", "cidr=192.0.2.1" }, { NULL } };
	struct policy policy AUTO(policy_done);
	struct addr addr;
	struct err err = { 0 };

	ck_assert_int_eq(addr_parse("192.0.2.1", &addr), 0);
	load(&policy, &some);
	ck_assert(policy_judge_name(&policy, "a.test", 1).is_allowed);
	ck_assert_int_eq(policy_deny(&policy, "domain=b.test", place_of("--deny"), &err), 0);
	ck_assert(!policy_judge_query(&policy, "a.test").is_allowed);
	ck_assert(!policy_judge_name(&policy, "a.test", 1).is_allowed);
	ck_assert(!policy_judge_address(&policy, "a.test", &addr, 1, DNS).is_allowed);
	ck_assert(!policy_judge_address(&policy, NULL, &addr, 1, ADDR_FROM_CLIENT).is_allowed);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	ck_assert(policy_judge_name(&policy, "a.test", 1).is_allowed);
	ck_assert(!policy_judge_name(&policy, "b.test", 1).is_allowed);
}
END_TEST

static const struct {
	struct rules rules;
	const char *method, *path;
	enum reason reason;
	const char *rule;
} exchanges[] = {
	{ { { "domain=a.test scheme=http method=GET path=/x" }, { NULL } },
	  "GET",
	  "/x",
	  ALLOWED,
	  "domain=a.test scheme=http method=GET path=/x" },
	{ { { "domain=a.test scheme=http method=GET path=/x" }, { NULL } },
	  "GET",
	  "/y",
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=a.test scheme=http method=GET" }, { NULL } },
	  "POST",
	  "/x",
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=a.test" }, { "domain=a.test scheme=http path=/x" } },
	  "GET",
	  "/x",
	  REASON_DENY_RULE,
	  "domain=a.test scheme=http path=/x" },
	{ { { "domain=a.test" }, { "domain=a.test scheme=http path=/x" } },
	  "GET",
	  "/y",
	  ALLOWED,
	  "domain=a.test" },
	{ { { "domain=a.test scheme=tls", "domain=b.test scheme=http method=GET" }, { NULL } },
	  "GET",
	  "/",
	  REASON_NOT_TLS,
	  NULL },
	{ { { "domain=a.test scheme=tls", "domain=a.test scheme=http method=GET" }, { NULL } },
	  "PUT",
	  "/",
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=a.test" }, { NULL } }, "CONNECT", "", REASON_NO_RULE, NULL },
	{ { { "domain=a.test scheme=http" }, { NULL } }, "CONNECT", "", REASON_NO_RULE, NULL },
	{ { { "domain=a.test scheme=http path=/" }, { NULL } },
	  "CONNECT",
	  "",
	  REASON_NO_RULE,
	  NULL },
	{ { { "domain=a.test scheme=http method=CONNECT" }, { NULL } },
	  "CONNECT",
	  "",
	  ALLOWED,
	  "domain=a.test scheme=http method=CONNECT" },
	{ { { "domain=a.test scheme=http method=*" }, { NULL } },
	  "CONNECT",
	  "",
	  ALLOWED,
	  "domain=a.test scheme=http method=*" },
	{ { { "domain=a.test scheme=http method=CONNECT" }, { "domain=a.test scheme=http" } },
	  "CONNECT",
	  "",
	  REASON_DENY_RULE,
	  "domain=a.test scheme=http" },
};

START_TEST(judges_a_request_and_nothing_but_requests)
{
	struct policy policy AUTO(policy_done);
	struct verdict verdict;
	struct addr addr;

	load(&policy, &exchanges[_i].rules);
	ck_assert_int_eq(addr_parse("93.184.216.34", &addr), 0);
	verdict = policy_judge_http(&policy, "a.test", &addr, 80, DNS, exchanges[_i].method,
				    exchanges[_i].path);
	assert_verdict(&verdict, exchanges[_i].reason, exchanges[_i].rule);
	verdict = policy_judge_http(&policy, "a.test", NULL, 80, DNS, exchanges[_i].method,
				    exchanges[_i].path); /* behind an upstream proxy */
	ck_assert_int_eq(verdict.is_allowed, exchanges[_i].reason == ALLOWED);
	if (verdict.is_allowed && verdict.rule->http) {
		ck_assert(!policy_judge_stream(&policy, "a.test", &addr, 80, DNS, SCHEME_TLS)
				   .is_allowed);
		ck_assert(!policy_judge_stream(&policy, "a.test", &addr, 80, DNS, SCHEME_TCP)
				   .is_allowed);
		ck_assert(!policy_judge_stream(&policy, "a.test", &addr, 80, DNS, SCHEME_HTTP)
				   .is_allowed);
	}
}
END_TEST

static const struct {
	struct rules rules;
	bool may_allow, may_deny;
} needs[] = {
	{ { { "domain=a.test" }, { "domain=a.test scheme=http port=81" } }, false, false },
	{ { { "domain=a.test scheme=http method=GET" }, { NULL } }, true, false },
	{ { { "domain=*.test scheme=http path=/x port=1-80" }, { NULL } }, true, false },
	{ { { "domain=a.test scheme=http method=GET port=81" }, { NULL } }, false, false },
	{ { { "domain=b.test scheme=http method=GET" }, { NULL } }, false, false },
	{ { { "scheme=http method=GET" }, { NULL } }, true, false },
	{ { { "domain=a.test" }, { "cidr=93.184.0.0/16 scheme=http path=/x" } }, false, true },
	{ { { "domain=a.test" }, { "cidr=93.185.0.0/16 scheme=http path=/x" } }, false, false },
	{ { { "domain=a.test" }, { "domain=a.test cidr=93.184.0.0/16 scheme=http path=/x" } },
	  false,
	  true },
	{ { { "domain=a.test scheme=http method=GET" }, { "scheme=http path=/x" } }, true, true },
};

START_TEST(says_where_requests_are_judged)
{
	struct policy policy AUTO(policy_done);
	struct http_need need;
	struct addr addr;

	load(&policy, &needs[_i].rules);
	ck_assert_int_eq(addr_parse("93.184.216.34", &addr), 0);
	need = policy_http_need(&policy, "a.test", &addr, 80);
	ck_assert_int_eq(need.may_allow, needs[_i].may_allow);
	ck_assert_int_eq(need.may_deny, needs[_i].may_deny);
}
END_TEST

static const struct {
	const char *method, *path, *hint;
} http_hints[] = {
	{ "GET", "/a/b.c", "domain=a.test port=80 scheme=http method=GET path=/a/b.c" },
	{ "PUT", "/a b,c/\xff",
	  "domain=a.test port=80 scheme=http method=PUT path=/a%20b%2Cc/%FF" },
	{ "GET", "/a/", "domain=a.test port=80 scheme=http method=GET path=/a/*" },
	{ "GET", "/", "domain=a.test port=80 scheme=http method=GET" },
	{ "GET", "/a//b", "domain=a.test port=80 scheme=http method=GET" },
	{ "GET", "/a*", "domain=a.test port=80 scheme=http method=GET" },
	{ "CONNECT", "", "domain=a.test port=80 scheme=http method=CONNECT" },
};

START_TEST(a_hint_turns_the_denial_of_a_request)
{
	struct rules rules = { 0 };
	struct policy policy AUTO(policy_done);
	char hint[512];

	(void)policy_hint_http("a.test", NULL, 80, http_hints[_i].method, http_hints[_i].path, hint,
			       sizeof(hint));
	ck_assert_str_eq(hint, http_hints[_i].hint);
	rules.allow[0] = hint;
	load(&policy, &rules);
	ck_assert(policy_judge_http(&policy, "a.test", NULL, 80, DNS, http_hints[_i].method,
				    http_hints[_i].path)
			  .is_allowed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/verdict");
	TCase *tcase = tcase_create("verdict");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, judges_a_name, 0, ROWS(names));
	tcase_add_loop_test(tcase, judges_a_raw_address, 0, ROWS(raws));
	tcase_add_loop_test(tcase, judges_the_address_behind_a_name, 0, ROWS(named));
	tcase_add_loop_test(tcase, judges_what_is_spoken, 0, ROWS(streams));
	tcase_add_loop_test(tcase, judges_a_port_of_the_callers_loopback, 0, ROWS(host_ports));
	tcase_add_loop_test(tcase, judges_a_name_that_an_upstream_proxy_will_look_up, 0,
			    ROWS(proxied));
	tcase_add_loop_test(tcase, judges_the_address_in_an_answer, 0, ROWS(answers));
	tcase_add_loop_test(tcase, a_hint_turns_the_denial, 0, ROWS(hints));
	tcase_add_loop_test(tcase, judges_a_request_and_nothing_but_requests, 0, ROWS(exchanges));
	tcase_add_loop_test(tcase, says_where_requests_are_judged, 0, ROWS(needs));
	tcase_add_loop_test(tcase, a_hint_turns_the_denial_of_a_request, 0, ROWS(http_hints));
	tcase_add_test(tcase, a_refused_rule_changes_nothing);
	tcase_add_test(tcase, keeps_many_rules_in_order);
	tcase_add_test(tcase, a_policy_that_is_not_compiled_denies);
	return suite_run(suite);
}

/* Where to dial: the order of addresses, how long they are kept, and what is the gate itself. */
#include "proxy/dial.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/origdst.h"
#include "proxy/resolve.h"
#include "tests/unit/suite.h"

static const struct {
	const char *given, *sorted;
	sa_family_t first;
} orders[] = {
	{ "444666", "646464", AF_INET6 }, { "444666", "464646", AF_INET },
	{ "4446", "6444", AF_INET6 },	  { "666", "666", AF_INET },
	{ "4", "4", AF_INET6 },		  { "64", "46", AF_INET },
};

START_TEST(alternates_the_families)
{
	const char *given = orders[_i].given;
	struct dial_target targets[8] = { 0 };
	size_t count = strlen(given);
	uint8_t last[2] = { 0, 0 };

	for (size_t i = 0; i < count; i++) {
		targets[i].addr.family = given[i] == '6' ? AF_INET6 : AF_INET;
		targets[i].addr.bytes[0] = (uint8_t)(i + 1);
	}
	dial_sort(targets, count, orders[_i].first);
	for (size_t i = 0; i < count; i++) {
		bool is_v6 = targets[i].addr.family == AF_INET6;

		ck_assert_int_eq(is_v6 ? '6' : '4', orders[_i].sorted[i]);
		ck_assert_uint_gt(targets[i].addr.bytes[0], last[is_v6]); /* kept in order */
		last[is_v6] = targets[i].addr.bytes[0];
	}
}
END_TEST

START_TEST(keeps_answers_within_bounds)
{
	ck_assert_uint_eq(resolve_keep_ms(0, 1), 1000);
	ck_assert_uint_eq(resolve_keep_ms(-5, 1), 1000);
	ck_assert_uint_eq(resolve_keep_ms(60, 1), 60000);
	ck_assert_uint_eq(resolve_keep_ms(86400, 1), 300000);
	ck_assert_uint_eq(resolve_keep_ms(86400, 0), 1000);
}
END_TEST

static const struct {
	const char *address;
	uint16_t port;
	bool is_self;
} destinations[] = {
	{ "198.19.255.253", NET_PLAN_TCP_PORT, true },
	{ "198.19.255.253", NET_PLAN_DNS_PORT, true },
	{ "fd6e:7367:6174:6500::1", NET_PLAN_TCP_PORT, true },
	{ "198.19.255.253", 443, false },
	{ "192.0.2.1", NET_PLAN_TCP_PORT, false },
	{ "0.0.0.0", NET_PLAN_TCP_PORT, true }, /* the test socket's own address */
};

START_TEST(knows_the_gate_itself)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct net_plan plan;
	struct addr addr;

	net_plan_init(&plan);
	ck_assert_int_eq(addr_parse(destinations[_i].address, &addr), 0);
	ck_assert_int_eq(origdst_is_self(&plan, fd, &addr, destinations[_i].port),
			 destinations[_i].is_self);
	(void)close(fd);
}
END_TEST

START_TEST(refuses_when_it_cannot_tell)
{
	struct net_plan plan;
	struct addr addr;

	net_plan_init(&plan);
	ck_assert_int_eq(addr_parse("192.0.2.1", &addr), 0);
	ck_assert(origdst_is_self(&plan, -1, &addr, NET_PLAN_TCP_PORT));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/dial");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_loop_test(all, alternates_the_families, 0, sizeof(orders) / sizeof(orders[0]));
	tcase_add_test(all, keeps_answers_within_bounds);
	tcase_add_loop_test(all, knows_the_gate_itself, 0,
			    sizeof(destinations) / sizeof(destinations[0]));
	tcase_add_test(all, refuses_when_it_cannot_tell);
	return suite_run(suite);
}

/* The addresses of a run: the pool's numbers there and back, and what lies outside it. */
#include "policy/net_plan.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	uint32_t index;
	const char *v4, *v6;
} numbers[] = {
	{ 0, "198.18.0.1", "fd6e:7367:6174:6501::1" },
	{ 254, "198.18.0.255", "fd6e:7367:6174:6501::ff" },
	{ 255, "198.18.1.0", "fd6e:7367:6174:6501::100" },
	{ 65534, "198.18.255.255", "fd6e:7367:6174:6501::ffff" },
	{ 65535, "198.19.0.0", "fd6e:7367:6174:6501::1:0" },
};

START_TEST(a_number_has_an_address_in_each_family)
{
	struct addr v4 = net_plan_synthetic4(numbers[_i].index);
	struct addr v6 = net_plan_synthetic6(numbers[_i].index);
	char out[ADDR_TEXT_MAX];

	ck_assert_str_eq(addr_format(&v4, out), numbers[_i].v4);
	ck_assert_str_eq(addr_format(&v6, out), numbers[_i].v6);
}
END_TEST

START_TEST(every_number_comes_back)
{
	for (uint32_t index = 0; index < NET_PLAN_NAMES_MAX; index++) {
		struct addr v4 = net_plan_synthetic4(index), v6 = net_plan_synthetic6(index);
		uint32_t back4 = UINT32_MAX, back6 = UINT32_MAX;

		ck_assert_int_eq(net_plan_synthetic_index(&v4, &back4), 0);
		ck_assert_int_eq(net_plan_synthetic_index(&v6, &back6), 0);
		ck_assert_uint_eq(back4, index);
		ck_assert_uint_eq(back6, index);
	}
}
END_TEST

static const struct {
	const char *addr;
	int rc;
} outside[] = {
	{ "198.17.255.255", -ENOENT },
	{ "198.18.0.0", -ERANGE },
	{ "198.19.0.1", -ERANGE },
	{ "198.19.255.255", -ERANGE },
	{ "198.20.0.0", -ENOENT },
	{ "127.0.0.1", -ENOENT },
	{ "fd6e:7367:6174:6500::1", -ENOENT },
	{ "fd6e:7367:6174:6501::", -ERANGE },
	{ "fd6e:7367:6174:6501::1:1", -ERANGE },
	{ "fd6e:7367:6174:6501:1::1", -ERANGE },
	{ "fd6e:7367:6174:6501:0:1::1", -ERANGE },
	{ "fd6e:7367:6174:6502::1", -ENOENT },
	{ "fd6e:7367:6174:6401::1", -ENOENT },
	{ "::1", -ENOENT },
};

START_TEST(other_addresses_have_no_number)
{
	uint32_t index = 4711;
	struct addr addr;

	ck_assert_int_eq(addr_parse(outside[_i].addr, &addr), 0);
	ck_assert_int_eq(net_plan_synthetic_index(&addr, &index), outside[_i].rc);
	ck_assert_uint_eq(index, 4711);
}
END_TEST

START_TEST(the_link_is_out_of_the_pools_reach)
{
	struct net_plan plan;
	char out[ADDR_TEXT_MAX];
	uint32_t index;

	net_plan_init(&plan);
	ck_assert_str_eq(addr_format(&plan.gate4, out), "198.19.255.253");
	ck_assert_str_eq(addr_format(&plan.jail4, out), "198.19.255.254");
	ck_assert_str_eq(addr_format(&plan.gate6, out), "fd6e:7367:6174:6500::1");
	ck_assert_str_eq(addr_format(&plan.jail6, out), "fd6e:7367:6174:6500::2");
	ck_assert_int_lt(net_plan_synthetic_index(&plan.gate4, &index), 0);
	ck_assert_int_lt(net_plan_synthetic_index(&plan.jail4, &index), 0);
	ck_assert_int_lt(net_plan_synthetic_index(&plan.gate6, &index), 0);
	ck_assert_int_lt(net_plan_synthetic_index(&plan.jail6, &index), 0);
}
END_TEST

START_TEST(nothing_of_ours_is_public)
{
	struct addr v4 = net_plan_synthetic4(0), v6 = net_plan_synthetic6(0);

	ck_assert_int_eq(addr_classify(&v4), ADDR_RESERVED);
	ck_assert_int_eq(addr_classify(&v6), ADDR_PRIVATE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/net_plan");
	TCase *tcase = tcase_create("net_plan");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, a_number_has_an_address_in_each_family, 0, ROWS(numbers));
	tcase_add_test(tcase, every_number_comes_back);
	tcase_add_loop_test(tcase, other_addresses_have_no_number, 0, ROWS(outside));
	tcase_add_test(tcase, the_link_is_out_of_the_pools_reach);
	tcase_add_test(tcase, nothing_of_ours_is_public);
	return suite_run(suite);
}

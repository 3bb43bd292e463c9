/* The pool of names: a number stays its name's, and there is an end to them. */
#include "proxy/dns/names.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/net_plan.h"
#include "tests/unit/suite.h"

#define ASKED 70000

static void name_of(uint32_t i, char out[64])
{
	(void)snprintf(out, 64, "host-%u.example.org", i * 2654435761u);
}

START_TEST(numbers_begin_at_zero_and_stay)
{
	struct names *names = names_new(8);
	uint32_t number = 99;

	ck_assert_ptr_nonnull(names);
	ck_assert_ptr_null(names_get(names, 0));
	ck_assert_int_eq(names_number(names, "a.test", &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(names_number(names, "b.test", &number), 0);
	ck_assert_uint_eq(number, 1);
	ck_assert_int_eq(names_number(names, "a.test", &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_str_eq(names_get(names, 0), "a.test");
	ck_assert_str_eq(names_get(names, 1), "b.test");
	ck_assert_ptr_null(names_get(names, 2));
	ck_assert_ptr_null(names_get(names, UINT32_MAX));
	names_free(names);
}
END_TEST

START_TEST(the_name_is_copied)
{
	struct names *names = names_new(8);
	char name[] = "a.test";
	uint32_t number;

	ck_assert_int_eq(names_number(names, name, &number), 0);
	name[0] = 'b';
	ck_assert_str_eq(names_get(names, number), "a.test");
	names_free(names);
}
END_TEST

START_TEST(seventy_thousand_names_do_not_fit_and_none_is_confused)
{
	struct names *names = names_new(NET_PLAN_NAMES_MAX);
	char name[64];
	uint32_t number;

	for (uint32_t i = 0; i < ASKED; i++) {
		int rc;

		name_of(i, name);
		number = UINT32_MAX;
		rc = names_number(names, name, &number);
		ck_assert_int_eq(rc, i < NET_PLAN_NAMES_MAX ? 0 : -ENOSPC);
		ck_assert_uint_eq(number, i < NET_PLAN_NAMES_MAX ? i : UINT32_MAX);
	}
	for (uint32_t i = 0; i < NET_PLAN_NAMES_MAX; i++) {
		name_of(i, name);
		ck_assert_int_eq(names_number(names, name, &number), 0);
		ck_assert_uint_eq(number, i);
		ck_assert_str_eq(names_get(names, i), name);
	}
	ck_assert_ptr_null(names_get(names, NET_PLAN_NAMES_MAX));
	names_free(names);
}
END_TEST

/* Names in order would turn a plain tree into a list. */
START_TEST(names_in_order_are_not_slow)
{
	struct names *names = names_new(NET_PLAN_NAMES_MAX);
	char name[64];
	uint32_t number;

	for (uint32_t i = 0; i < NET_PLAN_NAMES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%08u.test", i);
		ck_assert_int_eq(names_number(names, name, &number), 0);
	}
	names_free(names);
}
END_TEST

START_TEST(nothing_is_freed_too)
{
	names_free(NULL);
	names_free(names_new(0));
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("proxy/dns/names");
	TCase *tcase = tcase_create("pool");

	tcase_add_test(tcase, numbers_begin_at_zero_and_stay);
	tcase_add_test(tcase, the_name_is_copied);
	tcase_add_test(tcase, seventy_thousand_names_do_not_fit_and_none_is_confused);
	tcase_add_test(tcase, names_in_order_are_not_slow);
	tcase_add_test(tcase, nothing_is_freed_too);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(suite());
}

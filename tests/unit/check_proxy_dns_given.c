/* Addresses that were answered: each knows its names, and there is an end to them. */
#include "proxy/dns/given.h"

#include <check.h>
#include <errno.h>

#include "tests/unit/suite.h"

static struct given *given;

static void set_up(void)
{
	given = given_new();
	ck_assert_ptr_nonnull(given);
}

static void tear_down(void)
{
	given_free(given);
}

static struct addr address(const char *text)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr), 0);
	return addr;
}

/* Address number @i, none of them twice. */
static struct addr numbered(uint32_t i)
{
	return (struct addr) {
		.family = AF_INET,
		.bytes = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i },
	};
}

START_TEST(an_address_knows_its_names)
{
	struct addr one = address("192.0.2.1"), other = address("192.0.2.2");
	struct addr six = address("2001:db8::1");
	const struct given_name *names;
	size_t count = 99;

	ck_assert_ptr_null(given_find(given, &one, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(given_add(given, &one,
				   &(struct given_name) { .number = 7, .source = ADDR_FROM_DNS }),
			 0);
	ck_assert_int_eq(given_add(given, &one,
				   &(struct given_name) { .number = 3, .source = ADDR_FROM_DNS }),
			 0);
	ck_assert_int_eq(given_add(given, &six,
				   &(struct given_name) { .number = 3, .source = ADDR_FROM_DNS }),
			 0);
	names = given_find(given, &one, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(names[0].number, 7);
	ck_assert_uint_eq(names[1].number, 3);
	names = given_find(given, &six, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(names[0].number, 3);
	ck_assert_ptr_null(given_find(given, &other, &count));
}
END_TEST

START_TEST(the_last_source_counts)
{
	struct addr one = address("10.0.0.1");
	size_t count;

	ck_assert_int_eq(
		given_add(given, &one,
			  &(struct given_name) { .number = 1, .source = ADDR_FROM_HOSTS_FILE }),
		0);
	ck_assert_int_eq(given_add(given, &one,
				   &(struct given_name) { .number = 1, .source = ADDR_FROM_DNS }),
			 0);
	ck_assert_int_eq(given_find(given, &one, &count)->source, ADDR_FROM_DNS);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(one_address_has_a_bounded_number_of_names)
{
	struct addr one = address("192.0.2.1"), other = address("192.0.2.2");
	size_t count;

	for (uint32_t i = 0; i < GIVEN_NAMES_MAX; i++)
		ck_assert_int_eq(
			given_add(given, &one,
				  &(struct given_name) { .number = i, .source = ADDR_FROM_DNS }),
			0);
	ck_assert_int_eq(given_add(given, &one,
				   &(struct given_name) { .number = GIVEN_NAMES_MAX,
							  .source = ADDR_FROM_DNS }),
			 -ENOSPC);
	ck_assert_int_eq(given_add(given, &one,
				   &(struct given_name) { .number = 5, .source = ADDR_FROM_DNS }),
			 0);
	ck_assert_int_eq(given_add(given, &other,
				   &(struct given_name) { .number = 5, .source = ADDR_FROM_DNS }),
			 0);
	(void)given_find(given, &one, &count);
	ck_assert_uint_eq(count, GIVEN_NAMES_MAX);
}
END_TEST

START_TEST(there_is_an_end_to_addresses)
{
	struct addr last = numbered(GIVEN_MAX);
	size_t count;

	for (uint32_t i = 0; i < GIVEN_MAX; i++) {
		struct addr addr = numbered(i);

		ck_assert_int_eq(
			given_add(given, &addr,
				  &(struct given_name) { .number = i, .source = ADDR_FROM_DNS }),
			0);
	}
	ck_assert_int_eq(given_add(given, &last,
				   &(struct given_name) { .number = 0, .source = ADDR_FROM_DNS }),
			 -ENOSPC);
	ck_assert_ptr_null(given_find(given, &last, &count));
	for (uint32_t i = 0; i < GIVEN_MAX; i++) {
		struct addr addr = numbered(i);

		ck_assert_uint_eq(given_find(given, &addr, &count)->number, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/dns/given");
	TCase *tcase = tcase_create("given");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, an_address_knows_its_names);
	tcase_add_test(tcase, the_last_source_counts);
	tcase_add_test(tcase, one_address_has_a_bounded_number_of_names);
	tcase_add_test(tcase, there_is_an_end_to_addresses);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

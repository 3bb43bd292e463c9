/* Hashes and the tables made of them. */
#include "policy/hash.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <endian.h>
#include <stdlib.h>

#define KEYS 1000

/* The reference vectors: key 00 01 .. 0f, the first N bytes of 00 01 02 .. */
static const struct {
	size_t length;
	uint64_t hash;
} vectors[] = {
	{ 0, UINT64_C(0xabac0158050fc4dc) }, { 1, UINT64_C(0xc9f49bf37d57ca93) },
	{ 2, UINT64_C(0x82cb9b024dc7d44d) }, { 3, UINT64_C(0x8bf80ab8e7ddf7fb) },
	{ 4, UINT64_C(0xcf75576088d38328) }, { 5, UINT64_C(0xdef9d52f49533b67) },
	{ 6, UINT64_C(0xc50d2b50c59f22a7) }, { 7, UINT64_C(0xd3927d989bb11140) },
	{ 8, UINT64_C(0x369095118d299a8e) }, { 9, UINT64_C(0x25a48eb36c063de4) },
};

START_TEST(is_siphash_1_3)
{
	struct hash_key key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
	uint8_t bytes[16];

	if (BYTE_ORDER != LITTLE_ENDIAN) /* the machine's own order is used, see hash.c */
		return;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	ck_assert_uint_eq(hash_bytes(&key, bytes, vectors[_i].length), vectors[_i].hash);
}
END_TEST

START_TEST(keys_are_random)
{
	struct hash_key one = { 0 }, other = { 0 };
	struct err err;

	ck_assert_int_eq(hash_key_make(&one, &err), 0);
	ck_assert_int_eq(hash_key_make(&other, &err), 0);
	ck_assert_uint_ne(hash_bytes(&one, "a", 1), hash_bytes(&other, "a", 1));
	ck_assert_uint_ne(hash_words(&one, 1, 2), hash_words(&other, 1, 2));
	ck_assert_uint_ne(hash_words(&one, 1, 2), hash_words(&one, 2, 1));
}
END_TEST

/* Every hash twice, so that tags repeat and probing has to go on. */
static uint64_t hash_of(uint32_t number)
{
	return (uint64_t)(number / 2) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t look_up(const struct hash_table *table, uint32_t number)
{
	struct hash_slot *slot = hash_slot_first(table, hash_of(number));

	while (slot->value && slot->value != number)
		slot = hash_slot_next(table, hash_of(number), slot);
	return slot->value;
}

START_TEST(finds_what_was_put_in)
{
	struct hash_table table = { 0 };

	ck_assert_int_eq(hash_table_make(&table, KEYS), 0);
	for (uint32_t i = 1; i <= KEYS; i++) {
		struct hash_slot *slot = hash_slot_first(&table, hash_of(i));

		while (slot->value)
			slot = hash_slot_next(&table, hash_of(i), slot);
		hash_slot_fill(slot, hash_of(i), i);
	}
	for (uint32_t i = 1; i <= KEYS; i++)
		ck_assert_uint_eq(look_up(&table, i), i);
	ck_assert_uint_eq(look_up(&table, KEYS + 2), 0);
	hash_table_done(&table);
	hash_table_done(&table);
}
END_TEST

START_TEST(an_empty_table_has_nothing)
{
	struct hash_table table = { 0 };

	ck_assert_int_eq(hash_table_make(&table, 0), 0);
	ck_assert_uint_eq(look_up(&table, 1), 0);
	hash_table_done(&table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/hash");
	TCase *tcase = tcase_create("hash");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, is_siphash_1_3, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(tcase, keys_are_random);
	tcase_add_test(tcase, finds_what_was_put_in);
	tcase_add_test(tcase, an_empty_table_has_nothing);
	return suite_run(suite);
}

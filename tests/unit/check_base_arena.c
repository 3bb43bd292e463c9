/* Memory for many small things (policy/base/arena.c). */
#include "policy/base/arena.h"
#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#define PIECES 20000

START_TEST(pieces_do_not_overlap)
{
	struct arena arena AUTO(arena_done) = { 0 };
	static unsigned char *pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = arena_take(&arena, i % 100);
		ck_assert_ptr_nonnull(pieces[i]);
		ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(void *), 0);
		memset(pieces[i], (int)(i & 0xff), i % 100);
	}
	for (size_t i = 0; i < PIECES; i++) {
		for (size_t j = 0; j < i % 100; j++)
			ck_assert_uint_eq(pieces[i][j], i & 0xff);
	}
}
END_TEST

START_TEST(large_pieces_have_room)
{
	struct arena arena AUTO(arena_done) = { 0 };
	size_t size = 1 << 20;

	for (int i = 0; i < 3; i++) {
		memset(arena_take(&arena, size), i, size); /* for AddressSanitizer to see */
		memset(arena_take(&arena, 1), i, 1);
	}
	ck_assert_ptr_null(arena_take(&arena, SIZE_MAX));
	ck_assert_ptr_nonnull(arena_take(&arena, 1));
}
END_TEST

START_TEST(done_twice_is_fine)
{
	struct arena arena = { 0 };

	arena_done(&arena);
	ck_assert_ptr_nonnull(arena_take(&arena, 1));
	arena_done(&arena);
	arena_done(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/arena");
	TCase *tcase = tcase_create("arena");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, pieces_do_not_overlap);
	tcase_add_test(tcase, large_pieces_have_room);
	tcase_add_test(tcase, done_twice_is_fine);
	return suite_run(suite);
}

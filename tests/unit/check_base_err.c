/* Errors as values: what they say, and that a report crosses a pipe in one write. */
#include "policy/base/err.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

_Static_assert(sizeof(struct err) <= PIPE_BUF, "crosses a pipe in one write");

START_TEST(says_what_failed_and_why)
{
	struct err err = { 0 };
	char out[256];

	ck_assert_int_eq(err_set(&err, EPERM, "set %s up", "lo"), -EPERM);
	ck_assert_int_eq(err.code, EPERM);
	ck_assert_str_eq(err_format(&err, out, sizeof(out)),
			 "set lo up: Operation not permitted (EPERM)");
}
END_TEST

START_TEST(bad_input_needs_no_errno)
{
	struct err err = { 0 };
	char out[256];

	ck_assert_int_eq(err_bad(&err, "column %d: empty rule", 1), -EINVAL);
	ck_assert_str_eq(err_format(&err, out, sizeof(out)), "column 1: empty rule");
}
END_TEST

START_TEST(callers_add_their_context)
{
	struct err err = { 0 };
	char out[256];

	(void)err_set(&err, EPERM, "set lo up");
	ck_assert_int_eq(err_wrap(&err, "loopback"), -EPERM);
	ck_assert_int_eq(err_wrap(&err, "network %d", 1), -EPERM);
	ck_assert_str_eq(err_format(&err, out, sizeof(out)),
			 "network 1: loopback: set lo up: Operation not permitted (EPERM)");
}
END_TEST

START_TEST(a_hint_comes_last_on_its_own_line)
{
	struct err err = { 0 };
	char out[256];

	(void)err_set(&err, ENOENT, "open %s", "policy.yaml");
	ck_assert_int_eq(err_hint(&err, "try %s", "--policy FILE"), -ENOENT);
	(void)err_wrap(&err, "policy");
	ck_assert_str_eq(err_format(&err, out, sizeof(out)),
			 "policy: open policy.yaml: No such file or directory (ENOENT)\n"
			 "try --policy FILE");
}
END_TEST

START_TEST(codes_without_a_name_do_not_break_it)
{
	struct err err = { 0 };
	char out[256];

	ck_assert_int_eq(err_set(&err, 99999, "odd"), -99999);
	ck_assert_str_eq(err_format(&err, out, sizeof(out)), "odd");
}
END_TEST

START_TEST(long_text_is_cut_not_spilt)
{
	char big[4000], out[40];
	struct err err = { 0 };

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&err, EIO, "%s", big);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_int_eq(err_hint(&err, "no room left"), -EIO);
	ck_assert_ptr_null(strchr(err.text, '\n'));
	ck_assert_int_eq(err_wrap(&err, "%s", big), -EIO);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_ptr_nonnull(
		strstr(err.text, ": x")); /* a long context leaves the cause visible */
	ck_assert_uint_eq(strlen(err_format(&err, out, sizeof(out))), sizeof(out) - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/err");
	TCase *tcase = tcase_create("err");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, says_what_failed_and_why);
	tcase_add_test(tcase, bad_input_needs_no_errno);
	tcase_add_test(tcase, callers_add_their_context);
	tcase_add_test(tcase, a_hint_comes_last_on_its_own_line);
	tcase_add_test(tcase, codes_without_a_name_do_not_break_it);
	tcase_add_test(tcase, long_text_is_cut_not_spilt);
	return suite_run(suite);
}

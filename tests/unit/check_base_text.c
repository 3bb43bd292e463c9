/* Escaping, guessing and numbers. */
#include "policy/base/text.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#define ROWS(table)  ((int)(sizeof(table) / sizeof((table)[0])))
#define BYTES(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *text;
	size_t length, size;
	const char *escaped;
} escapes[] = {
	{ BYTES(""), 64, "" },
	{ BYTES("plain ~ text"), 64, "plain ~ text" },
	{ BYTES("a\\b"), 64, "a\\\\b" },
	{ BYTES("a\nb\r\t"), 64, "a\\x0ab\\x0d\\x09" },
	{ BYTES("\x1b[31m"), 64, "\\x1b[31m" },
	{ BYTES("a\0b"), 64, "a\\x00b" },
	{ BYTES("\x7f\x80\xff"), 64, "\\x7f\\x80\\xff" },
	{ BYTES("\xc2\x9b"), 64, "\\xc2\\x9b" }, /* CSI, as UTF-8 */
	{ BYTES("0123456789"), 8, "0..." },
	{ BYTES("0123456789"), 10, "012..." },
	{ BYTES("\n\n\n"), 8, "\\x0a..." },
	{ BYTES("\n\n\n"), 12, "\\x0a\\x0a..." },
	{ BYTES("\\\\\\\\\\\\"), 9, "\\\\..." },
};

START_TEST(escapes_what_could_fool_a_reader)
{
	size_t size = escapes[_i].size;
	char *out AUTO(heap_release) = malloc(size); /* exact, for AddressSanitizer */

	ck_assert_ptr_eq(text_escape(escapes[_i].text, escapes[_i].length, out, size), out);
	ck_assert_str_eq(out, escapes[_i].escaped);
}
END_TEST

START_TEST(fits_whatever_the_size)
{
	for (size_t size = 8; size < 64; size++) {
		char *out AUTO(heap_release) = malloc(size);

		(void)text_escape(BYTES("a\\\n\xff"
					"b\\\n\xff"
					"cdefghijklmnopqrst"),
				  out, size);
		ck_assert_uint_lt(strnlen(out, size), size);
	}
}
END_TEST

static const char *const known[] = { "domain", "port", "cidr", "method", "path", NULL };

static const struct {
	const char *word, *nearest;
} guesses[] = {
	{ "domain", "domain" },
	{ "domian", "domain" },
	{ "doman", "domain" },
	{ "domains", "domain" },
	{ "dmain", "domain" },
	{ "ports", "port" },
	{ "prot", "port" },
	{ "post", "port" },
	{ "cdir", "cidr" },
	{ "cider", "cidr" },
	{ "methods", "method" },
	{ "pth", "path" },
	{ "emthdo", "method" },
	{ "", NULL },
	{ "x", NULL },
	{ "flavour", NULL },
	{ "DOMAIN", NULL },
	{ "completely", NULL },
	{ "domaindomaindomaindomaindomaindomaindomain", NULL },
};

START_TEST(guesses_only_what_is_near)
{
	const char *nearest = text_nearest(guesses[_i].word, known);

	if (guesses[_i].nearest) {
		ck_assert_msg(nearest != NULL, "%s", guesses[_i].word);
		ck_assert_str_eq(nearest, guesses[_i].nearest);
	} else {
		ck_assert_msg(nearest == NULL, "%s is not %s", guesses[_i].word, nearest);
	}
}
END_TEST

START_TEST(long_names_are_never_meant)
{
	static const char *const names[] = { "a-name-that-is-much-longer-than-any-option-has",
					     NULL };
	static const char *const none[] = { NULL };

	ck_assert_ptr_null(text_nearest("a-name-that-is-much-longer-than-any-o", names));
	ck_assert_ptr_null(text_nearest("word", none));
}
END_TEST

static const struct {
	const char *text;
	unsigned long max;
	int rc;
	unsigned long value;
} numbers[] = {
	{ "0", 0, 0, 0 },
	{ "7", 7, 0, 7 },
	{ "8", 7, -ERANGE, 0 },
	{ "65535", 65535, 0, 65535 },
	{ "65536", 65535, -ERANGE, 0 },
	{ "655350", 65535, -ERANGE, 0 },
	{ "007", 10, 0, 7 },
	{ "10", 5, -ERANGE, 0 },
	{ "18446744073709551615", ULONG_MAX, 0, ULONG_MAX },
	{ "18446744073709551616", ULONG_MAX, -ERANGE, 0 },
	{ "99999999999999999999999", ULONG_MAX, -ERANGE, 0 },
	{ "", 9, -EINVAL, 0 },
	{ "+1", 9, -EINVAL, 0 },
	{ "-1", 9, -EINVAL, 0 },
	{ " 1", 9, -EINVAL, 0 },
	{ "1 ", 9, -EINVAL, 0 },
	{ "0x1", 9, -EINVAL, 0 },
	{ "1.0", 9, -EINVAL, 0 },
	{ "a", 9, -EINVAL, 0 },
	{ "\xb2", 9, -EINVAL, 0 },
};

START_TEST(numbers_are_digits_within_bounds)
{
	unsigned long value = 4711;

	ck_assert_int_eq(text_number(numbers[_i].text, numbers[_i].max, &value), numbers[_i].rc);
	ck_assert_uint_eq(value, numbers[_i].rc == 0 ? numbers[_i].value : 4711);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/text");
	TCase *tcase = tcase_create("text");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, escapes_what_could_fool_a_reader, 0, ROWS(escapes));
	tcase_add_test(tcase, fits_whatever_the_size);
	tcase_add_loop_test(tcase, guesses_only_what_is_near, 0, ROWS(guesses));
	tcase_add_test(tcase, long_names_are_never_meant);
	tcase_add_loop_test(tcase, numbers_are_digits_within_bounds, 0, ROWS(numbers));
	return suite_run(suite);
}

/* The parser of options, with a table of its own: words and options in any order. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "jail/option_parser.h"
#include "tests/unit/suite.h"

#define WORDS_MAX   8
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct err err;
static char said[256]; /* what the options said, in their order */
static char *argv[WORDS_MAX + 2];

static int say(void *context, const char *value, struct err *error)
{
	(void)error;
	(void)strcat(context, value ? value : "!");
	(void)strcat(context, ";");
	return 0;
}

static int refuse(void *context, const char *value, struct err *error)
{
	(void)context;
	return err_bad(error, "%s is bad", value);
}

static int put(void *context, const struct option_row *row, const char *value, struct err *error)
{
	ck_assert_str_eq(row->setting, "network.dns");
	return say(context, value, error);
}

static const struct option_row rows[] = {
	{ .name = "say", .value = "WORD", .help = "say", .parse = say },
	{ .name = "flag", .letter = 'f', .help = "flag", .parse = say },
	{ .name = "bad", .value = "WORD", .help = "bad", .parse = refuse },
	{ .name = "dns", .value = "MODE", .help = "a setting", .setting = "network.dns" },
	{ 0 },
};

static const struct option_table table = {
	.command = "nsgate test", .usage = "Usage:", .rows = rows, .put = put
};

static void setup(void)
{
	said[0] = '\0';
	err = (struct err) { 0 };
}

static void fill(const char *const *words)
{
	int count = 0;

	argv[count++] = (char *)(uintptr_t) "test"; /* only read */
	while (words[count - 1]) {
		argv[count] = (char *)(uintptr_t)words[count - 1];
		count++;
	}
	argv[count] = NULL;
}

static const struct {
	const char *words[WORDS_MAX];
	const char *said;
	const char *rest[WORDS_MAX];
} mixed[] = {
	{ { NULL }, "", { NULL } },
	{ { "a", "b" }, "", { "a", "b" } },
	{ { "--say", "x", "a" }, "x;", { "a" } },
	{ { "a", "--say", "x", "b", "--say=y" }, "x;y;", { "a", "b" } },
	{ { "a", "-ff", "-" }, "!;!;", { "a", "-" } },
	{ { "a", "--", "--say", "-f" }, "", { "a", "--say", "-f" } },
	{ { "--", "--" }, "", { "--" } },
	{ { "--say", "--", "a" }, "--;", { "a" } },
	{ { "--say=", "", "--dns", "real" }, ";real;", { "" } },
};

START_TEST(takes_words_and_options_in_any_order)
{
	int words = -1;

	fill(mixed[_i].words);
	ck_assert_int_eq(options_read_all(&table, argv, said, &words, &err), OPTIONS_RUN);
	ck_assert_str_eq(said, mixed[_i].said);
	for (int i = 0; i < words; i++)
		ck_assert_pstr_eq(argv[i], mixed[_i].rest[i]);
	ck_assert_ptr_null(mixed[_i].rest[words]);
}
END_TEST

START_TEST(stops_at_the_first_word)
{
	int end = -1;

	fill((const char *[]) { "-f", "a", "--say", "x", NULL });
	ck_assert_int_eq(options_read(&table, argv, said, &end, &err), OPTIONS_RUN);
	ck_assert_int_eq(end, 2);
	ck_assert_str_eq(said, "!;");
}
END_TEST

static const struct {
	const char *words[WORDS_MAX];
	const char *message;
} refused[] = {
	{ { "a", "--sya", "x" }, "unknown option --sya: did you mean --say?" },
	{ { "a", "--other" }, "unknown option --other: see nsgate test --help" },
	{ { "a", "-fx" }, "unknown option -fx: see nsgate test --help" },
	{ { "a", "--say" }, "--say: expected WORD after it" },
	{ { "--flag=1", "a" }, "--flag takes no value" },
	{ { "a", "--bad", "x", "--say", "y" }, "x is bad" },
};

START_TEST(refuses_and_says_why)
{
	int words;

	fill(refused[_i].words);
	ck_assert_int_eq(options_read_all(&table, argv, said, &words, &err), -EINVAL);
	ck_assert_str_eq(err.text, refused[_i].message);
	ck_assert_ptr_null(strchr(said, 'y'));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail/option_parser");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_loop_test(tests, takes_words_and_options_in_any_order, 0, ROWS(mixed));
	tcase_add_test(tests, stops_at_the_first_word);
	tcase_add_loop_test(tests, refuses_and_says_why, 0, ROWS(refused));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

/* The command line: what is taken, what is refused, and in which words. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/options.h"
#include "policy/base/log.h"
#include "tests/unit/suite.h"

#define WORDS_MAX   8
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct jail_spec spec;
static struct err err;

static void setup(void)
{
	spec_init(&spec);
	err = (struct err) { 0 };
}

static void teardown(void)
{
	spec_done(&spec);
	log_level_set(LOG_WARN);
}

static int parse(const char *const *words)
{
	static char *argv[WORDS_MAX + 2] = { (char *)(uintptr_t) "nsgate" }; /* spec points in */
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1]; /* only read */
	argv[argc] = NULL;
	return options_parse(argv, &spec, &err);
}

static const struct {
	const char *words[WORDS_MAX];
	const char *message;
} refused[] = {
	{ { NULL }, "no command: expected nsgate [options] [--] command [arguments]" },
	{ { "--", NULL }, "no command: expected nsgate [options] [--] command [arguments]" },
	{ { "--alow", "x", "true" }, "unknown option --alow: did you mean --allow?" },
	{ { "--alow=x", "true" }, "unknown option --alow=x: did you mean --allow?" },
	{ { "--frobnicate", "true" }, "unknown option --frobnicate: see nsgate --help" },
	{ { "--a\x1b[31mllow", "true" }, "unknown option --a\\x1b[31mllow: see nsgate --help" },
	{ { "-x", "true" }, "unknown option -x: see nsgate --help" },
	{ { "--allow" }, "--allow: expected RULE after it" },
	{ { "--clear-env=yes", "true" }, "--clear-env takes no value" },
	{ { "--clear-env", "--keep-env", "true" },
	  "--clear-env and --keep-env exclude each other" },
	{ { "--net", "open", "true" }, "--net open: expected gate, none or host" },
	{ { "--chdir", "here", "true" }, "--chdir here: expected an absolute path" },
	{ { "--time-limit", "10", "true" },
	  "--time-limit: column 1: expected a number above 0 with a unit: 500ms, 30s, 5m, 2h, got "
	  "\"10\"" },
	{ { "--time-limit", "0s", "true" },
	  "--time-limit: column 1: expected a number above 0 with a unit: 500ms, 30s, 5m, 2h, got "
	  "\"0s\"" },
	{ { "--time-limit", "99999999999999999999s", "true" },
	  "--time-limit: column 1: expected a number above 0 with a unit: 500ms, 30s, 5m, 2h, got "
	  "\"99999999999999999999s\"" },
	{ { "--hostname", "a b", "true" },
	  "--hostname a b: expected a host name of at most 64 letters, digits, hyphens and dots" },
	{ { "--env", "=x", "true" }, "--env =x: expected NAME or NAME=VALUE" },
	{ { "--pass-fd", "-1", "true" },
	  "--pass-fd -1: expected the number of an open descriptor" },
	{ { "--log-level", "loud", "true" },
	  "--log-level loud: expected error, warn, info or debug" },
};

START_TEST(refuses_and_says_what_was_meant)
{
	ck_assert_int_lt(parse(refused[_i].words), 0);
	ck_assert_str_eq(err.text, refused[_i].message);
}
END_TEST

START_TEST(a_closed_descriptor_is_an_error_of_the_system)
{
	ck_assert_int_eq(parse((const char *[]) { "--pass-fd", "999", "true", NULL }), -EBADF);
}
END_TEST

START_TEST(options_end_at_the_first_word_or_at_two_hyphens)
{
	ck_assert_int_eq(parse((const char *[]) { "-v", "ls", "--help", NULL }), OPTIONS_RUN);
	ck_assert_str_eq(spec.command[0], "ls");
	ck_assert_str_eq(spec.command[1], "--help");
	ck_assert_int_eq(parse((const char *[]) { "--", "--help", NULL }), OPTIONS_RUN);
	ck_assert_str_eq(spec.command[0], "--help");
	ck_assert_int_eq(parse((const char *[]) { "-", NULL }), OPTIONS_RUN);
	ck_assert_str_eq(spec.command[0], "-");
}
END_TEST

START_TEST(values_stand_after_a_blank_or_an_equals_sign)
{
	const char *const words[] = { "--allow",
				      "domain=a.test",
				      "--allow=domain=b.test",
				      "--deny=port=25",
				      "--net=none",
				      "true",
				      NULL };

	ck_assert_int_eq(parse(words), OPTIONS_RUN);
	ck_assert_uint_eq(spec.settings.policy.allow.count, 2);
	ck_assert_str_eq(spec.settings.policy.allow.rules[1].text, "domain=b.test");
	ck_assert_str_eq(spec.settings.policy.allow.rules[1].origin, "--allow");
	ck_assert_uint_eq(spec.settings.policy.deny.count, 1);
	ck_assert_int_eq(spec.net, NET_NONE);
}
END_TEST

static const struct {
	const char *text;
	unsigned long ms;
} limits[] = { { "1ms", 1 }, { "30s", 30000 }, { "5m", 300000 }, { "2h", 7200000 } };

START_TEST(times_have_units)
{
	ck_assert_int_eq(parse((const char *[]) { "--time-limit", limits[_i].text, "true", NULL }),
			 OPTIONS_RUN);
	ck_assert_uint_eq(spec.settings.values.time_limit_ms, limits[_i].ms);
}
END_TEST

static const struct {
	const char *words[WORDS_MAX];
	enum path_kind kind;
} paths[] = {
	{ { "--write", "a", "true" }, PATH_WRITE },
	{ { "--overlay", "a", "true" }, PATH_OVERLAY },
	{ { "--hide", "a", "true" }, PATH_HIDE },
	{ { "--bind", "a", "true" }, PATH_BIND },
	{ { "--ro-bind", "a", "true" }, PATH_RO_BIND },
	{ { "--tmpfs", "a", "true" }, PATH_TMPFS },
};

START_TEST(paths_are_kept_as_they_are_written)
{
	ck_assert_int_eq(parse(paths[_i].words), OPTIONS_RUN);
	ck_assert_uint_eq(spec.settings.path_count, 1);
	ck_assert_int_eq(spec.settings.paths[0].kind, paths[_i].kind);
	ck_assert_str_eq(spec.settings.paths[0].path, "a");
	ck_assert_str_eq(spec.settings.paths[0].origin, paths[_i].words[0]);
}
END_TEST

START_TEST(letters_may_stand_together)
{
	ck_assert_int_eq(parse((const char *[]) { "-vv", "true", NULL }), OPTIONS_RUN);
	ck_assert_int_eq(log_level_get(), LOG_DEBUG);
}
END_TEST

struct manual {
	char *text;
	const char *missing;
};

static void look_up(const char *name, void *context)
{
	struct manual *manual = context;
	char row[64];

	(void)snprintf(row, sizeof(row), "\\-\\-%s", name);
	for (char *hyphen = row + 4; (hyphen = strchr(hyphen, '-')) != NULL; hyphen += 2) {
		memmove(hyphen + 1, hyphen, strlen(hyphen) + 1); /* man pages write \- */
		*hyphen = '\\';
	}
	if (!strstr(manual->text, row))
		manual->missing = name;
}

START_TEST(every_option_is_in_the_manual_page)
{
	static char text[64 * 1024];
	struct manual manual = { .text = text };
	int fd = open(NSGATE_SOURCE_DIR "/docs/nsgate.1", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	options_each(look_up, &manual);
	ck_assert_pstr_eq(manual.missing, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, refuses_and_says_what_was_meant, 0, ROWS(refused));
	tcase_add_test(tests, a_closed_descriptor_is_an_error_of_the_system);
	tcase_add_test(tests, options_end_at_the_first_word_or_at_two_hyphens);
	tcase_add_test(tests, values_stand_after_a_blank_or_an_equals_sign);
	tcase_add_loop_test(tests, times_have_units, 0, ROWS(limits));
	tcase_add_loop_test(tests, paths_are_kept_as_they_are_written, 0, ROWS(paths));
	tcase_add_test(tests, letters_may_stand_together);
	tcase_add_test(tests, every_option_is_in_the_manual_page);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

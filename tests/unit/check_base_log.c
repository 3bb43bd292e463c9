/* Diagnostics: levels, and one write a line. */
#include "policy/base/log.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#define LINE_MAX_BYTES 2048

static int saved_stderr = -1, reader = -1;

/* A socket that keeps messages apart shows how many writes a line took. */
static void capture(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	(void)close(ends[1]);
	reader = ends[0];
}

static void restore(void)
{
	(void)dup2(saved_stderr, STDERR_FILENO);
	fd_release(&saved_stderr);
	fd_release(&reader);
}

/* The next message, terminated; its length, or 0 when there is none. */
static size_t next_line(char out[LINE_MAX_BYTES + 2])
{
	ssize_t got = recv(reader, out, LINE_MAX_BYTES + 1, MSG_DONTWAIT);

	out[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

START_TEST(a_line_is_one_write)
{
	char line[LINE_MAX_BYTES + 2];

	log_error("bind port %d: %s", 53, "in use");
	ck_assert_uint_gt(next_line(line), 0);
	ck_assert_str_eq(line, "nsgate: bind port 53: in use\n");
	ck_assert_uint_eq(next_line(line), 0);
}
END_TEST

START_TEST(a_terminal_takes_no_orders)
{
	char line[LINE_MAX_BYTES + 2];

	log_error("find %s: no", "\033]52;c;eA==\a\r\177 \xc2\x9b"
				 "2J \x9b f\xc3\xbc\xc3\x9f\tx \xe2\x82\xac\xf0\x9f\x9a\xaa\nhint");
	ck_assert_uint_gt(next_line(line), 0);
	ck_assert_str_eq(line, "nsgate: find ?]52;c;eA==??? ??2J ? f\xc3\xbc\xc3\x9f\tx "
			       "\xe2\x82\xac\xf0\x9f\x9a\xaa\nhint: no\n");
}
END_TEST

START_TEST(warns_from_the_start)
{
	char line[LINE_MAX_BYTES + 2];

	ck_assert_int_eq(log_level_get(), LOG_WARN);
	log_info("hidden");
	log_debug("hidden");
	ck_assert_uint_eq(next_line(line), 0);
	log_warn("seen");
	ck_assert_uint_gt(next_line(line), 0);
	ck_assert_str_eq(line, "nsgate: seen\n");
}
END_TEST

START_TEST(a_level_shows_itself_and_what_is_graver)
{
	char line[LINE_MAX_BYTES + 2];

	for (int threshold = 0; threshold < LOG_LEVELS; threshold++) {
		log_level_set((enum log_level)threshold);
		for (int level = 0; level < LOG_LEVELS; level++) {
			log_line((enum log_level)level, "x");
			ck_assert_int_eq(next_line(line) > 0, level <= threshold);
		}
	}
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
	char line[LINE_MAX_BYTES + 2], big[3 * LINE_MAX_BYTES];
	size_t length;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_error("%s", big);
	length = next_line(line);
	ck_assert_uint_gt(length, LINE_MAX_BYTES - 8);
	ck_assert_uint_le(length, LINE_MAX_BYTES);
	ck_assert_str_eq(line + length - 2, "x\n");
	ck_assert_uint_eq(next_line(line), 0);
}
END_TEST

START_TEST(levels_have_names)
{
	enum log_level level = LOG_WARN;

	ck_assert_int_eq(log_level_parse("error", &level), 0);
	ck_assert_int_eq(level, LOG_ERROR);
	ck_assert_int_eq(log_level_parse("WARN", &level), 0);
	ck_assert_int_eq(level, LOG_WARN);
	ck_assert_int_eq(log_level_parse("Info", &level), 0);
	ck_assert_int_eq(level, LOG_INFO);
	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	ck_assert_int_eq(level, LOG_DEBUG);
	ck_assert_int_eq(log_level_parse("loud", &level), -EINVAL);
	ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
	ck_assert_int_eq(log_level_parse("debugging", &level), -EINVAL);
	ck_assert_int_eq(level, LOG_DEBUG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *tcase = tcase_create("log");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, capture, restore);
	tcase_add_test(tcase, a_line_is_one_write);
	tcase_add_test(tcase, a_terminal_takes_no_orders);
	tcase_add_test(tcase, warns_from_the_start);
	tcase_add_test(tcase, a_level_shows_itself_and_what_is_graver);
	tcase_add_test(tcase, a_long_line_is_cut_and_still_ends);
	tcase_add_test(tcase, levels_have_names);
	return suite_run(suite);
}

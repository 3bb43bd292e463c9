/* How a run ended: exit statuses and their JSON. */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/status.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* wait statuses as the kernel packs them: exit code << 8, or the signal, with 0x80 for a core */
static const struct {
	int wait_status, exit_status;
	const char *json;
} waits[] = {
	{ 0, 0, "{\"outcome\":\"exited\",\"exit_status\":0}\n" },
	{ 1 << 8, 1, "{\"outcome\":\"exited\",\"exit_status\":1}\n" },
	{ 255 << 8, 255, "{\"outcome\":\"exited\",\"exit_status\":255}\n" },
	{ SIGKILL, 137, "{\"outcome\":\"signaled\",\"exit_status\":137,\"signal\":\"SIGKILL\"}\n" },
	{ SIGSEGV | 0x80, 139,
	  "{\"outcome\":\"signaled\",\"exit_status\":139,\"signal\":\"SIGSEGV\"}\n" },
	{ 40, 168, "{\"outcome\":\"signaled\",\"exit_status\":168,\"signal\":\"40\"}\n" },
};

static void expect_json(const struct status *status, const char *json)
{
	char line[256] = "";
	struct err err;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(status_write(status, ends[1], &err), 0);
	ck_assert_int_gt(read(ends[0], line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, json);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

START_TEST(the_payloads_end_is_ours)
{
	struct status status = { 0 };

	status_from_wait(&status, waits[_i].wait_status);
	ck_assert_int_eq(status.exit_status, waits[_i].exit_status);
	expect_json(&status, waits[_i].json);
}
END_TEST

START_TEST(our_own_failures_are_told_apart)
{
	struct status status = { 0 };

	status_failed(&status, EXIT_NSGATE);
	expect_json(&status, "{\"outcome\":\"failed\",\"exit_status\":125}\n");
	status_failed(&status, EXIT_NOT_FOUND);
	expect_json(&status, "{\"outcome\":\"not-run\",\"exit_status\":127}\n");
}
END_TEST

START_TEST(a_closed_descriptor_is_an_error_and_none_is_fine)
{
	struct status status = { 0 };
	struct err err;

	ck_assert_int_eq(status_write(&status, -1, &err), 0);
	ck_assert_int_lt(status_write(&status, 999, &err), 0);
	ck_assert_str_eq(err.text, "write the status to descriptor 999");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");
	TCase *tests = tcase_create("all");

	tcase_add_loop_test(tests, the_payloads_end_is_ours, 0, ROWS(waits));
	tcase_add_test(tests, our_own_failures_are_told_apart);
	tcase_add_test(tests, a_closed_descriptor_is_an_error_and_none_is_fine);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

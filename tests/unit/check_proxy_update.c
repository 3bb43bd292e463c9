/* The supervisor's side of an update: it takes the answer to its own question, and believes no field of it. */
#include "proxy/update.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

static int ends[2];
static struct policy policy;
static struct err err;
static unsigned closed;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	policy_init(&policy);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	err = (struct err) { 0 };
}

static void teardown(void)
{
	fd_release(&ends[0]);
	fd_release(&ends[1]);
	policy_done(&policy);
}

static unsigned unanswered; /* earlier updates */

/* Sends one update to a proxy that answers so. */
static int send_and_answer(const struct err *answer, unsigned count)
{
	struct update update;
	pid_t pid = fork();
	struct update_link link = { .control_fd = ends[0], .unanswered = unanswered };
	int rc, status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct err ignored;

		_exit(update_receive(ends[1], false, &update, &ignored) < 0 ||
		      update_answer(ends[1], answer, count) < 0);
	}
	rc = update_send(&link, &policy, -1, &closed, &err);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return rc;
}

START_TEST(takes_no_answer_that_came_too_late_for_another)
{
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(update_answer(ends[1], NULL, 5), 0);
	unanswered = 3;
	ck_assert_int_eq(send_and_answer(NULL, 7), 0);
	unanswered = 0;
	ck_assert_uint_eq(closed, 7);
}
END_TEST

START_TEST(passes_the_proxys_reason_on)
{
	struct err reason;

	err_set(&reason, ENOMEM, "take a new policy");
	ck_assert_int_eq(send_and_answer(&reason, 0), -ENOMEM);
	ck_assert_str_eq(err.text, "take a new policy");
}
END_TEST

/* The proxy parses what the jail sends; whoever took it over must not get further here. */
START_TEST(believes_no_answer_without_an_end_or_a_sign)
{
	struct err reason = { .code = _i ? EIO : -EIO };

	memset(reason.text, 'x', sizeof(reason.text));
	ck_assert_int_eq(send_and_answer(&reason, 0), _i ? -EIO : -EPROTO);
	ck_assert_uint_lt(strnlen(err.text, sizeof(err.text)), sizeof(err.text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/update");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, takes_no_answer_that_came_too_late_for_another);
	tcase_add_test(all, passes_the_proxys_reason_on);
	tcase_add_loop_test(all, believes_no_answer_without_an_end_or_a_sign, 0, 2);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}

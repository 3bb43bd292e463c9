/* A policy that travels as bytes is the same policy at the other end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/snapshot.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct policy policy, copy;
static struct err err;

static void setup(void)
{
	policy_init(&policy);
	policy_init(&copy);
}

static void teardown(void)
{
	policy_done(&policy);
	policy_done(&copy);
}

static void expect_same(const struct rule_list *a, const struct rule_list *b)
{
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		ck_assert_str_eq(a->rules[i].text, b->rules[i].text);
		ck_assert_str_eq(a->rules[i].origin, b->rules[i].origin);
	}
}

START_TEST(arrives_as_it_was_in_either_dialect)
{
	int fd AUTO(fd_release) = -1;

	policy.dialect = _i ? RULE_BOUNDARY : RULE_NSGATE;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(policy_allow(&policy, _i ? "domain=a.test\n" : "domain=**.a.test",
					      place_of("p.yaml:7"), &err),
				 0);
	ck_assert_int_eq(policy_deny(&policy, "domain=b.a.test", place_of("--deny"), &err), 0);
	ck_assert_int_eq(snapshot_write(&policy, &fd, &err), 0);
	for (int turn = 0; turn < 2; turn++) { /* reading leaves it as it was */
		ck_assert_msg(snapshot_read(fd, &copy, &err) == 0, "%s", err.text);
		expect_same(&policy.allow, &copy.allow);
		expect_same(&policy.deny, &copy.deny);
		ck_assert_int_eq(copy.dialect, policy.dialect);
		ck_assert(policy_judge_name(&copy, "a.test", 1).is_allowed); /* compiled */
		ck_assert(!policy_judge_name(&copy, "b.a.test", 1).is_allowed);
		policy_done(&copy);
	}
}
END_TEST

START_TEST(a_policy_without_rules_denies_at_the_other_end)
{
	int fd AUTO(fd_release) = -1;

	ck_assert_int_eq(snapshot_write(&policy, &fd, &err), 0);
	ck_assert_int_eq(snapshot_read(fd, &copy, &err), 0);
	ck_assert_uint_eq(copy.allow.count + copy.deny.count, 0);
	ck_assert(!policy_judge_name(&copy, "a.test", 1).is_allowed);
}
END_TEST

START_TEST(nobody_can_change_it_on_the_way)
{
	int fd AUTO(fd_release) = -1;

	ck_assert_int_eq(snapshot_write(&policy, &fd, &err), 0);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 9), -1);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
} broken[] = {
	{ "", 0 },
	{ "x", 1 }, /* dialect alone is a policy without rules only when it is one of ours */
	{ "\0A", 2 },
	{ "\0A--allow", 9 },
	{ "\0A--allow\0", 10 },
	{ "\0A--allow\0domain=a.test", 23 },
	{ "\0X--allow\0domain=a.test\0", 24 },
	{ "\0A--allow\0domain=a.test\0D", 25 },
	{ "\0A--allow\0nonsense\0", 19 },
};

START_TEST(other_bytes_are_no_policy)
{
	int fd AUTO(fd_release) = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, broken[_i].bytes, broken[_i].length),
			 (ssize_t)broken[_i].length);
	ck_assert_int_eq(snapshot_read(fd, &copy, &err), -EINVAL);
	ck_assert_uint_eq(copy.allow.count + copy.deny.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/snapshot");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, arrives_as_it_was_in_either_dialect, 0, 2);
	tcase_add_test(tests, a_policy_without_rules_denies_at_the_other_end);
	tcase_add_test(tests, nobody_can_change_it_on_the_way);
	tcase_add_loop_test(tests, other_bytes_are_no_policy, 0, ROWS(broken));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

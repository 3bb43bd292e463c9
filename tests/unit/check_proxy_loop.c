/* The event loop: timers in order, tasks in turn, and no event for a closed watch. */
#include "proxy/loop.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static struct timer_queue fast, slow;
static char order[64];

static void note(char what)
{
	size_t used = strlen(order);

	ck_assert_uint_lt(used + 1, sizeof(order));
	order[used] = what;
}

static void fast_expired(struct timer *timer)
{
	(void)timer;
	note('f');
}

static void slow_expired(struct timer *timer)
{
	(void)timer;
	note('s');
	loop_stop(loop);
}

static void start(void)
{
	struct err err;

	loop = loop_new(&err);
	ck_assert_ptr_nonnull(loop);
	timer_queue_init(loop, &fast, 10, fast_expired);
	timer_queue_init(loop, &slow, 40, slow_expired);
	memset(order, 0, sizeof(order));
}

static void stop(void)
{
	loop_free(loop);
}

static void run(void)
{
	struct err err;

	ck_assert_int_eq(loop_run(loop, &err), 0);
}

START_TEST(expires_timers_in_the_order_of_their_time)
{
	struct timer timers[4] = { 0 };

	timer_start(&slow, &timers[0]);
	timer_start(&fast, &timers[1]);
	timer_start(&fast, &timers[2]);
	timer_start(&fast, &timers[3]);
	timer_stop(&timers[2]);
	timer_stop(&timers[2]); /* twice is fine */
	run();
	ck_assert_str_eq(order, "ffs");
}
END_TEST

START_TEST(starts_a_running_timer_anew)
{
	struct timer timers[2] = { 0 };
	uint64_t due_ms;

	timer_start(&slow, &timers[0]);
	due_ms = timers[0].due_ms;
	timer_start(&slow, &timers[0]);
	ck_assert_uint_ge(timers[0].due_ms, due_ms);
	run();
	ck_assert_str_eq(order, "s");
}
END_TEST

static struct task again;
static int turns;

static void take_turn(struct task *task)
{
	note('t');
	if (++turns < 3)
		task_queue(loop, task);
	else
		loop_stop(loop);
}

START_TEST(runs_a_task_once_a_round)
{
	struct task cancelled = { .run = take_turn };

	turns = 0;
	again = (struct task) { .run = take_turn };
	task_queue(loop, &again);
	task_queue(loop, &again);
	task_queue(loop, &cancelled);
	task_cancel(&cancelled);
	run();
	ck_assert_str_eq(order, "ttt");
}
END_TEST

static struct watch *watches[2];

/* Whichever comes first closes the other, whose event is in the same batch. */
static void close_the_other(void *owner, uint32_t events)
{
	size_t own = (size_t)(*(char *)owner - '0');

	(void)events;
	note('w');
	watch_close(loop, &watches[1 - own]);
	watch_close(loop, &watches[own]);
	loop_stop(loop);
}

START_TEST(drops_events_of_a_closed_watch)
{
	static char names[2] = { '0', '1' };
	int pipes[2][2];

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
		ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
		watches[i] = watch_new(loop, pipes[i][0], close_the_other, &names[i]);
		ck_assert_int_eq(watch_start(loop, watches[i], EPOLLIN), 0);
	}
	run();
	ck_assert_str_eq(order, "w");
	for (size_t i = 0; i < 2; i++)
		(void)close(pipes[i][1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/loop");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(all, start, stop);
	tcase_add_test(all, expires_timers_in_the_order_of_their_time);
	tcase_add_test(all, starts_a_running_timer_anew);
	tcase_add_test(all, runs_a_task_once_a_round);
	tcase_add_test(all, drops_events_of_a_closed_watch);
	return suite_run(suite);
}

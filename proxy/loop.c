/*
 * The event loop. See loop.h.
 *
 * A handler may close any watch, also one whose event lies further on in the batch that
 * epoll_wait() returned. Closed watches therefore stay allocated, deaf, until the round ends.
 */
#include "proxy/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_A_ROUND 64

struct loop {
	int epoll_fd; /* owned */
	bool is_stopping;
	uint64_t now_ms;
	struct timer_queue *queues;
	struct link tasks;
	struct watch *closed; /* in this round */
	struct watch *spare;
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct loop *loop_new(struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		err_set(err, ENOMEM, "allocate the event loop");
		return NULL;
	}
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err_set(err, errno, "epoll_create1");
		free(loop);
		return NULL;
	}
	link_ring_init(&loop->tasks);
	loop->now_ms = clock_ms();
	return loop;
}

static void free_watches(struct watch *watch)
{
	while (watch) {
		struct watch *next = watch->next;

		free(watch);
		watch = next;
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	free_watches(loop->closed);
	free_watches(loop->spare);
	(void)close(loop->epoll_fd); /* nothing was written to it */
	free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

struct watch *watch_new(struct loop *loop, int fd, watch_fn *ready, void *owner)
{
	struct watch *watch = loop->spare;

	if (watch)
		loop->spare = watch->next;
	else
		watch = malloc(sizeof(*watch));
	if (watch)
		*watch = (struct watch) { .ready = ready, .owner = owner, .fd = fd };
	return watch;
}

static int control(struct loop *loop, int operation, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0 ? -errno : 0;
}

int watch_start(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, watch, events);
}

int watch_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, watch, events);
}

static void retire(struct loop *loop, struct watch **watch)
{
	(*watch)->ready = NULL;
	(*watch)->next = loop->closed;
	loop->closed = *watch;
	*watch = NULL;
}

void watch_close(struct loop *loop, struct watch **watch)
{
	if (!*watch)
		return;
	/* Closing also leaves epoll: nobody else holds the open file. */
	(void)close((*watch)->fd);
	retire(loop, watch);
}

void watch_forget(struct loop *loop, struct watch **watch)
{
	if (!*watch)
		return;
	(void)control(loop, EPOLL_CTL_DEL, *watch, 0); /* it may never have been started */
	retire(loop, watch);
}

void timer_queue_init(struct loop *loop, struct timer_queue *queue, uint32_t delay_ms,
		      void (*expired)(struct timer *timer))
{
	*queue = (struct timer_queue) {
		.loop = loop,
		.next = loop->queues,
		.delay_ms = delay_ms,
		.expired = expired,
	};
	link_ring_init(&queue->timers);
	loop->queues = queue;
}

void timer_start(struct timer_queue *queue, struct timer *timer)
{
	link_remove(&timer->link);
	timer->due_ms = queue->loop->now_ms + queue->delay_ms;
	link_append(&queue->timers, &timer->link);
}

void timer_stop(struct timer *timer)
{
	link_remove(&timer->link);
}

static struct timer *first_timer(struct timer_queue *queue)
{
	if (link_ring_is_empty(&queue->timers))
		return NULL;
	return CONTAINER_OF(queue->timers.next, struct timer, link);
}

static void expire_timers(struct loop *loop)
{
	for (struct timer_queue *queue = loop->queues; queue; queue = queue->next) {
		struct timer *timer;

		while ((timer = first_timer(queue)) && timer->due_ms <= loop->now_ms) {
			timer_stop(timer);
			queue->expired(timer);
		}
	}
}

/* How long epoll_wait() may sleep; -1 = for ever. */
static int patience_ms(struct loop *loop)
{
	uint64_t due_ms = UINT64_MAX;

	if (!link_ring_is_empty(&loop->tasks))
		return 0;
	for (struct timer_queue *queue = loop->queues; queue; queue = queue->next) {
		const struct timer *timer = first_timer(queue);

		if (timer && timer->due_ms < due_ms)
			due_ms = timer->due_ms;
	}
	if (due_ms == UINT64_MAX)
		return -1;
	return due_ms <= loop->now_ms ? 0 : (int)(due_ms - loop->now_ms);
}

void task_queue(struct loop *loop, struct task *task)
{
	if (!link_is_in(&task->link))
		link_append(&loop->tasks, &task->link);
}

void task_cancel(struct task *task)
{
	link_remove(&task->link);
}

/* Tasks queued meanwhile wait for the next round. */
static void run_tasks(struct loop *loop)
{
	struct link now;
	struct link *link;

	if (link_ring_is_empty(&loop->tasks))
		return;
	now = loop->tasks;
	now.next->previous = &now;
	now.previous->next = &now;
	link_ring_init(&loop->tasks);
	while ((link = link_pop(&now))) {
		struct task *task = CONTAINER_OF(link, struct task, link);

		task->run(task);
	}
}

static void bury(struct loop *loop)
{
	while (loop->closed) {
		struct watch *watch = loop->closed;

		loop->closed = watch->next;
		watch->next = loop->spare;
		loop->spare = watch;
	}
}

int loop_run(struct loop *loop, struct err *err)
{
	struct epoll_event events[EVENTS_A_ROUND];

	while (!loop->is_stopping) {
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_ROUND, patience_ms(loop));

		if (count < 0 && errno != EINTR)
			return err_set(err, errno, "epoll_wait");
		loop->now_ms = clock_ms();
		for (int i = 0; i < count; i++) {
			struct watch *watch = events[i].data.ptr;

			if (watch->ready)
				watch->ready(watch->owner, events[i].events);
		}
		expire_timers(loop);
		run_tasks(loop);
		bury(loop);
	}
	return 0;
}

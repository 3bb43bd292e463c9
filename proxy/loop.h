/* The event loop: descriptors, timers and deferred work of one thread. */
#ifndef NSGATE_LOOP_H
#define NSGATE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/base/err.h"
#include "proxy/link.h"

struct loop;

typedef void watch_fn(void *owner, uint32_t events);

/* A descriptor with somebody to tell. Lives in the loop's pool, so that a late event finds it. */
struct watch {
	watch_fn *ready; /* NULL once closed */
	void *owner;
	struct watch *next; /* the loop's */
	int fd; /* owned */
};

/* Work put off to the end of the round, so that one busy connection does not starve others. */
struct task {
	struct link link;
	void (*run)(struct task *task);
};

struct timer {
	struct link link;
	uint64_t due_ms;
};

/*
 * Timers of one kind. All have the same delay, so they expire in the order they were started:
 * starting, stopping and finding the next are O(1).
 */
struct timer_queue {
	struct loop *loop;
	struct timer_queue *next; /* the loop's */
	struct link timers;
	uint32_t delay_ms;
	void (*expired)(struct timer *timer);
};

struct loop *loop_new(struct err *err);
/* Queues, tasks and watches of others must be gone or are forgotten. */
void loop_free(struct loop *loop);

/* Serves until loop_stop(). Returns 0 or -errno. */
int loop_run(struct loop *loop, struct err *err);
void loop_stop(struct loop *loop);

/* Monotonic, as of the start of this round. */
uint64_t loop_now_ms(const struct loop *loop);

/* Takes @fd; watches nothing yet. NULL without memory, and then @fd stays the caller's. */
struct watch *watch_new(struct loop *loop, int fd, watch_fn *ready, void *owner);
/* EPOLL_CTL_ADD and _MOD. Return 0 or -errno. */
int watch_start(struct loop *loop, struct watch *watch, uint32_t events);
int watch_change(struct loop *loop, struct watch *watch, uint32_t events);
/* Closes the descriptor; events still in hand are dropped. NULL is fine. */
void watch_close(struct loop *loop, struct watch **watch);
/* The same for a descriptor that somebody else closes. */
void watch_forget(struct loop *loop, struct watch **watch);

void timer_queue_init(struct loop *loop, struct timer_queue *queue, uint32_t delay_ms,
		      void (*expired)(struct timer *timer));
/* A running timer starts anew. */
void timer_start(struct timer_queue *queue, struct timer *timer);
void timer_stop(struct timer *timer);

/* Runs @task in the next round; once, however often it is asked for. */
void task_queue(struct loop *loop, struct task *task);
void task_cancel(struct task *task);

#endif

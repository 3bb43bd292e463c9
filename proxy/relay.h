/* Moves bytes between two sockets inside the kernel, with splice(2). */
#ifndef NSGATE_RELAY_H
#define NSGATE_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "proxy/link.h"

/* Edge-triggered and both ways at once: a socket is registered once and never changed. */
#define RELAY_EVENTS ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET))

struct pipe;

/*
 * The pipes of all connections. A flow holds one only while bytes are under way, so an idle
 * connection costs none; the number is bounded, because their buffers are kernel memory.
 */
struct pipes {
	struct pipe *spare; /* owned, empty ones */
	unsigned spare_count;
	unsigned count; /* all that exist */
	unsigned max;
	struct link waiting; /* of struct pipe_waiter */
};

/* Called once, when a pipe may be had again. */
struct pipe_waiter {
	struct link link;
	void (*available)(struct pipe_waiter *waiter);
};

/* One socket, as far as its edge-triggered events have told. */
struct relay_end {
	int fd; /* its owner's */
	bool can_read;
	bool can_write;
	bool has_hangup; /* an end of stream or an error waits behind the bytes */
	bool has_urgent; /* splice(2) does not get past an urgent mark */
	bool has_ended; /* no more bytes will come */
	bool is_broken; /* reset; nothing can be written */
};

/* One direction. */
struct relay_flow {
	struct pipe *pipe; /* owned; NULL unless bytes are under way */
	uint64_t bytes; /* delivered */
	uint64_t
		allowance; /* only with is_limited: bytes that may still be taken from the source */
	bool is_limited;
	bool is_finished; /* the source has ended and all of it was delivered */
};

enum relay_result {
	RELAY_WAIT, /* for an event of either end */
	RELAY_AGAIN, /* the turn is over, but there is more to do */
	RELAY_SPENT, /* the allowance is used up, and all of it delivered; the pipe is given back */
	RELAY_STARVED, /* no pipe was free: pipes_wait() */
	RELAY_FINISHED, /* all delivered; the end of stream is the caller's to pass on */
	RELAY_BROKEN /* an end is_broken */
};

void pipes_init(struct pipes *pipes, unsigned max);
void pipes_done(struct pipes *pipes);
void pipes_wait(struct pipes *pipes, struct pipe_waiter *waiter);
void pipes_stop_waiting(struct pipe_waiter *waiter);

/* Takes in what epoll said (EPOLLET; IN, OUT, RDHUP, PRI). */
void relay_note(struct relay_end *end, uint32_t events);

/* Moves what can be moved, for at most one turn. */
enum relay_result relay_pump(struct pipes *pipes, struct relay_flow *flow, struct relay_end *from,
			     struct relay_end *to);

/* Gives the pipe back; bytes in it are lost. */
void relay_drop(struct pipes *pipes, struct relay_flow *flow);

#endif

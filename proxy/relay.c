/*
 * Moves bytes between two sockets. See relay.h.
 *
 * Socket -> pipe -> socket, no copy through user space. A flow reads only into an empty pipe, so
 * "would block" always has one meaning; back-pressure is bytes left in the pipe.
 */
#include "proxy/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPLICES_A_TURN	32
#define SPARE_PIPES_MAX 32
#define PIPE_LARGE	(1024 * 1024)
#define PIPE_MIDDLE	(256 * 1024)
#define PIPES_LARGE	8
#define PIPES_MIDDLE	64
#define PIPE_SLOT_BYTES 4096
#define PIPE_COPY_BYTES (64 * 1024) /* what every pipe holds when it is filled by write(2) */
#define SPLICE_FLAGS	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

struct pipe {
	struct pipe *next;
	int read_fd, write_fd; /* owned */
	unsigned size;
	unsigned held; /* bytes in it */
};

void pipes_init(struct pipes *pipes, unsigned max)
{
	*pipes = (struct pipes) { .max = max };
	link_ring_init(&pipes->waiting);
}

static void pipe_free(struct pipes *pipes, struct pipe *pipe)
{
	(void)close(pipe->read_fd); /* what it holds is meant to be lost */
	(void)close(pipe->write_fd);
	free(pipe);
	pipes->count--;
}

void pipes_done(struct pipes *pipes)
{
	while (pipes->spare) {
		struct pipe *pipe = pipes->spare;

		pipes->spare = pipe->next;
		pipe_free(pipes, pipe);
	}
	pipes->spare_count = 0;
}

void pipes_wait(struct pipes *pipes, struct pipe_waiter *waiter)
{
	if (!link_is_in(&waiter->link))
		link_append(&pipes->waiting, &waiter->link);
}

void pipes_stop_waiting(struct pipe_waiter *waiter)
{
	link_remove(&waiter->link);
}

/*
 * A large pipe carries a fast stream in fewer calls (1 MiB: a tenth faster than 256 KiB, a third
 * than 64 KiB), but all pipes of a user share 64 MiB, beyond which the kernel makes new ones, also
 * other programs', very small. So only the first ones are large.
 */
static int size_pipe(const struct pipes *pipes, int fd)
{
	int size = -1;

	if (pipes->count < PIPES_LARGE)
		size = fcntl(fd, F_SETPIPE_SZ, PIPE_LARGE);
	else if (pipes->count < PIPES_MIDDLE)
		size = fcntl(fd, F_SETPIPE_SZ, PIPE_MIDDLE);
	return size > 0 ? size : fcntl(fd, F_GETPIPE_SZ);
}

static struct pipe *pipe_new(struct pipes *pipes)
{
	struct pipe *pipe;
	int ends[2];
	int size;

	if (pipes->count >= pipes->max)
		return NULL;
	pipe = malloc(sizeof(*pipe));
	if (!pipe)
		return NULL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(pipe);
		return NULL;
	}
	size = size_pipe(pipes, ends[1]);
	*pipe = (struct pipe) {
		.read_fd = ends[0],
		.write_fd = ends[1],
		.size = size > 0 ? (unsigned)size : PIPE_SLOT_BYTES,
	};
	pipes->count++;
	return pipe;
}

static struct pipe *pipe_take(struct pipes *pipes)
{
	struct pipe *pipe = pipes->spare;

	if (!pipe)
		return pipe_new(pipes);
	pipes->spare = pipe->next;
	pipes->spare_count--;
	return pipe;
}

void relay_drop(struct pipes *pipes, struct relay_flow *flow)
{
	struct pipe *pipe = flow->pipe;
	struct link *waiting;

	if (!pipe)
		return;
	flow->pipe = NULL;
	if (pipe->held > 0 || pipes->spare_count >= SPARE_PIPES_MAX) {
		pipe_free(pipes, pipe);
	} else {
		pipe->next = pipes->spare;
		pipes->spare = pipe;
		pipes->spare_count++;
	}
	waiting = link_pop(&pipes->waiting);
	if (waiting) {
		struct pipe_waiter *waiter = CONTAINER_OF(waiting, struct pipe_waiter, link);

		waiter->available(waiter);
	}
}

void relay_note(struct relay_end *end, uint32_t events)
{
	const uint32_t hangup = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (events & (EPOLLIN | EPOLLPRI | hangup))
		end->can_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		end->can_write = true;
	if (events & hangup)
		end->has_hangup = true;
	if ((events & EPOLLPRI) && !end->has_urgent) {
		int one = 1;

		/* The byte stays in the stream; that it was urgent is lost. */
		(void)setsockopt(end->fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
		end->has_urgent = true;
	}
}

/* recv(2) gets past an urgent mark; only connections that use one pay for the copy. */
static ssize_t fill_by_copy(const struct relay_end *from, const struct pipe *pipe, size_t room)
{
	static char bytes[PIPE_COPY_BYTES];
	ssize_t got;

	if (room > sizeof(bytes))
		room = sizeof(bytes);
	got = recv(from->fd, bytes, room, MSG_DONTWAIT);

	return got <= 0 ? got : write(pipe->write_fd, bytes, (size_t)got);
}

/* Returns false when the flow cannot go on; *@result_out says why. */
static bool fill(struct pipes *pipes, struct relay_flow *flow, struct relay_end *from,
		 enum relay_result *result_out)
{
	size_t room;
	ssize_t got;

	*result_out = RELAY_STARVED;
	if (!flow->pipe)
		flow->pipe = pipe_take(pipes);
	if (!flow->pipe)
		return false;
	room = flow->pipe->size;
	if (flow->is_limited && flow->allowance < room)
		room = (size_t)flow->allowance;
	if (from->has_urgent)
		got = fill_by_copy(from, flow->pipe, room);
	else
		got = splice(from->fd, NULL, flow->pipe->write_fd, NULL, room, SPLICE_FLAGS);
	if (got < 0 && errno == EAGAIN) {
		from->can_read = false;
		return true;
	}
	if (got < 0 || (got == 0 && from->is_broken)) {
		from->has_ended = true;
		from->is_broken = true;
		*result_out = RELAY_BROKEN;
		return false;
	}
	if (got == 0) {
		from->has_ended = true;
		return true;
	}
	flow->pipe->held = (unsigned)got;
	if (flow->is_limited)
		flow->allowance -= (uint64_t)got;
	/* Fewer bytes than slots: the pipe was not what stopped us, so the socket is drained. */
	if (!from->has_hangup && !from->has_urgent && (size_t)got < room &&
	    (size_t)got < flow->pipe->size / PIPE_SLOT_BYTES)
		from->can_read = false;
	return true;
}

static bool drain(struct relay_flow *flow, struct relay_end *to, enum relay_result *result_out)
{
	ssize_t put =
		splice(flow->pipe->read_fd, NULL, to->fd, NULL, flow->pipe->held, SPLICE_FLAGS);

	if (put < 0 && errno == EAGAIN) {
		to->can_write = false;
		*result_out = RELAY_WAIT;
		return false;
	}
	if (put < 0) {
		to->is_broken = true;
		*result_out = RELAY_BROKEN;
		return false;
	}
	flow->pipe->held -= (unsigned)put;
	flow->bytes += (uint64_t)put;
	return true;
}

enum relay_result relay_pump(struct pipes *pipes, struct relay_flow *flow, struct relay_end *from,
			     struct relay_end *to)
{
	enum relay_result result;

	if (flow->is_finished)
		return RELAY_FINISHED;
	for (int i = 0; i < SPLICES_A_TURN; i++) {
		if (flow->pipe && flow->pipe->held > 0) {
			if (!to->can_write)
				return RELAY_WAIT;
			if (!drain(flow, to, &result))
				return result;
		} else if (from->has_ended) {
			relay_drop(pipes, flow);
			flow->is_finished = true;
			return RELAY_FINISHED;
		} else if (flow->is_limited && flow->allowance == 0) {
			relay_drop(pipes, flow);
			return RELAY_SPENT;
		} else if (!from->can_read) {
			relay_drop(pipes, flow);
			return RELAY_WAIT;
		} else if (!fill(pipes, flow, from, &result)) {
			return result;
		}
	}
	return RELAY_AGAIN;
}

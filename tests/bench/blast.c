/*
 * blast - one server and its clients, for measuring a network path
 *
 *   blast serve ADDRESS PORT               until killed; a line on descriptor 3 once it listens
 *   blast up   HOST PORT BYTES WRITE-SIZE  MiB/s from the first byte to the server's acknowledgement
 *   blast down HOST PORT BYTES WRITE-SIZE  MiB/s from the request to the end of stream
 *   blast rate HOST PORT COUNT PARALLEL    connections per second: connect, a byte there and back, close
 *   blast latency HOST PORT COUNT          "P50 P90" in microseconds: connect and the first byte back
 *   blast hold HOST PORT COUNT             opens COUNT, prints "holding", keeps them until stdin ends
 *
 * A connection starts with a request: one byte that says what is wanted, and for up and down a struct
 * transfer. The name is resolved once, before the clock starts. Counts of bytes are checked: a path
 * that loses some fails instead of being fast.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WRITE_MAX    (4u << 20)
#define PARALLEL_MAX 256

/*
 * No byte of a text protocol: a proxy that looks for HTTP may wait for more of what could be a method,
 * and the wait would be measured.
 */
enum want {
	WANT_ECHO = 1, /* one byte back, then close */
	WANT_HOLD = 2, /* one byte back, then nothing until the client closes */
	WANT_UP = 3, /* read to the end of stream, then send the count */
	WANT_DOWN = 4, /* send that many bytes, then close */
};

struct transfer {
	uint64_t bytes;
	uint32_t write_size;
	uint32_t unused;
};

struct target {
	struct sockaddr_storage address;
	socklen_t length;
	int family;
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	fputs("blast: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (errno: %s)\n", strerrordesc_np(saved));
	exit(1);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > max)
		die("'%s' is not a number up to %lu", text, max);
	return value;
}

static int send_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -1;
		at += sent;
		length -= (size_t)sent;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t length)
{
	char *at = data;

	while (length > 0) {
		ssize_t got = recv(fd, at, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		at += got;
		length -= (size_t)got;
	}
	return 0;
}

/* Sends that many bytes in writes of that size; the content does not matter here. */
static int send_bytes(int fd, const struct transfer *transfer)
{
	char *block = calloc(1, transfer->write_size);
	uint64_t left = transfer->bytes;
	int rc = block ? 0 : -1;

	while (rc == 0 && left > 0) {
		size_t size = left < transfer->write_size ? (size_t)left : transfer->write_size;

		rc = send_all(fd, block, size);
		left -= size;
	}
	free(block);
	return rc;
}

/* Reads to the end of stream; returns how much there was. */
static uint64_t drain(int fd)
{
	static _Thread_local char block[256 << 10];
	uint64_t count = 0;

	for (;;) {
		ssize_t got = recv(fd, block, sizeof(block), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return count;
		count += (uint64_t)got;
	}
}

/* ---- server ---- */

struct job {
	int fd;
	char want;
};

static void *serve_transfer(void *data)
{
	struct job *job = data;
	struct transfer transfer;
	uint64_t count;

	if (receive_all(job->fd, &transfer, sizeof(transfer)) == 0 && transfer.write_size > 0 &&
	    transfer.write_size <= WRITE_MAX) {
		if (job->want == WANT_UP) {
			count = drain(job->fd);
			(void)send_all(job->fd, &count,
				       sizeof(count)); /* the client counts what it got */
		} else {
			(void)send_bytes(job->fd, &transfer);
		}
	}
	close(job->fd);
	free(job);
	return NULL;
}

static void serve_readable(int epoll, int fd)
{
	struct job *job;
	pthread_t thread;
	char want;

	/* The second byte of a held connection is its end. */
	if (recv(fd, &want, 1, 0) != 1) {
		close(fd);
		return;
	}
	switch (want) {
	case WANT_ECHO:
		(void)send_all(fd, &want, 1);
		close(fd);
		return;
	case WANT_HOLD:
		(void)send_all(fd, &want, 1);
		return;
	case WANT_UP:
	case WANT_DOWN:
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		job = malloc(sizeof(*job));
		if (!job)
			die("out of memory");
		*job = (struct job) { .fd = fd, .want = want };
		if (pthread_create(&thread, NULL, serve_transfer, job) != 0)
			die("pthread_create");
		pthread_detach(thread);
		return;
	default:
		close(fd);
	}
}

static void serve(const struct target *target)
{
	int listener = socket(target->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
	if (bind(listener, (const struct sockaddr *)&target->address, target->length) < 0 ||
	    listen(listener, 4096) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
		die("listen");
	if (write(3, "ready\n", 6) != 6)
		die("nobody waits on descriptor 3");
	close(3);
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				serve_readable(epoll, fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
			event.data.fd = fd;
			epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
		}
	}
}

/* ---- clients ---- */

static int dial(const struct target *target)
{
	int fd = socket(target->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&target->address, target->length) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
	return fd;
}

static void blast(const struct target *target, char want, struct transfer transfer)
{
	int fd = dial(target);
	uint64_t count = 0;
	double start = now_s();

	if (send_all(fd, &want, 1) < 0 || send_all(fd, &transfer, sizeof(transfer)) < 0)
		die("send the request");
	if (want == WANT_UP) {
		if (send_bytes(fd, &transfer) < 0 || shutdown(fd, SHUT_WR) < 0 ||
		    receive_all(fd, &count, sizeof(count)) < 0)
			die("send");
	} else {
		count = drain(fd);
	}
	if (count != transfer.bytes)
		die("%llu bytes arrived of %llu", (unsigned long long)count,
		    (unsigned long long)transfer.bytes);
	printf("%.1f\n", (double)count / (1 << 20) / (now_s() - start));
	close(fd);
}

/* Connects, exchanges the byte; returns the socket. */
static int touch(const struct target *target, char want)
{
	int fd = dial(target);
	char answer;

	if (send_all(fd, &want, 1) < 0 || receive_all(fd, &answer, 1) < 0 || answer != want)
		die("no byte came back");
	return fd;
}

struct share {
	const struct target *target;
	unsigned long count;
};

static void *touch_many(void *data)
{
	const struct share *share = data;

	for (unsigned long i = 0; i < share->count; i++)
		close(touch(share->target, WANT_ECHO));
	return NULL;
}

static void rate(const struct target *target, unsigned long count, unsigned long parallel)
{
	struct share share = { target, count / parallel };
	pthread_t threads[PARALLEL_MAX];
	double start = now_s();

	for (unsigned long i = 0; i < parallel; i++) {
		if (pthread_create(&threads[i], NULL, touch_many, &share) != 0)
			die("pthread_create");
	}
	for (unsigned long i = 0; i < parallel; i++)
		pthread_join(threads[i], NULL);
	printf("%.1f\n", (double)(share.count * parallel) / (now_s() - start));
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static void latency(const struct target *target, unsigned long count)
{
	double *us = calloc(count, sizeof(*us));

	if (!us)
		die("out of memory");
	close(touch(target, WANT_ECHO)); /* not counted: ARP, caches */
	for (unsigned long i = 0; i < count; i++) {
		double start = now_s();
		int fd = touch(target, WANT_ECHO);

		us[i] = (now_s() - start) * 1e6;
		close(fd);
	}
	qsort(us, count, sizeof(*us), compare);
	printf("%.1f %.1f\n", us[count / 2], us[count * 9 / 10]);
	free(us);
}

static void hold(const struct target *target, unsigned long count)
{
	char ignored;

	for (unsigned long i = 0; i < count; i++)
		touch(target, WANT_HOLD);
	puts("holding");
	fflush(stdout);
	while (read(STDIN_FILENO, &ignored, 1) > 0)
		;
}

static void resolve(const char *host, const char *port, struct target *target_out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET };
	struct addrinfo *found;
	int rc = getaddrinfo(host, port, &hints, &found);

	if (rc != 0)
		die("%s: %s", host, gai_strerror(rc));
	*target_out = (struct target) { .length = found->ai_addrlen, .family = found->ai_family };
	memcpy(&target_out->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct target target;
	const char *what = argc > 1 ? argv[1] : "";

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (argc < 4)
		die("usage: see the head of blast.c");
	resolve(argv[2], argv[3], &target);
	if (strcmp(what, "serve") == 0 && argc == 4)
		serve(&target);
	else if ((strcmp(what, "up") == 0 || strcmp(what, "down") == 0) && argc == 6)
		blast(&target, what[0] == 'u' ? WANT_UP : WANT_DOWN,
		      (struct transfer) { .bytes = number(argv[4], 1ul << 40),
					  .write_size = (uint32_t)number(argv[5], WRITE_MAX) });
	else if (strcmp(what, "rate") == 0 && argc == 6)
		rate(&target, number(argv[4], 1000000), number(argv[5], PARALLEL_MAX));
	else if (strcmp(what, "latency") == 0 && argc == 5)
		latency(&target, number(argv[4], 1000000));
	else if (strcmp(what, "hold") == 0 && argc == 5)
		hold(&target, number(argv[4], 100000));
	else
		die("usage: see the head of blast.c");
	return 0;
}

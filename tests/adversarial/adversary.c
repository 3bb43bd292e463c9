/*
 * adversary - calls that a hostile payload makes and no usual tool does
 *
 *   adversary dial ADDRESS PORT [TEXT]              connect, send TEXT, read
 *   adversary dial-from SOURCE ADDRESS PORT [TEXT]  the same, bound to a source address first
 *   adversary dial-with OPTION ADDRESS PORT         the same, with a socket option first
 *   adversary fast-open ADDRESS PORT TEXT           the same, TEXT in the SYN
 *   adversary self ADDRESS PORT                     a socket that connects to itself
 *   adversary twins SOURCE-PORT ADDRESS PORT ADDRESS PORT
 *                                                   two connections from one source port at once
 *   adversary flows COUNT ADDRESS PORT              one short connection after the other
 *   adversary datagrams COUNT ADDRESS PORT          as many sockets: send, and send again
 *   adversary socket FAMILY TYPE PROTOCOL           numbers
 *   adversary namespaces                            every way into another network namespace
 *
 * Prints how each attempt ended: the name of the errno, "EOF", "TIMEOUT" after DIAL_MS, "OK" or "got
 * LINE". The exit status is 0 unless the call was wrong: whether an end is right, the test decides.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIAL_MS	   2000
#define LINE_BYTES 200

/* from linux/in6.h and linux/tcp.h, which clash with the C library's */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

struct target {
	struct sockaddr_storage address;
	socklen_t length;
};

_Noreturn static void die(const char *what, const char *text)
{
	(void)fprintf(stderr, "adversary: %s: %s\n", what, text);
	exit(2);
}

static long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 0);

	if (end == text || *end)
		die("not a number", text);
	return value;
}

static struct target target_of(const char *address, const char *port)
{
	struct target target = { .length = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&target.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target.address;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)number(port));
		return target;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		die("not an address", address);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)number(port));
	target.length = sizeof(*v6);
	return target;
}

static long now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int open_socket(const struct target *target, int type)
{
	int fd = socket(target->address.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket", strerrorname_np(errno));
	return fd;
}

/* ---- how an attempt ended ------------------------------------------------------------------ */

/* What the last call failed with, or what else there is to say. The text is static. */
static const char *reason(void)
{
	return errno == EAGAIN || errno == EINPROGRESS ? "TIMEOUT" : strerrorname_np(errno);
}

static int bind_to(int fd, const struct target *source)
{
	return bind(fd, (const struct sockaddr *)&source->address, source->length);
}

/* A SYN without an answer is given up after DIAL_MS, as is a read. */
static void bound_time(int fd)
{
	struct timeval limit = { .tv_sec = DIAL_MS / 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		die("setsockopt", strerrorname_np(errno));
}

static const char *await_answer(int fd)
{
	static char line[LINE_BYTES + 4];
	ssize_t got = recv(fd, line + 4, LINE_BYTES - 1, 0);

	if (got < 0)
		return reason();
	if (got == 0)
		return "EOF";
	line[4 + got] = '\0';
	line[4 + strcspn(line + 4, "\r\n")] = '\0';
	memcpy(line, "got ", 4);
	return line;
}

static const char *dial(int fd, const struct target *target, const char *text)
{
	bound_time(fd);
	if (connect(fd, (const struct sockaddr *)&target->address, target->length) < 0)
		return reason();
	if (text && send(fd, text, strlen(text), 0) < 0)
		return reason();
	return await_answer(fd);
}

/* ---- TCP ----------------------------------------------------------------------------------- */

static int run_dial(char **words)
{
	struct target target = target_of(words[0], words[1]);
	int fd = open_socket(&target, SOCK_STREAM);

	(void)puts(dial(fd, &target, words[2]));
	return 0;
}

/* Also addresses that are not ours: a free bind needs no right. */
static int run_dial_from(char **words)
{
	struct target source = target_of(words[0], "0");
	struct target target = target_of(words[1], words[2]);
	int fd = open_socket(&target, SOCK_STREAM);
	int on = 1;

	if (setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on)) < 0 &&
	    setsockopt(fd, SOL_IPV6, IPV6_FREEBIND, &on, sizeof(on)) < 0)
		die("free bind", strerrorname_np(errno));
	if (bind_to(fd, &source) < 0)
		(void)puts(strerrorname_np(errno));
	else
		(void)puts(dial(fd, &target, words[3]));
	return 0;
}

/* Loose source route through 198.51.100.7, padded to a multiple of four. */
static const uint8_t source_route[] = { 131, 7, 4, 198, 51, 100, 7, 0 };

/* A segment routing header with one segment, 2606:2800::1, still to go. */
static const uint8_t segment_route[] = { 0, 2, 4, 0, 0, 0, 0, 0, 0x26, 0x06, 0x28, 0x00,
					 0, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0,	   1 };

static const uint8_t one[] = { 1, 0, 0, 0 };

static const struct {
	const char *name;
	int level, option;
	const void *value;
	socklen_t length;
} options[] = {
	{ "mark", SOL_SOCKET, SO_MARK, one, sizeof(one) },
	{ "eth0", SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5 },
	{ "lo", SOL_SOCKET, SO_BINDTODEVICE, "lo", 3 },
	{ "dontroute", SOL_SOCKET, SO_DONTROUTE, one, sizeof(one) },
	{ "priority", SOL_SOCKET, SO_PRIORITY, "\7\0\0", 4 },
	{ "source-route", SOL_IP, IP_OPTIONS, source_route, sizeof(source_route) },
	{ "transparent", SOL_IP, IP_TRANSPARENT, one, sizeof(one) },
	{ "transparent6", SOL_IPV6, IPV6_TRANSPARENT, one, sizeof(one) },
	{ "hdrincl", SOL_IP, IP_HDRINCL, one, sizeof(one) },
	{ "ttl", SOL_IP, IP_TTL, one, sizeof(one) },
	{ "hops", SOL_IPV6, IPV6_UNICAST_HOPS, one, sizeof(one) },
	{ "segment-route", SOL_IPV6, IPV6_RTHDR, segment_route, sizeof(segment_route) },
	{ "hop-options", SOL_IPV6, IPV6_HOPOPTS, "\0\0\1\4\0\0\0\0", 8 },
	{ "repair", SOL_TCP, TCP_REPAIR, one, sizeof(one) },
	{ "mptcp", SOL_TCP, TCP_ULP, "mptcp", 5 },
};

static int run_dial_with(char **words)
{
	struct target target = target_of(words[1], words[2]);
	int fd = open_socket(&target, SOCK_STREAM);

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, words[0]) != 0)
			continue;
		if (setsockopt(fd, options[i].level, options[i].option, options[i].value,
			       options[i].length) < 0)
			(void)printf("refused %s\n", strerrorname_np(errno));
		else
			(void)puts(dial(fd, &target, NULL));
		return 0;
	}
	die("unknown option", words[0]);
}

static int run_fast_open(char **words)
{
	struct target target = target_of(words[0], words[1]);
	int fd = open_socket(&target, SOCK_STREAM);

	bound_time(fd);
	if (sendto(fd, words[2], strlen(words[2]), MSG_FASTOPEN, (struct sockaddr *)&target.address,
		   target.length) < 0)
		(void)puts(reason());
	else
		(void)puts(await_answer(fd));
	return 0;
}

static int run_self(char **words)
{
	struct target target = target_of(words[0], words[1]);
	int fd = open_socket(&target, SOCK_STREAM);

	if (bind_to(fd, &target) < 0)
		(void)puts(strerrorname_np(errno));
	else
		(void)puts(dial(fd, &target, "to myself"));
	return 0;
}

static int open_reusable(const struct target *source)
{
	int fd = open_socket(source, SOCK_STREAM | SOCK_NONBLOCK);
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    bind_to(fd, source) < 0)
		die("bind", strerrorname_np(errno));
	return fd;
}

/* The end of a non-blocking connect, or the first bytes. */
static const char *finish(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, DIAL_MS) == 1 ? await_answer(fd) : "TIMEOUT";
}

static int run_twins(char **words)
{
	const struct target targets[] = { target_of(words[1], words[2]),
					  target_of(words[3], words[4]) };
	const struct target source =
		target_of(targets[0].address.ss_family == AF_INET ? "0.0.0.0" : "::", words[0]);
	const int fds[] = { open_reusable(&source), open_reusable(&source) };

	for (int i = 0; i < 2; i++) {
		if (connect(fds[i], (const struct sockaddr *)&targets[i].address,
			    targets[i].length) < 0 &&
		    errno != EINPROGRESS)
			die("connect", strerrorname_np(errno));
	}
	(void)puts(finish(fds[0]));
	(void)puts(finish(fds[1]));
	return 0;
}

/* ---- many ---------------------------------------------------------------------------------- */

/* How many attempts ended in which way. */
static struct {
	char end[LINE_BYTES + 4];
	unsigned count;
} tally[16];

static void count(const char *end)
{
	size_t i = 0;

	while (tally[i].count > 0 && strcmp(tally[i].end, end) != 0) {
		if (++i == sizeof(tally) / sizeof(tally[0]))
			die("too many different ends", end);
	}
	(void)snprintf(tally[i].end, sizeof(tally[i].end), "%s", end);
	tally[i].count++;
}

static void print_tally(void)
{
	for (size_t i = 0; i < sizeof(tally) / sizeof(tally[0]) && tally[i].count > 0; i++)
		(void)printf("%u %s\n", tally[i].count, tally[i].end);
}

static int run_flows(char **words)
{
	struct target target = target_of(words[1], words[2]);

	for (long i = number(words[0]); i > 0; i--) {
		int fd = open_socket(&target, SOCK_STREAM);

		count(dial(fd, &target, NULL));
		(void)close(fd);
	}
	print_tally();
	return 0;
}

static int compare(const void *left, const void *right)
{
	const long a = *(const long *)left, b = *(const long *)right;

	return (a > b) - (a < b);
}

/* The second send of each socket tells; the last line is the median time until it could. */
static int run_datagrams(char **words)
{
	struct target target = target_of(words[1], words[2]);
	long sockets = number(words[0]);
	long *took_us = calloc((size_t)sockets, sizeof(*took_us));

	if (!took_us)
		die("calloc", strerrorname_np(errno));
	for (long i = 0; i < sockets; i++) {
		int fd = open_socket(&target, SOCK_DGRAM);
		struct pollfd wait = { .fd = fd };
		long start = now_us();

		if (connect(fd, (struct sockaddr *)&target.address, target.length) < 0 ||
		    send(fd, "leak", 4, 0) < 0) {
			count(reason());
		} else {
			(void)poll(&wait, 1, DIAL_MS / 2);
			count(send(fd, "leak", 4, MSG_DONTWAIT) < 0 ? reason() : "SILENCE");
		}
		took_us[i] = now_us() - start;
		(void)close(fd);
	}
	print_tally();
	qsort(took_us, (size_t)sockets, sizeof(*took_us), compare);
	(void)printf("median %ld us\n", took_us[sockets / 2]);
	free(took_us);
	return 0;
}

/* ---- sockets and namespaces ---------------------------------------------------------------- */

static int run_socket(char **words)
{
	int fd = (int)syscall(SYS_socket, number(words[0]), number(words[1]), number(words[2]));

	(void)puts(fd < 0 ? strerrorname_np(errno) : "OK");
	return 0;
}

static void print_attempt(const char *what, long result)
{
	(void)printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "OK");
}

/* A child that exists is one too many; it ends at once. */
static void attempt_clone(const char *what, long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	print_attempt(what, pid);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
}

static void attempt_clone3(const char *what, uint64_t flags)
{
	struct clone_args arguments = { .flags = flags, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	print_attempt(what, pid);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
}

/* unshare() would change us for the attempts that follow. */
static void attempt_unshare(const char *what, int flags)
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		print_attempt(what, unshare(flags));
		(void)fflush(stdout);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

static int run_namespaces(char **words)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	(void)words;
	print_attempt("open-own", own);
	print_attempt("open-init", open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC));
	print_attempt("setns", setns(own, CLONE_NEWNET));
	print_attempt("setns-any", setns(own, 0));
	print_attempt("setns-pidfd", setns(self, CLONE_NEWNET));
	print_attempt("setns-no-descriptor", setns(-1, 0));
	attempt_unshare("unshare-net", CLONE_NEWNET);
	attempt_unshare("unshare-user", CLONE_NEWUSER);
	attempt_unshare("unshare-user-net", CLONE_NEWUSER | CLONE_NEWNET);
	attempt_clone("clone-net", CLONE_NEWNET);
	attempt_clone("clone-user", CLONE_NEWUSER);
	attempt_clone("clone-user-net", CLONE_NEWUSER | CLONE_NEWNET);
	attempt_clone3("clone3-user-net", CLONE_NEWUSER | CLONE_NEWNET);
	return 0;
}

static const struct {
	const char *name;
	int least, most; /* words that follow */
	int (*run)(char **words);
} commands[] = {
	{ "dial", 2, 3, run_dial },	      { "dial-from", 3, 4, run_dial_from },
	{ "dial-with", 3, 3, run_dial_with }, { "fast-open", 3, 3, run_fast_open },
	{ "self", 2, 2, run_self },	      { "twins", 5, 5, run_twins },
	{ "flows", 3, 3, run_flows },	      { "datagrams", 3, 3, run_datagrams },
	{ "socket", 3, 3, run_socket },	      { "namespaces", 0, 0, run_namespaces },
};

int main(int count, char **words)
{
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; count > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, words[1]) == 0 && count - 2 >= commands[i].least &&
		    count - 2 <= commands[i].most)
			return commands[i].run(words + 2);
	}
	die("no such command, or not with so many words", count > 1 ? words[1] : "");
}

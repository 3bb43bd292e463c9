/* Orders to a run that is under way. See control.h. */
#include "jail/control.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/base/auto.h"

#define PREFIX	    "nsgate/"
#define ORDER	    "reload"
#define DONE	    '+' /* begins an answer */
#define NOT_DONE    '-'
#define PATIENCE_MS 1000
#define ANSWER_MS   15000 /* longer than the supervisor waits for the proxy */

static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	/* a NUL in front: no file */
	(void)snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

int control_listen(const char *jail_id, int *fd_out, struct err *err)
{
	int fd AUTO(fd_release) = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[CONTROL_NAME_MAX];
	struct sockaddr_un address;
	socklen_t length;

	(void)snprintf(name, sizeof(name), PREFIX "%s/%d", jail_id, (int)getpid());
	length = address_of(name, &address);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4) < 0)
		return err_set(err, errno, "listen for orders at @%s", name);
	*fd_out = fd_take(&fd);
	return 0;
}

/* Does the other end belong to us, or to @other? A listener's is whoever listened. */
static bool is_of(int fd, uid_t other)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == other || peer.uid == geteuid());
}

static bool is_ready(int fd, int timeout_ms)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN };

	return poll(&watched, 1, timeout_ms) == 1;
}

void control_serve(int fd, control_order_fn *reload, void *context)
{
	int caller AUTO(fd_release) = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char order[sizeof(ORDER)], answer[1 + CONTROL_TEXT_MAX];
	ssize_t got;

	if (caller < 0 || !is_of(caller, 0) || !is_ready(caller, PATIENCE_MS))
		return;
	got = recv(caller, order, sizeof(order), 0);
	if (got != (ssize_t)strlen(ORDER) || memcmp(order, ORDER, strlen(ORDER)) != 0)
		return;
	answer[0] = reload(context, answer + 1) < 0 ? NOT_DONE : DONE;
	(void)send(caller, answer, strlen(answer), MSG_NOSIGNAL); /* it may not wait for it */
}

/* Returns a socket connected to @name or -errno; whoever listens there may not let us wait. */
static int reach(const char *name)
{
	int fd AUTO(fd_release) = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_un address;
	socklen_t length = address_of(name, &address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, length) < 0)
		return -errno;
	return fd_take(&fd);
}

/* Anybody may listen under such a name. */
static bool is_own_run(const char *name)
{
	int fd AUTO(fd_release) = reach(name);

	return fd >= 0 && is_of(fd, geteuid());
}

int control_each(bool want_others, void (*visit)(const char *name, void *context), void *context,
		 struct err *err)
{
	FILE *file AUTO(file_release) = fopen("/proc/net/unix", "re");
	char line[512];

	if (!file)
		return err_set(err, errno, "open /proc/net/unix");
	while (fgets(line, sizeof(line), file)) {
		char *name = strstr(line, " @" PREFIX);

		line[strcspn(line, "\n")] = '\0';
		if (name && strlen(name) < CONTROL_NAME_MAX &&
		    strstr(line, " 00010000 ") && /* it listens */
		    (want_others || is_own_run(name + 2)))
			visit(name + 2, context);
	}
	return 0;
}

/* What a run of somebody else's says may not steer the terminal. */
static void keep_plain(char *text)
{
	for (; *text; text++) {
		if ((*text < 0x20 && *text != '\n') || *text > 0x7e)
			*text = '?';
	}
}

int control_reload(const char *name, char *answer, struct err *err)
{
	int fd AUTO(fd_release) = reach(name);
	char text[1 + CONTROL_TEXT_MAX];
	ssize_t got;

	if (fd < 0)
		return err_set(err, -fd, "reach %s", name);
	if (send(fd, ORDER, strlen(ORDER), MSG_NOSIGNAL) < 0)
		return err_set(err, errno, "ask %s", name);
	if (!is_ready(fd, ANSWER_MS))
		return err_set(err, ETIMEDOUT, "wait for %s", name);
	got = recv(fd, text, sizeof(text) - 1, 0);
	if (got < 1)
		return err_set(err, got < 0 ? errno : EACCES, "hear from %s", name);
	text[got] = '\0';
	keep_plain(text);
	(void)strcpy(answer, text + 1);
	return text[0] == DONE ? 0 : -EREMOTEIO;
}

/* What is new in the middle of a run. See update.h. */
#include "proxy/update.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "policy/base/auto.h"
#include "policy/base/fdpass.h"
#include "policy/snapshot.h"

struct answer {
	unsigned closed;
	struct err err; /* code 0: done */
};

static int await_answer(int control_fd, struct answer *answer, struct err *err)
{
	struct pollfd control = { .fd = control_fd, .events = POLLIN };
	ssize_t got;
	int ready;

	do
		ready = poll(&control, 1, UPDATE_TIMEOUT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready != 1) {
		(void)err_set(err, ready < 0 ? errno : ETIMEDOUT, "wait for the proxy");
		return err_hint(err, "it takes the new policy once it works again");
	}
	got = recv(control_fd, answer, sizeof(*answer), MSG_DONTWAIT);
	if (got != (ssize_t)sizeof(*answer))
		return err_set(err, got < 0 ? errno : ECONNRESET, "hear from the proxy");
	if (answer->err.code < 0)
		return err_set(err, EPROTO, "hear from the proxy");
	answer->err.text[sizeof(answer->err.text) - 1] = '\0'; /* it parses what the jail sends */
	return 0;
}

int update_send(struct update_link *link, const struct policy *policy, int audit_fd,
		unsigned *closed_out, struct err *err)
{
	int policy_fd AUTO(fd_release) = -1;
	struct answer answer = { 0 };
	int fds[2];

	if (snapshot_write(policy, &policy_fd, err) < 0)
		return -err->code;
	fds[0] = policy_fd;
	fds[1] = audit_fd;
	if (fdpass_send(link->control_fd, fds, audit_fd < 0 ? 1 : 2, err) < 0)
		return -err->code;
	/* answers to earlier updates come first: those that were given up waiting for */
	for (link->unanswered++; link->unanswered; link->unanswered--) {
		if (await_answer(link->control_fd, &answer, err) < 0)
			return -err->code;
	}
	if (answer.err.code) {
		*err = answer.err;
		return -err->code;
	}
	*closed_out = answer.closed;
	return 0;
}

int update_receive(int control_fd, bool has_audit, struct update *update_out, struct err *err)
{
	int fds[2] = { -1, -1 };

	*update_out = (struct update) { -1, -1 };
	if (fdpass_receive(control_fd, fds, has_audit ? 2 : 1, err) < 0)
		return -err->code;
	*update_out = (struct update) { fds[0], fds[1] };
	return 0;
}

int update_answer(int control_fd, const struct err *err, unsigned closed)
{
	struct answer answer = { .closed = closed };

	if (err)
		answer.err = *err;
	if (send(control_fd, &answer, sizeof(answer), MSG_NOSIGNAL) != (ssize_t)sizeof(answer))
		return -errno;
	return 0;
}

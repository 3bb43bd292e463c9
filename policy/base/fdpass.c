/* Descriptors over a unix socket. See fdpass.h. */
#include "policy/base/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
};

int fdpass_send(int socket_fd, const int *fds, size_t count, struct err *err)
{
	char byte = 'L';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	union control control = { 0 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	if (sendmsg(socket_fd, &message, MSG_NOSIGNAL) != 1)
		return err_set(err, errno, "hand over descriptors");
	return 0;
}

static void close_all(const struct cmsghdr *header, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		(void)close(fd); /* not ours to keep */
	}
}

int fdpass_receive(int socket_fd, int *fds_out, size_t count, struct err *err)
{
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	union control control;
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;
	ssize_t got;
	size_t received;

	do
		got = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(err, errno, "receive descriptors");
	if (got == 0)
		return err_set(err, ECONNRESET, "receive descriptors");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return err_set(err, EPROTO, "receive descriptors: none in the message");
	received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (received != count || (message.msg_flags & MSG_CTRUNC)) {
		close_all(header, received);
		return err_set(err, EPROTO, "receive descriptors: %zu instead of %zu", received,
			       count);
	}
	memcpy(fds_out, CMSG_DATA(header), sizeof(int) * count);
	return 0;
}

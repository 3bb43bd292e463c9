/* Descriptors that a payload inherits. See fds.h. */
#include "jail/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int socket_option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0)
		return -1;
	return value;
}

/* A connected stream between two processes can lead nowhere but to its other end. */
static int is_safe_socket(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int type = socket_option(fd, SO_TYPE);

	return socket_option(fd, SO_DOMAIN) == AF_UNIX &&
	       (type == SOCK_STREAM || type == SOCK_SEQPACKET) &&
	       getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
}

static int check_one(int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set(err, errno, "descriptor %d", fd);
	if (S_ISDIR(status.st_mode)) {
		err_bad(err, "descriptor %d is a directory: the jail could leave through it", fd);
		return err_hint(err, "Redirect it from a file, a pipe or /dev/null.");
	}
	if (S_ISSOCK(status.st_mode) && !is_safe_socket(fd)) {
		err_bad(err, "descriptor %d is a socket that the jail could connect elsewhere with",
			fd);
		return err_hint(err, "Put a pipe between: … | nsgate … | …");
	}
	return 0;
}

int fds_check(const int *pass_fds, size_t count, struct err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		/* the lowest free descriptor is the closed one, since those below are open */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return err_set(err, errno, "open /dev/null for closed descriptor %d", fd);
		if (check_one(fd, err) < 0)
			return -err->code;
	}
	for (size_t i = 0; i < count; i++) {
		if (check_one(pass_fds[i], err) < 0)
			return -err->code;
	}
	return 0;
}

int fds_seal(const int *pass_fds, size_t count, struct err *err)
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_set(err, errno, "mark descriptors close-on-exec");
	for (size_t i = 0; i < count; i++) {
		if (fcntl(pass_fds[i], F_SETFD, 0) < 0)
			return err_set(err, errno, "keep descriptor %d", pass_fds[i]);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

int fds_keep_only(int *keep, size_t count, struct err *err)
{
	unsigned next = 3; /* the first that is not decided upon */

	qsort(keep, count, sizeof(*keep), compare);
	for (size_t i = 0; i < count; i++) {
		unsigned kept = (unsigned)keep[i];

		if (keep[i] < (int)next)
			continue;
		if (kept > next && close_range(next, kept - 1, 0) < 0)
			return err_set(err, errno, "close descriptors");
		next = kept + 1;
	}
	if (close_range(next, ~0U, 0) < 0)
		return err_set(err, errno, "close descriptors");
	return 0;
}

void fds_let_go(int last)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= last && null >= 0; fd++)
		(void)dup2(null, fd); /* at worst they stay open until we end */
	if (null > last)
		(void)close(null); /* it was only a source */
}

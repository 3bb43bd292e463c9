/* The user and password for an upstream proxy. See credentials.h. */
#include "jail/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/base/auto.h"

/* "user:password", an end of line, and one byte to see that there is more. */
#define LINE_SIZE (2 * UPSTREAM_CREDENTIAL_SIZE + 3)

static int open_file(const char *path, int *fd_out, struct err *err)
{
	int fd AUTO(fd_release) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set(err, errno, "open %s", path);
	if (!S_ISREG(status.st_mode))
		return err_bad(err, "%s: expected a file", path);
	if (status.st_mode & S_IROTH) {
		(void)err_bad(err, "%s: every user of this machine can read it", path);
		return err_hint(err, "chmod 600 %s", path);
	}
	*fd_out = fd_take(&fd);
	return 0;
}

/* Copies @length bytes of printable text. Returns 0 or -EINVAL. */
static int take(const char *text, size_t length, char out[UPSTREAM_CREDENTIAL_SIZE])
{
	if (length == 0 || length >= UPSTREAM_CREDENTIAL_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return -EINVAL;
	}
	memcpy(out, text, length);
	out[length] = '\0';
	return 0;
}

/* One line, its end optional: "\n" or "\r\n". */
static int parse(const char *line, size_t length, struct upstream_credentials *out)
{
	const char *colon = memchr(line, ':', length);
	size_t user = colon ? (size_t)(colon - line) : 0;

	if (length > 0 && line[length - 1] == '\n')
		length--;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (!colon || user >= length || take(line, user, out->user) < 0)
		return -EINVAL;
	return take(colon + 1, length - user - 1, out->password);
}

int credentials_read(const struct settings *settings, struct upstream_credentials *out,
		     struct err *err)
{
	const char *path = settings->values.upstream.credentials_path;
	int fd AUTO(fd_release) = -1;
	char line[LINE_SIZE];
	ssize_t got;
	int rc;

	*out = (struct upstream_credentials) { 0 };
	if (!path)
		return 0;
	if (open_file(path, &fd, err) < 0)
		return err_wrap(err, "upstream-proxy-credentials");
	got = read(fd, line, sizeof(line));
	if (got < 0)
		return err_set(err, errno, "upstream-proxy-credentials: read %s", path);
	rc = parse(line, (size_t)got, out);
	explicit_bzero(line, sizeof(line));
	if (rc < 0)
		return err_bad(err,
			       "upstream-proxy-credentials: %s: expected one line, user:password, "
			       "each of 1 to %d bytes",
			       path, UPSTREAM_CREDENTIAL_SIZE - 1);
	return 0;
}

int credentials_hide(const struct settings *settings, struct mount_list *mounts, struct err *err)
{
	const char *path = settings->values.upstream.credentials_path;
	char *real AUTO(heap_release) = path ? realpath(path, NULL) : NULL;

	if (!path)
		return 0;
	if (!real)
		return err_set(err, errno, "upstream-proxy-credentials: open %s", path);
	return mount_list_add(mounts, &mount_kind_hide, NULL, real, NULL, err);
}

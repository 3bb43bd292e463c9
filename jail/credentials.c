/* The user and password for an upstream proxy. See credentials.h. */
#include "jail/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/mount_table.h"
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

/* ---- the jail's view ---- */

static int hide(struct mount_list *mounts, const char *path, struct err *err)
{
	return mount_list_add(mounts, &mount_kind_hide, NULL, path, NULL, err);
}

/* The part of @path behind @directory, "" when it is that; NULL when it is elsewhere. */
static const char *part_below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	if (strncmp(path, directory, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* What @entry shows elsewhere under the caller's @path. */
static int hide_elsewhere(struct mount_list *mounts, const struct mount_entry *entry,
			  const char *path, struct err *err)
{
	bool has_source = entry->kind == &mount_kind_bind || entry->kind == &mount_kind_ro_bind ||
			  entry->kind == &mount_kind_overlay;
	const char *below = has_source ? part_below(path, entry->source) : NULL;
	char *shown AUTO(heap_release) = NULL;

	if (!below || strcmp(entry->source, entry->target) == 0)
		return 0;
	if (asprintf(&shown, "%s%s", entry->target, below) < 0)
		return err_set(err, ENOMEM, "hide %s", path);
	return hide(mounts, shown, err);
}

/* Wherever the jail would see what the caller calls @path. */
static int hide_name(struct mount_list *mounts, const char *path, struct err *err)
{
	size_t count = mounts->count; /* not those that are added */

	for (size_t i = 0; i < count; i++) {
		if (hide_elsewhere(mounts, &mounts->entries[i], path, err) < 0)
			return -err->code;
	}
	return hide(mounts, path, err);
}

static bool is_same_file(const char *path, const char *other)
{
	struct stat one, two;

	return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

/* The caller's other mounts may have more names for @path. */
static int hide_other_names(struct mount_list *mounts, const char *path, struct err *err)
{
	struct mount_table table AUTO(mount_table_done) = { 0 };
	struct mount_spot spot;

	if (mount_table_read(&table, err) < 0 || mount_table_locate(&table, path, &spot, err) < 0)
		return -err->code;
	for (size_t i = 0; i < table.count; i++) {
		const struct mount_row *row = &table.rows[i];
		bool is_there = row->major == spot.major && row->minor == spot.minor;
		const char *below = is_there ? part_below(spot.path, row->root) : NULL;
		char *name AUTO(heap_release) = NULL;

		if (!below)
			continue;
		if (asprintf(&name, "%s%s", strcmp(row->point, "/") == 0 ? "" : row->point, below) <
		    0)
			return err_set(err, ENOMEM, "hide %s", path);
		if (strcmp(name, path) != 0 && is_same_file(name, path) &&
		    hide_name(mounts, name, err) < 0)
			return -err->code;
	}
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
	if (hide_name(mounts, real, err) < 0 || hide_other_names(mounts, real, err) < 0)
		return err_wrap(err, "upstream-proxy-credentials");
	return 0;
}

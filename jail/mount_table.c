/* The caller's mounts. See mount_table.h; the format is in proc(5). */
#include "jail/mount_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/base/auto.h"

void mount_table_done(struct mount_table *table)
{
	free(table->text);
	free(table->rows);
	*table = (struct mount_table) { 0 };
}

/* Blanks, backslashes and line ends stand as \ooo: decoded in place. */
static void decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /point options …". @line is cut up. */
static int read_row(char *line, struct mount_row *row)
{
	char *rest = NULL, *root, *point;
	const char *id = strtok_r(line, " ", &rest), *parent = strtok_r(NULL, " ", &rest);
	const char *device = strtok_r(NULL, " ", &rest);

	root = strtok_r(NULL, " ", &rest);
	point = strtok_r(NULL, " ", &rest);
	if (!id || !parent || !point || sscanf(device, "%u:%u", &row->major, &row->minor) != 2)
		return -EINVAL;
	decode(root);
	decode(point);
	row->id = strtoull(id, NULL, 10);
	row->root = root;
	row->point = point;
	return 0;
}

static int add_row(struct mount_table *table, char *line)
{
	struct mount_row *grown, row;

	if (read_row(line, &row) < 0)
		return -EINVAL;
	grown = reallocarray(table->rows, table->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	table->rows = grown;
	grown[table->count++] = row;
	return 0;
}

int mount_table_read(struct mount_table *table, struct err *err)
{
	FILE *file AUTO(file_release) = fopen("/proc/self/mountinfo", "re");
	char *line, *rest = NULL;
	size_t size = 0;

	if (!file || getdelim(&table->text, &size, '\0', file) < 0)
		return err_set(err, errno ? errno : EIO, "read /proc/self/mountinfo");
	for (line = strtok_r(table->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int rc = add_row(table, line);

		if (rc < 0)
			return err_set(err, -rc, "read /proc/self/mountinfo");
	}
	return 0;
}

int mount_table_locate(const struct mount_table *table, const char *path,
		       struct mount_spot *spot_out, struct err *err)
{
	const struct mount_row *row = table->rows, *end = table->rows + table->count;
	const char *below;
	struct statx status;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &status) < 0)
		return err_set(err, errno, "look at %s", path);
	while (row < end && row->id != status.stx_mnt_id)
		row++;
	if (row == end || strncmp(path, row->point, strlen(row->point)) != 0)
		return err_set(err, ENOENT, "find the mount of %s", path);
	below = path + (strcmp(row->point, "/") == 0 ? 0 : strlen(row->point));
	if (snprintf(spot_out->path, sizeof(spot_out->path), "%s%s",
		     strcmp(row->root, "/") == 0 ? "" : row->root,
		     strcmp(below, "/") == 0 ? "" : below) >= (int)sizeof(spot_out->path))
		return err_set(err, ENAMETOOLONG, "find the mount of %s", path);
	spot_out->major = row->major;
	spot_out->minor = row->minor;
	return 0;
}

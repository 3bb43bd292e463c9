/* The mounts that there are where the caller is, so that two paths to one place are known as such. */
#ifndef NSGATE_MOUNT_TABLE_H
#define NSGATE_MOUNT_TABLE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/err.h"

/* A place, whatever it is called: a file system, and the path that it has for it. */
struct mount_spot {
	unsigned major, minor;
	char path[PATH_MAX];
};

struct mount_row {
	uint64_t id;
	unsigned major, minor; /* of the file system */
	const char *root; /* what of it is mounted */
	const char *point; /* where */
};

struct mount_table {
	char *text; /* owned; the rows point into it */
	struct mount_row *rows; /* owned */
	size_t count;
};

void mount_table_done(struct mount_table *table);

/* Reads /proc/self/mountinfo. Returns 0 or -errno. */
int mount_table_read(struct mount_table *table, struct err *err);

/* Where @path lies (absolute, without symlinks but for the last name). Returns 0 or -errno. */
int mount_table_locate(const struct mount_table *table, const char *path,
		       struct mount_spot *spot_out, struct err *err);

#endif

/* What the kinds of mounts share. Private to jail/mount/. */
#ifndef NSGATE_MOUNT_ENGINE_H
#define NSGATE_MOUNT_ENGINE_H

#include <linux/mount.h>
#include <stdint.h>
#include <sys/stat.h>

#include "jail/mount/mount.h"

struct mount_ctx {
	int root_fd; /* owned; the new root, attached, not yet pivoted to */
	/*
	 * owned; one tmpfs for everything that is made up: /tmp, /dev, small files, the changes
	 * of overlays. Attached between the old root and the new one, so that parts of it can be
	 * copied into place; it leaves with the old root, the parts stay.
	 */
	int scratch_fd;
	unsigned scratch_count; /* names the next part */
	/* file systems that live in memory only: missing mount points may be made there */
	dev_t *memory; /* owned; a composed overlay has one for each directory */
	size_t memory_count;
};

/*
 * A new empty directory in the scratch space: its name in @name_out, relative to scratch_fd.
 * Returns 0 or -errno.
 */
int mount_scratch_dir(struct mount_ctx *ctx, mode_t mode, char name_out[16], struct err *err);

/* The same for a regular file that holds @text. */
int mount_scratch_file(struct mount_ctx *ctx, const char *text, mode_t mode, char name_out[16],
		       struct err *err);

/*
 * Opens @target inside the new root, following symlinks there, never leaving it. Where it is
 * missing it is made (@mode's type: directory or regular file), but only on a file system that
 * lives in memory, never on the caller's. Returns 0 with an O_PATH descriptor, or -errno.
 */
int mount_open_target(struct mount_ctx *ctx, const char *target, mode_t type, int *fd_out,
		      struct err *err);

/* A detached copy of what stands at @path in the caller's view, with its submounts. */
int mount_clone(int dir_fd, const char *path, bool is_recursive, int *fd_out, struct err *err);

/* Adds MOUNT_ATTR_* flags to a detached or attached mount, to all below it if asked. */
int mount_restrict(int mount_fd, uint64_t flags, bool is_recursive, struct err *err);

/* Attaches a detached mount on @target_fd and checks that it is what now stands there. */
int mount_attach(int mount_fd, int target_fd, struct err *err);

/* One option of a new file system; @value NULL = a flag without value. */
struct mount_option {
	const char *key, *value;
};

/* A new detached file system instance. @options end with a NULL key. */
int mount_new(const char *type, const struct mount_option *options, uint64_t flags, int *fd_out,
	      struct err *err);

/* Remembers that @mount_fd's file system lives in memory. */
int mount_is_memory(struct mount_ctx *ctx, int mount_fd, struct err *err);

#endif

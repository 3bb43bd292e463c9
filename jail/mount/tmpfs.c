/* Places in memory: empty directories, hidden places, small files with a given text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jail/mount/engine.h"
#include "policy/base/auto.h"

/* Copies part @name of the scratch space onto @target. */
static int place_scratch(struct mount_ctx *ctx, const char *name, int target, uint64_t flags,
			 struct err *err)
{
	int copy AUTO(fd_release) = -1;

	if (mount_clone(ctx->scratch_fd, name, false, &copy, err) < 0 ||
	    mount_restrict(copy, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | flags, false, err) < 0)
		return -err->code;
	return mount_attach(copy, target, err);
}

/* World-writable with the sticky bit where the place it replaces is, like /tmp. */
static mode_t mode_like(int target)
{
	struct stat status;

	return fstat(target, &status) == 0 && (status.st_mode & S_IWOTH) ? 01777 : 0755;
}

/* With a size of its own it is a file system of its own; else it shares the scratch space. */
static int apply_tmpfs(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	char mode[8];
	const struct mount_option options[] = { { "size", entry->data },
						{ "mode", mode },
						{ NULL, NULL } };
	int target AUTO(fd_release) = -1;
	int mount AUTO(fd_release) = -1;
	char name[16];

	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0)
		return -err->code;
	if (!entry->data) {
		if (mount_scratch_dir(ctx, mode_like(target), name, err) < 0)
			return -err->code;
		return place_scratch(ctx, name, target, 0, err);
	}
	(void)snprintf(mode, sizeof(mode), "%o", mode_like(target));
	if (mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &mount, err) < 0 ||
	    mount_is_memory(ctx, mount, err) < 0)
		return -err->code;
	return mount_attach(mount, target, err);
}

static int apply_file(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	int target AUTO(fd_release) = -1;
	char name[16];

	if (mount_open_target(ctx, entry->target, S_IFREG, &target, err) < 0 ||
	    mount_scratch_file(ctx, entry->source, 0444, name, err) < 0)
		return -err->code;
	return place_scratch(ctx, name, target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, err);
}

/* A hidden place stays there and is empty: an empty directory, or an unreadable empty file. */
static int apply_hide(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	int target AUTO(fd_release) = -1;
	struct stat status;
	char name[16];

	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0)
		return -err->code;
	if (fstat(target, &status) < 0)
		return err_set(err, errno, "look at the place to hide");
	if (S_ISDIR(status.st_mode)) {
		if (mount_scratch_dir(ctx, 0555, name, err) < 0)
			return -err->code;
	} else if (mount_scratch_file(ctx, "", 0000, name, err) < 0) {
		return -err->code;
	}
	return place_scratch(ctx, name, target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, err);
}

const struct mount_kind mount_kind_tmpfs = { "tmpfs", apply_tmpfs };
const struct mount_kind mount_kind_file = { "file", apply_file };
const struct mount_kind mount_kind_hide = { "hide", apply_hide };

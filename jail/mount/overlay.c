/*
 * Overlays: the caller's place below, untouched; what the jail changes goes to memory and is gone
 * with the run.
 *
 * The kernel refuses to take a directory with file systems mounted below it as the lower layer:
 * in a user namespace that could uncover what the mounts hide. Such a directory is composed: an
 * empty directory in memory, in it an overlay for each subdirectory (composed again where it has
 * mounts below), a copy of each symlink, and a copy of each regular file of a modest size.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "jail/mount/engine.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

#define COPY_MAX_BYTES (1 << 20) /* larger files are shown read-only instead of copied */
#define DEPTH_MAX      32

/* Attaches *@mount; one that covers the new root becomes the new root, and the context's. */
static int attach(struct mount_ctx *ctx, int *mount, int target, struct err *err)
{
	if (mount_attach(*mount, target, err) < 0)
		return -err->code;
	if (target != ctx->root_fd)
		return 0;
	(void)close(target); /* still attached below */
	ctx->root_fd = fd_take(mount);
	return 0;
}

/* Mounts an overlay of @lower on @target: 0, or -errno (-EINVAL: @lower has mounts below). */
static int plain_overlay(struct mount_ctx *ctx, int lower, int target, struct err *err)
{
	char lower_path[64], upper_path[64], work_path[64], name[16], part[32];
	const struct mount_option options[] = {
		{ "lowerdir", lower_path },
		{ "upperdir", upper_path },
		{ "workdir", work_path },
		{ "userxattr", NULL },
		{ NULL, NULL },
	};
	struct stat status;
	int mount AUTO(fd_release) = -1;

	if (fstat(lower, &status) < 0)
		return err_set(err, errno, "look at the lower directory");
	if (mount_scratch_dir(ctx, 0700, name, err) < 0)
		return -err->code;
	(void)snprintf(part, sizeof(part), "%s/upper", name);
	if (mkdirat(ctx->scratch_fd, part, 0700) < 0 ||
	    fchownat(ctx->scratch_fd, part, status.st_uid, status.st_gid, 0) < 0 ||
	    fchmodat(ctx->scratch_fd, part, status.st_mode & 07777, 0) < 0) {
		if (errno != EINVAL && errno != EPERM && errno != EOVERFLOW)
			return err_set(err, errno, "make the upper directory");
		/* the owner is nobody in this user namespace: the directory stays ours */
	}
	(void)snprintf(upper_path, sizeof(upper_path), "/proc/self/fd/%d/%s", ctx->scratch_fd,
		       part);
	(void)snprintf(part, sizeof(part), "%s/work", name);
	if (mkdirat(ctx->scratch_fd, part, 0700) < 0)
		return err_set(err, errno, "make the work directory");
	(void)snprintf(work_path, sizeof(work_path), "/proc/self/fd/%d/%s", ctx->scratch_fd, part);
	(void)snprintf(lower_path, sizeof(lower_path), "/proc/self/fd/%d", lower);
	if (mount_new("overlay", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &mount, err) < 0 ||
	    mount_is_memory(ctx, mount, err) < 0)
		return -err->code;
	return attach(ctx, &mount, target, err);
}

static int overlay(struct mount_ctx *ctx, int lower, int target, unsigned depth, struct err *err);

/* A regular file or symlink of the composed directory. What cannot be read is left out. */
static int compose_small(int lower, int memory, const char *name, const struct stat *status,
			 struct err *err)
{
	char link[PATH_MAX];
	int from AUTO(fd_release) = -1;
	int to AUTO(fd_release) = -1;
	ssize_t length;

	if (S_ISLNK(status->st_mode)) {
		length = readlinkat(lower, name, link, sizeof(link) - 1);
		if (length < 0)
			return 0;
		link[length] = '\0';
		if (symlinkat(link, memory, name) < 0)
			return err_set(err, errno, "copy the symlink %s", name);
		return 0;
	}
	from = openat(lower, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return 0;
	to = openat(memory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode & 0777);
	if (to < 0)
		return err_set(err, errno, "copy the file %s", name);
	do
		length = sendfile(to, from, NULL, COPY_MAX_BYTES);
	while (length > 0);
	return length < 0 ? err_set(err, errno, "copy the file %s", name) : 0;
}

/* A file too large to copy, shown as it is and read-only. */
static int compose_large(int lower, int memory, const char *name, struct err *err)
{
	int copy AUTO(fd_release) = -1;
	int to AUTO(fd_release) =
		openat(memory, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (to < 0)
		return err_set(err, errno, "make %s", name);
	if (mount_clone(lower, name, false, &copy, err) < 0 ||
	    mount_restrict(copy, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false,
			   err) < 0)
		return -err->code;
	log_debug("overlay: %s is larger than %d bytes: read-only", name, COPY_MAX_BYTES);
	return mount_attach(copy, to, err);
}

static int compose_entry(struct mount_ctx *ctx, int lower, int memory, const char *name,
			 unsigned depth, struct err *err)
{
	int below AUTO(fd_release) = -1;
	int place AUTO(fd_release) = -1;
	struct stat status;
	struct statfs system;

	if (fstatat(lower, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone, or not for us to see */
	if (S_ISREG(status.st_mode) && status.st_size > COPY_MAX_BYTES)
		return compose_large(lower, memory, name, err);
	if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
		return compose_small(lower, memory, name, &status, err);
	if (!S_ISDIR(status.st_mode))
		return 0; /* sockets, pipes and devices do not belong in a jail */
	below = openat(lower, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return 0;
	if (mkdirat(memory, name, 0755) < 0)
		return err_set(err, errno, "make %s", name);
	if (fstatfs(below, &system) == 0 &&
	    (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC))
		return 0; /* the kernel's own; the view mounts what it wants there */
	place = openat(memory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return err_set(err, errno, "open %s", name);
	if (overlay(ctx, below, place, depth + 1, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

static void dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* read-only use */
	*dir = NULL;
}

static int compose(struct mount_ctx *ctx, int lower, int target, unsigned depth, struct err *err)
{
	DIR *dir AUTO(dir_release) = NULL;
	int memory AUTO(fd_release) = -1;
	int into AUTO(fd_release) = -1;
	int list AUTO(fd_release) = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;
	char name[16];

	if (list < 0 || fstat(lower, &status) < 0)
		return err_set(err, errno, "read the directory");
	if (mount_scratch_dir(ctx, status.st_mode & 07777, name, err) < 0 ||
	    mount_clone(ctx->scratch_fd, name, false, &memory, err) < 0 ||
	    mount_restrict(memory, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false, err) < 0)
		return -err->code;
	into = fcntl(memory, F_DUPFD_CLOEXEC, 0);
	if (into < 0)
		return err_set(err, errno, "copy a descriptor");
	if (attach(ctx, &memory, target, err) < 0)
		return -err->code;
	dir = fdopendir(list);
	if (!dir)
		return err_set(err, errno, "read the directory");
	(void)fd_take(&list); /* the stream's now */
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (compose_entry(ctx, lower, into, entry->d_name, depth, err) < 0)
			return -err->code;
	}
	return 0;
}

static int overlay(struct mount_ctx *ctx, int lower, int target, unsigned depth, struct err *err)
{
	if (plain_overlay(ctx, lower, target, err) == 0)
		return 0;
	if (err->code != EINVAL || depth == DEPTH_MAX)
		return -err->code;
	return compose(ctx, lower, target, depth, err);
}

static int apply_overlay(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	int lower AUTO(fd_release) = open(entry->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int target AUTO(fd_release) = -1;

	if (lower < 0)
		return err_set(err, errno, "open %s", entry->source);
	if (strcmp(entry->target, "/") == 0)
		return overlay(ctx, lower, ctx->root_fd, 0, err);
	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0)
		return -err->code;
	return overlay(ctx, lower, target, 0, err);
}

const struct mount_kind mount_kind_overlay = { "overlay", apply_overlay };

/*
 * The mount engine: the new root is built beside the old one, by descriptors, then pivoted to.
 *
 * Sources are opened in the caller's view and targets in the new root with RESOLVE_IN_ROOT, so no
 * symlink can lead a mount out of the new root. Paths are resolved once: what was opened is what
 * is mounted, whatever happens to the path meanwhile.
 */
#include "jail/mount/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/base/auto.h"

static int open_beneath(int dir_fd, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

static bool lives_in_memory(const struct mount_ctx *ctx, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	for (size_t i = 0; i < ctx->memory_count; i++) {
		if (ctx->memory[i] == status.st_dev)
			return true;
	}
	return false;
}

int mount_is_memory(struct mount_ctx *ctx, int mount_fd, struct err *err)
{
	struct stat status;
	dev_t *grown;

	if (fstat(mount_fd, &status) < 0)
		return err_set(err, errno, "look at the new file system");
	grown = realloc(ctx->memory, (ctx->memory_count + 1) * sizeof(*grown));
	if (!grown)
		return err_set(err, ENOMEM, "remember a file system");
	ctx->memory = grown;
	grown[ctx->memory_count++] = status.st_dev;
	return 0;
}

static int make_one(int parent_fd, const char *name, mode_t type)
{
	int fd;

	if (type == S_IFDIR)
		return mkdirat(parent_fd, name, 0755);
	fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	return close(fd);
}

/* Makes the missing mount point @target and its missing parents. */
static int make_target(struct mount_ctx *ctx, const char *target, mode_t type, struct err *err)
{
	char path[PATH_MAX];
	char *slash;
	int parent AUTO(fd_release) = -1;

	if (strlen(target) >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "make the mount point");
	strcpy(path, target);
	slash = strrchr(path, '/');
	*slash = '\0';
	parent = open_beneath(ctx->root_fd, *path ? path : "/", O_PATH | O_DIRECTORY);
	if (parent < 0 && errno == ENOENT) {
		if (make_target(ctx, path, S_IFDIR, err) < 0)
			return -err->code;
		parent = open_beneath(ctx->root_fd, path, O_PATH | O_DIRECTORY);
	}
	if (parent < 0)
		return err_set(err, errno, "open %s in the jail", path);
	if (!lives_in_memory(ctx, parent)) {
		err_set(err, ENOENT, "there is no %s to mount on", target);
		return err_hint(err, "Make it first: nsgate creates nothing on the caller's disk.");
	}
	if (make_one(parent, slash + 1, type) < 0)
		return err_set(err, errno, "make the mount point %s", target);
	return 0;
}

int mount_open_target(struct mount_ctx *ctx, const char *target, mode_t type, int *fd_out,
		      struct err *err)
{
	int fd AUTO(fd_release) = open_beneath(ctx->root_fd, target, O_PATH);

	if (fd < 0 && errno == ENOENT) {
		if (make_target(ctx, target, type, err) < 0)
			return -err->code;
		fd = open_beneath(ctx->root_fd, target, O_PATH);
	}
	if (fd < 0)
		return err_set(err, errno, "open the mount point");
	*fd_out = fd_take(&fd);
	return 0;
}

int mount_clone(int dir_fd, const char *path, bool is_recursive, int *fd_out, struct err *err)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
			 (is_recursive ? AT_RECURSIVE : 0);
	int fd = (int)syscall(SYS_open_tree, dir_fd, path, flags);

	if (fd < 0)
		return err_set(err, errno, "take a copy of the mount at %s", path);
	*fd_out = fd;
	return 0;
}

int mount_restrict(int mount_fd, uint64_t flags, bool is_recursive, struct err *err)
{
	struct mount_attr attributes = { .attr_set = flags, .propagation = MS_PRIVATE };
	unsigned at_flags = AT_EMPTY_PATH | (is_recursive ? AT_RECURSIVE : 0);

	if (syscall(SYS_mount_setattr, mount_fd, "", at_flags, &attributes, sizeof(attributes)) < 0)
		return err_set(err, errno, "restrict the mount");
	return 0;
}

static bool is_directory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int mount_attach(int mount_fd, int target_fd, struct err *err)
{
	int code;

	if (syscall(SYS_move_mount, mount_fd, "", target_fd, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
		return 0;
	code = errno;
	if (is_directory(mount_fd) != is_directory(target_fd))
		return err_set(err, code,
			       "attach the mount: a directory and a file cannot cover each other");
	return err_set(err, code, "attach the mount");
}

/* The kernel's own words about a refused option, where it has any. */
static int explain(int context_fd, int code, const char *type, const char *what, struct err *err)
{
	char said[256];
	ssize_t length = read(context_fd, said, sizeof(said) - 1);

	if (length <= 2)
		return err_set(err, code, "new %s: %s", type, what);
	said[length] = '\0';
	if (said[length - 1] == '\n')
		said[length - 1] = '\0';
	return err_set(err, code, "new %s: %s: %s", type, what, said + 2);
}

int mount_new(const char *type, const struct mount_option *options, uint64_t flags, int *fd_out,
	      struct err *err)
{
	int context AUTO(fd_release) = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return err_set(err, errno, "new %s", type);
	for (; options && options->key; options++) {
		unsigned command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (syscall(SYS_fsconfig, context, command, options->key, options->value, 0) < 0)
			return explain(context, errno, type, options->key, err);
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(context, errno, type, "create", err);
	fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, flags);
	if (fd < 0)
		return explain(context, errno, type, "mount", err);
	*fd_out = fd;
	return 0;
}

int mount_scratch_dir(struct mount_ctx *ctx, mode_t mode, char name_out[16], struct err *err)
{
	(void)snprintf(name_out, 16, "%u", ctx->scratch_count++);
	if (mkdirat(ctx->scratch_fd, name_out, 0700) < 0 ||
	    fchmodat(ctx->scratch_fd, name_out, mode, 0) < 0)
		return err_set(err, errno, "make a directory in memory");
	return 0;
}

int mount_scratch_file(struct mount_ctx *ctx, const char *text, mode_t mode, char name_out[16],
		       struct err *err)
{
	int file AUTO(fd_release) = -1;
	size_t length = strlen(text);

	(void)snprintf(name_out, 16, "%u", ctx->scratch_count++);
	file = openat(ctx->scratch_fd, name_out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, text, length) != (ssize_t)length || fchmod(file, mode) < 0)
		return err_set(err, errno, "make a file in memory");
	return 0;
}

static size_t depth(const char *target)
{
	size_t slashes = 0;

	if (strcmp(target, "/") == 0)
		return 0;
	for (; *target; target++)
		slashes += *target == '/';
	return slashes;
}

static int by_depth(const void *left, const void *right)
{
	const struct mount_entry *a = *(const struct mount_entry *const *)left;
	const struct mount_entry *b = *(const struct mount_entry *const *)right;
	size_t a_depth = depth(a->target), b_depth = depth(b->target);

	if (a_depth != b_depth)
		return a_depth < b_depth ? -1 : 1;
	return a < b ? -1 : 1; /* the order given: entries stand in one array */
}

/* Half of the memory at most, for all that is made up together. */
static int lay_scratch(struct mount_ctx *ctx, struct err *err)
{
	static const struct mount_option options[] = { { "size", "50%" },
						       { "mode", "0755" },
						       { NULL, NULL } };
	int scratch AUTO(fd_release) = -1;

	if (mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &scratch, err) < 0 ||
	    mount_is_memory(ctx, scratch, err) < 0)
		return -err->code;
	if (syscall(SYS_move_mount, scratch, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach it");
	ctx->scratch_fd = fd_take(&scratch);
	return 0;
}

/*
 * The caller's whole view, read-only to the last submount, becomes the ground of the new root.
 * The copy is taken before the scratch space comes, which must not be part of it.
 */
static int lay_ground(struct mount_ctx *ctx, struct err *err)
{
	int root AUTO(fd_release) = -1;

	if (mount_clone(AT_FDCWD, "/", true, &root, err) < 0)
		return -err->code;
	if (mount_restrict(root, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, true,
			   err) < 0)
		return -err->code;
	if (lay_scratch(ctx, err) < 0)
		return err_wrap(err, "scratch space");
	/* on top of the old root: a place that exists in every container */
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach the new root");
	ctx->root_fd = fd_take(&root);
	return 0;
}

/* pivot_root(".", ".") stacks the old root on top of the new one, from where it is taken away. */
int mount_enter(int root_fd, struct err *err)
{
	int old AUTO(fd_release) = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return err_set(err, errno, "open the old root");
	if (fchdir(root_fd) < 0)
		return err_set(err, errno, "enter the new root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, errno, "pivot to the new root");
	if (fchdir(old) < 0)
		return err_set(err, errno, "go back to the old root");
	/* the topmost goes first: the scratch space, then the old root itself */
	// NOLINTNEXTLINE(misc-redundant-expression): the second call finds another mount
	if (umount2(".", MNT_DETACH) < 0 || umount2(".", MNT_DETACH) < 0)
		return err_set(err, errno, "take away the old root");
	if (chdir("/") < 0)
		return err_set(err, errno, "enter the new root");
	return 0;
}

static void context_done(struct mount_ctx *ctx)
{
	fd_release(&ctx->root_fd);
	fd_release(&ctx->scratch_fd);
	free(ctx->memory);
}

int mount_build(const struct mount_list *list, int *root_fd_out, struct err *err)
{
	struct mount_ctx ctx AUTO(context_done) = { .root_fd = -1, .scratch_fd = -1 };
	const struct mount_entry **order AUTO(heap_release) =
		calloc(list->count + 1, sizeof(*order));

	if (!order)
		return err_set(err, ENOMEM, "sort the mounts");
	for (size_t i = 0; i < list->count; i++)
		order[i] = &list->entries[i];
	qsort(order, list->count, sizeof(*order), by_depth);
	/* what we mount must not appear on the outside, nor the outside's in here */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, errno, "make the mounts private");
	if (lay_ground(&ctx, err) < 0)
		return err_wrap(err, "root");
	for (size_t i = 0; i < list->count; i++) {
		if (order[i]->kind->apply(&ctx, order[i], err) < 0)
			return err_wrap(err, "%s %s", order[i]->kind->name, order[i]->target);
	}
	*root_fd_out = fd_take(&ctx.root_fd);
	return 0;
}

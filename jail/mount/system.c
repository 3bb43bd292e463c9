/* The file systems of the kernel: /proc, /sys and /dev, with what a payload needs of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/mount/engine.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

#define NEVER_TRUST (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Covers @name below the attached mount @parent with a read-only copy of itself, if it exists. */
static int freeze(int parent, const char *name, struct err *err)
{
	int copy AUTO(fd_release) = -1;
	int target AUTO(fd_release) = openat(parent, name, O_PATH | O_CLOEXEC);

	if (target < 0 && errno == ENOENT)
		return 0;
	if (target < 0)
		return err_set(err, errno, "open %s", name);
	if (mount_clone(parent, name, true, &copy, err) < 0 ||
	    mount_restrict(copy, MOUNT_ATTR_RDONLY | NEVER_TRUST, true, err) < 0 ||
	    mount_attach(copy, target, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

/* What masked places show: parts of the scratch space, the same for all. */
struct empty {
	char dir[16], file[16];
};

/* Covers @name with an empty, unreadable file or an empty directory, if it exists. */
static int mask(struct mount_ctx *ctx, const struct empty *empty, int parent, const char *name,
		struct err *err)
{
	int target AUTO(fd_release) = openat(parent, name, O_PATH | O_CLOEXEC);
	int copy AUTO(fd_release) = -1;
	struct stat status;

	if (target < 0 && errno == ENOENT)
		return 0;
	if (target < 0)
		return err_set(err, errno, "open %s", name);
	if (fstat(target, &status) < 0)
		return err_set(err, errno, "look at %s", name);
	if (mount_clone(ctx->scratch_fd, S_ISDIR(status.st_mode) ? empty->dir : empty->file, false,
			&copy, err) < 0 ||
	    mount_restrict(copy, MOUNT_ATTR_RDONLY | NEVER_TRUST, false, err) < 0 ||
	    mount_attach(copy, target, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

/*
 * A payload that runs as the machine's root has no capability, but many files here ask for nothing more
 * than that uid. So what can be written is read-only, and what tells of the machine's memory is
 * masked; to any other uid most of it is closed already, and mounts cost time.
 */
static const struct {
	const char *name;
	enum { FREEZE, MASK } how;
	bool only_for_root;
} proc_covers[] = {
	{ "sys", FREEZE, false },	 { "keys", MASK, false },
	{ "irq", FREEZE, true },	 { "bus", FREEZE, true },
	{ "fs", FREEZE, true },		 { "sysrq-trigger", FREEZE, true },
	{ "mtrr", FREEZE, true },	 { "dynamic_debug", FREEZE, true },
	{ "driver", FREEZE, true },	 { "asound", FREEZE, true },
	{ "acpi", MASK, true },		 { "kcore", MASK, true },
	{ "latency_stats", MASK, true }, { "sched_debug", MASK, true },
	{ "scsi", MASK, true },		 { "timer_list", MASK, true },
	{ "timer_stats", MASK, true },	 { "kpagecount", MASK, true },
	{ "kpageflags", MASK, true },	 { "kpagecgroup", MASK, true },
};

static int cover_proc(struct mount_ctx *ctx, int proc, struct err *err)
{
	struct empty empty;
	struct stat status;
	bool is_root;

	/* root's files are ours, if root exists in this user namespace at all */
	if (fstatat(proc, "sys", &status, 0) < 0)
		return err_set(err, errno, "look at sys");
	is_root = status.st_uid == geteuid();
	if (mount_scratch_dir(ctx, 0555, empty.dir, err) < 0 ||
	    mount_scratch_file(ctx, "", 0000, empty.file, err) < 0)
		return -err->code;
	for (size_t i = 0; i < sizeof(proc_covers) / sizeof(proc_covers[0]); i++) {
		const char *name = proc_covers[i].name;
		int rc = 0;

		if (proc_covers[i].only_for_root && !is_root)
			continue;
		switch (proc_covers[i].how) {
		case FREEZE:
			rc = freeze(proc, name, err);
			break;
		case MASK:
			rc = mask(ctx, &empty, proc, name, err);
			break;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int apply_proc(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	int mount AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;

	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0)
		return -err->code;
	if (mount_new("proc", NULL, NEVER_TRUST, &mount, err) < 0) {
		if (err->code == EPERM)
			err_hint(
				err,
				"Something is mounted over parts of /proc here, as in a container: "
				"start the container with unmasked paths (docker: --security-opt "
				"systempaths=unconfined, Kubernetes: procMount: Unmasked).");
		return -err->code;
	}
	if (mount_attach(mount, target, err) < 0)
		return -err->code;
	return cover_proc(ctx, mount, err);
}

/*
 * The jail's own sysfs knows only its own links, and nothing is mounted below it. Where the kernel
 * refuses one (something is mounted over the caller's), that stays, read-only as the whole
 * ground is.
 */
static int apply_sys(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	int mount AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;

	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0)
		return -err->code;
	if (mount_new("sysfs", NULL, NEVER_TRUST | MOUNT_ATTR_RDONLY, &mount, err) < 0) {
		if (err->code != EPERM && err->code != EBUSY)
			return -err->code;
		log_debug("no sysfs of its own for the jail, the caller's stays read-only");
		return 0;
	}
	return mount_attach(mount, target, err);
}

/* nosuid and the like mean nothing for a device */
static int add_device(int dev, const char *name, struct err *err)
{
	char path[32];
	int copy AUTO(fd_release) = -1;
	int node AUTO(fd_release) =
		openat(dev, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (node < 0)
		return err_set(err, errno, "make %s", name);
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	if (mount_clone(AT_FDCWD, path, false, &copy, err) < 0 || mount_attach(copy, node, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

static int add_terminals(int dev, struct err *err)
{
	static const struct mount_option options[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { NULL, NULL }
	};
	int mount AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;

	target = openat(dev, "pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_set(err, errno, "open pts");
	if (mount_new("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &mount, err) < 0)
		return -err->code;
	return mount_attach(mount, target, err);
}

static int add_shared_memory(struct mount_ctx *ctx, int dev, struct err *err)
{
	int copy AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;
	char part[16];

	target = openat(dev, "shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_set(err, errno, "open shm");
	if (mount_scratch_dir(ctx, 01777, part, err) < 0 ||
	    mount_clone(ctx->scratch_fd, part, false, &copy, err) < 0 ||
	    mount_restrict(copy, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false, err) < 0)
		return -err->code;
	return mount_attach(copy, target, err);
}

static int make_places(int dev, struct err *err)
{
	static const struct {
		const char *name, *target;
	} links[] = {
		{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return err_set(err, errno, "make %s", links[i].name);
	}
	if (mkdirat(dev, "pts", 0755) < 0 || mkdirat(dev, "shm", 0755) < 0)
		return err_set(err, errno, "make pts and shm");
	return 0;
}

static int apply_dev(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };
	int dev AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;
	char part[16];

	if (mount_open_target(ctx, entry->target, S_IFDIR, &target, err) < 0 ||
	    mount_scratch_dir(ctx, 0755, part, err) < 0 ||
	    mount_clone(ctx->scratch_fd, part, false, &dev, err) < 0 ||
	    mount_attach(dev, target, err) < 0)
		return -err->code;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (add_device(dev, devices[i], err) < 0)
			return -err->code;
	}
	if (make_places(dev, err) < 0)
		return -err->code;
	/*
	 * The devices too: they are the machine's own, and a payload that runs as their owner could
	 * change their mode. (Read-only is the inode; what is behind it can be written.)
	 */
	if (mount_restrict(dev, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, true,
			   err) < 0 ||
	    add_terminals(dev, err) < 0)
		return -err->code;
	return add_shared_memory(ctx, dev, err);
}

const struct mount_kind mount_kind_proc = { "proc", apply_proc };
const struct mount_kind mount_kind_sys = { "sys", apply_sys };
const struct mount_kind mount_kind_dev = { "dev", apply_dev };

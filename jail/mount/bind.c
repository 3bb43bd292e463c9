/* Binds: a place of the caller's, shown in the jail with its submounts, writable or not. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "jail/mount/engine.h"
#include "policy/base/auto.h"

static int bind(struct mount_ctx *ctx, const struct mount_entry *entry, uint64_t flags,
		struct err *err)
{
	int source AUTO(fd_release) = open(entry->source, O_PATH | O_CLOEXEC);
	int copy AUTO(fd_release) = -1;
	int target AUTO(fd_release) = -1;
	struct stat status;

	if (source < 0)
		return err_set(err, errno, "open %s", entry->source);
	if (fstat(source, &status) < 0)
		return err_set(err, errno, "look at %s", entry->source);
	if (mount_clone(source, "", true, &copy, err) < 0 ||
	    mount_restrict(copy, flags | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, true, err) < 0 ||
	    mount_open_target(ctx, entry->target, S_ISDIR(status.st_mode) ? S_IFDIR : S_IFREG,
			      &target, err) < 0)
		return -err->code;
	return mount_attach(copy, target, err);
}

static int bind_writable(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	return bind(ctx, entry, 0, err);
}

static int bind_read_only(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err)
{
	return bind(ctx, entry, MOUNT_ATTR_RDONLY, err);
}

const struct mount_kind mount_kind_bind = { "bind", bind_writable };
const struct mount_kind mount_kind_ro_bind = { "ro-bind", bind_read_only };

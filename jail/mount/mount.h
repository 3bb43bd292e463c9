/*
 * The file system a jail sees: a list of mounts, made through descriptors.
 *
 * A new kind of mount is a row in table.c.
 */
#ifndef NSGATE_MOUNT_H
#define NSGATE_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "policy/base/err.h"

struct mount_ctx;
struct settings;
struct mount_entry;

typedef int mount_fn(struct mount_ctx *ctx, const struct mount_entry *entry, struct err *err);

/* One thing that can be mounted. */
struct mount_kind {
	const char *name; /* in messages: "bind", "overlay" … */
	mount_fn *apply; /* makes it; the error is wrapped with name and target by the engine */
};

/* One mount to make. */
struct mount_entry {
	const struct mount_kind *kind;
	char *source; /* owned; a path of the caller's, or text (kind "file"); NULL = none */
	char *target; /* owned; absolute, as the jail will name it */
	char *data; /* owned; what else the kind wants (tmpfs: its size); NULL = none */
};

struct mount_list {
	struct mount_entry *entries; /* owned */
	size_t count;
};

void mount_list_done(struct mount_list *list);

/*
 * Appends an entry. @target must be absolute; it is copied without "." , "//" and a trailing '/';
 * ".." is refused. @source and @data are copied, NULL is fine. Returns 0, -EINVAL, -ENOMEM.
 */
int mount_list_add(struct mount_list *list, const struct mount_kind *kind, const char *source,
		   const char *target, const char *data, struct err *err);

extern const struct mount_kind mount_kind_bind; /* source, writable, with its submounts */
extern const struct mount_kind mount_kind_ro_bind; /* source, read-only, with its submounts */
extern const struct mount_kind mount_kind_overlay; /* source below, changes in memory */
extern const struct mount_kind mount_kind_tmpfs; /* empty and writable; data = size */
extern const struct mount_kind mount_kind_hide; /* an empty directory or file in its place */
extern const struct mount_kind mount_kind_file; /* a read-only file with source as its text */
extern const struct mount_kind mount_kind_proc; /* of the jail's pid namespace */
extern const struct mount_kind mount_kind_sys; /* of the jail's network namespace */
extern const struct mount_kind mount_kind_dev; /* a handful of harmless devices */

/* NULL-terminated: every kind, for tests and documents. */
extern const struct mount_kind *const mount_kinds[];

/* What the default view depends on. */
struct mount_view {
	const char *cwd; /* the caller's directory, absolute */
	const char *home; /* the caller's home, absolute and existing; NULL = none */
	bool own_network; /* the jail has its own network namespace */
	bool use_gate; /* names are answered by the gate */
	const char *resolv_conf; /* text of /etc/resolv.conf; with use_gate */
	const char *hosts; /* text of /etc/hosts; with use_gate */
};

/* Puts the default view into @list: root, devices, home, current directory … */
int mount_default_view(struct mount_list *list, const struct mount_view *view, struct err *err);

/*
 * Puts the paths of @settings into @list: those of files, what shows less later, then those of the
 * command line, in the order given. "~" is @home, which may be NULL;
 * what is relative begins at the current directory. Returns 0 or -errno.
 */
int mount_add_paths(struct mount_list *list, const struct settings *settings, const char *home,
		    struct err *err);

/*
 * Builds the new root beside the old one, which stays in use until mount_enter().
 *
 * Entries are made by depth of their target, and in the order given where that is the same, so
 * that no later mount hides an earlier one. The thread is in its own user, mount and pid namespaces
 * with all capabilities in the first. Returns 0 with the new root, owned by the caller, in
 * *@root_fd_out, or -errno; then the process is of no further use.
 */
int mount_build(const struct mount_list *list, int *root_fd_out, struct err *err);

/*
 * Makes what mount_build() made the root and current directory of every process in the mount
 * namespace; nothing of the old root is reachable afterwards. Returns 0 or -errno.
 */
int mount_enter(int root_fd, struct err *err);

#endif

/*
 * Where a policy may lie. See policy_place.h.
 *
 * A path is walked as the kernel does, one name after the other, and each is asked for: a symlink
 * below the current directory is as good as the file itself to whoever wants another policy.
 */
#include "jail/policy_place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/mount/mount.h"
#include "jail/mount_table.h"
#include "policy/base/auto.h"
#include "policy/settings.h"

#define LINKS_MAX 40 /* as many as the kernel follows */

struct walk {
	const struct mount_list *mounts;
	const struct mount_table *table; /* where the caller is */
	const char *path; /* as it was named, for messages */
	char here[PATH_MAX]; /* absolute, without symlinks; "" = the root */
	char rest[PATH_MAX]; /* to go */
	unsigned link_count;
	struct stat status; /* of here */
};

/* ---- one step of the way ---- */

/* A later mount on the very place: nothing of this one is to be seen. */
static bool is_covered(const struct mount_list *mounts, size_t index)
{
	const struct mount_entry *entry = &mounts->entries[index];

	if (strcmp(entry->source, entry->target) != 0)
		return false; /* its target may be a symlink */
	for (size_t i = index + 1; i < mounts->count; i++) {
		if (strcmp(mounts->entries[i].target, entry->target) == 0)
			return true;
	}
	return false;
}

/*
 * Can @path be changed through a mount of @source? A mount point itself cannot be replaced. The root
 * is "" or "/".
 */
static bool is_in(const char *path, bool is_directory, const char *source)
{
	size_t length = strcmp(source, "/") == 0 ? 0 : strlen(source);

	if (strncmp(path, source, length) != 0)
		return false;
	return path[length] == '/' || (path[length] == '\0' && !is_directory);
}

static bool is_spot_in(const struct mount_spot *spot, bool is_directory, unsigned major,
		       unsigned minor, const char *root)
{
	return spot->major == major && spot->minor == minor &&
	       is_in(spot->path, is_directory, root);
}

/*
 * Is @spot shown where a bind of @source shows it, under whatever name? The bind brings along what
 * is mounted below.
 */
static int is_shown(const struct walk *walk, const struct mount_spot *spot, const char *source,
		    bool *is_shown_out, struct err *err)
{
	const struct mount_table *table = walk->table;
	bool is_directory = S_ISDIR(walk->status.st_mode);
	struct mount_spot root;

	if (mount_table_locate(table, source, &root, err) < 0)
		return err_wrap(err, "policy %s", walk->path);
	*is_shown_out = is_spot_in(spot, is_directory, root.major, root.minor, root.path);
	for (size_t i = 0; i < table->count && !*is_shown_out; i++) {
		const struct mount_row *row = &table->rows[i];

		*is_shown_out = is_in(row->point, true, source) &&
				is_spot_in(spot, is_directory, row->major, row->minor, row->root);
	}
	return 0;
}

/* The mount that gives the command a hold on where the walk is; NULL = there is none. */
static int find_writable(const struct walk *walk, const struct mount_entry **entry_out,
			 struct err *err)
{
	const struct mount_list *mounts = walk->mounts;
	struct mount_spot spot;
	bool is_found = false;

	if (mount_table_locate(walk->table, walk->here, &spot, err) < 0)
		return err_wrap(err, "policy %s", walk->path);
	*entry_out = NULL;
	for (size_t i = 0; i < mounts->count && !is_found; i++) {
		const struct mount_entry *entry = &mounts->entries[i];

		if (entry->kind != &mount_kind_bind || is_covered(mounts, i))
			continue;
		if (is_shown(walk, &spot, entry->source, &is_found, err) < 0)
			return -err->code;
		*entry_out = is_found ? entry : NULL;
	}
	return 0;
}

static int refuse(const struct walk *walk, const struct mount_entry *place, struct err *err)
{
	bool is_in_place = strcmp(place->source, place->target) == 0;
	bool is_there = is_in(walk->here, S_ISDIR(walk->status.st_mode), place->source);

	err_bad(err,
		"policy %s: the command could change it for the next run: %s lies in %s%s, which is "
		"writable in the jail%s%s",
		walk->path, walk->here, place->source, is_there ? "" : ", by another mount",
		is_in_place ? "" : " as ", is_in_place ? "" : place->target);
	return err_hint(
		err, "Keep it where the jail cannot write, such as ~/.config/nsgate or /etc%s%s.",
		is_in_place ? "; or have the changes thrown away: --overlay " : "",
		is_in_place ? place->source : "");
}

/* May the name that was walked to be part of the way? */
static int check_step(const struct walk *walk, struct err *err)
{
	mode_t mode = walk->status.st_mode;
	const struct mount_entry *place;

	if (find_writable(walk, &place, err) < 0)
		return -err->code;
	if (place)
		return refuse(walk, place, err);
	if (S_ISLNK(mode) || !(mode & S_IWOTH) || (S_ISDIR(mode) && mode & S_ISVTX))
		return 0;
	err_bad(err, "policy %s: everybody may change %s", walk->path, walk->here);
	return err_hint(err, "chmod o-w %s", walk->here);
}

/* ---- the way ---- */

static int too_long(const struct walk *walk, struct err *err)
{
	return err_set(err, ENAMETOOLONG, "policy %s", walk->path);
}

/* Cuts the next name off the rest. "" = there is none. */
static void next_name(struct walk *walk, char name[PATH_MAX])
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	*(char *)mempcpy(name, start, length) = '\0';
	memmove(walk->rest, start + length, strlen(start + length) + 1);
}

static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->here, '/');

	if (slash)
		*slash = '\0';
}

/* The place that was walked to is a symlink: its text comes before the rest. */
static int follow(struct walk *walk, struct err *err)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(walk->here, target, sizeof(target) - 1);

	if (length < 0)
		return err_set(err, errno, "policy %s: read the symlink %s", walk->path,
			       walk->here);
	if (++walk->link_count > LINKS_MAX)
		return err_set(err, ELOOP, "policy %s", walk->path);
	target[length] = '\0';
	if (snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest) >= (int)sizeof(rest))
		return too_long(walk, err);
	memcpy(walk->rest, rest, sizeof(rest));
	if (target[0] == '/')
		walk->here[0] = '\0';
	else
		go_up(walk);
	return 0;
}

static int step(struct walk *walk, const char *name, struct err *err)
{
	size_t used = strlen(walk->here);

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		go_up(walk);
		return 0;
	}
	if (snprintf(walk->here + used, sizeof(walk->here) - used, "/%s", name) >=
	    (int)(sizeof(walk->here) - used))
		return too_long(walk, err);
	if (lstat(walk->here, &walk->status) < 0)
		return err_set(err, errno, "policy %s: look at %s", walk->path, walk->here);
	if (check_step(walk, err) < 0)
		return -err->code;
	return S_ISLNK(walk->status.st_mode) ? follow(walk, err) : 0;
}

/* From the root, or from @directory. The status is that of the file then. */
static int walk_path(struct walk *walk, const char *directory, struct err *err)
{
	const char *start = walk->path[0] == '/' ? "" : directory;
	char name[PATH_MAX];

	if (snprintf(walk->rest, sizeof(walk->rest), "%s/%s", start, walk->path) >=
	    (int)sizeof(walk->rest))
		return too_long(walk, err);
	for (next_name(walk, name); *name; next_name(walk, name)) {
		if (step(walk, name, err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- the files ---- */

/* With another name of the file, perhaps in a writable place, it could be changed as well. */
static int check_links(const struct walk *walk, struct err *err)
{
	if (walk->status.st_nlink == 1 || walk->status.st_uid != geteuid())
		return 0;
	err_bad(err, "policy %s: the file has another name, where the command could change it",
		walk->path);
	return err_hint(err, "find it with: find / -xdev -inum %ju; or copy the file",
			(uintmax_t)walk->status.st_ino);
}

/* Walks to @walk->path and says whether it may be there. */
static int check_path(struct walk *walk, const char *directory, struct err *err)
{
	int rc = walk_path(walk, directory, err);

	return rc < 0 ? rc : check_links(walk, err);
}

int policy_place_check(const struct settings *settings, const struct mount_list *mounts,
		       const char *directory, struct err *err)
{
	const char *credentials = settings->values.upstream.credentials_path;
	struct mount_table table AUTO(mount_table_done) = { 0 };
	struct walk walk = { .mounts = mounts, .table = &table };

	if (!settings->file_count && !credentials)
		return 0;
	if (mount_table_read(&table, err) < 0)
		return err_wrap(err, "policy");
	for (size_t i = 0; i < settings->file_count; i++) {
		const struct settings_file *file = &settings->files[i];

		walk = (struct walk) { .mounts = mounts, .table = &table, .path = file->path };
		if (check_path(&walk, directory, err) < 0)
			return -err->code;
		if (file->inode != walk.status.st_ino || file->device != walk.status.st_dev)
			return err_set(err, EAGAIN, "policy %s: it was replaced meanwhile",
				       file->path);
	}
	if (!credentials)
		return 0;
	walk = (struct walk) { .mounts = mounts, .table = &table, .path = credentials };
	return check_path(&walk, directory, err);
}

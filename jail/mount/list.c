/* The list of mounts of a run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jail/mount/mount.h"
#include "policy/base/auto.h"

static void entry_done(struct mount_entry *entry)
{
	free(entry->source);
	free(entry->target);
	free(entry->data);
}

void mount_list_done(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		entry_done(&list->entries[i]);
	free(list->entries);
	*list = (struct mount_list) { 0 };
}

/* Appends the components of @path to @out (as long as @path), without "." and empty ones. */
static int clean_path(const char *path, char *out, struct err *err)
{
	const char *whole = path;
	size_t used = 0;

	if (*path != '/')
		return err_bad(err, "%s: expected an absolute path", path);
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && strncmp(path, "..", 2) == 0)
			return err_bad(err, "%s: expected a path without \"..\"", whole);
		if (length > 0 && !(length == 1 && *path == '.')) {
			out[used++] = '/';
			memcpy(out + used, path, length);
			used += length;
		}
		path += length;
		path += *path == '/';
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = '\0';
	return 0;
}

static int copy(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? -ENOMEM : 0;
}

int mount_list_add(struct mount_list *list, const struct mount_kind *kind, const char *source,
		   const char *target, const char *data, struct err *err)
{
	struct mount_entry entry AUTO(entry_done) = { .kind = kind };
	struct mount_entry *grown;

	entry.target = malloc(strlen(target) + 2);
	if (!entry.target || copy(source, &entry.source) < 0 || copy(data, &entry.data) < 0)
		return err_set(err, ENOMEM, "remember a mount");
	if (clean_path(target, entry.target, err) < 0)
		return -err->code;
	grown = realloc(list->entries, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return err_set(err, ENOMEM, "remember a mount");
	list->entries = grown;
	list->entries[list->count++] = entry;
	entry = (struct mount_entry) { 0 }; /* the list's now */
	return 0;
}

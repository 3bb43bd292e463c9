/* The places that a policy names: what each means for the list of mounts. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/mount/mount.h"
#include "policy/base/auto.h"
#include "policy/settings.h"

/* An existing path of the caller's, absolute and without symlinks. */
static int resolve(const struct path_setting *setting, const char *path, const char *home,
		   char out[PATH_MAX], struct err *err)
{
	bool is_home = path[0] == '~' && (!path[1] || path[1] == '/');
	char whole[PATH_MAX];

	if (is_home && !home)
		return err_set(err, ENOENT, "%s %s: find the home", setting->origin, path);
	if (snprintf(whole, sizeof(whole), "%s%s", is_home ? home : "",
		     is_home ? path + 1 : path) >= (int)sizeof(whole))
		return err_set(err, ENAMETOOLONG, "%s %s", setting->origin, path);
	if (!realpath(whole, out))
		return err_set(err, errno, "%s %s", setting->origin, path);
	return 0;
}

static int add(struct mount_list *list, const struct mount_kind *kind,
	       const struct path_setting *setting, const char *source, const char *target,
	       const char *data, struct err *err)
{
	if (mount_list_add(list, kind, source, target, data, err) < 0)
		return err_wrap(err, "%s", setting->origin);
	return 0;
}

/* SOURCE[:TARGET]: the last colon before a slash separates, so that a source may have some. */
static int add_source(struct mount_list *list, const struct mount_kind *kind,
		      const struct path_setting *setting, const char *home, struct err *err)
{
	char *source AUTO(heap_release) = strdup(setting->path);
	char *colon = source ? strrchr(source, ':') : NULL;
	char resolved[PATH_MAX];
	bool has_target = colon && colon[1] == '/' && setting->kind >= PATH_BIND;

	if (!source)
		return err_set(err, ENOMEM, "%s", setting->origin);
	if (has_target)
		*colon = '\0';
	if (resolve(setting, source, home, resolved, err) < 0)
		return -err->code;
	return add(list, kind, setting, resolved, has_target ? colon + 1 : resolved, NULL, err);
}

/* A number with an optional unit, as tmpfs takes it. */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && (text[digits] == '\0' ||
			      (strchr("kmgKMG%", text[digits]) && text[digits + 1] == '\0'));
}

static int add_tmpfs(struct mount_list *list, const struct path_setting *setting, struct err *err)
{
	char *path AUTO(heap_release) = strdup(setting->path);
	char *colon = path ? strrchr(path, ':') : NULL;

	if (!path)
		return err_set(err, ENOMEM, "%s", setting->origin);
	if (colon && !is_size(colon + 1))
		return err_bad(err,
			       "%s %s: expected a size such as 64m, 2g or 10%% after the colon",
			       setting->origin, setting->path);
	if (colon)
		*colon = '\0';
	return add(list, &mount_kind_tmpfs, setting, NULL, path, colon ? colon + 1 : NULL, err);
}

static int add_path(struct mount_list *list, const struct path_setting *setting, const char *home,
		    struct err *err)
{
	static const struct mount_kind *const kinds[PATH_KINDS] = {
		[PATH_WRITE] = &mount_kind_bind,      [PATH_OVERLAY] = &mount_kind_overlay,
		[PATH_HIDE] = &mount_kind_hide,	      [PATH_BIND] = &mount_kind_bind,
		[PATH_RO_BIND] = &mount_kind_ro_bind, /* PATH_TMPFS has no source */
	};

	return kinds[setting->kind] ? add_source(list, kinds[setting->kind], setting, home, err)
				    : add_tmpfs(list, setting, err);
}

/*
 * Files have no order that a reader could rely on: of what they say of the same place, what shows
 * less of it comes later, and so holds.
 */
static int add_of_files(struct mount_list *list, const struct settings *settings, const char *home,
			struct err *err)
{
	static const enum path_kind order[PATH_KINDS] = { PATH_WRITE,	PATH_BIND,  PATH_OVERLAY,
							  PATH_RO_BIND, PATH_TMPFS, PATH_HIDE };

	for (size_t kind = 0; kind < PATH_KINDS; kind++) {
		for (size_t i = 0; i < settings->path_count; i++) {
			const struct path_setting *setting = &settings->paths[i];

			if (setting->source == SETTING_FROM_FILE && setting->kind == order[kind] &&
			    add_path(list, setting, home, err) < 0)
				return -err->code;
		}
	}
	return 0;
}

int mount_add_paths(struct mount_list *list, const struct settings *settings, const char *home,
		    struct err *err)
{
	if (add_of_files(list, settings, home, err) < 0)
		return -err->code;
	for (size_t i = 0; i < settings->path_count; i++) {
		const struct path_setting *setting = &settings->paths[i];

		if (setting->source == SETTING_FROM_COMMAND_LINE &&
		    add_path(list, setting, home, err) < 0)
			return -err->code;
	}
	return 0;
}

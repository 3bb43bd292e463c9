/* The default view: what a jail sees when nobody says otherwise. */
#include <errno.h>
#include <string.h>

#include "jail/mount/mount.h"

enum cwd_treatment { CWD_WRITE, CWD_OVERLAY, CWD_AS_IT_IS };

/* Is @path the directory @dir, or below it? */
static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/*
 * The current directory is the caller's project: changes there are real. Not so where that would
 * give away the system or the whole home.
 */
static enum cwd_treatment treat_cwd(const struct mount_view *view)
{
	static const char *const system[] = { "/bin",	"/boot",   "/etc",  "/lib", "/lib32",
					      "/lib64", "/libx32", "/sbin", "/usr" };
	static const char *const kernel[] = { "/dev", "/proc", "/run", "/sys" };

	for (size_t i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++) {
		if (is_below(view->cwd, kernel[i]))
			return CWD_AS_IT_IS;
	}
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++) {
		if (is_below(view->cwd, system[i]))
			return CWD_OVERLAY;
	}
	/* shared by everybody, and full of sockets: the jail has its own */
	if (strcmp(view->cwd, "/tmp") == 0 || strcmp(view->cwd, "/var/tmp") == 0)
		return CWD_AS_IT_IS;
	if (strcmp(view->cwd, "/") == 0 || (view->home && is_below(view->home, view->cwd)))
		return CWD_OVERLAY;
	return CWD_WRITE;
}

static int add(struct mount_list *list, const struct mount_kind *kind, const char *source,
	       const char *target, struct err *err)
{
	return mount_list_add(list, kind, source, target, NULL, err);
}

static int add_home_and_cwd(struct mount_list *list, const struct mount_view *view, struct err *err)
{
	enum cwd_treatment treatment = treat_cwd(view);
	bool is_home_cwd =
		treatment == CWD_OVERLAY && view->home && strcmp(view->home, view->cwd) == 0;

	/* also below an overlay of the current directory: /tmp may lie between the two */
	if (view->home && !is_home_cwd &&
	    add(list, &mount_kind_overlay, view->home, view->home, err) < 0)
		return -err->code;
	if (treatment == CWD_OVERLAY)
		return add(list, &mount_kind_overlay, view->cwd, view->cwd, err);
	if (treatment == CWD_WRITE)
		return add(list, &mount_kind_bind, view->cwd, view->cwd, err);
	return 0;
}

int mount_default_view(struct mount_list *list, const struct mount_view *view, struct err *err)
{
	if (add(list, &mount_kind_proc, NULL, "/proc", err) < 0 ||
	    (view->own_network && add(list, &mount_kind_sys, NULL, "/sys", err) < 0) ||
	    add(list, &mount_kind_dev, NULL, "/dev", err) < 0 ||
	    add(list, &mount_kind_tmpfs, NULL, "/tmp", err) < 0 ||
	    add(list, &mount_kind_tmpfs, NULL, "/var/tmp", err) < 0 ||
	    add(list, &mount_kind_tmpfs, NULL, "/run", err) < 0 ||
	    add_home_and_cwd(list, view, err) < 0)
		return -err->code;
	if (!view->use_gate)
		return 0;
	if (add(list, &mount_kind_file, view->resolv_conf, "/etc/resolv.conf", err) < 0)
		return -err->code;
	return add(list, &mount_kind_file, view->hosts, "/etc/hosts", err);
}

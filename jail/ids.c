/* User and group maps. See ids.h. */
#include "jail/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/caps.h"

static int write_file(pid_t pid, const char *name, const char *text, struct err *err)
{
	char path[64];
	int fd AUTO(fd_release) = -1;
	size_t length = strlen(text);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open %s of the new user namespace", name);
	if (write(fd, text, length) != (ssize_t)length)
		return err_set(err, errno, "write %s of the new user namespace", name);
	return 0;
}

/*
 * Our own map, as an identity map: the ids that exist for us, each as itself. At most as many
 * lines as the kernel takes; @out is empty when it cannot be read.
 */
static void identity_of(const char *path, char *out, size_t size)
{
	FILE *file AUTO(file_release) = fopen(path, "re");
	unsigned long inside, outside, count;
	size_t used = 0;

	out[0] = '\0';
	while (file && fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		int length =
			snprintf(out + used, size - used, "%lu %lu %lu\n", inside, inside, count);

		if (length < 0 || (size_t)length >= size - used)
			return;
		used += (size_t)length;
	}
}

int ids_write_maps(pid_t pid, struct err *err)
{
	char users[4096], groups[4096];

	if (caps_has(CAP_SETUID) && caps_has(CAP_SETGID)) {
		identity_of("/proc/self/uid_map", users, sizeof(users));
		identity_of("/proc/self/gid_map", groups, sizeof(groups));
	} else {
		(void)snprintf(users, sizeof(users), "%u %u 1\n", geteuid(), geteuid());
		(void)snprintf(groups, sizeof(groups), "%u %u 1\n", getegid(), getegid());
		if (write_file(pid, "setgroups", "deny", err) < 0)
			return -err->code;
	}
	if (write_file(pid, "uid_map", users, err) < 0)
		return -err->code;
	return write_file(pid, "gid_map", groups, err);
}

int ids_drop_groups(struct err *err)
{
	/* denied without privilege, and then the groups stay: docs/architecture.md, residuals */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_set(err, errno, "drop supplementary groups");
	return 0;
}

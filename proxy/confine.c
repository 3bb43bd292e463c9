/*
 * The proxy's own jail. See confine.h.
 *
 * The proxy parses what the payload sends, so a bug in a parser must not be worth much: it can
 * open sockets (that is its work) and read the files of the resolver, nothing else.
 */
#include "proxy/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/caps.h"
#include "policy/base/log.h"
#include "proxy_seccomp.h" /* made by seccomp_gen.c at build time */

/* Newer than the headers of some hosts. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL		    (1ULL << 1)
#endif
#define LANDLOCK_ABI1_FS ((1ULL << 13) - 1) /* EXECUTE .. MAKE_SYM */

/* The kernel's struct landlock_ruleset_attr, with fields that old headers lack. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4; 0: the proxy dials any port */
	uint64_t scoped; /* ABI 6 */
};

/* Read by the resolver now and then. Each may be missing. */
static const char *const readable_files[] = {
	"/etc/hosts",
	"/etc/resolv.conf",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
};

static int forbid_inspection(struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, errno, "become non-dumpable");
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set(err, errno, "forbid core dumps");
	return 0;
}

static struct ruleset_attr ruleset_for(int abi)
{
	struct ruleset_attr attr = { .handled_access_fs = LANDLOCK_ABI1_FS };

	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi >= 6)
		attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	return attr;
}

/* How much of the struct a kernel of that ABI knows; it refuses bytes beyond. */
static size_t ruleset_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attr);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static int allow_reading(int ruleset, const char *path, struct err *err)
{
	int file AUTO(fd_release) = open(path, O_PATH | O_CLOEXEC);
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = file,
	};

	if (file < 0)
		return 0; /* not there: nothing to read */
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_set(err, errno, "allow reading %s", path);
	return 0;
}

static int restrict_files(struct err *err)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset_attr attr = ruleset_for(abi);
	int ruleset AUTO(fd_release) = -1;

	if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		log_info("this kernel has no Landlock: the proxy can read files of its user");
		return 0;
	}
	if (abi < 0)
		return err_set(err, errno, "ask for Landlock");
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_size(abi), 0);
	if (ruleset < 0)
		return err_set(err, errno, "create a Landlock ruleset");
	for (size_t i = 0; i < sizeof(readable_files) / sizeof(readable_files[0]); i++) {
		int rc = allow_reading(ruleset, readable_files[i], err);

		if (rc < 0)
			return rc;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_set(err, errno, "enter the Landlock ruleset");
	return 0;
}

static int restrict_syscalls(struct err *err)
{
	const struct sock_fprog program = {
		.len = sizeof(proxy_seccomp) / sizeof(proxy_seccomp[0]),
		/* the kernel only reads it; its struct has no const */
		.filter = (struct sock_filter *)(uintptr_t)proxy_seccomp,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_set(err, errno, "install the seccomp filter");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct err *err);
} steps[] = {
	{ "capabilities", caps_drop_all }, /* and no_new_privs, which Landlock and seccomp want */
	{ "inspection", forbid_inspection }, /* needs setrlimit and prctl: before seccomp */
	{ "landlock", restrict_files }, /* opens files: before seccomp */
	{ "seccomp", restrict_syscalls }, /* last: it forbids all the above */
};

int confine(struct err *err)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].run(err) < 0)
			return err_wrap(err, "confine: %s", steps[i].name);
	}
	return 0;
}

unsigned long confine_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256; /* cannot happen; small is safe */
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else it stays as it is, asked for next */
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

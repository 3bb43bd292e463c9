/*
 * Build-time program: writes the payload's seccomp filter as a C array, through libseccomp.
 *
 * Made at build time because libseccomp takes milliseconds for some hundred rules, and a jail
 * starts in three. One array for each architecture we know; the compiler takes its own.
 *
 * The filter has two layers. Ours comes first: a system call whose number is above LAST_NUMBER is
 * ENOSYS, so that what a newer kernel adds is closed until somebody has looked at it (x32 numbers
 * are far above). The rest is libseccomp's: another architecture is killed, the table below is
 * denied, everything else is allowed.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOW32 0xffffffffu /* the kernel looks at an int only, whatever the upper half holds */
#define TYPE  0xfu /* the bits of a socket's type that are not flags */

/*
 * futex_requeue, on every architecture: the last one that was looked at. Not the last that libseccomp
 * knows, or a newer libseccomp would open what nobody has looked at (open_tree_attr is 467).
 */
#define LAST_NUMBER 456

/* Denied whatever the arguments are. */
static const struct {
	const char *name;
	int error;
} closed[] = {
	/* namespaces and mounts */
	{ "setns", EPERM },
	{ "unshare", EPERM },
	{ "clone3", ENOSYS }, /* its flags lie behind a pointer; glibc falls back to clone() */
	{ "mount", EPERM },
	{ "umount2", EPERM },
	{ "umount", EPERM },
	{ "pivot_root", EPERM },
	{ "chroot", EPERM },
	{ "fsopen", EPERM },
	{ "fsconfig", EPERM },
	{ "fsmount", EPERM },
	{ "fspick", EPERM },
	{ "open_tree", EPERM },
	{ "move_mount", EPERM },
	{ "mount_setattr", EPERM },
	{ "name_to_handle_at", EPERM },
	{ "open_by_handle_at", EPERM },
	{ "quotactl", EPERM },
	{ "quotactl_fd", EPERM },
	{ "fanotify_init", EPERM },
	{ "fanotify_mark", EPERM },
	/* kernel surfaces that no build or test tool needs */
	{ "bpf", EPERM },
	{ "perf_event_open", EPERM },
	{ "userfaultfd", EPERM },
	{ "io_uring_setup", ENOSYS }, /* what libraries probe for: they fall back to epoll */
	{ "io_uring_enter", ENOSYS },
	{ "io_uring_register", ENOSYS },
	{ "add_key", EPERM },
	{ "request_key", EPERM },
	{ "keyctl", EPERM },
	/* the machine */
	{ "acct", EPERM },
	{ "adjtimex", EPERM },
	{ "clock_adjtime", EPERM },
	{ "clock_settime", EPERM },
	{ "settimeofday", EPERM },
	{ "stime", EPERM },
	{ "delete_module", EPERM },
	{ "init_module", EPERM },
	{ "finit_module", EPERM },
	{ "create_module", ENOSYS },
	{ "query_module", ENOSYS },
	{ "get_kernel_syms", ENOSYS },
	{ "kexec_load", EPERM },
	{ "kexec_file_load", EPERM },
	{ "reboot", EPERM },
	{ "swapon", EPERM },
	{ "swapoff", EPERM },
	{ "syslog", EPERM },
	{ "sethostname", EPERM },
	{ "setdomainname", EPERM },
	{ "vhangup", EPERM },
	{ "nfsservctl", ENOSYS },
	{ "lookup_dcookie", EPERM },
	{ "iopl", EPERM },
	{ "ioperm", EPERM },
	{ "modify_ldt", EPERM },
	{ "vm86", EPERM },
	{ "vm86old", EPERM },
	{ "uselib", EPERM },
	{ "ustat", EPERM },
	{ "sysfs", EPERM },
	{ "_sysctl", EPERM },
	{ "set_mempolicy_home_node", EPERM },
};

/* Denied when one argument, or two, look like this. */
struct argument_rule {
	const char *name;
	int error;
	unsigned count;
	struct scmp_arg_cmp arguments[2];
};

static scmp_filter_ctx filter;

static void die(const char *what, int code)
{
	(void)fprintf(stderr, "seccomp generator: %s: %s\n", what, strerror(code));
	exit(1);
}

static void deny_when(const char *name, int error, unsigned count,
		      const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);
	int rc;

	if (number == __NR_SCMP_ERROR)
		die(name, ENOSYS);
	rc = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)error), number, count,
				    arguments);
	/* a system call that this architecture does not have cannot be called either */
	if (rc < 0 && rc != -EDOM && rc != -EINVAL)
		die(name, -rc);
}

static void deny(const char *name, int error)
{
	deny_when(name, error, 0, NULL);
}

static void deny_masked(const char *name, int error, unsigned argument, uint64_t mask,
			uint64_t value)
{
	deny_when(
		name, error, 1,
		(struct scmp_arg_cmp[]) { SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value) });
}

/* New namespaces by clone(): argument 0 on x86-64 and aarch64. */
static void close_clone(void)
{
	static const uint64_t flags[] = { CLONE_NEWNS,	CLONE_NEWCGROUP, CLONE_NEWUTS,
					  CLONE_NEWIPC, CLONE_NEWUSER,	 CLONE_NEWPID,
					  CLONE_NEWNET };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		deny_masked("clone", EPERM, 0, flags[i], flags[i]);
}

/* UNIX, INET, INET6 and NETLINK_ROUTE stay. */
static void close_families(void)
{
	for (uint64_t family = 0; family <= 63; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
		    family == AF_NETLINK)
			continue;
		deny_masked("socket", EPERM, 0, LOW32, family);
		deny_masked("socketpair", EPERM, 0, LOW32, family);
	}
	deny_when("socket", EPERM, 1, (struct scmp_arg_cmp[]) { SCMP_CMP64(0, SCMP_CMP_GT, 63) });
	deny_when("socketpair", EPERM, 1,
		  (struct scmp_arg_cmp[]) { SCMP_CMP64(0, SCMP_CMP_GT, 63) });
	deny_when("socket", EPERM, 2,
		  (struct scmp_arg_cmp[]) { SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW32, AF_NETLINK),
					    SCMP_CMP64(2, SCMP_CMP_NE, 0) });
}

/*
 * Of the internet's socket types the two that TCP and UDP have stay, and of its protocols these
 * two and 0, which means the one that fits the type. A type alone is enough for others: where a
 * module is loaded, SOCK_SEQPACKET and 0 are SCTP, and SOCK_PACKET is another family.
 */
static void close_protocols(uint64_t family)
{
	struct scmp_arg_cmp inet = SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW32, family);
	struct scmp_arg_cmp stream = SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, TYPE, SOCK_STREAM);
	struct scmp_arg_cmp datagram = SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, TYPE, SOCK_DGRAM);
	struct scmp_arg_cmp high = SCMP_CMP64(2, SCMP_CMP_GT, IPPROTO_UDP);

	for (uint64_t type = 0; type <= TYPE; type++) {
		struct scmp_arg_cmp other = SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, TYPE, type);

		if (type != SOCK_STREAM && type != SOCK_DGRAM)
			deny_when("socket", EPERM, 2, (struct scmp_arg_cmp[]) { inet, other });
	}
	/* MPTCP (262) and SCTP are up there: this error makes programs fall back to TCP */
	deny_when("socket", EPROTONOSUPPORT, 3, (struct scmp_arg_cmp[]) { inet, stream, high });
	deny_when("socket", EPERM, 3, (struct scmp_arg_cmp[]) { inet, datagram, high });
	for (uint64_t protocol = 1; protocol < IPPROTO_UDP; protocol++) {
		struct scmp_arg_cmp low = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, LOW32, protocol);

		if (protocol != IPPROTO_TCP)
			deny_when("socket", EPERM, 2, (struct scmp_arg_cmp[]) { inet, low });
	}
}

/* Typing into, or drawing on, the caller's terminal. */
static void close_terminal(void)
{
	static const uint64_t requests[] = { TIOCSTI, TIOCLINUX, TIOCSETD };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		deny_masked("ioctl", EPERM, 1, LOW32, requests[i]);
}

/* Device nodes: a character device 0:0 is an overlay's "deleted", and needs no capability. */
static void close_devices(void)
{
	deny_masked("mknod", EPERM, 1, S_IFMT, S_IFCHR);
	deny_masked("mknod", EPERM, 1, S_IFMT, S_IFBLK);
	deny_masked("mknodat", EPERM, 2, S_IFMT, S_IFCHR);
	deny_masked("mknodat", EPERM, 2, S_IFMT, S_IFBLK);
}

static void fill(void)
{
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		deny(closed[i].name, closed[i].error);
	close_clone();
	close_families();
	close_protocols(AF_INET);
	close_protocols(AF_INET6);
	close_terminal();
	close_devices();
	/* asking for the personality is fine */
	deny_when("personality", EPERM, 1,
		  (struct scmp_arg_cmp[]) { SCMP_CMP64(0, SCMP_CMP_NE, 0xffffffff) });
	/* a filter may be added, a listener would take over what an earlier one decides */
	deny_masked("seccomp", EPERM, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static void print_one(const struct sock_filter *one)
{
	(void)printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", one->code, one->jt, one->jf, one->k);
}

static void print_layers(void)
{
	const struct sock_filter first[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_NUMBER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	FILE *exported = tmpfile();
	struct sock_filter one;
	int rc;

	if (!exported)
		die("temporary file", errno);
	rc = seccomp_export_bpf(filter, fileno(exported));
	if (rc < 0)
		die("export", -rc);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		print_one(&first[i]);
	rewind(exported);
	while (fread(&one, sizeof(one), 1, exported) == 1)
		print_one(&one);
	(void)fclose(exported); /* only read since it was written */
}

static void print_filter(const char *condition, uint32_t arch)
{
	int rc;

	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		die("init", ENOMEM);
	rc = seccomp_arch_add(filter, arch);
	if (rc < 0 && rc != -EEXIST)
		die("add the architecture", -rc);
	if (arch != seccomp_arch_native() && seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) < 0)
		die("remove the native architecture", EINVAL);
	rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc < 0)
		die("foreign architectures", -rc);
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (rc < 0)
		die("optimize", -rc);
	fill();
	(void)printf("%s\n", condition);
	print_layers();
	seccomp_release(filter);
}

int main(void)
{
	(void)puts("/* Made by jail/seccomp/gen.c at build time. */\n"
		   "static const struct sock_filter payload_filter[] = {");
	print_filter("#if defined(__x86_64__)", SCMP_ARCH_X86_64);
	print_filter("#elif defined(__aarch64__)", SCMP_ARCH_AARCH64);
	(void)puts("#else\n#error \"no seccomp filter for this architecture\"\n#endif\n};");
	return ferror(stdout) || fflush(stdout) == EOF;
}

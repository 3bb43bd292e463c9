/*
 * What a hostile payload tries and no usual tool does. A subcommand is a row of `commands` below; each
 * thing it tries is one line, "NAME ANSWER": "allowed", the errno's name, or the signal that it died of.
 *
 * Each try has a process of its own, so a call that is allowed does not change the next one.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HIGH	     (1ULL << 32) /* not seen by a kernel that takes an int */

/* Numbers that the headers of an older system lack; the same everywhere. */
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

static void say(const char *name, long result)
{
	(void)printf("%s %s\n", name, result >= 0 ? "allowed" : strerrorname_np(errno));
}

/* ---- one call in a process of its own ------------------------------------------------------- */

struct call {
	const char *name;
	long number;
	unsigned long arguments[6];
};

static void say_status(const char *name, int status)
{
	if (WIFSIGNALED(status))
		(void)printf("%s SIG%s\n", name, sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)printf("%s %s\n", name, strerrorname_np(WEXITSTATUS(status)));
	else
		(void)printf("%s allowed\n", name);
}

static void try_call(const struct call *call)
{
	const unsigned long *a = call->arguments;
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		long result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);

		_exit(result >= 0 ? 0 : errno);
	}
	(void)waitpid(pid, &status, 0);
	say_status(call->name, status);
}

#define CALL(name, ...)                                                                            \
	{                                                                                          \
#name, SYS_##name,                                                                 \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NOWHERE ((unsigned long)-4096) /* a bad address */

/* Chosen to do nothing where they are allowed. */
static const struct call closed_calls[] = {
	CALL(setns, 0, 0),
	CALL(unshare, CLONE_NEWUSER),
	CALL(clone3, NOWHERE, 88),
	CALL(mount, (unsigned long)"none", (unsigned long)"/", (unsigned long)"tmpfs", 0),
	CALL(umount2, (unsigned long)"/nowhere", 0),
	CALL(pivot_root, (unsigned long)"/nowhere", (unsigned long)"/nowhere"),
	CALL(chroot, (unsigned long)"/"),
	CALL(fsopen, (unsigned long)"tmpfs", 0),
	CALL(fsconfig, -1, 0, 0, 0, 0),
	CALL(fsmount, -1, 0, 0),
	CALL(fspick, -1, NOWHERE, 0),
	CALL(open_tree, AT_FDCWD, (unsigned long)"/", 0),
	CALL(move_mount, -1, NOWHERE, -1, NOWHERE, 0),
	CALL(mount_setattr, -1, NOWHERE, 0, NOWHERE, 32),
	CALL(open_tree_attr, -1, NOWHERE, 0, NOWHERE, 32),
	CALL(name_to_handle_at, AT_FDCWD, NOWHERE, NOWHERE, NOWHERE, 0),
	CALL(open_by_handle_at, AT_FDCWD, NOWHERE, 0),
	CALL(quotactl, -1, NOWHERE, 0, 0),
	CALL(quotactl_fd, -1, -1, 0, 0),
	CALL(fanotify_init, -1, 0),
	CALL(fanotify_mark, -1, 0, 0, 0, 0),
	CALL(bpf, -1, NOWHERE, 0),
	CALL(perf_event_open, NOWHERE, 0, -1, -1, 0),
	CALL(userfaultfd, -1),
	CALL(io_uring_setup, 1, NOWHERE),
	CALL(io_uring_enter, -1, 0, 0, 0, 0, 0),
	CALL(io_uring_register, -1, 0, 0, 0),
	CALL(add_key, NOWHERE, 0, 0, 0, 0),
	CALL(request_key, NOWHERE, 0, 0, 0),
	CALL(keyctl, 0, -3, 0),
	CALL(acct, NOWHERE),
	CALL(adjtimex, NOWHERE),
	CALL(clock_adjtime, 0, NOWHERE),
	CALL(clock_settime, 0, NOWHERE),
	CALL(settimeofday, NOWHERE, 0),
	CALL(delete_module, NOWHERE, 0),
	CALL(init_module, NOWHERE, 0, 0),
	CALL(finit_module, -1, NOWHERE, 0),
	CALL(kexec_load, 0, -1, 0, -1),
	CALL(reboot, 0, 0, 0, 0),
	CALL(swapon, NOWHERE, 0),
	CALL(swapoff, NOWHERE),
	CALL(syslog, 10, 0, 0),
	CALL(sethostname, NOWHERE, 1),
	CALL(setdomainname, NOWHERE, 1),
	CALL(vhangup),
	CALL(lookup_dcookie, 0, 0, 0),
	CALL(personality, ADDR_NO_RANDOMIZE),
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, NOWHERE),
	CALL(mknodat, AT_FDCWD, (unsigned long)"whiteout", S_IFCHR | 0666, 0),
#ifdef __x86_64__
	CALL(mknod, (unsigned long)"whiteout", S_IFCHR | 0666, 0),
	CALL(kexec_file_load, -1, -1, 0, 0, 0),
	CALL(iopl, 0),
	CALL(ioperm, 0, 1, 0),
	CALL(modify_ldt, 0, 0, 0),
	CALL(uselib, NOWHERE),
	CALL(ustat, 0, NOWHERE),
	CALL(sysfs, 3),
	CALL(_sysctl, NOWHERE),
	CALL(create_module, NOWHERE, 0),
	CALL(query_module, 0, 0, 0, 0, 0),
	CALL(get_kernel_syms, 0),
	CALL(nfsservctl, 0, 0, 0),
#endif
};

static int syscalls(char **arguments)
{
	(void)arguments;
	for (size_t i = 0; i < COUNT(closed_calls); i++)
		try_call(&closed_calls[i]);
	return 0;
}

/* What nobody has looked at: numbers from FIRST to LAST, with arguments that do nothing. */
static int numbers(char **arguments)
{
	long last = strtol(arguments[1], NULL, 0);
	char name[32];

	for (long number = strtol(arguments[0], NULL, 0); number <= last; number++) {
		struct call call = { name, number, { -1, NOWHERE, NOWHERE, NOWHERE, NOWHERE, -1 } };

		(void)snprintf(name, sizeof(name), "%ld", number);
		try_call(&call);
	}
	return 0;
}

/* ---- new namespaces, threads ---------------------------------------------------------------- */

static void *do_nothing(void *nothing)
{
	return nothing;
}

static int clones(char **arguments)
{
	static const struct call calls[] = {
		{ "NEWNS", SYS_clone, { CLONE_NEWNS | SIGCHLD } },
		{ "NEWCGROUP", SYS_clone, { CLONE_NEWCGROUP | SIGCHLD } },
		{ "NEWUTS", SYS_clone, { CLONE_NEWUTS | SIGCHLD } },
		{ "NEWIPC", SYS_clone, { CLONE_NEWIPC | SIGCHLD } },
		{ "NEWUSER", SYS_clone, { CLONE_NEWUSER | SIGCHLD } },
		{ "NEWPID", SYS_clone, { CLONE_NEWPID | SIGCHLD } },
		{ "NEWNET", SYS_clone, { CLONE_NEWNET | SIGCHLD } },
		{ "NEWUSER+high", SYS_clone, { HIGH | CLONE_NEWUSER | SIGCHLD } },
		{ "NEWUSER|NEWNET", SYS_clone, { CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD } },
		{ "unshare-NEWTIME", SYS_unshare, { 0x80 } },
		{ "unshare-nothing", SYS_unshare, { 0 } },
	};
	/* struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls */
	static const uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	const struct call clone3 = { "clone3-NEWUSER",
				     SYS_clone3,
				     { (unsigned long)args, sizeof(args) } };
	pthread_t thread;

	(void)arguments;
	for (size_t i = 0; i < COUNT(calls); i++)
		try_call(&calls[i]);
	try_call(&clone3);
	errno = pthread_create(&thread, NULL, do_nothing, NULL);
	say("thread", errno ? -1 : 0);
	if (errno == 0)
		(void)pthread_join(thread, NULL);
	return 0;
}

/* ---- other ways into the kernel -------------------------------------------------------------- */

#ifdef __x86_64__
static long int80(long number, long first, long second)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void try_int80(const char *name, long number, long first, long second)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		long result = int80(number, first, second);

		_exit(result >= 0 ? 0 : (int)-result);
	}
	(void)waitpid(pid, &status, 0);
	say_status(name, status);
}
#endif

static int foreign(char **arguments)
{
	(void)arguments;
#ifdef __x86_64__
	/* numbers of the i386 table */
	try_int80("int80-getpid", 20, 0, 0);
	try_int80("int80-socket", 359, AF_INET, SOCK_STREAM);
	try_int80("int80-socketcall", 102, 1, 0);
	try_int80("int80-unshare", 310, CLONE_NEWUSER, 0);
	{
		static const struct call x32[] = {
			{ "x32-getpid", 0x40000000 + 39, { 0 } },
			{ "x32-socket", 0x40000000 + 41, { AF_VSOCK, SOCK_STREAM, 0 } },
			{ "x32-unshare", 0x40000000 + 272, { CLONE_NEWUSER } },
			{ "x32-execve", 0x40000000 + 520, { NOWHERE } },
		};

		for (size_t i = 0; i < COUNT(x32); i++)
			try_call(&x32[i]);
	}
#endif
	return 0;
}

/* ---- sockets -------------------------------------------------------------------------------- */

static void try_socket(const char *how, long number, unsigned long family, unsigned long type,
		       unsigned long protocol)
{
	int pair[2];
	long fd = number == SYS_socket
			  ? syscall(SYS_socket, family, type, protocol)
			  : syscall(SYS_socketpair, family, type, protocol, (unsigned long)pair);

	(void)printf("%s %lx %lx %lx %s\n", how, family, type, protocol,
		     fd >= 0 ? "allowed" : strerrorname_np(errno));
	if (fd >= 0 && number == SYS_socketpair) {
		(void)close(pair[0]);
		(void)close(pair[1]);
	} else if (fd >= 0) {
		(void)close((int)fd);
	}
}

/* FAMILY TYPE PROTOCOL, in hexadecimal, of all families, and more closely of those we know. */
static int sockets(char **arguments)
{
	static const unsigned long internet[] = { AF_INET, AF_INET6, AF_INET | HIGH };

	(void)arguments;
	for (unsigned long family = 0; family < 70; family++) {
		for (unsigned long type = SOCK_STREAM; type <= SOCK_PACKET; type++) {
			try_socket("socket", SYS_socket, family, type, 0);
			try_socket("pair", SYS_socketpair, family, type, 0);
		}
		try_socket("high", SYS_socket, HIGH | family, SOCK_STREAM, 0);
	}
	for (unsigned long protocol = 0; protocol < 32; protocol++)
		try_socket("netlink", SYS_socket, AF_NETLINK, SOCK_RAW, protocol);
	try_socket("netlink", SYS_socket, AF_NETLINK, SOCK_RAW, HIGH);
	for (size_t i = 0; i < COUNT(internet); i++) {
		for (unsigned long type = 0; type < 16; type++) {
			for (unsigned long protocol = 0; protocol < 300; protocol++)
				try_socket("internet", SYS_socket, internet[i], type, protocol);
			try_socket("internet", SYS_socket, internet[i], type | HIGH, 0);
			try_socket("internet", SYS_socket, internet[i], type, HIGH);
			try_socket("internet", SYS_socket, internet[i], type, HIGH | 132);
		}
	}
	return 0;
}

/* ---- terminals ------------------------------------------------------------------------------- */

static int terminal(char **arguments)
{
	static const char letter = 'x', subcode = 2;
	static const int discipline = 0;
	const struct {
		const char *name;
		unsigned long request, argument;
	} tries[] = {
		{ "TCGETS", TCGETS, 0 }, /* the control: it is a terminal */
		{ "TIOCSTI", TIOCSTI, (unsigned long)&letter },
		{ "TIOCSTI+high", TIOCSTI | HIGH, (unsigned long)&letter },
		{ "TIOCLINUX", TIOCLINUX, (unsigned long)&subcode },
		{ "TIOCLINUX+high", TIOCLINUX | HIGH, (unsigned long)&subcode },
		{ "TIOCSETD", TIOCSETD, (unsigned long)&discipline },
		{ "TIOCSETD+high", TIOCSETD | HIGH, (unsigned long)&discipline },
	};
	char room[128];
	int fd = arguments[0] ? open(arguments[0], O_RDWR | O_NOCTTY) : STDIN_FILENO;

	for (size_t i = 0; i < COUNT(tries); i++) {
		unsigned long argument =
			tries[i].argument ? tries[i].argument : (unsigned long)room;

		say(tries[i].name, syscall(SYS_ioctl, fd, tries[i].request, argument));
	}
	return 0;
}

/* ---- other processes ------------------------------------------------------------------------- */

static void try_open(const char *directory, const char *name, int flags)
{
	char path[256];
	char *line;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (asprintf(&line, "open-%s", name) < 0)
		return;
	say(line, open(path, flags | O_CLOEXEC));
	free(line);
}

static int process(char **arguments)
{
	static const char *const files[] = { "environ", "maps", "auxv",	  "root",   "cwd",
					     "exe",	"fd/0", "ns/net", "ns/user" };
	pid_t pid = (pid_t)strtol(arguments[0], NULL, 0);
	char here = 0, directory[32];
	struct iovec local = { &here, 1 }, remote = { &here, 1 };
	struct rlimit limit = { 10, 10 };
	long pidfd;

	say("ptrace-seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	say("ptrace-attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	say("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
	say("process_vm_writev", process_vm_writev(pid, &local, 1, &remote, 1, 0));
	say("kcmp", syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
	say("prlimit", prlimit(pid, RLIMIT_NOFILE, &limit, NULL));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	say("pidfd_open", pidfd);
	say("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	say("setns", syscall(SYS_setns, pidfd, CLONE_NEWUSER));
	(void)snprintf(directory, sizeof(directory), "/proc/%d", (int)pid);
	try_open(directory, "mem", O_RDWR);
	for (size_t i = 0; i < COUNT(files); i++)
		try_open(directory, files[i], O_RDONLY);
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

enum { KEYCTL_JOIN = 1, KEYCTL_SEARCH_ = 10, SESSION = -3 };

static int keys(char **arguments)
{
	(void)arguments;
	say("search", syscall(SYS_keyctl, KEYCTL_SEARCH_, SESSION, "user", "nsgate-test", 0));
	say("add", syscall(SYS_add_key, "user", "nsgate-test", "v", 1, SESSION));
	say("request", syscall(SYS_request_key, "user", "nsgate-test", NULL, 0));
	say("join", syscall(SYS_keyctl, KEYCTL_JOIN, NULL));
	return 0;
}

/* ---- who we are ------------------------------------------------------------------------------ */

/* What the kernel remembers of a process and exec keeps, one line each. */
static int state(char **arguments)
{
	struct itimerval timer = { 0 };
	mode_t mask = umask(0);
	int armed = 0;

	(void)arguments;
	(void)umask(mask);
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
		if (getitimer(which, &timer) == 0)
			armed += timer.it_value.tv_sec || timer.it_value.tv_usec;
	}
	(void)printf("securebits %x\n", (unsigned)prctl(PR_GET_SECUREBITS));
	(void)printf("keepcaps %d\n", prctl(PR_GET_KEEPCAPS));
	(void)printf("personality %x\n", (unsigned)personality(0xffffffff));
	(void)printf("umask %o\n", (unsigned)mask);
	(void)printf("timers %d\n", armed);
	(void)printf("subreaper %d\n", ({
			     int is_reaper = -1;
			     (void)prctl(PR_GET_CHILD_SUBREAPER, &is_reaper);
			     is_reaper;
		     }));
	(void)printf("descriptors");
	for (int fd = 0; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			(void)printf(" %d", fd);
	}
	(void)printf("\n");
	return 0;
}

/* Makes a call once more when it fails: faults that are meant for nsgate hit us as well, but once. */
#define TWICE(call)                                                                                \
	({                                                                                         \
		long result_ = (call);                                                             \
		result_ >= 0 ? result_ : (call);                                                   \
	})

static void gather(FILE *out, const char *path)
{
	static char text[4096];
	int fd = (int)TWICE(open(path, O_RDONLY | O_CLOEXEC));
	long got;

	(void)fprintf(out, "%s: %s\n", path, fd < 0 ? strerrorname_np(errno) : "");
	while (fd >= 0 && (got = TWICE(read(fd, text, sizeof(text)))) > 0)
		(void)fwrite(text, 1, (size_t)got, out);
	if (fd >= 0)
		(void)close(fd);
}

/* Writes to FILE all that tells whether this jail is a whole one. */
static int witness(char **arguments)
{
	static const char *const paths[] = { "/proc/self/mountinfo", "/proc/self/status",
					     "/proc/self/uid_map",   "/proc/self/gid_map",
					     "/proc/self/setgroups", "/proc/self/limits",
					     "/proc/self/cgroup",    "/proc/net/dev",
					     "/proc/net/route",	     "/proc/net/if_inet6",
					     "/proc/net/fib_trie",   "/proc/sys/kernel/hostname" };
	int fd = (int)TWICE(open(arguments[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	char path[32], link[256], *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (fd < 0 || !out)
		return 1;
	for (size_t i = 0; i < COUNT(paths); i++)
		gather(out, paths[i]);
	(void)fprintf(out, "securebits: %lx\n", TWICE(prctl(PR_GET_SECUREBITS)));
	for (int other = -1; other < 256; other++) {
		ssize_t got;

		(void)snprintf(path, sizeof(path),
			       other < 0 ? "/proc/self/cwd" : "/proc/self/fd/%d", other);
		got = TWICE(readlink(path, link, sizeof(link)));
		if (other != fd && got > 0)
			(void)fprintf(out, "%s: %.*s\n", path, (int)got, link);
	}
	(void)fclose(out); /* fills text */
	return TWICE(write(fd, text, length)) == (ssize_t)length ? 0 : 1;
}

/* Getting more than was given. */
static int rise(char **arguments)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 1, 1, 1 }, { 0, 0, 0 } };
	static const gid_t groups[] = { 0 };
	struct rlimit limit;

	(void)arguments;
	say("capset", syscall(SYS_capset, &header, data));
	say("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0));
	say("securebits", prctl(PR_SET_SECUREBITS, 0));
	say("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say("setgroups", setgroups(1, groups));
	say("setuid", setresuid(getuid() + 1, getuid() + 1, getuid() + 1));
	say("setgid", setresgid(getgid() + 1, getgid() + 1, getgid() + 1));
	say("nice", setpriority(PRIO_PROCESS, 0, -20));
	say("realtime", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param) { 1 }));
	(void)getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_max += 1;
	say("core-limit", setrlimit(RLIMIT_CORE, &limit));
	return 0;
}

/* Gives FILE the capability to change the network, as a file system keeps it. */
static int filecap(char **arguments)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { 1u << CAP_NET_ADMIN, 0 } },
	};

	say("filecap", setxattr(arguments[0], "security.capability", &data, sizeof(data), 0));
	return 0;
}

static int filter(char **arguments)
{
	static struct sock_filter allow[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
	static struct sock_fprog program = { 1, allow };
	const struct call calls[] = {
		{ "plain", SYS_seccomp, { SECCOMP_SET_MODE_FILTER, 0, (unsigned long)&program } },
		{ "listener",
		  SYS_seccomp,
		  { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    (unsigned long)&program } },
		{ "listener+tsync",
		  SYS_seccomp,
		  { SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
			    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
		    (unsigned long)&program } },
		{ "listener+high",
		  SYS_seccomp,
		  { SECCOMP_SET_MODE_FILTER, HIGH | SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    (unsigned long)&program } },
	};

	(void)arguments;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (size_t i = 0; i < COUNT(calls); i++)
		try_call(&calls[i]);
	return 0;
}

/* ---- what is handed over at the start --------------------------------------------------------- */

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static int a_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY);
}

static int a_directory_path(void)
{
	return open("/", O_PATH);
}

static int a_file(void)
{
	return open("/proc/version", O_RDONLY);
}

static int a_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int a_tcp_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (listen(fd, 1) < 0)
		die("listen");
	return fd;
}

static int a_tcp_connection(void)
{
	int listener = a_tcp_listener(), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		die("getsockname");
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	return fd;
}

static int a_udp(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0);
}

static int a_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int one_of_a_pair(int type)
{
	int ends[2];

	if (socketpair(AF_UNIX, type, 0, ends) < 0)
		die("socketpair");
	return ends[0]; /* the other one stays open too */
}

static int a_unix_stream(void)
{
	return one_of_a_pair(SOCK_STREAM);
}

static int a_unix_packet(void)
{
	return one_of_a_pair(SOCK_SEQPACKET);
}

static int a_unix_datagram(void)
{
	return one_of_a_pair(SOCK_DGRAM);
}

static int a_lone_unix_stream(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int a_pipe(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		die("pipe");
	return ends[0];
}

static int nothing(void)
{
	return -1;
}

/* "given KIND FD COMMAND..." runs it with that on descriptor FD. */
static int given(char **arguments)
{
	static const struct {
		const char *name;
		int (*make)(void);
	} kinds[] = {
		{ "directory", a_directory },
		{ "directory-path", a_directory_path },
		{ "tcp", a_tcp },
		{ "tcp-listener", a_tcp_listener },
		{ "tcp-connection", a_tcp_connection },
		{ "udp", a_udp },
		{ "netlink", a_netlink },
		{ "unix-datagram", a_unix_datagram },
		{ "unix-unconnected", a_lone_unix_stream },
		{ "unix-stream", a_unix_stream },
		{ "unix-packet", a_unix_packet },
		{ "pipe", a_pipe },
		{ "file", a_file },
		{ "nothing", nothing },
	};
	int target = (int)strtol(arguments[1], NULL, 0);
	int fd;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, arguments[0]) != 0)
			continue;
		fd = kinds[i].make();
		if (fd < 0)
			(void)close(target);
		else if (fd != target && dup2(fd, target) < 0)
			die("dup2");
		execvp(arguments[2], arguments + 2);
		die(arguments[2]);
	}
	(void)fprintf(stderr, "no kind %s\n", arguments[0]);
	return 99;
}

/* A session keyring of its own that holds a key, then COMMAND; 98 when there are no keys here. */
static int keyed(char **arguments)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN, NULL) < 0 ||
	    syscall(SYS_add_key, "user", "nsgate-test", "v", 1, SESSION) < 0) {
		perror("add a key");
		return 98;
	}
	execvp(arguments[0], arguments);
	die(arguments[0]);
	return 99;
}

/* An alarm that exec keeps, then COMMAND. */
static int alarmed(char **arguments)
{
	struct itimerval timer = { .it_value = { .tv_sec = 1000 } };

	if (setitimer(ITIMER_VIRTUAL, &timer, NULL) < 0)
		die("setitimer");
	(void)alarm(1000);
	execvp(arguments[0], arguments);
	die(arguments[0]);
	return 99;
}

/* ---- too much -------------------------------------------------------------------------------- */

/* At most COUNT processes, which then do nothing; prints how many there are. */
static int bomb(char **arguments)
{
	long wanted = strtol(arguments[0], NULL, 0), count = 0;

	while (count < wanted) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)setsid();
			for (;;)
				(void)pause();
		}
		if (pid < 0)
			break;
		count++;
	}
	(void)printf("processes %ld\n", count);
	(void)fflush(stdout);
	if (arguments[1])
		(void)pause();
	return 0;
}

/* At most COUNT MiB of memory, written to. */
static int eat(char **arguments)
{
	long wanted = strtol(arguments[0], NULL, 0), count = 0;

	for (; count < wanted; count++) {
		char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (piece == MAP_FAILED)
			break;
		memset(piece, 1, 1 << 20);
	}
	(void)printf("MiB %ld %s\n", count, count < wanted ? strerrorname_np(errno) : "allowed");
	return 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int arguments; /* at least */
	int (*run)(char **arguments);
} commands[] = {
	{ "alarmed", 1, alarmed },   { "bomb", 1, bomb },	  { "clones", 0, clones },
	{ "eat", 1, eat },	     { "filecap", 1, filecap },	  { "filter", 0, filter },
	{ "foreign", 0, foreign },   { "given", 3, given },	  { "keyed", 1, keyed },
	{ "keys", 0, keys },	     { "numbers", 2, numbers },	  { "process", 1, process },
	{ "rise", 0, rise },	     { "sockets", 0, sockets },	  { "state", 0, state },
	{ "syscalls", 0, syscalls }, { "terminal", 0, terminal }, { "witness", 1, witness },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < COUNT(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].arguments)
			return commands[i].run(argv + 2);
	}
	(void)fprintf(stderr, "usage: confined COMMAND [ARGUMENT...]\n");
	return 99;
}

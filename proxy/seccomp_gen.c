/*
 * Writes proxy_seccomp.h: the proxy's system call filter, one array for each architecture.
 *
 * Runs at build time, so that the proxy needs no libseccomp and compiles no filter at each start.
 * Default action: kill the process. A call that is not listed is a bug or an attack, and either
 * way the proxy's end closes the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Allowed whatever the arguments. The comment says who needs it. */
static const char *const plain[] = {
	/* connections */
	"accept4",
	"connect",
	"getsockname",
	"getpeername", /* who uses a published port */
	"getsockopt",
	"setsockopt",
	"shutdown",
	"close",
	"recvfrom",
	"recvmsg",
	"sendto",
	"sendmsg",
	"splice",
	"pipe2",
	"read",
	"write",
	"writev", /* c-ares over TCP */
	"epoll_wait",
	"epoll_pwait",
	"epoll_ctl",
	"poll",
	"ppoll", /* the second of each: aarch64 */
	"fstat",
	"newfstatat",
	"lseek", /* stdio, reading the hosts file */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"futex", /* malloc */
	"clock_gettime",
	"gettimeofday",
	"time", /* where the vDSO cannot answer */
	"getrandom", /* malloc's and c-ares's seeds */
	"rt_sigreturn",
	"rt_sigprocmask",
	"restart_syscall",
	"exit",
	"exit_group",
#ifdef NSGATE_SANITIZED
	"sigaltstack",
	"rt_sigaction",
	"gettid",
	"getpid",
	"sched_yield",
	"nanosleep",
	"clock_nanosleep",
	"readlink",
	"readlinkat",
	"getrlimit",
	"prlimit64",
	"sched_getaffinity",
	"ioctl",
	"tgkill",
	"tkill",
	"open",
	"stat",
	"dup",
	"dup2",
	"uname",
	"set_robust_list",
	"process_vm_readv",
#endif
};

/* Allowed when argument @index, masked, equals @value. */
static const struct {
	const char *name;
	unsigned index;
	scmp_datum_t mask, value;
} with_argument[] = {
	{ "openat", 2, O_ACCMODE | O_CREAT | O_TRUNC | O_PATH, O_RDONLY },
	{ "fcntl", 1, 0xffffffff, F_GETFL },
	{ "fcntl", 1, 0xffffffff, F_SETFL },
	{ "fcntl", 1, 0xffffffff, F_GETFD },
	{ "fcntl", 1, 0xffffffff, F_SETFD },
	{ "fcntl", 1, 0xffffffff, F_SETPIPE_SZ },
	{ "fcntl", 1, 0xffffffff, F_GETPIPE_SZ },
#ifdef NSGATE_SANITIZED
	{ "mmap", 0, 0, 0 },
	{ "mprotect", 0, 0, 0 },
	{ "prctl", 0, 0, 0 },
	{ "openat", 0, 0, 0 },
#else
	{ "mmap", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 },
#endif
};

/* Only TCP and UDP: no raw, unix, netlink, packet or vsock socket, and no MPTCP. */
static const struct {
	scmp_datum_t family, type, protocol;
} sockets[] = {
	{ AF_INET, SOCK_STREAM, 0 },
	{ AF_INET, SOCK_DGRAM, 0 },
	{ AF_INET6, SOCK_STREAM, 0 },
	{ AF_INET6, SOCK_DGRAM, 0 },
	/* as c-ares asks for them */
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP },
	{ AF_INET, SOCK_DGRAM, IPPROTO_UDP },
	{ AF_INET6, SOCK_STREAM, IPPROTO_TCP },
	{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOCKET_TYPE  0xf /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	(void)fprintf(stderr, "seccomp_gen: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static int number_of(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	check(number == __NR_SCMP_ERROR ? -ENOSYS : 0, name);
	return number;
}

static void add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < COUNT(plain); i++)
		check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of(plain[i]), 0), plain[i]);
	for (size_t i = 0; i < COUNT(with_argument); i++)
		check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of(with_argument[i].name), 1,
				       SCMP_CMP(with_argument[i].index, SCMP_CMP_MASKED_EQ,
						with_argument[i].mask, with_argument[i].value)),
		      with_argument[i].name);
	for (size_t i = 0; i < COUNT(sockets); i++)
		check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of("socket"), 3,
				       SCMP_A0(SCMP_CMP_EQ, sockets[i].family),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, sockets[i].type),
				       SCMP_A2(SCMP_CMP_EQ, sockets[i].protocol)),
		      "socket");
}

static void write_program(int fd)
{
	struct sock_filter step;

	(void)printf("static const struct sock_filter proxy_seccomp[] = {\n");
	check(lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0, "rewind");
	while (read(fd, &step, sizeof(step)) == (ssize_t)sizeof(step))
		(void)printf("\t{ 0x%x, %u, %u, 0x%x },\n", step.code, step.jt, step.jf, step.k);
	(void)printf("};\n");
}

static void generate(uint32_t architecture)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int fd = memfd_create("filter", 0);

	check(filter && fd >= 0 ? 0 : -ENOMEM, "start");
	if (architecture != seccomp_arch_native()) {
		check(seccomp_arch_add(filter, architecture), "add the architecture");
		check(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), "remove the native one");
	}
	check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "badarch");
	check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
	add_rules(filter);
	check(seccomp_export_bpf(filter, fd), "export");
	write_program(fd);
	(void)close(fd);
	seccomp_release(filter);
}

int main(void)
{
	(void)printf("/* Made by proxy/seccomp_gen.c. */\n");
	(void)printf("#if defined(__x86_64__)\n");
	generate(SCMP_ARCH_X86_64);
	(void)printf("#elif defined(__aarch64__)\n");
	generate(SCMP_ARCH_AARCH64);
	(void)printf("#else\n#error \"no seccomp filter for this architecture\"\n#endif\n");
	return fflush(stdout) == 0 ? 0 : 1;
}

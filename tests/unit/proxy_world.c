/* A small world for the proxy's program test. See proxy_world.h. */
#include "tests/unit/proxy_world.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/base/fdpass.h"
#include "policy/base/log.h"
#include "policy/net_plan.h"
#include "proxy/proxy.h"

struct world_counters *world;

static int outside_ns = -1, jail_ns = -1;
static int listeners[NET_LISTENERS];
static pid_t servers_pid = -1;
static struct net_plan plan;

static const char hosts[] = SERVER_ADDRESS " ok.test other.test\n" SERVER_ADDRESS6 " six.test\n"
					   "192.168.77.9 slow.test\n" SERVER_ADDRESS " slow.test\n"
					   "127.0.0.1 loop.test\n";

uint8_t bulk_byte(uint64_t offset)
{
	return (uint8_t)(offset * 2654435761u >> 13);
}

/* ---- servers ---- */

static void put_all(int fd, const void *bytes, size_t length)
{
	const char *from = bytes;

	while (length > 0) {
		ssize_t put = send(fd, from, length, MSG_NOSIGNAL);

		if (put <= 0)
			return;
		from += put;
		length -= (size_t)put;
	}
}

static void echo(int fd)
{
	char bytes[16384];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		put_all(fd, bytes, (size_t)got);
}

static void serve_bulk(int fd)
{
	uint8_t bytes[65536];

	for (uint64_t at = 0; at < BULK_BYTES; at += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = bulk_byte(at + i);
		put_all(fd, bytes, sizeof(bytes));
	}
}

static void sink(int fd)
{
	uint8_t bytes[65536];
	uint64_t at = 0;
	unsigned wrong = 0;
	char answer[64];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			wrong += bytes[i] != bulk_byte(at + (uint64_t)i);
		at += (uint64_t)got;
	}
	world->wrong_bytes += wrong;
	(void)snprintf(answer, sizeof(answer), "%llu", (unsigned long long)at);
	put_all(fd, answer, strlen(answer));
}

static void reset_it(int fd)
{
	const struct linger now = { 1, 0 };
	char byte;

	(void)recv(fd, &byte, 1, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void count_half(int fd)
{
	char bytes[1024];
	ssize_t got;

	(void)shutdown(fd, SHUT_WR);
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		world->half_bytes += (unsigned)got;
}

static void count_reset(int fd)
{
	char bytes[1024];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		;
	if (got < 0 && errno == ECONNRESET)
		world->resets++;
}

struct visit {
	int fd;
	int port;
};

static void *serve(void *argument)
{
	struct visit visit = *(struct visit *)argument;

	free(argument);
	switch (visit.port) {
	case PORT_BANNER:
		put_all(visit.fd, "220 hello\r\n", 11);
		/* fall through */
	case PORT_ECHO:
		echo(visit.fd);
		break;
	case PORT_SOURCE:
		serve_bulk(visit.fd);
		break;
	case PORT_SINK:
		sink(visit.fd);
		break;
	case PORT_RESET:
		reset_it(visit.fd);
		break;
	case PORT_HALF:
		count_half(visit.fd);
		break;
	default:
		count_reset(visit.fd);
		break;
	}
	(void)close(visit.fd);
	return NULL;
}

static int listen_on(int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1024) < 0)
		_exit(1);
	return fd;
}

/* A for dns.test, an alias of it for alias.test, nothing for the rest. */
static size_t answer_name(uint8_t *message, size_t length)
{
	static const uint8_t address[] = {
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 216, 34
	};
	static const uint8_t alias[] = { 0xc0, 12,  0,	 5,   0, 1,   0,   0,	0,   60, 0,    10,
					 3,    'd', 'n', 's', 4, 't', 'e', 's', 't', 0,	 0xc0, 0 };
	size_t question = 12;
	uint8_t first = message[13];
	uint16_t type;

	while (question < length && message[question])
		question += message[question] + 1u;
	type = (uint16_t)(message[question + 1] << 8 | message[question + 2]);
	length = question + 5;
	message[2] = 0x81;
	message[3] = 0x80;
	memset(message + 6, 0, 6);
	if (type != 1)
		return length;
	if (first == 'd') {
		message[7] = 1;
		memcpy(message + length, address, sizeof(address));
		return length + sizeof(address);
	}
	if (first == 'a') {
		/* alias.test CNAME dns.test, and the address of that name */
		size_t target = length + 12;

		message[7] = 2;
		memcpy(message + length, alias, 22);
		length += 22;
		memcpy(message + length, address, sizeof(address));
		message[length] = (uint8_t)(0xc0 | target >> 8);
		message[length + 1] = (uint8_t)target;
		return length + sizeof(address);
	}
	message[3] |= 3;
	return length;
}

static void *serve_dns(void *argument)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t message[2048];

	(void)argument;
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		_exit(1);
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_length = sizeof(from);
		ssize_t got = recvfrom(fd, message, 512, 0, (struct sockaddr *)&from, &from_length);

		if (got < 17)
			continue;
		world->dns_queries++;
		(void)sendto(fd, message, answer_name(message, (size_t)got), 0,
			     (struct sockaddr *)&from, from_length);
	}
	return NULL;
}

static void run_servers(int ready_fd)
{
	static const int ports[] = { PORT_ECHO,	 PORT_BANNER, PORT_SOURCE,    PORT_SINK,
				     PORT_RESET, PORT_HALF,   PORT_WAIT_RESET };
	enum { COUNT = sizeof(ports) / sizeof(ports[0]) };
	struct pollfd fds[COUNT];
	pthread_attr_t attributes;
	pthread_t thread;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	for (size_t i = 0; i < COUNT; i++)
		fds[i] = (struct pollfd) { .fd = listen_on(ports[i]), .events = POLLIN };
	pthread_create(&thread, &attributes, serve_dns, NULL);
	(void)!write(ready_fd, "r", 1);
	while (poll(fds, COUNT, -1) > 0) {
		for (size_t i = 0; i < COUNT; i++) {
			struct visit *visit;

			if (!fds[i].revents)
				continue;
			visit = malloc(sizeof(*visit));
			visit->fd = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
			visit->port = ports[i];
			world->accepted++;
			if (pthread_create(&thread, &attributes, serve, visit) != 0)
				_exit(1);
		}
	}
	_exit(0);
}

/* ---- namespaces ---- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return is_written;
}

static bool become_root(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0)
		return true;
	if (unshare(CLONE_NEWUSER) < 0 || !write_file("/proc/self/setgroups", "deny"))
		return false;
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/uid_map", map))
		return false;
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

/* The outside's own /etc/hosts and /etc/resolv.conf, seen by this process tree only. */
static bool mount_resolver_files(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0 && write_file("/mnt/hosts", hosts) &&
	       write_file("/mnt/resolv.conf", "nameserver 127.0.0.1\nsearch corp.test\n") &&
	       mount("/mnt/hosts", "/etc/hosts", NULL, MS_BIND, NULL) == 0 &&
	       mount("/mnt/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
}

static const char outside_script[] =
	"ip link set lo up && ip addr add " SERVER_ADDRESS "/32 dev lo && "
	"ip addr add " RAW_ADDRESS "/32 dev lo && ip addr add " PUBLIC_ADDRESS "/32 dev lo && "
	"ip -6 addr add " SERVER_ADDRESS6 "/128 dev lo nodad && "
	"ip -6 addr add " RAW_ADDRESS6 "/128 dev lo nodad && "
	"ip link add v0 type veth peer name v1 && ip addr add 192.168.77.1/24 dev v0 && "
	"ip link set v0 up && ip link set v1 up";

static const char jail_script[] =
	"ip link set lo up && ip addr add 198.19.255.254/32 dev lo && "
	"ip -6 addr add fd6e:7367:6174:6500::2/128 dev lo nodad && "
	"ip route add default dev lo src 198.19.255.254 && ip -6 route add default dev lo && "
	"nft -f - <<'END'\n"
	"table inet jail {\n"
	" chain nat_out { type nat hook output priority -100; policy accept;\n"
	"  ip daddr 127.0.0.0/8 return\n"
	"  ip6 daddr ::1 return\n"
	"  udp dport 53 redirect to :15053\n"
	"  tcp dport 53 redirect to :15053\n"
	"  meta l4proto tcp redirect to :15001\n"
	" }\n"
	"}\n"
	"END\n";

static int make_namespace(const char *script)
{
	if (unshare(CLONE_NEWNET) < 0 || system(script) != 0)
		return -1;
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int gate_socket(sa_family_t family, int type, uint16_t port)
{
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	int rc;

	if (family == AF_INET6)
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	rc = family == AF_INET6 ? bind(fd, (struct sockaddr *)&any6, sizeof(any6))
				: bind(fd, (struct sockaddr *)&any4, sizeof(any4));
	if (rc < 0 || (type == SOCK_STREAM && listen(fd, 1024) < 0))
		return -1;
	return fd;
}

static bool make_listeners(void)
{
	bool is_complete = true;

	for (int i = 0; i < NET_LISTENERS; i++) {
		static const struct {
			sa_family_t family;
			int type;
			uint16_t port;
		} kinds[NET_LISTENERS] = {
			[NET_LISTEN_TCP4] = { AF_INET, SOCK_STREAM, NET_PLAN_TCP_PORT },
			[NET_LISTEN_DNS_UDP4] = { AF_INET, SOCK_DGRAM, NET_PLAN_DNS_PORT },
			[NET_LISTEN_DNS_TCP4] = { AF_INET, SOCK_STREAM, NET_PLAN_DNS_PORT },
			[NET_LISTEN_TCP6] = { AF_INET6, SOCK_STREAM, NET_PLAN_TCP_PORT },
			[NET_LISTEN_DNS_UDP6] = { AF_INET6, SOCK_DGRAM, NET_PLAN_DNS_PORT },
			[NET_LISTEN_DNS_TCP6] = { AF_INET6, SOCK_STREAM, NET_PLAN_DNS_PORT },
		};

		listeners[i] = i == NET_LISTEN_DENIED
				       ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
						NETLINK_NETFILTER) /* tests/e2e has the real one */
				       : gate_socket(kinds[i].family, kinds[i].type, kinds[i].port);
		is_complete = is_complete && listeners[i] >= 0;
	}
	return is_complete;
}

static bool start_servers(void)
{
	int ready[2];
	char byte;

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (world == MAP_FAILED || pipe2(ready, O_CLOEXEC) < 0)
		return false;
	servers_pid = fork();
	if (servers_pid == 0)
		run_servers(ready[1]);
	(void)close(ready[1]);
	return servers_pid > 0 && read(ready[0], &byte, 1) == 1;
}

const char *world_start(void)
{
	net_plan_init(&plan);
	(void)signal(SIGPIPE, SIG_IGN);
	if (!plan.want_ipv6)
		return "no IPv6";
	if (!become_root())
		return "no user namespace";
	if (!mount_resolver_files())
		return "no mount namespace";
	outside_ns = make_namespace(outside_script);
	if (outside_ns < 0)
		return "no network namespace with addresses (ip)";
	if (!start_servers())
		return "the servers do not start";
	jail_ns = make_namespace(jail_script);
	if (jail_ns < 0)
		return "no redirect (nft)";
	return make_listeners() ? NULL : "no listeners";
}

void world_stop(void)
{
	if (servers_pid > 0)
		(void)kill(servers_pid, SIGKILL);
}

/* ---- the proxy ---- */

/* "KEY VALUE", for the key network.KEY of the settings. */
static int add_setting(struct settings *settings, const char *text, struct err *err)
{
	size_t length = strcspn(text, " ");
	char path[64];

	(void)snprintf(path, sizeof(path), "network.%.*s", (int)length, text);
	return setting_put(settings, setting_key_find(path), text + length + 1, place_of("test"),
			   SETTING_FROM_FILE, err);
}

void world_add_settings(struct settings *settings, const char *const *lines)
{
	struct err err;

	for (; *lines; lines++) {
		if (add_setting(settings, *lines, &err) < 0)
			_exit(99);
	}
	if (policy_compile(&settings->policy, &err) < 0)
		_exit(99);
}

static void run_proxy(const char *const *rules, int audit_fd, unsigned long max_files,
		      int namespace_fd, int control_fd)
{
	const struct rlimit limit = { max_files, max_files };
	static const struct upstream_credentials nobody;
	struct settings settings;
	struct proxy_config config = {
		.credentials = &nobody,
		.inbound_fd = -1,
		.settings = &settings,
		.plan = &plan,
		.audit_fd = audit_fd,
		.jail_id = "0123456789abcdef",
		.sniff_timeout_ms = 300,
		.connect_timeout_ms = 3000,
	};
	struct err err;
	char text[1024];

	if (getenv("PROXY_DEBUG"))
		log_level_set(LOG_DEBUG);
	settings_init(&settings);
	world_add_settings(&settings, rules);
	if (setns(namespace_fd, CLONE_NEWNET) < 0 ||
	    (max_files && setrlimit(RLIMIT_NOFILE, &limit) < 0))
		_exit(98);
	if (proxy_run(&config, control_fd, &err) < 0) {
		log_error("%s", err_format(&err, text, sizeof(text)));
		_exit(97);
	}
	_exit(0);
}

void proxy_start(struct world_proxy *proxy, const char *const *rules, int audit_fd,
		 unsigned long max_files)
{
	struct err err;
	int ends[2];
	char ready = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	proxy->audit_fd = audit_fd >= 0 ? audit_fd : memfd_create("audit", MFD_CLOEXEC);
	proxy->pid = fork();
	ck_assert_int_ge(proxy->pid, 0);
	if (proxy->pid == 0) {
		(void)close(ends[0]);
		run_proxy(rules, proxy->audit_fd, max_files, outside_ns, ends[1]);
	}
	(void)close(ends[1]);
	proxy->control_fd = ends[0];
	ck_assert_int_eq(fdpass_send(proxy->control_fd, listeners, NET_LISTENERS, &err), 0);
	ck_assert_msg(recv(proxy->control_fd, &ready, 1, 0) == 1 && ready == 'R',
		      "the proxy does not start");
}

int proxy_start_inside(const char *const *rules)
{
	struct err err;
	int status = -1;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		log_level_set(LOG_ERROR);
		(void)close(ends[0]);
		run_proxy(rules, -1, 0, jail_ns, ends[1]);
	}
	(void)close(ends[1]);
	ck_assert_int_eq(fdpass_send(ends[0], listeners, NET_LISTENERS, &err), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	(void)close(ends[0]);
	return status;
}

int proxy_stop(struct world_proxy *proxy)
{
	int status = -1;

	(void)close(proxy->control_fd);
	ck_assert_int_eq(waitpid(proxy->pid, &status, 0), proxy->pid);
	return status;
}

/* The two namespaces: opening the jail's, making and entering the gate's, tuning both. */
#include <errno.h>
#include <fcntl.h>
#include <netlink/socket.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

int net_open_route(struct nl_sock **route_out, struct err *err)
{
	struct nl_sock *route = nl_socket_alloc();
	int rc;

	if (!route)
		return err_set(err, ENOMEM, "allocate a netlink socket");
	rc = nl_connect(route, NETLINK_ROUTE);
	if (rc < 0) {
		nl_socket_free(route);
		return nlerr_set(err, rc, "open a NETLINK_ROUTE socket");
	}
	*route_out = route;
	return 0;
}

static int new_namespace(const char *whose, struct err *err)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	err_set(err, errno, "make the %s's network namespace", whose);
	if (err->code != ENOSPC)
		return -err->code;
	return err_hint(err, "Raise the limit: sysctl user.max_net_namespaces.");
}

int net_enter_gate(struct net_gate *gate, struct err *err)
{
	if (new_namespace("gate", err) < 0)
		return -err->code;
	return net_open_route(&gate->gate_route, err);
}

/* Caller, gate and jail live in three different network namespaces, or nothing starts. */
int net_check_apart(struct net_gate *gate, struct err *err)
{
	struct stat jail;
	ino_t here;

	if (fstat(gate->jail_netns_fd, &jail) < 0)
		return err_set(err, errno, "look at the jail's network namespace");
	if (net_namespace_inode(&here, err) < 0)
		return -err->code;
	if (here == jail.st_ino || here == gate->config->caller_netns ||
	    jail.st_ino == gate->config->caller_netns)
		return err_set(err, EPROTO,
			       "the network namespaces of caller, gate and jail are not three");
	return 0;
}

int net_enter_jail(struct net_gate *gate, struct err *err)
{
	if (setns(gate->jail_netns_fd, CLONE_NEWNET) < 0)
		return err_set(err, errno, "enter the jail's network namespace");
	return net_open_route(&gate->jail_route, err);
}

#define LOOPBACK_INDEX 1 /* loopback is the first device of every namespace */

struct tuning {
	const char *path;
	const char *value;
};

/*
 * Best effort: each only makes errors faster or more connections possible, and some containers
 * have a read-only /proc/sys.
 */
static void tune(const struct tuning *tunings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int fd AUTO(fd_release) = open(tunings[i].path, O_WRONLY | O_CLOEXEC);
		size_t length = strlen(tunings[i].value);

		if (fd < 0 || write(fd, tunings[i].value, length) != (ssize_t)length)
			log_debug("network: %s stays as it is: %s", tunings[i].path,
				  strerrorname_np(errno));
	}
}

/* nothing would use such addresses, and their start-up chatter costs time */
#define NO_LINK_LOCAL "/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"

int net_tune_gate(struct net_gate *gate, struct err *err)
{
	static const struct tuning tunings[] = {
		/* every rejected datagram is told at once, not only the first few a second */
		{ "/proc/sys/net/ipv4/icmp_ratemask", "0" },
		{ "/proc/sys/net/ipv6/icmp/ratemask", "\n" }, /* a list of types, empty */
		{ NO_LINK_LOCAL },
	};

	(void)gate;
	(void)err;
	tune(tunings, sizeof(tunings) / sizeof(tunings[0]));
	return 0;
}

static void tune_jail(void)
{
	static const struct tuning tunings[] = {
		/* a client may dial the same server more than 28 000 times a minute */
		{ "/proc/sys/net/ipv4/tcp_tw_reuse", "1" },
		{ NO_LINK_LOCAL },
	};

	tune(tunings, sizeof(tunings) / sizeof(tunings[0]));
}

static void route_release(struct nl_sock **route)
{
	if (*route)
		nl_socket_free(*route);
	*route = NULL;
}

int net_jail_new(int *netns_fd_out, struct err *err)
{
	struct nl_sock *route AUTO(route_release) = NULL;
	int fd AUTO(fd_release) = -1;

	if (new_namespace("jail", err) < 0)
		return -err->code;
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open /proc/thread-self/ns/net");
	tune_jail();
	if (net_open_route(&route, err) < 0 || net_set_up(route, LOOPBACK_INDEX, "lo", err) < 0)
		return -err->code;
	*netns_fd_out = fd_take(&fd);
	return 0;
}

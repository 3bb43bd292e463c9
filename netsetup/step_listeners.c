/* The gate's listening sockets, and their way to the proxy. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"
#include "policy/base/fdpass.h"

#define BACKLOG 4096 /* cut by net.core.somaxconn, which is 4096 in a new namespace */

/* The proxy only has to confine itself; seconds mean that the machine is in trouble. */
#define PROXY_READY_MS 10000

static const struct {
	int family;
	int type;
	uint16_t port;
} sockets[NET_LISTENERS] = {
	[NET_LISTEN_TCP4] = { AF_INET, SOCK_STREAM, NET_PLAN_TCP_PORT },
	[NET_LISTEN_DNS_UDP4] = { AF_INET, SOCK_DGRAM, NET_PLAN_DNS_PORT },
	[NET_LISTEN_DNS_TCP4] = { AF_INET, SOCK_STREAM, NET_PLAN_DNS_PORT },
	[NET_LISTEN_TCP6] = { AF_INET6, SOCK_STREAM, NET_PLAN_TCP_PORT },
	[NET_LISTEN_DNS_UDP6] = { AF_INET6, SOCK_DGRAM, NET_PLAN_DNS_PORT },
	[NET_LISTEN_DNS_TCP6] = { AF_INET6, SOCK_STREAM, NET_PLAN_DNS_PORT },
};

static size_t listener_count(const struct net_gate *gate)
{
	return gate->config->plan->want_ipv6 ? NET_LISTENERS : NET_LISTENERS_V4;
}

/* Bound to every address of the gate: a redirect leads to whichever the link has. */
static int listen_on(int family, int type, uint16_t port, int *fd_out, struct err *err)
{
	int fd AUTO(fd_release) = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct addr any = { .family = (sa_family_t)family };
	struct sockaddr_storage where;
	socklen_t length = addr_to_sockaddr(&any, port, &where);
	int on = 1;

	if (fd < 0)
		return err_set(err, errno, "make a socket for port %u", port);
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return err_set(err, errno, "keep IPv4 out of the IPv6 socket for port %u", port);
	if (bind(fd, (struct sockaddr *)&where, length) < 0)
		return err_set(err, errno, "bind port %u", port);
	if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		return err_set(err, errno, "listen on port %u", port);
	*fd_out = fd_take(&fd);
	return 0;
}

int net_listen(struct net_gate *gate, struct err *err)
{
	for (size_t i = 0; i < listener_count(gate); i++) {
		if (i == NET_LISTEN_DENIED)
			continue; /* a step of its own */
		if (listen_on(sockets[i].family, sockets[i].type, sockets[i].port,
			      &gate->listeners[i], err) < 0)
			return -err->code;
	}
	return 0;
}

int net_hand_over(struct net_gate *gate, struct err *err)
{
	return fdpass_send(gate->config->proxy_fd, gate->listeners, listener_count(gate), err);
}

int net_await_proxy(struct net_gate *gate, struct err *err)
{
	struct pollfd wait = { .fd = gate->config->proxy_fd, .events = POLLIN };
	char answer = 0;
	int rc;

	do
		rc = poll(&wait, 1, PROXY_READY_MS);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_set(err, errno, "wait for the proxy");
	if (rc == 0)
		return err_set(err, ETIMEDOUT, "wait for the proxy");
	if (recv(gate->config->proxy_fd, &answer, 1, 0) != 1 || answer != 'R')
		return err_set(err, ECONNRESET, "the proxy ended before it was ready");
	return 0;
}

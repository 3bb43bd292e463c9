/* Where an intercepted client wanted to go. See origdst.h. */
#include "proxy/origdst.h"

#include <errno.h>

/* linux/netfilter_ipv4.h and _ipv6.h clash with the C library's headers */
#define GET_ORIGINAL_DST 80

int origdst_read(int fd, sa_family_t family, struct addr *addr_out, uint16_t *port_out)
{
	struct sockaddr_storage storage = { 0 };
	socklen_t length =
		family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int level = family == AF_INET6 ? SOL_IPV6 : SOL_IP;

	if (getsockopt(fd, level, GET_ORIGINAL_DST, &storage, &length) < 0)
		return -errno;
	return addr_from_sockaddr(&storage, addr_out, port_out);
}

bool origdst_is_self(const struct net_plan *plan, int fd, const struct addr *addr, uint16_t port)
{
	struct sockaddr_storage storage = { 0 };
	socklen_t length = sizeof(storage);
	struct addr local;
	uint16_t local_port;

	/* Listeners have these ports and no others, so almost no connection pays for more. */
	if (port != NET_PLAN_TCP_PORT && port != NET_PLAN_DNS_PORT)
		return false;
	if (addr_equal(addr, &plan->gate4) || addr_equal(addr, &plan->gate6))
		return true;
	if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0 ||
	    addr_from_sockaddr(&storage, &local, &local_port) < 0)
		return true; /* cannot tell: refuse */
	return addr_equal(addr, &local);
}

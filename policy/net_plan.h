/*
 * The addresses of a run, agreed between the network's builder and the proxy. Every jail has the
 * same ones: they exist in namespaces of their own and never meet.
 */
#ifndef NSGATE_NET_PLAN_H
#define NSGATE_NET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/addr.h"

#define NET_PLAN_TCP_PORT 15001 /* the gate's listener for every TCP connection */
#define NET_PLAN_DNS_PORT 15053 /* the gate's resolver, UDP and TCP */

/*
 * Synthetic addresses: number n of a name is the same n in both families.
 *   IPv4  198.18.0.0/15, RFC 2544 benchmarking; .0.0 is not used
 *   IPv6  fd6e:7367:6174:6501::/96, a unique local prefix ("nsgate" in ASCII)
 * The link takes the last four addresses of the IPv4 block, out of the pool's reach.
 */
#define NET_PLAN_SYNTHETIC_V4	     0xc6120000u /* host order */
#define NET_PLAN_SYNTHETIC_V4_PREFIX 15
#define NET_PLAN_NAMES_MAX	     65536u

/*
 * The caller's own loopback has a name in the jail. The proxy knows where it leads: neither DNS nor
 * the hosts file is asked.
 */
#define NET_PLAN_HOST_NAME	"host.nsgate"
#define NET_PLAN_HOST_ADDRESSES 2
extern const struct addr net_plan_host_addresses[NET_PLAN_HOST_ADDRESSES]; /* 127.0.0.1 and ::1 */

/* The order in which the builder hands the gate's sockets to the proxy. */
enum net_listener {
	NET_LISTEN_TCP4,
	NET_LISTEN_DNS_UDP4,
	NET_LISTEN_DNS_TCP4,
	NET_LISTEN_DENIED, /* netlink: packets that the gate has refused; silent without NFLOG */
	NET_LISTEN_TCP6, /* from here on only with IPv6 */
	NET_LISTEN_DNS_UDP6,
	NET_LISTEN_DNS_TCP6,
	NET_LISTENERS
};
#define NET_LISTENERS_V4 4

struct net_plan {
	struct addr gate4, jail4; /* 198.19.255.253 and .254, each /32 on a point-to-point link */
	struct addr gate6, jail6; /* fd6e:7367:6174:6500::1 and ::2 */
	bool want_ipv6; /* false where the kernel has none */
};

/* The plan of this host: asks the kernel whether it knows IPv6. */
void net_plan_init(struct net_plan *plan);

/* The synthetic addresses of name number @index (0 .. NET_PLAN_NAMES_MAX - 1). */
struct addr net_plan_synthetic4(uint32_t index);
struct addr net_plan_synthetic6(uint32_t index);

/*
 * The number behind a synthetic address. Returns 0; -ENOENT when @addr lies outside both
 * prefixes; -ERANGE when inside but not a number that can be given out.
 */
int net_plan_synthetic_index(const struct addr *addr, uint32_t *index_out);

#endif

/* Addresses and routes of both ends. IPv6 is left out where the kernel has none. */
#include <netlink/route/addr.h>
#include <netlink/route/route.h>

#include <errno.h>
#include <linux/if_addr.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"

static void addr_release(struct nl_addr **addr)
{
	if (*addr)
		nl_addr_put(*addr);
	*addr = NULL;
}

static void rtaddr_release(struct rtnl_addr **addr)
{
	if (*addr)
		rtnl_addr_put(*addr);
	*addr = NULL;
}

static void route_release(struct rtnl_route **route)
{
	if (*route)
		rtnl_route_put(*route);
	*route = NULL;
}

static struct nl_addr *to_nl(const struct addr *addr)
{
	struct nl_addr *result =
		nl_addr_build(addr->family, addr->bytes, addr->family == AF_INET ? 4 : 16);

	return result; /* a full prefix; NULL without memory */
}

/*
 * IPv4: @local here, @peer on the other end, each alone in its prefix. IPv6 has no such pairs in
 * libnl: there both ends share a /64.
 */
static int add_address(struct nl_sock *route, int index, const struct addr *local,
		       const struct addr *peer, struct err *err)
{
	struct rtnl_addr *request AUTO(rtaddr_release) = rtnl_addr_alloc();
	struct nl_addr *ours AUTO(addr_release) = to_nl(local);
	struct nl_addr *theirs AUTO(addr_release) = to_nl(peer);
	char text[ADDR_TEXT_MAX];
	int rc;

	if (!request || !ours || !theirs)
		return err_set(err, ENOMEM, "allocate an address request");
	rtnl_addr_set_ifindex(request, index);
	rtnl_addr_set_local(request, ours);
	if (local->family == AF_INET6) {
		rtnl_addr_set_prefixlen(request, 64);
		rtnl_addr_set_flags(request, IFA_F_NODAD); /* nobody else is on the wire */
	} else {
		rtnl_addr_set_peer(request, theirs);
	}
	rc = rtnl_addr_add(route, request, NLM_F_CREATE | NLM_F_EXCL);
	if (rc < 0)
		return nlerr_set(err, rc, "add address %s", addr_format(local, text));
	return 0;
}

int net_gate_addresses(struct net_gate *gate, struct err *err)
{
	const struct net_plan *plan = gate->config->plan;

	if (add_address(gate->gate_route, GATE_INDEX, &plan->gate4, &plan->jail4, err) < 0)
		return -err->code;
	if (!plan->want_ipv6)
		return 0;
	return add_address(gate->gate_route, GATE_INDEX, &plan->gate6, &plan->jail6, err);
}

int net_jail_addresses(struct net_gate *gate, struct err *err)
{
	const struct net_plan *plan = gate->config->plan;

	if (add_address(gate->jail_route, JAIL_INDEX, &plan->jail4, &plan->gate4, err) < 0)
		return -err->code;
	if (!plan->want_ipv6)
		return 0;
	return add_address(gate->jail_route, JAIL_INDEX, &plan->jail6, &plan->gate6, err);
}

static int add_default_route(struct nl_sock *socket, const struct addr *gateway, struct err *err)
{
	static const char any[16];
	struct rtnl_route *route AUTO(route_release) = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *everywhere AUTO(addr_release) = nl_addr_build(gateway->family, any, 0);
	struct nl_addr *via AUTO(addr_release) = to_nl(gateway);
	char text[ADDR_TEXT_MAX];
	int rc;

	if (!route || !hop || !everywhere || !via) {
		if (hop)
			rtnl_route_nh_free(hop);
		return err_set(err, ENOMEM, "allocate a route request");
	}
	rtnl_route_nh_set_ifindex(hop, JAIL_INDEX);
	rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK); /* no need to look for a way to it */
	rtnl_route_add_nexthop(route, hop); /* the route's now */
	nl_addr_set_family(everywhere, gateway->family);
	rtnl_route_set_dst(route, everywhere);
	rc = rtnl_route_add(socket, route, NLM_F_CREATE | NLM_F_EXCL);
	if (rc < 0)
		return nlerr_set(err, rc, "add the default route via %s",
				 addr_format(gateway, text));
	return 0;
}

int net_jail_routes(struct net_gate *gate, struct err *err)
{
	const struct net_plan *plan = gate->config->plan;

	if (add_default_route(gate->jail_route, &plan->gate4, err) < 0)
		return -err->code;
	if (!plan->want_ipv6)
		return 0;
	return add_default_route(gate->jail_route, &plan->gate6, err);
}

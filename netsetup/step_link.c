/*
 * The link: a veth pair whose peer is born in the jail.
 *
 * Both ends carry the same hardware address and are NOARP: the only neighbour on the wire is then
 * "the other end", without ARP or neighbour discovery, their delays, and rules to let them pass.
 */
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include <errno.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"

#define LINK_ADDRESS "02:6e:73:67:61:74" /* locally administered; "nsgat" */

/*
 * The largest IP packet. Measured with one stream over the pair, 64 KiB writes: 65535 moves about
 * a third more than 1500, which spends its time in segmenting what the other end joins again.
 */
#define LINK_MTU 65535

static void link_release(struct rtnl_link **link)
{
	if (*link)
		rtnl_link_put(*link);
	*link = NULL;
}

static void addr_release(struct nl_addr **addr)
{
	if (*addr)
		nl_addr_put(*addr);
	*addr = NULL;
}

int net_set_up(struct nl_sock *route, int index, const char *name, struct err *err)
{
	struct rtnl_link *want AUTO(link_release) = rtnl_link_alloc();
	struct rtnl_link *link AUTO(link_release) = rtnl_link_alloc();
	int rc;

	if (!want || !link)
		return err_set(err, ENOMEM, "allocate a link request");
	rtnl_link_set_ifindex(link, index);
	rtnl_link_set_flags(want, IFF_UP);
	rc = rtnl_link_change(route, link, want, 0);
	if (rc < 0)
		return nlerr_set(err, rc, "set %s up", name);
	return 0;
}

static int describe_end(struct rtnl_link *link, const char *name, int index, unsigned flags,
			struct err *err)
{
	struct nl_addr *address AUTO(addr_release) = NULL;
	int rc = nl_addr_parse(LINK_ADDRESS, AF_LLC, &address);

	if (rc < 0)
		return nlerr_set(err, rc, "parse %s", LINK_ADDRESS);
	rtnl_link_set_name(link, name);
	rtnl_link_set_ifindex(link, index);
	rtnl_link_set_addr(link, address);
	rtnl_link_set_mtu(link, LINK_MTU);
	rtnl_link_set_flags(link, flags);
	/* one queue each: more are only entries in sysfs, and time to make them */
	rtnl_link_set_num_tx_queues(link, 1);
	rtnl_link_set_num_rx_queues(link, 1);
	return 0;
}

int net_link_new(struct net_gate *gate, struct err *err)
{
	struct rtnl_link *ours AUTO(link_release) = rtnl_link_veth_alloc();
	struct rtnl_link *peer; /* inside it */
	int rc;

	if (!ours)
		return err_set(err, ENOMEM, "allocate a link request");
	peer = rtnl_link_veth_get_peer(ours);
	/* the kernel makes the peer first, when it cannot be up yet: it has no other end */
	if (describe_end(ours, GATE_LINK, GATE_INDEX, IFF_UP | IFF_NOARP, err) < 0 ||
	    describe_end(peer, JAIL_LINK, JAIL_INDEX, IFF_NOARP, err) < 0) {
		rtnl_link_put(peer);
		return -err->code;
	}
	rtnl_link_set_ns_fd(peer, gate->jail_netns_fd);
	rtnl_link_put(peer); /* get_peer() had counted us */
	rc = rtnl_link_add(gate->gate_route, ours, NLM_F_CREATE | NLM_F_EXCL);
	if (rc < 0)
		return nlerr_set(err, rc, "make the veth pair %s, %s", GATE_LINK, JAIL_LINK);
	return 0;
}

int net_jail_link_up(struct net_gate *gate, struct err *err)
{
	return net_set_up(gate->jail_route, JAIL_INDEX, JAIL_LINK, err);
}

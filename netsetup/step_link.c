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
#include <time.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"

#define LINK_ADDRESS "02:6e:73:67:61:74" /* locally administered; "nsgat" */

/*
 * The largest IP packet. Measured with one stream in either direction, 64 KiB and 1 MiB writes: 65535 moves
 * 7 to 33 % more than 1500.
 */
#define LINK_MTU 65535

#ifndef IF_OPER_UP
#define IF_OPER_UP 6 /* RFC 2863; linux/if.h, which does not go with net/if.h */
#endif

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

/*
 * The end that was up first gets its queue only when the kernel has noticed, in a worker of its own,
 * that the other one is up, too; until then what it sends is dropped in silence, and a client's
 * first question would be answered by its own time-out. Asking for the link makes newer kernels
 * (6.8) notice at once; with older ones it is asked again.
 */
int net_await_link(struct net_gate *gate, struct err *err)
{
	const struct timespec pause = { .tv_nsec = NET_TRY_PAUSE_NS };

	for (int i = 0; i < NET_TRIES; i++) {
		struct rtnl_link *link AUTO(link_release) = NULL;
		int rc = rtnl_link_get_kernel(gate->gate_route, GATE_INDEX, NULL, &link);

		if (rc < 0)
			return nlerr_set(err, rc, "look at %s", GATE_LINK);
		if (rtnl_link_get_operstate(link) == IF_OPER_UP)
			return 0;
		(void)nanosleep(&pause, NULL); /* cut short, it is only asked earlier */
	}
	return err_set(err, ETIMEDOUT, "wait for %s", GATE_LINK);
}

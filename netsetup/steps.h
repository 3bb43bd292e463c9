/* What the steps of net_setup() share. Private to netsetup/. */
#ifndef NSGATE_NET_STEPS_H
#define NSGATE_NET_STEPS_H

#include <netlink/netlink.h>

#include "netsetup/net.h"

#define GATE_LINK "gate0"
#define JAIL_LINK "eth0"

#define DENIED_GROUP 1 /* of NFLOG; each network namespace has its own groups */

/*
 * Both ends get their index at birth, so nobody has to look it up. High enough to miss the
 * fallback tunnel devices that some modules put into every new namespace; and not the same, or
 * the kernel takes up to a second to say that the link is up (linkwatch_urgent_event()).
 */
#define JAIL_INDEX 1000
#define GATE_INDEX 1001

struct net_gate {
	const struct net_config *config;
	int jail_netns_fd; /* the caller's; only while connecting */
	struct nl_sock
		*gate_route; /* owned; bound to the gate's namespace, NULL before it exists */
	struct nl_sock *jail_route; /* owned; bound to the jail's, NULL before we are in it */
	int listeners[NET_LISTENERS]; /* owned; -1 = not there */
	bool hears_denied; /* the kernel tells NET_LISTEN_DENIED of refused packets */
};

typedef int net_step_fn(struct net_gate *gate, struct err *err);

/* Each in its own step_*.c; the order and its reasons are in steps.c. */
net_step_fn net_enter_gate, net_listen, net_hear_denied, net_hand_over, net_tune_gate, net_rules,
	net_check_apart, net_link_new, net_gate_addresses, net_enter_jail, net_jail_link_up,
	net_jail_addresses, net_jail_routes, net_await_addresses, net_await_link, net_await_proxy;

/* The kernel's workers get a processor within seconds; a try each millisecond. */
#define NET_TRIES	 5000
#define NET_TRY_PAUSE_NS 1000000

/* Says that refused packets stay without a record; @code is why, an errno. */
void net_denied_missing(struct net_gate *gate, int code);

/* Sets a link of @route's namespace up; @name is for the message. */
int net_set_up(struct nl_sock *route, int index, const char *name, struct err *err);

/* A connected NETLINK_ROUTE socket of the namespace the thread is in. */
int net_open_route(struct nl_sock **route_out, struct err *err);

/* libnl-3's codes are not errno: translates @code (negative NLE_*). Returns -errno. */
int nlerr_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

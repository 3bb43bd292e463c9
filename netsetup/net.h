/*
 * Makes the network of one jail: the gate, the link, the rules, the listeners. Then stops.
 *
 * In three calls, so that two threads can share the work: the kernel takes longest to make a network
 * namespace, and there are two.
 */
#ifndef NSGATE_NET_H
#define NSGATE_NET_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/base/err.h"
#include "policy/net_plan.h"

struct net_config {
	const struct net_plan *plan; /* the caller's */
	int proxy_fd; /* SOCK_SEQPACKET to the proxy; stays the caller's */
	bool wants_denied; /* somebody will look for records of refused packets */
	ino_t caller_netns; /* inode of the network namespace that must stay untouched */
};

/*
 * Moves the calling thread into a new network namespace, the jail's, with loopback up. Needs
 * CAP_SYS_ADMIN in its user namespace. Returns 0 with the namespace as a descriptor, owned by the
 * caller, or -errno.
 */
int net_jail_new(int *netns_fd_out, struct err *err);

struct net_gate;

/*
 * Makes the gate with rules and listeners, and hands these to the proxy. Moves the calling thread into
 * the gate's namespace. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN in its user namespace.
 *
 * Nothing outlives a failure: what is made lives in the two namespaces only. Returns 0 with the gate,
 * for net_gate_free(), or -errno with "STEP: ACTION" in @err. @config must outlive the gate.
 */
int net_gate_new(const struct net_config *config, struct net_gate **gate_out, struct err *err);

/*
 * Connects the jail to the gate, and waits until the proxy serves it. Same thread, which is then in
 * the jail's namespace. @jail_netns_fd stays the caller's. Returns 0 or -errno, as above.
 */
int net_gate_connect(struct net_gate *gate, int jail_netns_fd, struct err *err);

/* Frees the descriptors; the network stays. NULL is fine. */
void net_gate_free(struct net_gate *gate);

/* The inode that names the calling thread's network namespace. Returns 0 or -errno. */
int net_namespace_inode(ino_t *inode_out, struct err *err);

#endif

/*
 * Makes the network of one jail: the gate, the link, the rules, the listeners. Then stops.
 *
 * Two processes share the work, so that the kernel makes two network namespaces at once: the one
 * that becomes the jail makes the jail's with net_jail_new(), a builder makes the rest.
 */
#ifndef NSGATE_NET_H
#define NSGATE_NET_H

#include <sys/types.h>

#include "policy/base/err.h"
#include "policy/net_plan.h"

struct net_config {
	const struct net_plan *plan; /* the caller's */
	int proxy_fd; /* SOCK_SEQPACKET to the proxy; stays the caller's */
	int jail_fd; /* socket on which the jail's namespace arrives (fdpass); the caller's */
	ino_t caller_netns; /* inode of the network namespace that must stay untouched */
};

/*
 * Moves the calling thread into a new network namespace, the jail's, with loopback up. Needs
 * CAP_SYS_ADMIN in its user namespace. Returns 0 with the namespace as a descriptor, owned by the
 * caller, or -errno.
 */
int net_jail_new(int *netns_fd_out, struct err *err);

/*
 * Builds the gate, connects the jail to it, and waits until the proxy serves it.
 *
 * Call it in a process of its own: it moves the calling thread into the gate's namespace, and then
 * into the jail's. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespace. Nothing outlives
 * a failure: what was made lives in the two namespaces only.
 *
 * Returns 0, or -errno with "STEP: ACTION" in @err.
 */
int net_setup(const struct net_config *config, struct err *err);

/* The inode that names the calling thread's network namespace. Returns 0 or -errno. */
int net_namespace_inode(ino_t *inode_out, struct err *err);

#endif

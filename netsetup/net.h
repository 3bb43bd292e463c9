/* Makes the network of one jail: the gate, the link, the rules, the listeners. Then stops. */
#ifndef NSGATE_NET_H
#define NSGATE_NET_H

#include <sys/types.h>

#include "policy/base/err.h"
#include "policy/net_plan.h"

struct net_config {
	const struct net_plan *plan; /* the caller's */
	int proxy_fd; /* SOCK_SEQPACKET to the proxy; stays the caller's */
	ino_t caller_netns; /* inode of the network namespace that must stay untouched */
};

/*
 * Builds the whole network with interception and waits until the proxy serves it.
 *
 * Call it in a process of its own: it leaves the calling thread in the gate's namespace. On entry
 * the thread is in the jail's still empty network namespace and has CAP_NET_ADMIN and CAP_SYS_ADMIN
 * in the user namespace that owns it. Nothing outlives a failure: what was made lives in
 * the two namespaces only.
 *
 * Returns 0, or -errno with "STEP: ACTION" in @err.
 */
int net_setup(const struct net_config *config, struct err *err);

/* Only the jail's loopback, for a jail without network. Same preconditions, stays where it is. */
int net_setup_none(struct err *err);

/* The inode that names the calling thread's network namespace. Returns 0 or -errno. */
int net_namespace_inode(ino_t *inode_out, struct err *err);

#endif

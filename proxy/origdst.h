/* Where an intercepted client wanted to go. */
#ifndef NSGATE_ORIGDST_H
#define NSGATE_ORIGDST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/net_plan.h"

/*
 * origdst_read() - where the client was heading before we intercepted it
 *
 * fd       accepted socket; stays the caller's
 * family   of its listener, AF_INET or AF_INET6
 *
 * Returns 0, or -ENOENT when conntrack does not know the connection; outputs are untouched on
 * failure. An answer equal to our own listening address means someone dialled the proxy
 * directly: see origdst_is_self().
 *
 * Source: getorigdst() and ipv6_getorigdst() in the kernel's nf_conntrack_proto.c.
 */
int origdst_read(int fd, sa_family_t family, struct addr *addr_out, uint16_t *port_out);

/*
 * Does (@addr, @port) lead back to the gate's own listeners? Relaying that would loop. @fd is the
 * accepted socket, asked for its local address only when the port is suspicious.
 */
bool origdst_is_self(const struct net_plan *plan, int fd, const struct addr *addr, uint16_t port);

#endif

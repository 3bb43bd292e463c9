/* Carries intercepted connections: one process, one thread, no capability. */
#ifndef NSGATE_PROXY_H
#define NSGATE_PROXY_H

#include "policy/base/err.h"
#include "policy/net_plan.h"
#include "policy/settings.h"
#include "proxy/upstream.h"

struct proxy_config {
	const struct settings *settings; /* the caller's, for the whole run */
	const struct net_plan *plan; /* the caller's */
	const struct upstream_credentials
		*credentials; /* the caller's; for settings->values.upstream */
	int audit_fd; /* owned by the proxy; -1 = no audit */
	const int *publish_fds; /* listening, one for each of settings->publishes; owned as above */
	int inbound_fd; /* owned by the proxy; to the jail's first process (inbound.h); -1 = none */
	char jail_id[17]; /* names the run in audit records: 16 hex digits */
	unsigned sniff_timeout_ms; /* how long a started ClientHello may take to arrive */
	unsigned connect_timeout_ms; /* how long a dial may take in total */
};

/*
 * Runs until the peer of @control_fd closes it; the proxy's whole life.
 *
 * control_fd  SOCK_SEQPACKET, owned. First message: the listeners (fdpass, enum net_listener).
 *             The proxy then confines itself for good (no capability, no_new_privs, not dumpable,
 *             Landlock, seccomp allow-list), answers one byte 'R' for "ready" and serves.
 *             Further messages are updates (update.h).
 *             End of file: write the last audit records and return.
 *
 * Returns 0, or -errno with @err when it could not start or cannot go on.
 */
int proxy_run(const struct proxy_config *config, int control_fd, struct err *err);

#endif

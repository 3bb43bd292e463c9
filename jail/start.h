/* What the supervisor hands to the jail's first process, and what comes back. Private to jail/. */
#ifndef NSGATE_START_H
#define NSGATE_START_H

#include <signal.h>
#include <sys/types.h>

#include "jail/mount/mount.h"
#include "jail/spec.h"
#include "policy/net_plan.h"

/* Everything decided before the clone; the child only reads it. */
struct jail_start {
	const struct jail_spec *spec;
	const struct mount_list *mounts; /* default view and the user's, complete */
	char **environment; /* the payload's */
	const char *directory; /* the payload's working directory */
	const struct net_plan *plan;
	ino_t caller_netns;
	int lifeline_fd; /* a byte when the maps are written; end of file: the supervisor is gone */
	int report_fd; /* struct report */
	int started_fd; /* eventfd: written right before the payload is forked */
	int proxy_fd; /* to the proxy; -1 without gate */
	int inbound_fd; /* to the proxy: it asks for sockets; -1 = nothing is published */
};

enum report_kind {
	REPORT_FAILED, /* set-up or exec failed: status is nsgate's exit status, err says why */
	REPORT_ENDED /* the payload ended: status is its wait status */
};

/* One write, smaller than PIPE_BUF. */
struct report {
	enum report_kind kind;
	int status;
	struct err err;
};

/* Life of the jail's first process, from clone() to its end. */
_Noreturn void child_main(const struct jail_start *start);

/* Life of pid 1 once the payload runs: reap, pass on signals, make sockets, end with it. */
_Noreturn void init_main(pid_t payload, const struct jail_start *start);

/* Signals that are passed on to the payload when somebody sends them to nsgate. */
void start_forwarded_signals(sigset_t *set_out);

#endif

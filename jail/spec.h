/* What one run is to be: the result of parsing a command line, before anything is created. */
#ifndef NSGATE_SPEC_H
#define NSGATE_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/err.h"
#include "policy/settings.h"

struct mount_list;

enum net_mode {
	NET_GATE, /* every TCP connection is judged by the policy */
	NET_NONE, /* loopback only */
	NET_HOST, /* the caller's network, nothing is intercepted */
	NET_MODES
};

enum env_mode {
	ENV_FILTER, /* the caller's, without loaders, session sockets and credentials */
	ENV_CLEAR, /* a short list only */
	ENV_KEEP, /* the caller's, as it is */
};

#define SPEC_PASS_FDS_MAX 16

struct jail_spec {
	char **argv; /* the command line that this is from, to read it again */
	char **command; /* NULL-terminated; points into argv */
	struct settings settings;
	enum net_mode net;
	const char *chdir; /* inside the jail; NULL = the caller's directory */
	const char *hostname;
	enum env_mode env_mode;
	const char **env_adds; /* owned array, NULL-terminated: NAME or NAME=VALUE, from argv */
	size_t env_add_count;
	int pass_fds[SPEC_PASS_FDS_MAX];
	size_t pass_fd_count;
	int status_fd; /* -1 = none; the caller's */
};

void spec_init(struct jail_spec *spec);
void spec_done(struct jail_spec *spec);

/*
 * Is this a policy to run by? Tells its warnings, refuses what a run cannot judge or what lies where
 * the jail could change it (policy_place.h), and compiles it. Returns 0 or -errno.
 */
int spec_accept_policy(struct jail_spec *spec, const struct mount_list *mounts,
		       const char *directory, struct err *err);

/*
 * Opens the audit file for appending: the caller's, -1 when there is none. A pipe without a reader is
 * waited for, or refused unless @may_wait. Returns 0 or -errno.
 */
int spec_open_audit(const struct jail_spec *spec, bool may_wait, int *fd_out, struct err *err);

#endif

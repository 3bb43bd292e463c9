/*
 * The network of a run, step by step. Every row says why it stands where it does.
 *
 * The caller's network is never written to: both namespaces are new, both belong to the run's
 * user namespace, and when their last process and socket are gone the kernel frees them with
 * all that is in them.
 */
#include "netsetup/steps.h"

#include <errno.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/base/auto.h"

struct step {
	const char *name;
	net_step_fn *run;
};

static const struct step gate_steps[] = {
	{ "gate namespace", net_enter_gate }, /* from here on we are in the gate */
	{ "listeners", net_listen }, /* a socket belongs to the namespace it is made in */
	{ "denied packets", net_hear_denied }, /* the same, and before the rules that feed it */
	{ "hand-over", net_hand_over }, /* early: the proxy starts to serve while we go on */
	{ "gate tuning", net_tune_gate }, /* before there can be a packet */
	{ "rules", net_rules }, /* before there is a link: no packet finds no rules */
};

static const struct step connect_steps[] = {
	{ "namespaces", net_check_apart }, /* before anything connects them */
	{ "link", net_link_new }, /* both ends at once, the peer born in the jail */
	{ "gate addresses", net_gate_addresses }, /* needs the link */
	{ "jail", net_enter_jail }, /* from here on we are in the jail's namespace */
	{ "jail link", net_jail_link_up }, /* the other end is up already */
	{ "jail addresses", net_jail_addresses }, /* needs the link */
	{ "jail routes", net_jail_routes }, /* needs the addresses: the gateway is on link */
	{ "addresses", net_await_addresses }, /* the kernel has had time meanwhile */
	{ "link", net_await_link }, /* the same */
	{ "proxy", net_await_proxy }, /* last: ready means somebody accepts */
};

static int run_steps(const struct step *steps, size_t count, struct net_gate *gate, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (steps[i].run(gate, err) < 0)
			return err_wrap(err, "%s", steps[i].name);
	}
	return 0;
}

int net_gate_new(const struct net_config *config, struct net_gate **gate_out, struct err *err)
{
	struct net_gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return err_set(err, ENOMEM, "allocate the gate");
	gate->config = config;
	gate->jail_netns_fd = -1;
	for (int i = 0; i < NET_LISTENERS; i++)
		gate->listeners[i] = -1;
	if (run_steps(gate_steps, sizeof(gate_steps) / sizeof(gate_steps[0]), gate, err) < 0) {
		net_gate_free(gate);
		return -err->code;
	}
	*gate_out = gate;
	return 0;
}

int net_gate_connect(struct net_gate *gate, int jail_netns_fd, struct err *err)
{
	gate->jail_netns_fd = jail_netns_fd;
	return run_steps(connect_steps, sizeof(connect_steps) / sizeof(connect_steps[0]), gate,
			 err);
}

void net_gate_free(struct net_gate *gate)
{
	if (!gate)
		return;
	for (int i = 0; i < NET_LISTENERS; i++)
		fd_release(&gate->listeners[i]);
	if (gate->gate_route)
		nl_socket_free(gate->gate_route);
	if (gate->jail_route)
		nl_socket_free(gate->jail_route);
	free(gate);
}

int net_namespace_inode(ino_t *inode_out, struct err *err)
{
	struct stat status;

	if (stat("/proc/thread-self/ns/net", &status) < 0)
		return err_set(err, errno, "look at /proc/thread-self/ns/net");
	*inode_out = status.st_ino;
	return 0;
}

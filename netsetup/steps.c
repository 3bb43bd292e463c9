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
#include <sys/stat.h>

#include "policy/base/auto.h"

static const struct {
	const char *name;
	net_step_fn *run;
} steps[] = {
	{ "gate namespace", net_enter_gate }, /* from here on we are in the gate */
	{ "listeners", net_listen }, /* a socket belongs to the namespace it is made in */
	{ "hand-over", net_hand_over }, /* early: the proxy starts to serve while we go on */
	{ "gate tuning", net_tune_gate }, /* before there can be a packet */
	{ "rules", net_rules }, /* before there is a link: no packet finds no rules */
	{ "jail namespace",
	  net_await_jail }, /* made meanwhile by the process that will be the jail */
	{ "link", net_link_new }, /* both ends at once, the peer born in the jail */
	{ "gate addresses", net_gate_addresses }, /* needs the link */
	{ "jail", net_enter_jail }, /* from here on we are in the jail's namespace */
	{ "jail link", net_jail_link_up }, /* the other end is up already */
	{ "jail addresses", net_jail_addresses }, /* needs the link */
	{ "jail routes", net_jail_routes }, /* needs the addresses: the gateway is on link */
	{ "proxy", net_await_proxy }, /* last: ready means somebody accepts */
};

static void context_done(struct net_ctx *ctx)
{
	for (int i = 0; i < NET_LISTENERS; i++)
		fd_release(&ctx->listeners[i]);
	if (ctx->gate_route)
		nl_socket_free(ctx->gate_route);
	if (ctx->jail_route)
		nl_socket_free(ctx->jail_route);
	fd_release(&ctx->jail_netns_fd);
}

int net_setup(const struct net_config *config, struct err *err)
{
	struct net_ctx ctx AUTO(context_done) = { .config = config, .jail_netns_fd = -1 };

	for (int i = 0; i < NET_LISTENERS; i++)
		ctx.listeners[i] = -1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].run(&ctx, err) < 0)
			return err_wrap(err, "%s", steps[i].name);
	}
	return 0;
}

int net_namespace_inode(ino_t *inode_out, struct err *err)
{
	struct stat status;

	if (stat("/proc/thread-self/ns/net", &status) < 0)
		return err_set(err, errno, "look at /proc/thread-self/ns/net");
	*inode_out = status.st_ino;
	return 0;
}

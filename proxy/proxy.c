/* The proxy's life: start, confine, serve, end. See proxy.h. */
#include "proxy/proxy.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "policy/base/auto.h"
#include "policy/base/fdpass.h"
#include "policy/snapshot.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/tell.h"
#include "proxy/confine.h"
#include "proxy/conn.h"
#include "proxy/denied.h"
#include "proxy/dns/server.h"
#include "proxy/inbound.h"
#include "proxy/listen.h"
#include "proxy/resolve.h"
#include "proxy/update.h"

#define FILES_RESERVED 64 /* listeners, DNS streams' share, c-ares, hosts file */
#define FILES_A_CONN   4 /* two sockets; on average one more dial, half a pipe */
#define CONNS_MAX      16384
#define TCP_LISTENERS  2
#define GRACE_MS       2000 /* for the last bytes; the supervisor waits longer */
#define READY	       'R'

/* A port of the caller's that leads into the jail. */
struct published_port {
	struct proxy *proxy;
	struct listener listener;
	struct conn_published conn;
};

struct proxy {
	const struct proxy_config *config;
	int control_fd; /* owned until it is watched */
	struct watch *control; /* owned */
	int listener_fds[NET_LISTENERS]; /* owned until taken; -1 */
	struct loop *loop; /* owned */
	struct names *names; /* owned */
	struct given *given; /* owned; NULL unless DNS_REAL */
	struct resolver *resolver; /* owned */
	struct policy *policy; /* owned; the newest that came in an update; NULL = the config's */
	struct audit audit;
	struct tell tell;
	struct conns conns;
	struct dns_server dns;
	struct denied denied;
	struct timer_queue pauses, graces;
	struct timer grace; /* runs once the supervisor is gone */
	struct listener tcp[TCP_LISTENERS], dns_tcp[TCP_LISTENERS];
	struct inbounds inbounds;
	struct published_port *published; /* owned; one for each of settings->publishes */
	size_t published_count;
};

static size_t listener_count(const struct proxy *proxy)
{
	return proxy->config->plan->want_ipv6 ? NET_LISTENERS : NET_LISTENERS_V4;
}

/* ---- start ---- */

/*
 * The terminal's signals are meant for the payload; a dead proxy would cut it off. The others tell
 * of writes that fail, and so does errno.
 */
static int ignore_signals(struct proxy *proxy, struct err *err)
{
	static const int ignored[] = { SIGPIPE, SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGXFSZ };

	(void)proxy;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return err_set(err, errno, "ignore signal %d", ignored[i]);
	}
	return 0;
}

static int receive_listeners(struct proxy *proxy, struct err *err)
{
	return fdpass_receive(proxy->control_fd, proxy->listener_fds, listener_count(proxy), err);
}

/* All of them come from one place: the first speaks for the others. */
static int check_namespace(struct proxy *proxy, struct err *err)
{
	return listener_check_namespace(proxy->listener_fds[0], err);
}

static int start_loop(struct proxy *proxy, struct err *err)
{
	proxy->loop = loop_new(err);
	return proxy->loop ? 0 : -err->code;
}

static int start_names(struct proxy *proxy, struct err *err)
{
	time_t epoch = 0;
	struct tm parts;

	(void)gmtime_r(&epoch, &parts); /* reads the time zone once, while it still may */
	json_object_seed(0); /* opens /dev/urandom, the same */
	proxy->names = names_new(NET_PLAN_NAMES_MAX);
	if (proxy->config->settings->values.dns == DNS_REAL)
		proxy->given = given_new();
	if (!proxy->names || (!proxy->given && proxy->config->settings->values.dns == DNS_REAL))
		return err_set(err, ENOMEM, "allocate the name pool");
	proxy->resolver = resolver_new(proxy->loop, err);
	return proxy->resolver ? 0 : -err->code;
}

static void audit_stopped(void *owner)
{
	struct proxy *proxy = owner;

	conns_shut(&proxy->conns);
}

static int start_conns(struct proxy *proxy, struct err *err)
{
	unsigned long files = confine_raise_files();
	unsigned long reserved = FILES_RESERVED + proxy->config->settings->publish_count;
	const struct upstream *upstream = NULL;
	unsigned max = CONNS_MAX;

	if (files <= reserved + FILES_A_CONN)
		return err_set(err, EMFILE, "the limit of %lu open files is too low", files);
	if ((files - reserved) / FILES_A_CONN < max)
		max = (unsigned)((files - reserved) / FILES_A_CONN);
	if (proxy->config->settings->values.upstream.kind != UPSTREAM_NONE)
		upstream = &proxy->config->settings->values.upstream;
	proxy->conns = (struct conns) {
		.loop = proxy->loop,
		.policy = &proxy->config->settings->policy,
		.plan = proxy->config->plan,
		.names = proxy->names,
		.given = proxy->given,
		.dns_mode = proxy->config->settings->values.dns,
		.resolver = proxy->resolver,
		.audit = &proxy->audit,
		.tell = &proxy->tell,
		.upstream = upstream,
		.credentials = proxy->config->credentials,
	};
	conns_init(&proxy->conns, max, proxy->config->sniff_timeout_ms,
		   proxy->config->connect_timeout_ms);
	proxy->audit.owner = proxy;
	proxy->audit.stopped = audit_stopped;
	return 0;
}

static void tcp_accepted(void *owner, int fd, sa_family_t family)
{
	struct proxy *proxy = owner;

	conn_open(&proxy->conns, fd, family);
}

static void dns_accepted(void *owner, int fd, sa_family_t family)
{
	struct proxy *proxy = owner;

	(void)family;
	dns_server_accept(&proxy->dns, fd);
}

/* What each listener is for. */
static int start_listener(struct proxy *proxy, enum net_listener which, struct err *err)
{
	bool is_v6 = which >= NET_LISTENERS_V4;
	sa_family_t family = is_v6 ? AF_INET6 : AF_INET;
	int fd = fd_take(&proxy->listener_fds[which]);

	switch (which) {
	case NET_LISTEN_TCP4:
	case NET_LISTEN_TCP6:
		return listener_init(&proxy->tcp[is_v6], proxy->loop, &proxy->pauses, fd, family,
				     tcp_accepted, proxy, err);
	case NET_LISTEN_DNS_TCP4:
	case NET_LISTEN_DNS_TCP6:
		return listener_init(&proxy->dns_tcp[is_v6], proxy->loop, &proxy->pauses, fd,
				     family, dns_accepted, proxy, err);
	case NET_LISTEN_DNS_UDP4:
	case NET_LISTEN_DNS_UDP6:
		return dns_server_add_socket(&proxy->dns, fd, family, err);
	case NET_LISTEN_DENIED:
		return denied_init(&proxy->denied, fd, err);
	case NET_LISTENERS:
		break;
	}
	return err_set(err, EINVAL, "listener %d", which);
}

static int start_listeners(struct proxy *proxy, struct err *err)
{
	const struct settings *settings = proxy->config->settings;

	proxy->dns = (struct dns_server) {
		.loop = proxy->loop,
		.rules = {
			.policy = &settings->policy,
			.names = proxy->names,
			.given = proxy->given,
			.mode = settings->values.dns,
			.types = settings->values.dns_types,
			.want_ipv6 = proxy->config->plan->want_ipv6,
		},
		.resolver = proxy->resolver,
		.audit = &proxy->audit,
		.tell = &proxy->tell,
	};
	proxy->denied = (struct denied) {
		.loop = proxy->loop,
		.plan = proxy->config->plan,
		.names = proxy->names,
		.dns_mode = settings->values.dns,
		.audit = &proxy->audit,
		.tell = &proxy->tell,
	};
	dns_server_init(&proxy->dns);
	listener_pauses_init(proxy->loop, &proxy->pauses);
	for (size_t i = 0; i < listener_count(proxy); i++) {
		int rc = start_listener(proxy, (enum net_listener)i, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void published_accepted(void *owner, int fd, sa_family_t family)
{
	struct published_port *port = owner;

	(void)family;
	conn_open_published(&port->proxy->conns, fd, &port->conn);
}

static int start_published_port(struct proxy *proxy, size_t index, struct err *err)
{
	const struct publish *publish = &proxy->config->settings->publishes[index];
	struct published_port *port = &proxy->published[index];

	port->proxy = proxy;
	port->conn.jail_port = publish->jail_port;
	publish_format(publish, port->conn.text, sizeof(port->conn.text));
	return listener_init(&port->listener, proxy->loop, &proxy->pauses,
			     proxy->config->publish_fds[index], publish->address.family,
			     published_accepted, port, err);
}

/* After the other listeners, whose pauses these share. */
static int start_published(struct proxy *proxy, struct err *err)
{
	const struct proxy_config *config = proxy->config;

	if (config->settings->publish_count == 0)
		return 0;
	proxy->published = calloc(config->settings->publish_count, sizeof(*proxy->published));
	if (!proxy->published)
		return err_set(err, ENOMEM, "publish ports");
	if (inbounds_init(&proxy->inbounds, proxy->loop, config->inbound_fd,
			  config->plan->want_ipv6, config->connect_timeout_ms, err) < 0)
		return -err->code;
	proxy->conns.inbounds = &proxy->inbounds;
	for (size_t i = 0; i < config->settings->publish_count; i++) {
		if (start_published_port(proxy, i, err) < 0)
			return -err->code;
		proxy->published_count++;
	}
	return 0;
}

static void grace_expired(struct timer *timer)
{
	loop_stop(CONTAINER_OF(timer, struct proxy, grace)->loop);
}

/* A program may connect, send, and exit before any of it was looked at. */
static void end(struct proxy *proxy)
{
	watch_close(proxy->loop, &proxy->control);
	for (size_t i = 0; i < TCP_LISTENERS; i++) {
		listener_drain(&proxy->tcp[i]);
		listener_done(&proxy->tcp[i]);
		listener_done(&proxy->dns_tcp[i]);
	}
	for (size_t i = 0; i < proxy->published_count; i++)
		listener_done(&proxy->published[i].listener);
	dns_server_drain(&proxy->dns);
	denied_end(&proxy->denied);
	timer_queue_init(proxy->loop, &proxy->graces, GRACE_MS, grace_expired);
	timer_start(&proxy->graces, &proxy->grace);
	conns_end(&proxy->conns);
}

static void drop_policy(struct proxy *proxy)
{
	if (proxy->policy)
		policy_done(proxy->policy);
	free(proxy->policy);
	proxy->policy = NULL;
}

/* From one snapshot to the next, in between two events. Returns how many connections it closed. */
static unsigned swap_policy(struct proxy *proxy, struct policy *next)
{
	unsigned closed = conns_judge_again(&proxy->conns, next);

	proxy->dns.rules.policy = next;
	drop_policy(proxy); /* nobody points into it any more */
	proxy->policy = next;
	return closed;
}

static int take_update(struct proxy *proxy, struct update *update, unsigned *closed_out,
		       struct err *err)
{
	struct policy *next = calloc(1, sizeof(*next));
	int rc;

	if (!next)
		return err_set(err, ENOMEM, "take a new policy");
	if (snapshot_read(update->policy_fd, next, err) < 0) {
		free(next);
		return -err->code;
	}
	rc = update->audit_fd < 0 ? 0 : audit_reopen(&proxy->audit, update->audit_fd);
	if (rc < 0) {
		policy_done(next);
		free(next);
		return err_set(err, -rc, "go on with the audit file");
	}
	(void)fd_take(&update->audit_fd); /* the audit's */
	*closed_out = swap_policy(proxy, next);
	return 0;
}

/* An update; or the end of file, when the run is over or the supervisor dead. */
static void control_ready(void *owner, uint32_t events)
{
	struct proxy *proxy = owner;
	struct update update;
	unsigned closed = 0;
	struct err err;
	int rc = update_receive(proxy->control->fd, proxy->config->audit_fd >= 0, &update, &err);

	(void)events;
	if (rc == 0)
		rc = take_update(proxy, &update, &closed, &err);
	else if (rc != -EPROTO) {
		end(proxy);
		return;
	}
	(void)update_answer(proxy->control->fd, rc < 0 ? &err : NULL, closed); /* or it is gone */
	fd_release(&update.policy_fd);
	fd_release(&update.audit_fd);
}

static int watch_control(struct proxy *proxy, struct err *err)
{
	int rc;

	proxy->control = watch_new(proxy->loop, proxy->control_fd, control_ready, proxy);
	if (!proxy->control)
		return err_set(err, ENOMEM, "watch the supervisor");
	proxy->control_fd = -1;
	rc = watch_start(proxy->loop, proxy->control, EPOLLIN);
	return rc < 0 ? err_set(err, -rc, "watch the supervisor") : 0;
}

static int confine_self(struct proxy *proxy, struct err *err)
{
	(void)proxy;
	return confine(err);
}

static int report_ready(struct proxy *proxy, struct err *err)
{
	const char ready = READY;

	if (send(proxy->control->fd, &ready, 1, MSG_NOSIGNAL) != 1)
		return err_set(err, errno, "tell the supervisor");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct proxy *proxy, struct err *err);
} steps[] = {
	{ "signals", ignore_signals },	    { "loop", start_loop },
	{ "names", start_names }, /* reads resolv.conf: before confine */
	{ "connections", start_conns }, /* raises a limit: before confine */
	{ "confine", confine_self }, /* while the gate is still being built */
	{ "listeners", receive_listeners }, /* nothing of the jail's has been read so far */
	{ "namespace", check_namespace },   { "serve", start_listeners },
	{ "publish", start_published },	    { "control", watch_control },
	{ "ready", report_ready }, /* last: the payload may start now */
};

/* ---- end ---- */

static void proxy_done(struct proxy *proxy)
{
	if (proxy->conns.loop) {
		conns_close(&proxy->conns);
		conns_done(&proxy->conns);
	}
	for (size_t i = 0; i < TCP_LISTENERS; i++) {
		listener_done(&proxy->tcp[i]);
		listener_done(&proxy->dns_tcp[i]);
	}
	for (size_t i = 0; i < proxy->published_count; i++)
		listener_done(&proxy->published[i].listener);
	inbounds_done(&proxy->inbounds);
	free(proxy->published);
	if (proxy->dns.loop)
		dns_server_done(&proxy->dns);
	denied_done(&proxy->denied);
	resolver_free(proxy->resolver);
	names_free(proxy->names);
	given_free(proxy->given);
	if (proxy->loop)
		watch_close(proxy->loop, &proxy->control);
	loop_free(proxy->loop);
	audit_done(&proxy->audit);
	drop_policy(proxy);
	fd_release(&proxy->control_fd);
	for (size_t i = 0; i < NET_LISTENERS; i++)
		fd_release(&proxy->listener_fds[i]);
}

static int run(struct proxy *proxy, struct err *err)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].run(proxy, err) < 0)
			return err_wrap(err, "%s", steps[i].name);
	}
	return loop_run(proxy->loop, err);
}

int proxy_run(const struct proxy_config *config, int control_fd, struct err *err)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int control AUTO(fd_release) = control_fd;
	int audit_fd AUTO(fd_release) = config->audit_fd;
	int rc;

	if (!proxy)
		return err_set(err, ENOMEM, "start");
	proxy->config = config;
	proxy->control_fd = fd_take(&control);
	for (size_t i = 0; i < NET_LISTENERS; i++)
		proxy->listener_fds[i] = -1;
	audit_init(&proxy->audit, fd_take(&audit_fd), config->settings->values.audit_failure,
		   config->jail_id);
	rc = run(proxy, err);
	proxy_done(proxy);
	free(proxy);
	return rc;
}

/* Intercepted TCP connections, from accept to the audit record. */
#ifndef NSGATE_CONN_H
#define NSGATE_CONN_H

#include "policy/net_plan.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/tell.h"
#include "proxy/dial.h"
#include "proxy/dns/given.h"
#include "proxy/dns/names.h"
#include "proxy/inbound.h"
#include "proxy/link.h"
#include "proxy/loop.h"
#include "proxy/relay.h"
#include "proxy/resolve.h"
#include "proxy/upstream.h"

struct conn;

/* What all connections share; the pointers are the proxy's. */
struct conns {
	struct loop *loop;
	const struct policy *policy;
	const struct net_plan *plan;
	struct names *names;
	struct given *given; /* NULL unless DNS_REAL */
	enum dns_mode dns_mode; /* what an address says about the name behind it */
	struct resolver *resolver;
	struct audit *audit;
	struct tell *tell;
	struct dials dials;
	const struct upstream *upstream; /* all goes through it; NULL = dialled directly */
	const struct upstream_credentials *credentials; /* for it */
	struct timer_queue handshake_deadlines; /* with it */
	struct inbounds *inbounds; /* NULL unless something is published */
	struct pipes pipes;
	struct timer_queue sniff_deadlines; /* for the rest of a ClientHello */
	struct timer_queue word_deadlines; /* for that of anything else */
	struct timer_queue linger_deadlines; /* for the client to read a denial */
	struct link open; /* of struct conn */
	struct conn *spare; /* owned; for reuse */
	unsigned spare_count;
	unsigned count;
	unsigned max;
	bool is_ending; /* conns_end() was called */
	bool is_over; /* conns_close() was called */
	uint32_t opened; /* numbers connections in debug messages */
};

/* @max connections at once; two descriptors each, and as many again for pipes and dials. */
void conns_init(struct conns *conns, unsigned max, unsigned sniff_timeout_ms,
		unsigned connect_timeout_ms);

/* Takes an accepted socket of a listener of @family and decides what becomes of it. */
void conn_open(struct conns *conns, int client_fd, sa_family_t family);

/* A port of the caller's that leads into the jail. */
struct conn_published {
	char text[ADDR_TEXT_MAX + 8]; /* "127.0.0.1:3000" */
	uint16_t jail_port;
};

/* The same for one of a published port's listener; @published must outlive the connection. */
void conn_open_published(struct conns *conns, int client_fd,
			 const struct conn_published *published);

/*
 * @policy holds from now on, also for what is open: those that it denies are closed. Nobody points
 * into the old one afterwards. Returns how many were closed.
 */
unsigned conns_judge_again(struct conns *conns, const struct policy *policy);

/*
 * The run is over. What programs sent before they exited is still to be delivered: connections that
 * their client has ended live on until it is, or until conns_close(); all others end. The loop
 * stops with the last one.
 */
void conns_end(struct conns *conns);
/* Ends every connection. */
void conns_close(struct conns *conns);
/* A record was lost: nobody may talk unrecorded. Resets every connection. */
void conns_shut(struct conns *conns);
void conns_done(struct conns *conns);

#endif

/* The gate's DNS sockets: datagrams and streams around dns_answer(). */
#ifndef NSGATE_DNS_SERVER_H
#define NSGATE_DNS_SERVER_H

#include "policy/base/err.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/tell.h"
#include "proxy/dns/answer.h"
#include "proxy/loop.h"
#include "proxy/resolve.h"

#define DNS_UDP_LISTENERS 2 /* IPv4 and IPv6 */
#define DNS_STREAMS_MAX	  64
#define DNS_QUESTIONS_MAX 256 /* at once; the next one is answered SERVFAIL */

struct dns_server {
	struct loop *loop;
	struct dns_rules rules;
	struct resolver *resolver; /* the proxy's */
	struct audit *audit;
	struct tell *tell;
	struct watch *sockets[DNS_UDP_LISTENERS]; /* owned */
	struct timer_queue idle;
	struct link streams;
	unsigned stream_count;
	struct link questions; /* queries that wait for an upstream server */
	unsigned question_count;
};

/* The fields up to tell are set by the caller. */
void dns_server_init(struct dns_server *server);
/* Queries that still wait are recorded and forgotten. */
void dns_server_done(struct dns_server *server);

/* Takes a datagram socket and answers on it. Returns 0 or -errno. */
int dns_server_add_socket(struct dns_server *server, int fd, sa_family_t family, struct err *err);

/* Answers the datagrams that have been waiting. */
void dns_server_drain(struct dns_server *server);

/* Takes an accepted connection. */
void dns_server_accept(struct dns_server *server, int fd);

#endif

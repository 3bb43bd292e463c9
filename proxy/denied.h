/* Packets that the gate's rules have refused: told of by the kernel, recorded once for each flow. */
#ifndef NSGATE_DENIED_H
#define NSGATE_DENIED_H

#include "policy/base/err.h"
#include "policy/net_plan.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/tell.h"
#include "proxy/dns/names.h"
#include "proxy/loop.h"
#include "proxy/packet.h"

#define DENIED_FLOWS_MAX 256

/* A destination whose packets are counted together for a while. */
struct denied_flow {
	struct timer fold; /* runs while the flow is in use */
	struct denied *denied;
	struct packet to;
	uint64_t packets; /* since the last record */
};

/* The pointers are the proxy's. */
struct denied {
	struct loop *loop;
	const struct net_plan *plan;
	const struct names *names;
	enum dns_mode dns_mode;
	struct audit *audit;
	struct tell *tell;
	struct watch *socket; /* owned */
	struct timer_queue folds;
	struct denied_flow flows[DENIED_FLOWS_MAX];
};

/* Takes @fd (NET_LISTEN_DENIED). Returns 0 or -errno. */
int denied_init(struct denied *denied, int fd, struct err *err);

/* The run is over: records what has been waiting or was counted. */
void denied_end(struct denied *denied);
void denied_done(struct denied *denied);

#endif

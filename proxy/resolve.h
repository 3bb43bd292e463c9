/* The proxy's own name resolution, in the caller's network: hosts file first, then DNS. */
#ifndef NSGATE_RESOLVE_H
#define NSGATE_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/net_plan.h"
#include "policy/policy.h"
#include "proxy/link.h"
#include "proxy/loop.h"
#include "proxy/records.h"

#define RESOLVE_ADDRESSES_MAX 16 /* more are dropped */
#define RESOLVE_ALIASES_MAX   8 /* a longer CNAME chain is refused */

#define RESOLVE_UPSTREAM NET_PLAN_NAMES_MAX /* the number of the upstream proxy's own name */

#define RESOLVE_TTL_MIN_S      1
#define RESOLVE_TTL_MAX_S      300
#define RESOLVE_TTL_NEGATIVE_S 1

struct resolver;

struct resolve_answer {
	enum lookup_status status;
	const char *error; /* NULL, or why there is no address; static text */
	uint32_t ttl_s; /* how long it is kept here */
	enum addr_source source;
	size_t count;
	struct addr addresses[RESOLVE_ADDRESSES_MAX];
	size_t alias_count;
	char *aliases[RESOLVE_ALIASES_MAX]; /* canonical names of the CNAME chain */
};

/* Embedded in whoever waits. */
struct resolve_waiter {
	struct link link;
	/* Called once; @answer is valid during the call. */
	void (*resolved)(struct resolve_waiter *waiter, const struct resolve_answer *answer);
};

/*
 * Reads resolv.conf and seeds itself: before confinement. NULL and @err on failure.
 */
struct resolver *resolver_new(struct loop *loop, struct err *err);
void resolver_free(struct resolver *resolver);

/*
 * The addresses of name number @number (see names.h), whose text is @name. Call it only after
 * the verdict on the name. NET_PLAN_HOST_NAME is the caller's loopback, whatever others say. Returns an answer, valid until the next call of any resolve function,
 * or NULL: @waiter is then called later, or never if resolve_cancel() comes first. Without
 * memory the answer is an error.
 */
const struct resolve_answer *resolve(struct resolver *resolver, uint32_t number, const char *name,
				     struct resolve_waiter *waiter);
void resolve_cancel(struct resolve_waiter *waiter);

/* Embedded in whoever waits for records. */
struct resolve_query {
	struct link link;
	/* Called once; @records are valid during the call. */
	void (*resolved)(struct resolve_query *query, const struct records *records);
};

/*
 * Asks upstream servers for the records of @type (SRV, MX, TXT) of @name; nothing is kept. Call
 * it only after the verdict on the name. @waiter is called later, or from inside when nothing
 * can be asked, or never if resolve_query_cancel() comes first.
 */
void resolve_records(struct resolver *resolver, const char *name, uint16_t type,
		     struct resolve_query *waiter);
void resolve_query_cancel(struct resolve_query *query);

/* How long an answer of @ttl seconds is kept, with (@count > 0) or without addresses. */
uint32_t resolve_keep_ms(int ttl, size_t count);

#endif

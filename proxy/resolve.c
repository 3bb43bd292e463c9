/*
 * The proxy's own name resolution, with c-ares. See resolve.h.
 *
 * Two channels, because c-ares does not tell whether an answer came from the hosts file, and the
 * policy trusts that file more than DNS: the first only reads the file, the second only asks
 * servers. No search domains: "ok.test" must not become "ok.test.corp.example" after the verdict.
 * c-ares sockets live only while a query is under way, so each burst has fresh source ports.
 */
#include "proxy/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "policy/name.h"
#include "policy/net_plan.h"

#define SOCKETS_MAX  16 /* a UDP and a TCP one for each server that resolv.conf may name */
#define ENTRIES_MAX  4096
#define QUERIES_MAX  512 /* for records, and addresses meanwhile, under way at once */
#define QUERY_TRY_MS 2000
#define QUERY_TRIES  3
#define TICK_MS	     100 /* c-ares timeouts are seconds; checked only while it has queries */

struct entry {
	struct resolver *resolver;
	struct link age; /* in resolver->by_age */
	struct link waiters;
	uint64_t expires_ms;
	uint32_t number;
	bool is_pending;
	struct resolve_answer answer;
	char name[];
};

struct query_socket {
	struct resolver *resolver;
	struct watch *watch; /* NULL = free; the descriptor is c-ares's */
	uint32_t events;
};

struct resolver {
	struct loop *loop;
	ares_channel hosts, dns; /* owned */
	struct query_socket sockets[SOCKETS_MAX];
	struct timer_queue ticks;
	struct timer tick;
	struct resolve_answer host; /* of NET_PLAN_HOST_NAME */
	unsigned pending; /* DNS queries under way */
	unsigned entry_count;
	struct link by_age; /* all entries, the oldest answer first */
	struct entry **entries; /* owned; by name number, touched only where used */
};

static const struct resolve_answer no_memory = {
	.status = LOOKUP_FAILED,
	.error = "out of memory",
};

uint32_t resolve_keep_ms(int ttl, size_t count)
{
	if (count == 0)
		return RESOLVE_TTL_NEGATIVE_S * 1000;
	if (ttl < RESOLVE_TTL_MIN_S)
		ttl = RESOLVE_TTL_MIN_S;
	if (ttl > RESOLVE_TTL_MAX_S)
		ttl = RESOLVE_TTL_MAX_S;
	return (uint32_t)ttl * 1000;
}

static void socket_ready(void *owner, uint32_t events)
{
	struct query_socket *socket = owner;
	int fd = socket->watch->fd;
	const uint32_t failed = EPOLLERR | EPOLLHUP;

	ares_process_fd(socket->resolver->dns, events & (EPOLLIN | failed) ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

static struct query_socket *find_socket(struct resolver *resolver, int fd)
{
	struct query_socket *unused = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct query_socket *socket = &resolver->sockets[i];

		if (socket->watch && socket->watch->fd == fd)
			return socket;
		if (!socket->watch)
			unused = socket;
	}
	return unused;
}

/* c-ares tells which of its sockets wait for what; neither = it is about to be closed. */
static void socket_changed(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = context;
	struct query_socket *socket = find_socket(resolver, fd);
	uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

	if (!socket)
		return; /* more sockets than servers: its query runs into the timeout */
	if (!events) {
		watch_forget(resolver->loop, &socket->watch);
		return;
	}
	if (!socket->watch) {
		socket->resolver = resolver;
		socket->watch = watch_new(resolver->loop, fd, socket_ready, socket);
		if (socket->watch && watch_start(resolver->loop, socket->watch, events) < 0)
			watch_forget(resolver->loop, &socket->watch);
	} else if (socket->events != events) {
		(void)watch_change(resolver->loop, socket->watch, events); /* cannot fail */
	}
	socket->events = events;
}

static void tick(struct timer *timer)
{
	struct resolver *resolver = CONTAINER_OF(timer, struct resolver, tick);

	ares_process_fd(resolver->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (resolver->pending > 0)
		timer_start(&resolver->ticks, &resolver->tick);
}

/* After each query that was started. */
static void keep_ticking(struct resolver *resolver)
{
	if (resolver->pending > 0 && !link_is_in(&resolver->tick.link))
		timer_start(&resolver->ticks, &resolver->tick);
}

static int open_channel(struct resolver *resolver, const char *lookups, ares_channel *channel_out,
			struct err *err)
{
	char kinds[2] = { lookups[0] };
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = QUERY_TRY_MS,
		.tries = QUERY_TRIES,
		.lookups = kinds,
		.sock_state_cb = socket_changed,
		.sock_state_cb_data = resolver,
	};
	int status = ares_init_options(channel_out, &options,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					       ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
					       ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS)
		return err_set(err, status == ARES_ENOMEM ? ENOMEM : EIO, "start the resolver: %s",
			       ares_strerror(status));
	return 0;
}

struct resolver *resolver_new(struct loop *loop, struct err *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver)
		resolver->entries = calloc(NET_PLAN_NAMES_MAX + 1, sizeof(struct entry *));
	if (!resolver || !resolver->entries) {
		err_set(err, ENOMEM, "start the resolver");
		free(resolver);
		return NULL;
	}
	resolver->loop = loop;
	resolver->host.count = NET_PLAN_HOST_ADDRESSES;
	memcpy(resolver->host.addresses, net_plan_host_addresses, sizeof(net_plan_host_addresses));
	link_ring_init(&resolver->by_age);
	timer_queue_init(loop, &resolver->ticks, TICK_MS, tick);
	if (open_channel(resolver, "f", &resolver->hosts, err) < 0 ||
	    open_channel(resolver, "b", &resolver->dns, err) < 0) {
		resolver_free(resolver);
		return NULL;
	}
	return resolver;
}

static void answer_clear(struct resolve_answer *answer)
{
	for (size_t i = 0; i < answer->alias_count; i++)
		free(answer->aliases[i]);
	*answer = (struct resolve_answer) { 0 };
}

static void entry_free(struct entry *entry)
{
	struct resolver *resolver = entry->resolver;

	resolver->entries[entry->number] = NULL;
	resolver->entry_count--;
	link_remove(&entry->age);
	answer_clear(&entry->answer);
	free(entry);
}

void resolver_free(struct resolver *resolver)
{
	struct link *oldest;

	if (!resolver)
		return;
	/* Queries under way end here, each with a call of dns_answered(). */
	if (resolver->dns)
		ares_destroy(resolver->dns);
	if (resolver->hosts)
		ares_destroy(resolver->hosts);
	timer_stop(&resolver->tick);
	while ((oldest = link_pop(&resolver->by_age)))
		entry_free(CONTAINER_OF(oldest, struct entry, age));
	free(resolver->entries);
	free(resolver);
}

/* Returns 0, or -E2BIG when the chain is longer than anybody needs. */
static int take_aliases(struct resolve_answer *answer, const struct ares_addrinfo *info)
{
	for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next) {
		char name[NAME_SIZE];

		if (!cname->name || name_canonical(cname->name, strlen(cname->name), name) < 0)
			continue; /* no host name, so no rule can speak of it */
		if (answer->alias_count == RESOLVE_ALIASES_MAX)
			return -E2BIG;
		answer->aliases[answer->alias_count] = strdup(name);
		if (!answer->aliases[answer->alias_count])
			return -ENOMEM;
		answer->alias_count++;
	}
	return 0;
}

/* Returns the smallest TTL. */
static int take_addresses(struct resolve_answer *answer, const struct ares_addrinfo *info)
{
	int ttl = RESOLVE_TTL_MAX_S;

	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		struct sockaddr_storage storage = { 0 };

		if (node->ai_addrlen > sizeof(storage) || answer->count == RESOLVE_ADDRESSES_MAX)
			continue;
		memcpy(&storage, node->ai_addr, node->ai_addrlen);
		if (addr_from_sockaddr(&storage, &answer->addresses[answer->count], NULL) < 0)
			continue;
		answer->count++;
		if (node->ai_ttl < ttl)
			ttl = node->ai_ttl;
	}
	return ttl;
}

static enum lookup_status status_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return LOOKUP_OK;
	case ARES_ENOTFOUND:
		return LOOKUP_NO_NAME;
	case ARES_ENODATA:
		return LOOKUP_NO_DATA;
	default: /* c-ares's codes, not ours */
		return LOOKUP_FAILED;
	}
}

/* @info is released; NULL is fine. */
static void entry_fill(struct entry *entry, int status, struct ares_addrinfo *info,
		       enum addr_source source)
{
	struct resolve_answer *answer = &entry->answer;
	uint32_t keep_ms;
	int ttl = 0;

	answer->source = source;
	answer->status = status_of(status);
	if (info) {
		ttl = take_addresses(answer, info);
		if (take_aliases(answer, info) < 0)
			answer->count = 0;
		ares_freeaddrinfo(info);
	}
	if (answer->count == 0)
		answer->error =
			status == ARES_SUCCESS ? "no usable address" : ares_strerror(status);
	if (answer->count == 0 && status == ARES_SUCCESS)
		answer->status = LOOKUP_FAILED;
	keep_ms = resolve_keep_ms(ttl, answer->count);
	answer->ttl_s = keep_ms / 1000;
	entry->is_pending = false;
	entry->expires_ms = loop_now_ms(entry->resolver->loop) + keep_ms;
}

static void tell_waiters(struct entry *entry)
{
	struct link *link;

	while ((link = link_pop(&entry->waiters))) {
		struct resolve_waiter *waiter = CONTAINER_OF(link, struct resolve_waiter, link);

		waiter->resolved(waiter, &entry->answer);
	}
}

static void dns_answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct entry *entry = context;

	(void)timeouts;
	entry->resolver->pending--;
	entry_fill(entry, status, info, ADDR_FROM_DNS);
	if (status != ARES_EDESTRUCTION)
		tell_waiters(entry);
}

static void hosts_answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct entry *entry = context;

	(void)timeouts;
	if (status == ARES_SUCCESS && info && info->nodes)
		entry_fill(entry, status, info, ADDR_FROM_HOSTS_FILE);
	else if (info)
		ares_freeaddrinfo(info);
}

/* May be over when it returns: then nobody waits yet. */
static void start_lookup(struct resolver *resolver, struct entry *entry)
{
	/* NOSORT: c-ares sorts by opening a socket to each address; dialling finds out anyway. */
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	answer_clear(&entry->answer);
	entry->is_pending = true;
	link_remove(&entry->age);
	link_append(&resolver->by_age, &entry->age);
	ares_getaddrinfo(resolver->hosts, entry->name, NULL, &hints, hosts_answered, entry);
	if (!entry->is_pending)
		return;
	resolver->pending++;
	ares_getaddrinfo(resolver->dns, entry->name, NULL, &hints, dns_answered, entry);
	keep_ticking(resolver);
}

/* Room for one more: the oldest answer goes, wanted or not. */
static void make_room(struct resolver *resolver)
{
	struct link *link = resolver->by_age.next;

	while (resolver->entry_count >= ENTRIES_MAX && link != &resolver->by_age) {
		struct entry *entry = CONTAINER_OF(link, struct entry, age);

		link = link->next;
		if (!entry->is_pending && link_ring_is_empty(&entry->waiters))
			entry_free(entry);
	}
}

static struct entry *entry_new(struct resolver *resolver, uint32_t number, const char *name)
{
	size_t size = strlen(name) + 1;
	struct entry *entry;

	make_room(resolver);
	entry = calloc(1, sizeof(*entry) + size);
	if (!entry)
		return NULL;
	entry->resolver = resolver;
	entry->number = number;
	memcpy(entry->name, name, size);
	link_ring_init(&entry->waiters);
	link_append(&resolver->by_age, &entry->age);
	resolver->entries[number] = entry;
	resolver->entry_count++;
	return entry;
}

const struct resolve_answer *resolve(struct resolver *resolver, uint32_t number, const char *name,
				     struct resolve_waiter *waiter)
{
	struct entry *entry = resolver->entries[number];

	if (strcmp(name, NET_PLAN_HOST_NAME) == 0)
		return &resolver->host;
	if (!entry) {
		entry = entry_new(resolver, number, name);
		if (!entry)
			return &no_memory;
	}
	if (!entry->is_pending && entry->expires_ms <= loop_now_ms(resolver->loop))
		start_lookup(resolver, entry);
	if (!entry->is_pending)
		return &entry->answer;
	link_append(&entry->waiters, &waiter->link);
	return NULL;
}

void resolve_cancel(struct resolve_waiter *waiter)
{
	link_remove(&waiter->link);
}

/* ---- records ---- */

/* c-ares's until it calls; cannot be taken back, so whoever asked may be gone by then. */
struct record_query {
	struct resolver *resolver;
	struct link waiters; /* one at most */
	uint16_t type;
	char name[];
};

static void tell_query(struct link *waiters, const struct records *records)
{
	struct link *link = link_pop(waiters);
	struct resolve_query *query;

	if (!link)
		return;
	query = CONTAINER_OF(link, struct resolve_query, link);
	query->resolved(query, records);
}

static void records_answered(void *context, int status, int timeouts, unsigned char *message,
			     int length)
{
	struct record_query *query = context;
	struct records records;

	(void)timeouts;
	query->resolver->pending--;
	records.status = status_of(status);
	records.error = ares_strerror(status);
	records.alias_count = 0;
	if (status == ARES_SUCCESS)
		records_parse(message, (size_t)length, query->name, query->type, &records);
	if (status != ARES_EDESTRUCTION) /* nobody waits then */
		tell_query(&query->waiters, &records);
	free(query);
}

static struct record_query *record_query_new(struct resolver *resolver, const char *name,
					     uint16_t type)
{
	size_t size = strlen(name) + 1;
	struct record_query *query = NULL;

	if (resolver->pending < QUERIES_MAX)
		query = calloc(1, sizeof(*query) + size);
	if (!query)
		return NULL;
	query->resolver = resolver;
	query->type = type;
	memcpy(query->name, name, size);
	link_ring_init(&query->waiters);
	return query;
}

void resolve_records(struct resolver *resolver, const char *name, uint16_t type,
		     struct resolve_query *waiter)
{
	struct record_query *query = record_query_new(resolver, name, type);

	if (!query) {
		static const struct records failed = {
			.status = LOOKUP_FAILED,
			.error = "too many queries are under way",
		};

		waiter->resolved(waiter, &failed);
		return;
	}
	link_append(&query->waiters, &waiter->link);
	resolver->pending++;
	ares_query(resolver->dns, query->name, ns_c_in, type, records_answered, query);
	keep_ticking(resolver);
}

void resolve_query_cancel(struct resolve_query *query)
{
	link_remove(&query->link);
}

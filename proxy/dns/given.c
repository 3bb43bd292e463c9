/*
 * The addresses of names. See given.h.
 *
 * A tree and not a hash, as in names.c: whoever runs an allowed name picks its addresses.
 */
#include "proxy/dns/given.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1u /* most addresses stand for one name */

struct shared {
	struct addr addr; /* first: what the tree compares */
	uint32_t count, room;
	struct given_name *names; /* owned */
};

struct given {
	void *tree; /* owned, of struct shared */
	uint32_t total; /* names of all addresses */
};

static int compare(const void *a, const void *b)
{
	const struct addr *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	return memcmp(left->bytes, right->bytes, left->family == AF_INET ? 4 : 16);
}

struct given *given_new(void)
{
	return calloc(1, sizeof(struct given));
}

static void shared_free(void *node)
{
	struct shared *shared = node;

	free(shared->names);
	free(shared);
}

void given_free(struct given *given)
{
	if (!given)
		return;
	tdestroy(given->tree, shared_free);
	free(given);
}

static struct shared *find(const struct given *given, const struct addr *addr)
{
	struct shared *const *found = tfind(addr, &given->tree, compare);

	return found ? *found : NULL;
}

static struct shared *add_address(struct given *given, const struct addr *addr)
{
	struct shared *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return NULL;
	shared->addr = *addr;
	if (tsearch(shared, &given->tree, compare))
		return shared;
	free(shared);
	return NULL;
}

static int make_room(struct shared *shared)
{
	uint32_t room = shared->room ? shared->room * 2 : ROOM_FIRST;
	struct given_name *grown;

	if (shared->count < shared->room)
		return 0;
	grown = reallocarray(shared->names, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	shared->names = grown;
	shared->room = room;
	return 0;
}

int given_add(struct given *given, const struct addr *addr, const struct given_name *name)
{
	struct shared *shared = find(given, addr);
	int rc;

	for (uint32_t i = 0; shared && i < shared->count; i++) {
		if (shared->names[i].number == name->number) {
			shared->names[i] = *name; /* the way there may be another one by now */
			return 0;
		}
	}
	if (given->total == GIVEN_MAX || (shared && shared->count == GIVEN_NAMES_MAX))
		return -ENOSPC;
	if (!shared)
		shared = add_address(given, addr);
	rc = shared ? make_room(shared) : -ENOMEM;
	if (rc < 0)
		return rc; /* an address without a name is not found */
	shared->names[shared->count++] = *name;
	given->total++;
	return 0;
}

const struct given_name *given_find(const struct given *given, const struct addr *addr,
				    size_t *count_out)
{
	const struct shared *shared = find(given, addr);

	*count_out = shared ? shared->count : 0;
	return *count_out > 0 ? shared->names : NULL;
}

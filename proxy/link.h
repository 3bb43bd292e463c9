/* A doubly linked ring of embedded links: O(1) to enter and to leave, no allocation. */
#ifndef NSGATE_LINK_H
#define NSGATE_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *previous; /* both NULL = in no ring */
};

/* The object that @pointer is the field @member of. */
#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void link_ring_init(struct link *ring)
{
	ring->next = ring;
	ring->previous = ring;
}

static inline bool link_ring_is_empty(const struct link *ring)
{
	return ring->next == ring;
}

static inline bool link_is_in(const struct link *link)
{
	return link->next != NULL;
}

static inline void link_append(struct link *ring, struct link *link)
{
	link->next = ring;
	link->previous = ring->previous;
	ring->previous->next = link;
	ring->previous = link;
}

/* Leaving twice is fine. */
static inline void link_remove(struct link *link)
{
	if (!link->next)
		return;
	link->next->previous = link->previous;
	link->previous->next = link->next;
	link->next = NULL;
	link->previous = NULL;
}

/* Takes the first one out; NULL when there is none. */
static inline struct link *link_pop(struct link *ring)
{
	struct link *first = ring->next;

	if (first == ring)
		return NULL;
	link_remove(first);
	return first;
}

#endif

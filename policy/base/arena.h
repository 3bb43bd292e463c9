/* Memory for many small things that live and die together. */
#ifndef NSGATE_ARENA_H
#define NSGATE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned; the newest first */
	size_t used, size; /* of the newest */
};

/* An empty one is all zero. */
void arena_done(struct arena *arena);

/* @size bytes, aligned for pointers, not cleared; freed with the arena. NULL: no memory. */
void *arena_take(struct arena *arena, size_t size);

#endif

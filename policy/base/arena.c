/* Memory for many small things. See arena.h. */
#include "policy/base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(void *) unsigned char bytes[];
};

void arena_done(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	*arena = (struct arena) { 0 };
}

static int add_chunk(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;

	if (size < CHUNK_BYTES)
		size = CHUNK_BYTES;
	if (size > SIZE_MAX - sizeof(*chunk))
		return -1;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return -1;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->size = size;
	arena->used = 0;
	return 0;
}

void *arena_take(struct arena *arena, size_t size)
{
	size_t align = _Alignof(void *), start = (arena->used + align - 1) & ~(align - 1);

	if (!arena->chunks || start > arena->size || size > arena->size - start) {
		if (add_chunk(arena, size) < 0)
			return NULL;
		start = 0;
	}
	arena->used = start + size;
	return arena->chunks->bytes + start;
}

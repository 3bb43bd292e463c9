/* Where a text stands that somebody wrote: for messages. */
#ifndef NSGATE_PLACE_H
#define NSGATE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/err.h"

struct place {
	const char *origin; /* "--allow", or "policy.yaml:7" */
	size_t column; /* of its first byte, from 1 */
	/* Escapes or folded lines: the bytes of the text do not stand in a row. Say where it begins. */
	bool is_start_only;
};

/* A text that is all there is: a word of the command line. */
static inline struct place place_of(const char *origin)
{
	return (struct place) { .origin = origin, .column = 1 };
}

/* Where the byte at @offset of the text stands. */
static inline struct place place_after(struct place place, size_t offset)
{
	if (!place.is_start_only)
		place.column += offset;
	return place;
}

/*
 * "origin: column N: expected @expected, got …", where the culprit is @length bytes of @text from
 * @offset on; 0 = something is missing there. Returns -EINVAL.
 */
int place_unexpected(struct place place, const char *text, size_t offset, size_t length,
		     const char *expected, struct err *err);

#endif

/* A stream of requests, read as an inspected connection reads it, in pieces of a chosen size. */
#ifndef NSGATE_HTTP_WALK_H
#define NSGATE_HTTP_WALK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/http/framing.h"
#include "proxy/http/head.h"

/* What was read: "GET /x; POST /y 3; BAD" and so on; "..." where the stream ends in the middle. */
struct http_walk {
	char text[8192];
	size_t used;
	struct http_framing framing;
};

static inline void http_walk_say(struct http_walk *walk, const char *what, int length)
{
	size_t left = sizeof(walk->text) - walk->used;
	int wrote = snprintf(walk->text + walk->used, left, "%.*s", length, what);

	walk->used += (size_t)wrote < left ? (size_t)wrote : left - 1;
}

/* Returns how many bytes of body are to be skipped, or SIZE_MAX: the request is refused. */
static inline size_t http_walk_head(struct http_walk *walk, const uint8_t *bytes, size_t length)
{
	struct http_head head;

	if (http_head_read(bytes, length, &head) != SNIFF_YES ||
	    !http_head_is_framed(&head, &walk->framing)) {
		http_walk_say(walk, "BAD", 3);
		return SIZE_MAX;
	}
	http_walk_say(walk, head.method.at, (int)head.method.length);
	http_walk_say(walk, " ", 1);
	http_walk_say(walk, head.target.at, (int)head.target.length);
	switch ((enum http_body)walk->framing.body) {
	case HTTP_BODY_LENGTH:
		http_walk_say(walk, " length; ", 9);
		return walk->framing.body_bytes < SIZE_MAX ? walk->framing.body_bytes
							   : SIZE_MAX - 1;
	case HTTP_BODY_CHUNKED:
		http_walk_say(walk, " chunked ", 9);
		return 0;
	case HTTP_BODY_NONE:
	case HTTP_BODY_TO_END:
		break;
	}
	http_walk_say(walk, "; ", 2);
	return 0;
}

/* @piece 0: all at once. */
static inline void http_walk(struct http_walk *walk, const uint8_t *bytes, size_t size,
			     size_t piece)
{
	size_t at = 0, head_at = 0;

	memset(walk, 0, sizeof(*walk));
	http_framing_init(&walk->framing, false);
	while (at < size) {
		size_t length = piece && piece < size - at ? piece : size - at;
		uint8_t *copy = malloc(length); /* exact: a sanitizer sees one byte too far */
		size_t used, skipped;
		enum http_part part;

		memcpy(copy, bytes + at, length);
		part = http_framing_read(&walk->framing, copy, length, &used);
		free(copy);
		at += used;
		if (part == HTTP_PART_BAD) {
			http_walk_say(walk, "BAD", 3);
			return;
		}
		if (part == HTTP_PART_END)
			http_walk_say(walk, "end; ", 5);
		if (part == HTTP_PART_HEAD) {
			skipped = http_walk_head(walk, bytes + head_at, at - head_at);
			if (skipped == SIZE_MAX)
				return;
			at = skipped < size - at ? at + skipped : size;
		}
		if (part != HTTP_PART_MORE || walk->framing.is_in_body)
			head_at = at;
	}
	if (head_at < at || walk->framing.is_in_body)
		http_walk_say(walk, "...", 3);
}

#endif

/* URL paths: one form for requests, and the patterns that rules are written with. */
#ifndef NSGATE_PATH_H
#define NSGATE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes percent-encoding and resolves dot segments (RFC 3986, 5.2.4; in this order: a server
 * may do the same). An encoded slash separates segments, too. Refuses a path that is not empty and
 * does not begin with '/', one that climbs above the root, a NUL, and a '%' without two hex digits.
 * @out has room for @length + 1 bytes. Returns 0 or -EINVAL.
 */
int path_normalize(const char *text, size_t length, char *out);

/* How a pattern is read. */
enum path_style {
	PATH_DECODED, /* %XX stands for its byte; no '*' inside a segment, no dot segments */
	PATH_RAW, /* as boundary does it: neither is special, and such a pattern matches nothing */
};

/*
 * Parses a pattern: [/] SEGMENT[/SEGMENT...] [/], '*' as a whole segment; "/" alone matches every
 * path. @out has room for @length + 2 bytes. On failure returns -EINVAL, *@bad_out is the offset of
 * what does not belong there and *@expected_out says what does.
 */
int path_pattern_parse(const char *text, size_t length, enum path_style style, char *out,
		       size_t *bad_out, const char **expected_out);

/*
 * Same number of segments: each equal or '*'; a path with more segments matches only if the
 * pattern's last one is '*', or the pattern is empty. @path is normalised.
 */
bool path_pattern_match(const char *pattern, const char *path);

#endif

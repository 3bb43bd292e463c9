/*
 * URL paths. See path.h. A path and a pattern in one form: each segment behind a slash, so "" has
 * no segment and "/" an empty one. In a pattern a lone '*' is a segment that matches any other.
 */
#include "policy/path.h"

#include <errno.h>
#include <string.h>

struct fault {
	size_t at;
	const char *expected;
};

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* The byte that "%XX" at text[at] stands for, or -1. */
static int decode(const char *text, size_t length, size_t at)
{
	int high, low;

	if (length - at < 3)
		return -1;
	high = hex_digit(text[at + 1]);
	low = hex_digit(text[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_dots(const char *segment, size_t length, size_t dots)
{
	return length == dots && memcmp(segment, "..", dots) == 0;
}

/* Resolves dot segments in place. False: it climbs above the root. */
static bool resolve_dots(char *path)
{
	size_t length = strlen(path), at = 0, used = 0;

	while (at < length) { /* at a slash */
		const char *segment = path + at + 1;
		size_t size = strcspn(segment, "/");
		bool is_up = is_dots(segment, size, 2), is_dot = is_up || is_dots(segment, size, 1);

		at += 1 + size;
		if (is_up && used == 0)
			return false;
		while (is_up && path[--used] != '/')
			;
		if (is_dot && at < length)
			continue;
		path[used++] = '/'; /* a dot segment at the end leaves its slash */
		if (!is_dot) {
			memmove(path + used, segment, size);
			used += size;
		}
	}
	path[used] = '\0';
	return true;
}

int path_normalize(const char *text, size_t length, char *out)
{
	size_t used = 0;

	if (length > 0 && text[0] != '/')
		return -EINVAL;
	for (size_t at = 0; at < length; at++) {
		int byte = text[at] == '%' ? decode(text, length, at) : (unsigned char)text[at];

		if (byte <= 0)
			return -EINVAL;
		if (text[at] == '%')
			at += 2;
		out[used++] = (char)byte;
	}
	out[used] = '\0';
	return resolve_dots(out) ? 0 : -EINVAL;
}

static bool fail_at(struct fault *fault, size_t at, const char *expected)
{
	*fault = (struct fault) { .at = at, .expected = expected };
	return false;
}

/* RFC 3986's pchar, but '%' and ','. */
static bool is_path_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || (byte && strchr("-._~!$&'()*+;=:@", byte));
}

static bool put_encoded(const char *text, size_t length, size_t at, enum path_style style,
			char **out, struct fault *fault)
{
	int byte = decode(text, length, at);

	if (byte < 0)
		return fail_at(fault, at, "two hex digits behind '%'");
	if (style == PATH_RAW) {
		*out = (char *)mempcpy(*out, text + at, 3);
		return true;
	}
	if (byte == 0 || byte == '*' || byte == '/')
		return fail_at(fault, at, "no encoded '*', '/' or NUL");
	*(*out)++ = (char)byte;
	return true;
}

/* The segment text[start..end), which is not empty. */
static bool put_segment(const char *text, size_t start, size_t end, enum path_style style,
			char **out, struct fault *fault)
{
	const char *first = *out + 1;

	*(*out)++ = '/';
	for (size_t at = start; at < end; at++) {
		bool is_part_star = text[at] == '*' && end - start > 1;

		if (is_part_star && (style == PATH_DECODED || at == start))
			return fail_at(fault, at, "'*' as a whole segment");
		if (text[at] == '%') {
			if (!put_encoded(text, end, at, style, out, fault))
				return false;
			at += 2;
		} else if (is_path_byte(text[at])) {
			*(*out)++ = text[at];
		} else {
			return fail_at(fault, at, "a letter, a digit or one of -._~!$&'()+;=:@%");
		}
	}
	if (style == PATH_DECODED && (is_dots(first, (size_t)(*out - first), 1) ||
				      is_dots(first, (size_t)(*out - first), 2)))
		return fail_at(fault, start, "a segment other than '.' and '..'");
	return true;
}

static bool put_pattern(const char *text, size_t length, enum path_style style, char *out,
			struct fault *fault)
{
	size_t start = length > 0 && text[0] == '/' ? 1 : 0;

	if (length == 0)
		return fail_at(fault, 0, "a path");
	while (start < length) {
		const char *slash = memchr(text + start, '/', length - start);
		size_t end = slash ? (size_t)(slash - text) : length;

		if (start == end)
			return fail_at(fault, start, "a path segment");
		if (!put_segment(text, start, end, style, &out, fault))
			return false;
		start = end + 1;
	}
	*out = '\0';
	return true;
}

int path_pattern_parse(const char *text, size_t length, enum path_style style, char *out,
		       size_t *bad_out, const char **expected_out)
{
	struct fault fault;

	if (put_pattern(text, length, style, out, &fault))
		return 0;
	*bad_out = fault.at;
	*expected_out = fault.expected;
	return -EINVAL;
}

bool path_pattern_match(const char *pattern, const char *path)
{
	bool is_star = true; /* an empty pattern matches every path */

	while (*pattern) { /* both at a slash */
		size_t wanted = strcspn(pattern + 1, "/"), got = strcspn(path + (*path != 0), "/");

		if (!*path)
			return false;
		is_star = wanted == 1 && pattern[1] == '*';
		if (!is_star && (wanted != got || memcmp(pattern + 1, path + 1, wanted) != 0))
			return false;
		pattern += 1 + wanted;
		path += 1 + got;
	}
	return !*path || is_star;
}

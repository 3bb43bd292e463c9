/* Host names: one canonical form, and the patterns that rules are written with. */
#ifndef NSGATE_NAME_H
#define NSGATE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_MAX_LENGTH 253 /* text without the trailing dot, RFC 1035 */
#define NAME_SIZE	(NAME_MAX_LENGTH + 1)

/*
 * Lower-cases @length bytes, drops one trailing dot, and refuses everything that is not a host
 * name: bytes outside letters, digits, hyphen, underscore and dot (so also NUL, '%', '@', '\\',
 * blanks, non-ASCII), empty labels, labels over 63 bytes or with a hyphen at either end, names
 * over 253 bytes, and names whose last label is all digits or 0x… (an address in some spelling).
 * Returns 0 or -EINVAL; @out is untouched on failure.
 */
int name_canonical(const char *text, size_t length, char out[NAME_SIZE]);

/*
 * A canonical pattern: labels, '*' as a whole label; a lone '*' matches every name. Compared with
 * a name label-wise, right-aligned: same number of labels, each equal or '*'; a name with more
 * labels than the pattern matches only if the pattern's first label is '*', which takes one or
 * more. So *.example.org matches a.example.org and a.b.example.org but not example.org. A first
 * label '**' takes none, one or more: **.example.org is both of them.
 */
struct name_pattern {
	char text[NAME_SIZE]; /* lower case, no trailing dot */
	bool has_wildcard;
};

/* How a pattern is read. */
enum name_style {
	NAME_NSGATE,
	NAME_BOUNDARY, /* no '**', '_', trailing dot or IDNA; a last label may be a number */
};

/*
 * Parses a pattern. Labels as in a name, or '*' alone, or '**' in front of others; the last label
 * is not '*' unless it is the only one. A label in UTF-8 becomes its A-label. One trailing dot is
 * dropped, but not that of "*.", where a label is missing. On
 * failure returns -EINVAL, *@bad_out is the offset of the offending byte (@length when something
 * is missing at the end) and *@expected_out says what belongs there.
 */
int name_pattern_parse(const char *text, size_t length, enum name_style style,
		       struct name_pattern *pattern_out, size_t *bad_out,
		       const char **expected_out);

/* Is any label of a canonical pattern a literal? False for '*' and '*.*' alike patterns. */
bool name_pattern_has_literal(const char *pattern);

#endif

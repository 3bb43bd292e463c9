/* Host names and patterns. See name.h. */
#include "policy/name.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX_LENGTH 63 /* RFC 1035 */

/* The first byte of a name that does not belong there. */
struct fault {
	size_t at;
	const char *expected;
};

static bool fail_at(struct fault *fault, size_t at, const char *expected)
{
	*fault = (struct fault) { .at = at, .expected = expected };
	return false;
}

/* No <ctype.h>: a locale must not change what a rule means. */
static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_name_byte(char byte)
{
	char small = lower(byte);

	return (small >= 'a' && small <= 'z') || is_digit(byte) || byte == '-' || byte == '_';
}

static bool is_star(const char *label, size_t length)
{
	return length == 1 && *label == '*';
}

/* Would inet_aton() or a URL parser read an address where this is the last label? */
static bool is_number(const char *label, size_t length)
{
	bool is_hex = length >= 2 && label[0] == '0' && lower(label[1]) == 'x';

	for (size_t i = is_hex ? 2 : 0; i < length; i++) {
		char small = lower(label[i]);

		if (!is_digit(small) && !(is_hex && small >= 'a' && small <= 'f'))
			return false;
	}
	return true;
}

static const char *expected_byte(char got)
{
	if (got == '*')
		return "'*' as a whole label";
	if ((unsigned char)got >= 0x80)
		return "a name in ASCII";
	return "a letter, a digit, '-', '_' or '.'";
}

/* The label in text[start..end). */
static bool check_label(const char *text, size_t start, size_t end, struct fault *fault)
{
	if (start == end)
		return fail_at(fault, start, "a label");
	for (size_t i = start; i < end; i++) {
		if (!is_name_byte(text[i]))
			return fail_at(fault, i, expected_byte(text[i]));
	}
	if (end - start > LABEL_MAX_LENGTH)
		return fail_at(fault, start + LABEL_MAX_LENGTH, "a label of at most 63 bytes");
	if (text[start] == '-')
		return fail_at(fault, start, "a label that does not begin with '-'");
	if (text[end - 1] == '-')
		return fail_at(fault, end - 1, "a label that does not end with '-'");
	return true;
}

static bool check_last_label(const char *text, size_t start, size_t end, struct fault *fault)
{
	if (start > 0 && is_star(text + start, end - start))
		return fail_at(fault, start, "a last label other than '*'");
	if (is_number(text + start, end - start))
		return fail_at(fault, start, "a last label that is not a number");
	return true;
}

static bool check_name(const char *text, size_t length, bool is_pattern, struct fault *fault)
{
	size_t start = 0, end;

	for (;; start = end + 1) {
		const char *dot = memchr(text + start, '.', length - start);

		end = dot ? (size_t)(dot - text) : length;
		if (!(is_pattern && is_star(text + start, end - start)) &&
		    !check_label(text, start, end, fault))
			return false;
		if (!dot)
			break;
	}
	if (length > NAME_MAX_LENGTH)
		return fail_at(fault, NAME_MAX_LENGTH, "a name of at most 253 bytes");
	return check_last_label(text, start, end, fault);
}

/*
 * One trailing dot says "from the root" and is not part of the name. Not so in "*.": there a
 * label is missing (a variable that was empty?), and reading it as '*' would open everything.
 */
static size_t drop_root(const char *text, size_t length)
{
	bool is_rooted = length > 1 && text[length - 1] == '.';

	return is_rooted && !is_star(text, length - 1) ? length - 1 : length;
}

static void copy_lower(const char *text, size_t length, char out[NAME_SIZE])
{
	for (size_t i = 0; i < length; i++)
		out[i] = lower(text[i]);
	out[length] = '\0';
}

int name_canonical(const char *text, size_t length, char out[NAME_SIZE])
{
	struct fault ignored;

	length = drop_root(text, length);
	if (!check_name(text, length, false, &ignored))
		return -EINVAL;
	copy_lower(text, length, out);
	return 0;
}

int name_pattern_parse(const char *text, size_t length, struct name_pattern *pattern_out,
		       size_t *bad_out, const char **expected_out)
{
	struct fault fault;

	length = drop_root(text, length);
	if (!check_name(text, length, true, &fault)) {
		*bad_out = fault.at;
		*expected_out = fault.expected;
		return -EINVAL;
	}
	copy_lower(text, length, pattern_out->text);
	pattern_out->has_wildcard = memchr(text, '*', length) != NULL;
	return 0;
}

bool name_pattern_has_literal(const char *pattern)
{
	return pattern[strspn(pattern, "*.")] != '\0';
}

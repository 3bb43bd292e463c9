/* Host names and patterns. See name.h. */
#include "policy/name.h"

#include <errno.h>
#include <string.h>

#include "policy/idna.h"

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

static bool check_name(const char *text, size_t length, struct fault *fault)
{
	size_t start = 0, end;

	for (;; start = end + 1) {
		const char *dot = memchr(text + start, '.', length - start);

		end = dot ? (size_t)(dot - text) : length;
		if (!check_label(text, start, end, fault))
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
	bool is_stars = strspn(text, "*") == length - 1;

	return is_rooted && !is_stars ? length - 1 : length;
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
	if (!check_name(text, length, &ignored))
		return -EINVAL;
	copy_lower(text, length, out);
	return 0;
}

/* A pattern while it is read. */
struct draft {
	const char *text;
	size_t length;
	enum name_style style;
	char *out; /* NAME_SIZE bytes */
	size_t used;
};

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
	}
	return true;
}

static bool put_label(struct draft *draft, const char *label, size_t length, size_t at,
		      struct fault *fault)
{
	size_t dot = draft->used ? 1 : 0, room = NAME_MAX_LENGTH - draft->used;

	if (dot + length > room)
		return fail_at(fault, at + (room > dot ? room - dot : 0),
			       "a name of at most 253 bytes");
	if (dot)
		draft->out[draft->used++] = '.';
	for (size_t i = 0; i < length; i++)
		draft->out[draft->used++] = lower(label[i]);
	draft->out[draft->used] = '\0';
	return true;
}

static bool put_international(struct draft *draft, size_t start, size_t end, struct fault *fault)
{
	char label[LABEL_MAX_LENGTH + 1];

	if (idna_label(draft->text + start, end - start, label) < 0)
		return fail_at(fault, start, "a label that IDNA allows");
	/* Where its A-label is too long for the name, the label as a whole is. */
	if (!put_label(draft, label, strlen(label), start, fault)) {
		fault->at = start;
		return false;
	}
	return true;
}

/* The label text[start..end). */
static bool read_label(struct draft *draft, size_t start, size_t end, struct fault *fault)
{
	const char *label = draft->text + start;
	size_t length = end - start;
	bool is_apex = length == 2 && memcmp(label, "**", 2) == 0 && start == 0;

	if (is_apex && draft->style == NAME_NSGATE) {
		if (end == draft->length)
			return fail_at(fault, end, "'.' and a name");
		return put_label(draft, label, length, start, fault);
	}
	if (is_star(label, length))
		return put_label(draft, label, length, start, fault);
	if (!is_ascii(label, length) && draft->style == NAME_NSGATE)
		return put_international(draft, start, end, fault);
	if (!check_label(draft->text, start, end, fault))
		return false;
	if (draft->style == NAME_BOUNDARY && memchr(label, '_', length))
		return fail_at(fault,
			       (size_t)((const char *)memchr(label, '_', length) - draft->text),
			       "a letter, a digit, '-' or '.'");
	return put_label(draft, label, length, start, fault);
}

static bool read_pattern(struct draft *draft, struct fault *fault)
{
	size_t start = 0, end;

	for (;; start = end + 1) {
		const char *dot = memchr(draft->text + start, '.', draft->length - start);

		end = dot ? (size_t)(dot - draft->text) : draft->length;
		if (!read_label(draft, start, end, fault))
			return false;
		if (!dot)
			break;
	}
	/* A canonical name never ends in a number: such a pattern of boundary's matches nothing. */
	if (draft->style == NAME_BOUNDARY && !is_star(draft->text + start, end - start))
		return true;
	return check_last_label(draft->text, start, end, fault);
}

int name_pattern_parse(const char *text, size_t length, enum name_style style,
		       struct name_pattern *pattern_out, size_t *bad_out, const char **expected_out)
{
	struct draft draft = {
		.text = text,
		.length = style == NAME_BOUNDARY ? length : drop_root(text, length),
		.style = style,
		.out = pattern_out->text,
	};
	struct fault fault;

	if (!read_pattern(&draft, &fault)) {
		*bad_out = fault.at;
		*expected_out = fault.expected;
		return -EINVAL;
	}
	pattern_out->has_wildcard = memchr(text, '*', length) != NULL;
	return 0;
}

bool name_pattern_has_literal(const char *pattern)
{
	return pattern[strspn(pattern, "*.")] != '\0';
}

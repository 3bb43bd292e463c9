/* Text helpers. See text.h. */
#include "policy/base/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 40 /* longer words are not typing mistakes of ours */

const char *text_escape(const char *text, size_t length, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (used + 4 + sizeof("...") > size) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (byte == '\\') {
			out[used++] = '\\';
			out[used++] = '\\';
		} else if (byte >= 0x20 && byte < 0x7f) {
			out[used++] = (char)byte;
		} else {
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = hex[byte >> 4];
			out[used++] = hex[byte & 15];
		}
	}
	out[used] = '\0';
	return out;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance; both words at most WORD_MAX bytes. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;

			now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_length];
}

const char *text_nearest(const char *word, const char *const *names)
{
	size_t length = strlen(word);
	size_t best = length / 3 + 1; /* more changes than that is another word */
	const char *nearest = NULL;

	if (length == 0 || length > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		size_t name_length = strlen(*names);
		size_t d;

		if (name_length > WORD_MAX)
			continue;
		d = distance(word, length, *names, name_length);
		if (d < best || (d == best && !nearest)) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}

int text_number(const char *text, unsigned long max, unsigned long *value_out)
{
	unsigned long value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned long digit = (unsigned char)*text - (unsigned long)'0';

		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (value > (max - digit) / 10 || digit > max)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*value_out = value;
	return 0;
}

/* Text helpers: escaping what strangers wrote, and guessing what users meant. */
#ifndef NSGATE_TEXT_H
#define NSGATE_TEXT_H

#include <stddef.h>

/*
 * Copies @length bytes of untrusted text into @out so that a terminal or a log reader cannot be
 * fooled: printable ASCII stays, a backslash is doubled, every other byte becomes \xHH. Cut with
 * "..." when @size is too small; always terminated (size >= 8). Returns @out.
 */
const char *text_escape(const char *text, size_t length, char *out, size_t size);

/*
 * The entry of @names (NULL-terminated) nearest to @word by edit distance (insert, delete,
 * replace, swap of neighbours), or NULL when none is near enough to be meant.
 */
const char *text_nearest(const char *word, const char *const *names);

/*
 * Decimal digits only, no sign, no blanks, at most @max. Returns 0, -EINVAL or -ERANGE;
 * @value_out is untouched on failure.
 */
int text_number(const char *text, unsigned long max, unsigned long *value_out);

#endif

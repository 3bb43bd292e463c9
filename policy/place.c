/* Where a text stands. See place.h. */
#include "policy/place.h"

#include "policy/base/text.h"

#define QUOTE_BYTES 64 /* of somebody else's text in a message */

int place_unexpected(struct place place, const char *text, size_t offset, size_t length,
		     const char *expected, struct err *err)
{
	size_t column = place_after(place, offset).column;
	char got[QUOTE_BYTES];

	if (length == 0)
		return err_bad(err, "%s: column %zu: expected %s, got nothing", place.origin,
			       column, expected);
	return err_bad(err, "%s: column %zu: expected %s, got \"%s\"", place.origin, column,
		       expected, text_escape(text + offset, length, got, sizeof(got)));
}

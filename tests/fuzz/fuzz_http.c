/*
 * A stream of HTTP/1 requests. What holds for every one:
 * - it is read the same, however it is cut;
 * - outside of bodies there is no line that does not end with CRLF, and no other control character
 *   but tabs, up to where it is refused.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/http_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static void check_lines(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t next = i + 1 < length ? bytes[i + 1] : 0;

		must(bytes[i] != '\r' || next == '\n', "CR stands in front of LF");
		must(bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r'), "LF stands behind CR");
		must(bytes[i] != '\n' || (next != ' ' && next != '\t'), "no line is folded");
		must(bytes[i] >= ' ' || strchr("\r\n\t", bytes[i]) != NULL, "no controls");
	}
}

/* The first head, where it is one. */
static void check_first_head(const uint8_t *data, size_t size)
{
	struct http_framing framing;
	struct http_head head;
	size_t used;

	http_framing_init(&framing, false);
	if (http_framing_read(&framing, data, size, &used) != HTTP_PART_HEAD)
		return;
	must(used >= 4 && memcmp(data + used - 4, "\r\n\r\n", 4) == 0, "a head ends so");
	must(memmem(data, used, "\r\n\r\n", 4) == data + used - 4, "and nowhere before");
	check_lines(data, used);
	if (http_head_read(data, used, &head) != SNIFF_YES || !http_head_is_framed(&head, &framing))
		return;
	must((framing.body == HTTP_BODY_CHUNKED) == (head.coding_count == 1),
	     "both readers see the same coding");
	must(framing.body != HTTP_BODY_LENGTH || head.length_count == 1,
	     "both readers see the same length");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_walk whole, cut;

	if (size == 0 || size > 16384)
		return 0;
	check_first_head(data, size);
	http_walk(&whole, data, size, 0);
	for (size_t piece = 1; piece < 8; piece += 3) {
		http_walk(&cut, data, size, piece);
		must(strcmp(whole.text, cut.text) == 0, "it is read the same, however it is cut");
	}
	return 0;
}

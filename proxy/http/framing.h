/*
 * Where the messages of an HTTP/1 stream begin and end. llhttp reads them, in strict mode; in requests, every
 * byte outside of bodies is also held to what all servers read alike: lines end with CRLF, are not
 * folded, and have no control characters.
 */
#ifndef NSGATE_HTTP_FRAMING_H
#define NSGATE_HTTP_FRAMING_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_part {
	HTTP_PART_MORE, /* all bytes were read, and the message goes on */
	HTTP_PART_HEAD, /* its head is complete; http_framing.body says what follows */
	HTTP_PART_END, /* it is complete; only of HTTP_BODY_CHUNKED */
	HTTP_PART_BAD /* nobody knows where it ends; nothing more can be read */
};

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH, /* body_bytes follow, and are not to be read here */
	HTTP_BODY_CHUNKED, /* to be read here, until HTTP_PART_END */
	HTTP_BODY_TO_END /* of the stream; only of responses */
};

struct http_framing {
	llhttp_t parser;
	const uint8_t
		*unguarded; /* within http_framing_read(): what comes next outside of bodies */
	uint64_t body_bytes; /* only of HTTP_BODY_LENGTH */
	uint32_t line_bytes; /* of the line so far */
	uint16_t status; /* of the last head; only of responses */
	uint8_t body; /* enum http_body, of the last head */
	bool is_response;
	bool has_no_body; /* a response to HEAD: set by the caller before it is read */
	bool is_in_body;
	bool has_cr; /* LF is next */
	bool is_odd; /* a line that servers could read differently */
};

void http_framing_init(struct http_framing *framing, bool is_response);

/*
 * Reads on, at most to the end of a head or a message. *@used_out is how many bytes were read, also of
 * HTTP_PART_BAD. Does not depend on how the stream is cut.
 */
enum http_part http_framing_read(struct http_framing *framing, const uint8_t *bytes, size_t length,
				 size_t *used_out);

#endif

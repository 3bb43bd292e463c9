/* Where messages begin and end. See framing.h. */
#include "proxy/http/framing.h"

#include <string.h>

/* The empty line that ends a head ends it for llhttp, too: both stop there, or it is refused. */
static int stop_after_head(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static int stop_after_message(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

/* Returns false for a byte that no line of a request may have there. */
static bool guard_byte(struct http_framing *framing, uint8_t byte)
{
	if (framing->has_cr || byte == '\n') {
		bool is_end = framing->has_cr && byte == '\n';

		framing->has_cr = false;
		framing->line_bytes = 0;
		return is_end;
	}
	if (byte == '\r') {
		framing->has_cr = true;
		return true;
	}
	if (framing->line_bytes++ == 0 && (byte == ' ' || byte == '\t'))
		return false; /* a folded line */
	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* Up to @end, all that was not guarded yet. */
static void guard(struct http_framing *framing, const uint8_t *end)
{
	for (const uint8_t *at = framing->unguarded; at < end && !framing->is_odd; at++)
		framing->is_odd = !guard_byte(framing, *at);
	framing->unguarded = end;
}

static int skip_data(llhttp_t *parser, const char *at, size_t length)
{
	struct http_framing *framing = parser->data;

	guard(framing, (const uint8_t *)at);
	framing->unguarded = (const uint8_t *)at + length;
	return 0;
}

static const llhttp_settings_t settings = {
	.on_headers_complete = stop_after_head,
	.on_body = skip_data,
	.on_message_complete = stop_after_message,
};

/* For the next message. */
static void begin(struct http_framing *framing)
{
	llhttp_init(&framing->parser, framing->is_response ? HTTP_RESPONSE : HTTP_REQUEST,
		    &settings);
	framing->parser.data = framing;
	framing->is_in_body = framing->has_cr = framing->is_odd = false;
	framing->line_bytes = 0;
}

void http_framing_init(struct http_framing *framing, bool is_response)
{
	*framing = (struct http_framing) { .is_response = is_response };
	begin(framing);
}

/* RFC 9112 section 6.3 */
static enum http_body body_of(const struct http_framing *framing)
{
	const llhttp_t *parser = &framing->parser;
	unsigned status = parser->status_code;

	if (framing->is_response &&
	    (framing->has_no_body || status / 100 == 1 || status == 204 || status == 304))
		return HTTP_BODY_NONE;
	if (parser->flags & F_CHUNKED)
		return HTTP_BODY_CHUNKED;
	if (framing->is_response && parser->flags & F_TRANSFER_ENCODING)
		return HTTP_BODY_TO_END;
	if (parser->flags & F_CONTENT_LENGTH)
		return parser->content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	return framing->is_response ? HTTP_BODY_TO_END : HTTP_BODY_NONE;
}

/* How much of it is head, if the head ends there; or all. */
static size_t length_of_head(struct http_framing *framing, const uint8_t *bytes, size_t length,
			     bool *is_end_out)
{
	*is_end_out = false;
	for (size_t i = 0; i < length; i++) {
		bool is_empty = framing->line_bytes == 0 && framing->has_cr;

		framing->is_odd = !guard_byte(framing, bytes[i]);
		if (framing->is_odd)
			return i + 1;
		if (is_empty) {
			*is_end_out = true;
			return i + 1;
		}
	}
	return length;
}

static enum http_part take_head(struct http_framing *framing)
{
	framing->body = (uint8_t)body_of(framing);
	framing->body_bytes = framing->parser.content_length;
	framing->status = framing->parser.status_code;
	if (framing->body != HTTP_BODY_CHUNKED) {
		begin(framing);
		return HTTP_PART_HEAD;
	}
	framing->is_in_body = true;
	llhttp_resume(&framing->parser);
	return HTTP_PART_HEAD;
}

static enum http_part read_head(struct http_framing *framing, const uint8_t *bytes, size_t length,
				size_t *used_out)
{
	bool is_end = false, has_ended;
	llhttp_errno_t error;

	if (!framing->is_response)
		length = length_of_head(framing, bytes, length, &is_end);
	*used_out = length;
	if (framing->is_odd)
		return HTTP_PART_BAD;
	error = llhttp_execute(&framing->parser, (const char *)bytes, length);
	has_ended = error == HPE_PAUSED;
	if (has_ended)
		*used_out = (size_t)(llhttp_get_error_pos(&framing->parser) - (const char *)bytes);
	if ((error != HPE_OK && !has_ended) ||
	    (!framing->is_response && (has_ended != is_end || *used_out != length)))
		return HTTP_PART_BAD;
	return has_ended ? take_head(framing) : HTTP_PART_MORE;
}

static enum http_part read_chunks(struct http_framing *framing, const uint8_t *bytes, size_t length,
				  size_t *used_out)
{
	llhttp_errno_t error;

	framing->unguarded = bytes;
	error = llhttp_execute(&framing->parser, (const char *)bytes, length);
	*used_out = length;
	if (error == HPE_PAUSED)
		*used_out = (size_t)(llhttp_get_error_pos(&framing->parser) - (const char *)bytes);
	guard(framing, bytes + *used_out);
	if ((error != HPE_OK && error != HPE_PAUSED) || (framing->is_odd && !framing->is_response))
		return HTTP_PART_BAD;
	if (error == HPE_OK)
		return HTTP_PART_MORE;
	begin(framing);
	return HTTP_PART_END;
}

enum http_part http_framing_read(struct http_framing *framing, const uint8_t *bytes, size_t length,
				 size_t *used_out)
{
	return framing->is_in_body ? read_chunks(framing, bytes, length, used_out)
				   : read_head(framing, bytes, length, used_out);
}

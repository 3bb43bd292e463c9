/*
 * The head of an HTTP/1 request. See head.h.
 *
 * Servers differ in what they take for the end of a line, a header or a host, so everything that is
 * not as RFC 9112 says it is refused. llhttp reads the same bytes (framing.c): both must agree.
 */
#include "proxy/http/head.h"

#include <string.h>

/* RFC 9110 section 5.6.2 */
static bool is_token(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

/* What is left to read. */
struct input {
	const uint8_t *at, *end;
};

bool http_span_is(struct http_span span, const char *text)
{
	return span.length == strlen(text) && strncasecmp(span.at, text, span.length) == 0;
}

/* A line that ends with CRLF and has no other control character but tabs. */
static enum sniff_state read_line(struct input *input, struct http_span *line_out)
{
	const uint8_t *start = input->at;
	const uint8_t *end = start;

	while (end < input->end && (*end == '\t' || (*end >= ' ' && *end != 0x7f)))
		end++;
	if (end == input->end || (*end == '\r' && end + 1 == input->end))
		return SNIFF_MORE;
	if (end[0] != '\r' || end[1] != '\n')
		return SNIFF_BAD;
	*line_out = (struct http_span) { (const char *)start, (size_t)(end - start) };
	input->at = end + 2;
	return SNIFF_YES;
}

/* Up to @end, or all of it; @rest begins behind that byte. */
static struct http_span take_until(struct http_span *rest, char end)
{
	const char *found = memchr(rest->at, end, rest->length);
	struct http_span word = { rest->at, found ? (size_t)(found - rest->at) : rest->length };
	size_t used = word.length + (found != NULL);

	rest->at += used;
	rest->length -= used;
	return word;
}

/* Exactly one blank between the words, and no other blank in them. */
static bool read_request_line(struct http_head *head, struct http_span line)
{
	head->method = take_until(&line, ' ');
	head->target = take_until(&line, ' ');
	head->is_connect = http_span_is(head->method, "CONNECT");
	head->is_version_10 = http_span_is(line, "HTTP/1.0");
	return head->method.length > 0 && head->target.length > 0 &&
	       !memchr(head->target.at, '\t', head->target.length) &&
	       (head->is_version_10 || http_span_is(line, "HTTP/1.1"));
}

static struct http_span trim(struct http_span text)
{
	while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text.at++;
		text.length--;
	}
	while (text.length > 0 &&
	       (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
		text.length--;
	return text;
}

static bool is_digits(struct http_span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	}
	return true;
}

/* Notes what matters to the verdict. Returns false for a second Host. */
static bool take_header(struct http_head *head, struct http_span name, struct http_span value)
{
	if (http_span_is(name, "host")) {
		bool is_second = head->has_host;

		head->has_host = true;
		head->host = value;
		return !is_second;
	}
	if (http_span_is(name, "transfer-encoding")) {
		head->coding_count++;
		head->is_chunked = http_span_is(value, "chunked");
	} else if (http_span_is(name, "content-length")) {
		head->length_count++;
		head->is_length_odd = value.length == 0 || !is_digits(value);
	} else if (http_span_is(name, "upgrade")) {
		head->upgrade_count++;
		head->upgrade = value;
	}
	return true;
}

/* RFC 9112 section 5: no blank in front of the colon, no folded lines. */
static bool read_header(struct http_head *head, struct http_span line)
{
	struct http_span name = take_until(&line, ':');

	if (name.length == 0 || name.at + name.length == line.at) /* no colon */
		return false;
	for (size_t i = 0; i < name.length; i++) {
		if (!is_token((uint8_t)name.at[i]))
			return false;
	}
	return take_header(head, name, trim(line));
}

/* How long the part in front of any of @ends is. */
static size_t length_until(struct http_span text, const char *ends)
{
	size_t length = 0;

	while (length < text.length && !(text.at[length] && strchr(ends, text.at[length])))
		length++;
	return length;
}

/* The authority of an absolute target, or of CONNECT, and the path. */
static bool read_target(struct http_head *head)
{
	static const char separator[] = "://";
	struct http_span target = head->target;
	const char *found;

	if (http_span_is(target, "*"))
		return http_span_is(head->method, "OPTIONS");
	if (head->is_connect) {
		head->authority = target;
		return target.at[0] != '/';
	}
	if (target.at[0] != '/') {
		found = memmem(target.at, target.length, separator, strlen(separator));
		if (!found)
			return false;
		target.length -= (size_t)(found - target.at) + strlen(separator);
		target.at = found + strlen(separator);
		head->authority = target;
		head->authority.length = length_until(target, "/?#");
		target.at += head->authority.length;
		target.length -= head->authority.length;
	}
	head->path = target;
	head->path.length = length_until(target, "?#");
	return true;
}

enum sniff_state http_head_read(const uint8_t *bytes, size_t length, struct http_head *head_out)
{
	struct input input = { bytes, bytes + length };
	struct http_span line;
	enum sniff_state state = read_line(&input, &line);

	*head_out = (struct http_head) { 0 };
	if (state == SNIFF_YES && !read_request_line(head_out, line))
		return SNIFF_BAD;
	while (state == SNIFF_YES) {
		state = read_line(&input, &line);
		if (state == SNIFF_YES && line.length == 0)
			return read_target(head_out) ? SNIFF_YES : SNIFF_BAD;
		if (state == SNIFF_YES && !read_header(head_out, line))
			return SNIFF_BAD;
	}
	return state;
}

bool http_head_is_framed(const struct http_head *head, const struct http_framing *framing)
{
	/* llhttp 8.1 does not know "chunked" with a tab behind it, which servers do */
	if ((framing->body == HTTP_BODY_CHUNKED) != (head->coding_count > 0) ||
	    (framing->body == HTTP_BODY_LENGTH && head->length_count == 0))
		return false;
	if (head->coding_count == 0)
		return head->length_count == 0 || (head->length_count == 1 && !head->is_length_odd);
	return head->coding_count == 1 && head->is_chunked && head->length_count == 0 &&
	       !head->is_version_10;
}

bool http_host_split(struct http_span host, struct http_span *name_out)
{
	struct http_span port = host;

	if (host.length > 0 && host.at[0] == '[') {
		struct http_span inside = take_until(&port, ']');

		*name_out = (struct http_span) { inside.at + 1, inside.length - 1 };
		if (port.length > 0 && port.at[0] != ':')
			return false;
		(void)take_until(&port, ':');
		return port.at > inside.at + inside.length && is_digits(port);
	}
	*name_out = take_until(&port, ':');
	return is_digits(port);
}

bool http_host_name(struct http_span host, char name_out[NAME_SIZE])
{
	struct http_span name;

	return host.length > 0 && host.at[0] != '[' && http_host_split(host, &name) &&
	       name_canonical(name.at, name.length, name_out) == 0;
}

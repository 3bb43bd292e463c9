/*
 * HTTP/1: a request line up to "HTTP/1.", RFC 9112 section 3. Many text protocols begin with a
 * word, a blank and something, so nothing before the version is proof.
 *
 * And whom the request is for. Servers differ in what they take for the end of a line, a header or
 * a host, so everything that is not as the RFC says it is refused.
 */
#include "proxy/sniff/sniff.h"

#include <string.h>

#define METHOD_MAX 32 /* UPDATEREDIRECTREF, the longest registered one, has 17 */
#define TARGET_MAX 8000 /* what RFC 9112 section 3 asks servers to take at least */

/* RFC 9110 section 5.6.2 */
static bool is_token(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

/* Servers take bytes above ASCII in a target, so they are not a "no". */
static bool is_target(uint8_t byte)
{
	return byte > ' ' && byte != 0x7f;
}

/* A word of 1..@max bytes and a blank. *@at_out is the offset after the blank. */
static enum sniff_state read_word(const uint8_t *bytes, size_t length, size_t max,
				  bool (*is_word)(uint8_t byte), size_t *at_out)
{
	size_t used = 0;

	while (used < length && used <= max && is_word(bytes[used]))
		used++;
	if (used > max)
		return SNIFF_NO;
	if (used == length)
		return SNIFF_MORE;
	if (used == 0 || bytes[used] != ' ')
		return SNIFF_NO;
	*at_out = used + 1;
	return SNIFF_YES;
}

enum sniff_state sniff_http1(const uint8_t *bytes, size_t length, struct sniff_result *result_out)
{
	static const char version[] = "HTTP/1.";
	size_t method, target;
	enum sniff_state state;

	(void)result_out; /* a label */
	while (length > 0 && (*bytes == '\r' || *bytes == '\n')) { /* servers skip empty lines */
		bytes++;
		length--;
	}
	state = read_word(bytes, length, METHOD_MAX, is_token, &method);
	if (state != SNIFF_YES)
		return state;
	bytes += method;
	length -= method;
	state = read_word(bytes, length, TARGET_MAX, is_target, &target);
	if (state != SNIFF_YES)
		return state;
	return sniff_prefix(bytes + target, length - target, version, sizeof(version) - 1);
}

/* ---- whom it is for ---- */

/* Text in the request. */
struct span {
	const char *at;
	size_t length;
};

struct request_head {
	const uint8_t *at, *end;
	struct span target;
	struct span host;
	bool has_host;
	bool is_connect;
};

static bool equals(struct span span, const char *text)
{
	return span.length == strlen(text) && strncasecmp(span.at, text, span.length) == 0;
}

/* A line that ends with CRLF and has no other control character but tabs. */
static enum sniff_state read_line(struct request_head *head, struct span *line_out)
{
	const uint8_t *start = head->at;
	const uint8_t *end = start;

	while (end < head->end && (*end == '\t' || (*end >= ' ' && *end != 0x7f)))
		end++;
	if (end == head->end || (*end == '\r' && end + 1 == head->end))
		return SNIFF_MORE;
	if (end[0] != '\r' || end[1] != '\n')
		return SNIFF_BAD;
	*line_out = (struct span) { (const char *)start, (size_t)(end - start) };
	head->at = end + 2;
	return SNIFF_YES;
}

/* Up to @end, or all of it; @rest begins behind that byte. */
static struct span take_until(struct span *rest, char end)
{
	const char *found = memchr(rest->at, end, rest->length);
	struct span word = { rest->at, found ? (size_t)(found - rest->at) : rest->length };
	size_t used = word.length + (found != NULL);

	rest->at += used;
	rest->length -= used;
	return word;
}

/* sniff_http1() has seen a method, a target and the beginning of a version. */
static bool read_request_line(struct request_head *head, struct span line)
{
	struct span method = take_until(&line, ' ');

	head->is_connect = equals(method, "CONNECT");
	head->target = take_until(&line, ' ');
	return equals(line, "HTTP/1.1") || equals(line, "HTTP/1.0");
}

static struct span trim(struct span text)
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

/* RFC 9112 section 5: no blank in front of the colon, no folded lines. */
static bool read_header(struct request_head *head, struct span line)
{
	struct span name = take_until(&line, ':');

	if (name.length == 0 || name.at + name.length == line.at) /* no colon */
		return false;
	for (size_t i = 0; i < name.length; i++) {
		if (!is_token((uint8_t)name.at[i]))
			return false;
	}
	if (!equals(name, "host"))
		return true;
	if (head->has_host)
		return false;
	head->has_host = true;
	head->host = trim(line);
	return true;
}

static enum sniff_state read_head(struct request_head *head)
{
	struct span line;
	enum sniff_state state = read_line(head, &line);

	if (state == SNIFF_YES && !read_request_line(head, line))
		return SNIFF_BAD;
	while (state == SNIFF_YES) {
		state = read_line(head, &line);
		if (state == SNIFF_YES && line.length == 0)
			return SNIFF_YES;
		if (state == SNIFF_YES && !read_header(head, line))
			return SNIFF_BAD;
	}
	return state;
}

/* The authority of an absolute target, or of CONNECT. */
static bool read_authority(const struct request_head *head, struct span *authority_out)
{
	static const char separator[] = "://";
	struct span target = head->target;
	const char *found;

	*authority_out = (struct span) { NULL, 0 };
	if (target.at[0] == '/' || equals(target, "*"))
		return !head->is_connect;
	if (!head->is_connect) {
		found = memmem(target.at, target.length, separator, strlen(separator));
		if (!found)
			return false;
		target.length -= (size_t)(found - target.at) + strlen(separator);
		target.at = found + strlen(separator);
		target = take_until(&target, '/');
		target = take_until(&target, '?');
		target = take_until(&target, '#');
	}
	*authority_out = target;
	return true;
}

/* "name" or "name:port". Whose port it is does not matter: the connection has one. */
static bool read_host(struct span text, char name_out[NAME_SIZE])
{
	struct span port = text;
	struct span name = take_until(&port, ':');

	for (size_t i = 0; i < port.length; i++) {
		if (port.at[i] < '0' || port.at[i] > '9')
			return false;
	}
	return name_canonical(name.at, name.length, name_out) == 0;
}

static enum sniff_state refuse(struct sniff_result *result, enum reason reason)
{
	result->has_name = false;
	result->name[0] = '\0';
	result->reason = reason;
	return SNIFF_BAD;
}

enum sniff_state sniff_http1_host(const uint8_t *bytes, size_t length,
				  struct sniff_result *result_out)
{
	struct request_head head = { .at = bytes, .end = bytes + length };
	enum sniff_state state = read_head(&head);
	struct span authority;
	char name[NAME_SIZE];

	memset(result_out, 0, sizeof(*result_out));
	result_out->protocol = SNIFF_HTTP1;
	if (state == SNIFF_MORE)
		return state;
	if (state == SNIFF_BAD || !read_authority(&head, &authority))
		return refuse(result_out, REASON_BAD_HTTP);
	if (head.host.length == 0 && !authority.at)
		return SNIFF_YES;
	if (!read_host(head.host.length > 0 ? head.host : authority, result_out->name))
		return refuse(result_out, REASON_BAD_NAME);
	if (authority.at && (!read_host(authority, name) || strcmp(name, result_out->name) != 0))
		return refuse(result_out, REASON_BAD_HTTP);
	result_out->has_name = true;
	return SNIFF_YES;
}

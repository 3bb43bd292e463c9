/*
 * HTTP/1: a request line up to "HTTP/1.", RFC 9112 section 3. Many text protocols begin with a
 * word, a blank and something, so nothing before the version is proof.
 *
 * And whom the request is for, which takes the whole head (proxy/http/head.h).
 */
#include "proxy/sniff/sniff.h"

#include <string.h>

#include "proxy/http/head.h"

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
	struct http_head head;
	enum sniff_state state = http_head_read(bytes, length, &head);
	char name[NAME_SIZE];

	memset(result_out, 0, sizeof(*result_out));
	result_out->protocol = SNIFF_HTTP1;
	if (state == SNIFF_MORE)
		return state;
	if (state == SNIFF_BAD)
		return refuse(result_out, REASON_BAD_HTTP);
	if (head.host.length == 0 && !head.authority.at)
		return SNIFF_YES;
	if (!http_host_name(head.host.length > 0 ? head.host : head.authority, result_out->name))
		return refuse(result_out, REASON_BAD_NAME);
	if (head.authority.at &&
	    (!http_host_name(head.authority, name) || strcmp(name, result_out->name) != 0))
		return refuse(result_out, REASON_BAD_HTTP);
	result_out->has_name = true;
	return SNIFF_YES;
}

/* The head of an HTTP/1 request, read strictly: what servers could read differently is refused. */
#ifndef NSGATE_HTTP_HEAD_H
#define NSGATE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"
#include "proxy/http/framing.h"
#include "proxy/sniff/sniff.h"

/* Text in the request, not terminated. */
struct http_span {
	const char *at;
	size_t length;
};

struct http_head {
	struct http_span method, target;
	struct http_span
		authority; /* of an absolute target, or of CONNECT's; at NULL: it has none */
	struct http_span path; /* of the target, without the query; empty for CONNECT and '*' */
	struct http_span host; /* only with has_host */
	struct http_span upgrade; /* the last one */
	bool has_host;
	bool is_connect;
	bool is_version_10;
	bool is_chunked; /* "chunked" is all that the last Transfer-Encoding says */
	bool is_length_odd; /* a Content-Length that is more than digits */
	unsigned coding_count, length_count, upgrade_count; /* such headers */
};

bool http_span_is(struct http_span span, const char *text);

/*
 * SNIFF_YES: the bytes begin with a complete head. SNIFF_BAD: they never will. Does not change when
 * bytes are appended.
 */
enum sniff_state http_head_read(const uint8_t *bytes, size_t length, struct http_head *head_out);

/* Is it clear where a request with that head ends, and did llhttp find the same there? */
bool http_head_is_framed(const struct http_head *head, const struct http_framing *framing);

/* Splits "name" or "name:port" or "[::1]:80"; the port counts for nothing. False: it is none. */
bool http_host_split(struct http_span host, struct http_span *name_out);

/* The canonical name of such a text. */
bool http_host_name(struct http_span host, char name_out[NAME_SIZE]);

#endif

/* Which protocol does the client speak? Decided on its first bytes, without consuming them. */
#ifndef NSGATE_SNIFF_H
#define NSGATE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"
#include "policy/reason.h"

enum sniff_state {
	SNIFF_NO, /* not this protocol, whatever follows */
	SNIFF_MORE, /* could be; more bytes will tell */
	SNIFF_YES, /* it is, and the result is filled */
	SNIFF_BAD /* it is, but malformed or not to be judged: deny with result->reason */
};

enum sniff_protocol {
	SNIFF_OPAQUE, /* none of the table's rows */
	SNIFF_TLS,
	SNIFF_HTTP1,
	SNIFF_HTTP2,
	SNIFF_SSH,
	SNIFF_PROTOCOLS
};

struct sniff_result {
	enum sniff_protocol protocol;
	enum reason reason; /* only with SNIFF_BAD */
	bool has_name; /* the protocol named its destination (TLS: SNI; HTTP/1 where asked for: Host) */
	char name[NAME_SIZE]; /* canonical; only with has_name */
};

/* The first bytes that are ever looked at: a maximal ClientHello in several records. */
#define SNIFF_BYTES_MAX (64u * 1024u)

typedef enum sniff_state sniff_fn(const uint8_t *bytes, size_t length,
				  struct sniff_result *result_out);

/*
 * Asks each row of the table. @bytes are the stream's first @length bytes (at least 1). Returns
 * SNIFF_YES with SNIFF_OPAQUE when no row can match any more, never SNIFF_NO. A verdict other
 * than SNIFF_MORE does not change when more bytes are appended. With SNIFF_MORE, the result's
 * protocol is the first one that is still possible: when the client falls silent there, TLS has
 * a name to hide and is denied (REASON_SNIFF_TIMEOUT), the others are labels and may pass.
 */
enum sniff_state sniff(const uint8_t *bytes, size_t length, struct sniff_result *result_out);

/* "tls", "http", "h2", "ssh", "tcp". */
const char *sniff_protocol_name(enum sniff_protocol protocol);

/* For protocols that begin with fixed bytes: SNIFF_NO, SNIFF_MORE or SNIFF_YES. */
enum sniff_state sniff_prefix(const uint8_t *bytes, size_t length, const char *prefix,
			      size_t prefix_length);

/*
 * Whom an HTTP/1 request is for: what sniff() leaves out, as it takes the whole header section, and
 * a name is needed only where nothing else led to the connection. SNIFF_YES without a name: the
 * request has none. SNIFF_BAD: a server could read it differently (REASON_BAD_HTTP), or what it
 * has is no host name (REASON_BAD_NAME). Does not change when bytes are appended, either.
 */
enum sniff_state sniff_http1_host(const uint8_t *bytes, size_t length,
				  struct sniff_result *result_out);

/* The rows. A row judges the same bytes the same way, however they were segmented. */
sniff_fn sniff_tls, sniff_http1, sniff_http2, sniff_ssh;

#endif

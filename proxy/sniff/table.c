/*
 * The protocols that are told apart, one row each. The first row that does not say "no" decides,
 * so a row may stand anywhere as long as its own "no" is final.
 */
#include "proxy/sniff/sniff.h"

#include <string.h>

static const struct {
	enum sniff_protocol protocol;
	sniff_fn *sniff;
} rows[] = {
	{ SNIFF_TLS, sniff_tls },
	{ SNIFF_HTTP2, sniff_http2 },
	{ SNIFF_SSH, sniff_ssh },
	{ SNIFF_HTTP1, sniff_http1 }, /* last: almost any word could begin a request */
};

enum sniff_state sniff(const uint8_t *bytes, size_t length, struct sniff_result *result_out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum sniff_state state;

		memset(result_out, 0, sizeof(*result_out));
		state = rows[i].sniff(bytes, length, result_out);
		if (state == SNIFF_NO)
			continue;
		result_out->protocol = rows[i].protocol;
		return state;
	}
	memset(result_out, 0, sizeof(*result_out));
	result_out->protocol = SNIFF_OPAQUE;
	return SNIFF_YES;
}

enum sniff_state sniff_prefix(const uint8_t *bytes, size_t length, const char *prefix,
			      size_t prefix_length)
{
	size_t common = length < prefix_length ? length : prefix_length;

	if (memcmp(bytes, prefix, common) != 0)
		return SNIFF_NO;
	return common == prefix_length ? SNIFF_YES : SNIFF_MORE;
}

const char *sniff_protocol_name(enum sniff_protocol protocol)
{
	switch (protocol) {
	case SNIFF_OPAQUE:
		return "tcp";
	case SNIFF_TLS:
		return "tls";
	case SNIFF_HTTP1:
		return "http";
	case SNIFF_HTTP2:
		return "h2";
	case SNIFF_SSH:
		return "ssh";
	case SNIFF_PROTOCOLS:
		break;
	}
	return "?";
}

/* HTTP/2 with prior knowledge: the client's connection preface, RFC 9113 section 3.4. */
#include "proxy/sniff/sniff.h"

enum sniff_state sniff_http2(const uint8_t *bytes, size_t length, struct sniff_result *result_out)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	(void)result_out; /* a label; the streams inside are not looked at */
	return sniff_prefix(bytes, length, preface, sizeof(preface) - 1);
}

/* SSH: the identification string, RFC 4253 section 4.2. Clients may send it first. */
#include "proxy/sniff/sniff.h"

enum sniff_state sniff_ssh(const uint8_t *bytes, size_t length, struct sniff_result *result_out)
{
	static const char prefix[] = "SSH-";

	(void)result_out; /* SSH names no destination */
	return sniff_prefix(bytes, length, prefix, sizeof(prefix) - 1);
}

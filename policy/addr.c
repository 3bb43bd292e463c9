/*
 * Internet addresses. See addr.h.
 *
 * What an address is good for follows the IANA special-purpose registries (RFC 6890 and later),
 * more strictly in two places: all of 2000::/3 apart, IPv6 is reserved, and an IPv6 address that
 * carries an IPv4 one is never public, whatever it carries.
 */
#include "policy/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/base/text.h"

/* clang-format off */ /* on one line each, they read like the addresses they make */
#define V4(a, b, c, d) { AF_INET, { a, b, c, d } }
#define HALVES(a, b)   (a) >> 8, (a) & 0xff, (b) >> 8, (b) & 0xff
#define V6(a, b, c, d, e, f, g, h) \
	{ AF_INET6, { HALVES(a, b), HALVES(c, d), HALVES(e, f), HALVES(g, h) } }
/* clang-format on */

/* The first row that holds an address decides: exceptions stand before what they are cut from. */
static const struct {
	struct addr_block block;
	enum addr_class class;
} classes[] = {
	{ { V4(0, 0, 0, 0), 8 }, ADDR_UNSPECIFIED },
	{ { V4(10, 0, 0, 0), 8 }, ADDR_PRIVATE },
	{ { V4(100, 100, 100, 200), 32 }, ADDR_METADATA }, /* Alibaba Cloud */
	{ { V4(100, 64, 0, 0), 10 }, ADDR_SHARED },
	{ { V4(127, 0, 0, 0), 8 }, ADDR_LOOPBACK },
	{ { V4(168, 63, 129, 16), 32 }, ADDR_METADATA }, /* Azure's host agent, in public clothes */
	{ { V4(169, 254, 0, 0), 16 }, ADDR_LINK_LOCAL },
	{ { V4(172, 16, 0, 0), 12 }, ADDR_PRIVATE },
	{ { V4(192, 0, 0, 192), 32 }, ADDR_METADATA }, /* Oracle Cloud, older images */
	{ { V4(192, 0, 0, 0), 24 }, ADDR_RESERVED }, /* protocol assignments */
	{ { V4(192, 0, 2, 0), 24 }, ADDR_DOCUMENTATION },
	{ { V4(192, 88, 99, 0), 24 }, ADDR_RESERVED }, /* 6to4 relays, deprecated */
	{ { V4(192, 168, 0, 0), 16 }, ADDR_PRIVATE },
	{ { V4(198, 18, 0, 0), 15 }, ADDR_RESERVED }, /* benchmarking; our synthetic addresses */
	{ { V4(198, 51, 100, 0), 24 }, ADDR_DOCUMENTATION },
	{ { V4(203, 0, 113, 0), 24 }, ADDR_DOCUMENTATION },
	{ { V4(224, 0, 0, 0), 4 }, ADDR_MULTICAST },
	{ { V4(255, 255, 255, 255), 32 }, ADDR_BROADCAST },
	{ { V4(240, 0, 0, 0), 4 }, ADDR_RESERVED },
	{ { V4(0, 0, 0, 0), 0 }, ADDR_PUBLIC },

	{ { V6(0, 0, 0, 0, 0, 0, 0, 0), 128 }, ADDR_UNSPECIFIED },
	{ { V6(0, 0, 0, 0, 0, 0, 0, 1), 128 }, ADDR_LOOPBACK },
	{ { V6(0, 0, 0, 0, 0, 0, 0, 0), 96 }, ADDR_EMBEDDED }, /* v4-compatible */
	{ { V6(0, 0, 0, 0, 0, 0xffff, 0, 0), 96 }, ADDR_EMBEDDED }, /* v4-mapped, not unwrapped */
	{ { V6(0, 0, 0, 0, 0xffff, 0, 0, 0), 96 }, ADDR_EMBEDDED }, /* SIIT, RFC 2765 */
	{ { V6(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96 }, ADDR_EMBEDDED }, /* NAT64 */
	{ { V6(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48 }, ADDR_EMBEDDED }, /* NAT64, RFC 8215 */
	{ { V6(0x2001, 0, 0, 0, 0, 0, 0, 0), 32 }, ADDR_EMBEDDED }, /* Teredo */
	{ { V6(0x2001, 0, 0, 0, 0, 0, 0, 0), 23 }, ADDR_RESERVED }, /* protocol assignments */
	{ { V6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32 }, ADDR_DOCUMENTATION },
	{ { V6(0x2002, 0, 0, 0, 0, 0, 0, 0), 16 }, ADDR_EMBEDDED }, /* 6to4 */
	{ { V6(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20 }, ADDR_DOCUMENTATION },
	{ { V6(0x2000, 0, 0, 0, 0, 0, 0, 0), 3 }, ADDR_PUBLIC },
	{ { V6(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128 }, ADDR_METADATA }, /* Scaleway */
	{ { V6(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), 128 }, ADDR_METADATA }, /* Oracle Cloud */
	{ { V6(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32 },
	  ADDR_METADATA }, /* AWS: metadata, DNS, NTP */
	{ { V6(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128 }, ADDR_METADATA }, /* Google Cloud */
	{ { V6(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7 }, ADDR_PRIVATE },
	{ { V6(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10 }, ADDR_LINK_LOCAL },
	{ { V6(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10 }, ADDR_PRIVATE }, /* site-local, deprecated */
	{ { V6(0xff00, 0, 0, 0, 0, 0, 0, 0), 8 }, ADDR_MULTICAST },
};

/*
 * Where the forms of ADDR_EMBEDDED keep their IPv4 address. One form may have several places:
 * the local NAT64 block may be used with prefixes of 48, 56, 64 and 96 bits (RFC 6052, 2.2), and
 * Teredo carries its server's address and, inverted, its client's.
 */
static const struct {
	struct addr_block block;
	uint8_t at[4];
	uint8_t flip;
} embeddings[] = {
	{ { V6(0, 0, 0, 0, 0, 0, 0, 0), 96 }, { 12, 13, 14, 15 }, 0 },
	{ { V6(0, 0, 0, 0, 0, 0xffff, 0, 0), 96 }, { 12, 13, 14, 15 }, 0 },
	{ { V6(0, 0, 0, 0, 0xffff, 0, 0, 0), 96 }, { 12, 13, 14, 15 }, 0 },
	{ { V6(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96 }, { 12, 13, 14, 15 }, 0 },
	{ { V6(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48 }, { 6, 7, 9, 10 }, 0 },
	{ { V6(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48 }, { 7, 9, 10, 11 }, 0 },
	{ { V6(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48 }, { 9, 10, 11, 12 }, 0 },
	{ { V6(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48 }, { 12, 13, 14, 15 }, 0 },
	{ { V6(0x2001, 0, 0, 0, 0, 0, 0, 0), 32 }, { 4, 5, 6, 7 }, 0 },
	{ { V6(0x2001, 0, 0, 0, 0, 0, 0, 0), 32 }, { 12, 13, 14, 15 }, 0xff },
	{ { V6(0x2002, 0, 0, 0, 0, 0, 0, 0), 16 }, { 2, 3, 4, 5 }, 0 },
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

const char *addr_class_name(enum addr_class class)
{
	switch (class) {
	case ADDR_PUBLIC:
		return "public";
	case ADDR_UNSPECIFIED:
		return "unspecified";
	case ADDR_LOOPBACK:
		return "loopback";
	case ADDR_LINK_LOCAL:
		return "link-local";
	case ADDR_METADATA:
		return "metadata";
	case ADDR_MULTICAST:
		return "multicast";
	case ADDR_BROADCAST:
		return "broadcast";
	case ADDR_PRIVATE:
		return "private";
	case ADDR_SHARED:
		return "shared";
	case ADDR_DOCUMENTATION:
		return "documentation";
	case ADDR_RESERVED:
		return "reserved";
	case ADDR_EMBEDDED:
		return "embedded";
	case ADDR_CLASSES:
		break;
	}
	return "unknown";
}

enum addr_class addr_classify(const struct addr *addr)
{
	for (size_t i = 0; i < ROWS(classes); i++) {
		if (addr_in_block(addr, &classes[i].block))
			return classes[i].class;
	}
	return ADDR_RESERVED; /* IPv6 outside 2000::/3, or no address at all */
}

size_t addr_embedded(const struct addr *addr, struct addr out[ADDR_EMBEDDED_MAX])
{
	size_t count = 0;

	if (addr_classify(addr) != ADDR_EMBEDDED) /* :: and ::1 lie in the v4-compatible block */
		return 0;
	for (size_t i = 0; i < ROWS(embeddings); i++) {
		if (!addr_in_block(addr, &embeddings[i].block) || count == ADDR_EMBEDDED_MAX)
			continue;
		out[count] = (struct addr) { .family = AF_INET };
		for (size_t j = 0; j < 4; j++)
			out[count].bytes[j] = addr->bytes[embeddings[i].at[j]] ^ embeddings[i].flip;
		count++;
	}
	return count;
}

/* From 16 bytes of an IPv6 address; v4-mapped ones become IPv4. */
static void set_ipv6(struct addr *addr, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*addr = (struct addr) { .family = AF_INET6 };
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		addr->family = AF_INET;
		memcpy(addr->bytes, bytes + sizeof(mapped), 4);
	} else {
		memcpy(addr->bytes, bytes, 16);
	}
}

int addr_parse(const char *text, struct addr *addr_out)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*addr_out = (struct addr) { .family = AF_INET };
		memcpy(addr_out->bytes, bytes, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return -EINVAL;
	set_ipv6(addr_out, bytes);
	return 0;
}

static unsigned address_bits(const struct addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}

/* Clears the bits past the prefix. Returns whether any was set. */
static bool clear_host_bits(struct addr_block *block)
{
	bool was_set = false;

	for (unsigned bit = block->prefix; bit < address_bits(&block->base); bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		was_set |= (block->base.bytes[bit / 8] & mask) != 0;
		block->base.bytes[bit / 8] &= (uint8_t)~mask;
	}
	return was_set;
}

int addr_block_parse(const char *text, struct addr_block *block_out)
{
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	struct addr_block block = { 0 };
	char address[ADDR_TEXT_MAX];
	bool is_mapped;
	unsigned long prefix;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (addr_parse(address, &block.base) < 0)
		return -EINVAL;
	is_mapped = block.base.family == AF_INET && strchr(address, ':');
	prefix = is_mapped ? 128 : address_bits(&block.base);
	if (*slash && text_number(slash + 1, prefix, &prefix) < 0)
		return -EINVAL;
	if (is_mapped && prefix < 96)
		return -EINVAL; /* reaches beyond the mapped addresses: no IPv4 block */
	block.prefix = (uint8_t)(is_mapped ? prefix - 96 : prefix);
	if (clear_host_bits(&block)) {
		*block_out = block;
		return -EDOM;
	}
	*block_out = block;
	return 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_bits(a) / 8) == 0;
}

bool addr_in_block(const struct addr *addr, const struct addr_block *block)
{
	unsigned whole = block->prefix / 8, rest = block->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (addr->family != block->base.family)
		return false;
	if (memcmp(addr->bytes, block->base.bytes, whole) != 0)
		return false;
	return rest == 0 || (addr->bytes[whole] & mask) == (block->base.bytes[whole] & mask);
}

const char *addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	if (!inet_ntop(addr->family, addr->bytes, out, ADDR_TEXT_MAX))
		(void)snprintf(out, ADDR_TEXT_MAX, "none"); /* family 0 */
	return out;
}

const char *addr_block_format(const struct addr_block *block, char out[ADDR_BLOCK_MAX])
{
	char address[ADDR_TEXT_MAX];

	(void)snprintf(out, ADDR_BLOCK_MAX, "%s/%u", addr_format(&block->base, address),
		       (unsigned)block->prefix);
	return out;
}

int addr_from_sockaddr(const struct sockaddr_storage *socket_address, struct addr *addr_out,
		       uint16_t *port_out)
{
	uint16_t port_be;

	if (socket_address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)socket_address;

		*addr_out = (struct addr) { .family = AF_INET };
		memcpy(addr_out->bytes, &in->sin_addr, 4);
		port_be = in->sin_port;
	} else if (socket_address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket_address;

		set_ipv6(addr_out, in6->sin6_addr.s6_addr);
		port_be = in6->sin6_port;
	} else {
		return -EAFNOSUPPORT;
	}
	if (port_out)
		*port_out = ntohs(port_be);
	return 0;
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port,
			   struct sockaddr_storage *socket_address_out)
{
	*socket_address_out = (struct sockaddr_storage) { .ss_family = addr->family };
	if (addr->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)socket_address_out;

		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)socket_address_out;

	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->bytes, 16);
	return sizeof(*in6);
}

/* Internet addresses as values, and what kind of address one is. */
#ifndef NSGATE_ADDR_H
#define NSGATE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address without a port. v4-mapped IPv6 addresses are stored as IPv4. */
struct addr {
	sa_family_t family; /* AF_INET or AF_INET6; 0 = none */
	uint8_t bytes[16]; /* network byte order; the first 4 for AF_INET */
};

/* A block of addresses. */
struct addr_block {
	struct addr base; /* bits past the prefix are zero */
	uint8_t prefix; /* 0..32 or 0..128 */
};

/* What an address is good for, seen from outside a machine (IANA special-purpose registries). */
enum addr_class {
	ADDR_PUBLIC,
	ADDR_UNSPECIFIED, /* 0.0.0.0/8, :: */
	ADDR_LOOPBACK,
	ADDR_LINK_LOCAL, /* 169.254/16 and fe80::/10, where cloud metadata lives */
	ADDR_METADATA, /* metadata services outside link-local: 100.100.100.200, fd00:ec2::/32 … */
	ADDR_MULTICAST,
	ADDR_BROADCAST,
	ADDR_PRIVATE, /* RFC 1918, fc00::/7, fec0::/10 */
	ADDR_SHARED, /* 100.64/10 */
	ADDR_DOCUMENTATION, /* examples; no public server has one, some test networks do */
	ADDR_RESERVED, /* 198.18/15, 192.0.0/24, 240/4, IPv6 outside 2000::/3 … */
	ADDR_EMBEDDED, /* an IPv6 form that carries an IPv4 address: NAT64, 6to4, Teredo, compatible */
	ADDR_CLASSES
};

#define ADDR_TEXT_MAX  46 /* INET6_ADDRSTRLEN */
#define ADDR_BLOCK_MAX (ADDR_TEXT_MAX + 4) /* with "/128" */

/* Stable word for audit and documents: "public", "loopback" … */
const char *addr_class_name(enum addr_class class);

enum addr_class addr_classify(const struct addr *addr);

/*
 * Dotted quad with four decimal parts, or RFC 4291 text without brackets and zone. Nothing that
 * inet_aton() would take beside that (0x7f.1, 2130706433, 010.0.0.1). Returns 0 or -EINVAL.
 */
int addr_parse(const char *text, struct addr *addr_out);

/*
 * ADDRESS or ADDRESS/PREFIX; a block of v4-mapped addresses becomes one of IPv4. Returns 0,
 * -EINVAL, or -EDOM when bits past the prefix are set: *@block_out has them cleared, to suggest.
 */
int addr_block_parse(const char *text, struct addr_block *block_out);

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_in_block(const struct addr *addr, const struct addr_block *block);

#define ADDR_EMBEDDED_MAX 4

/*
 * The IPv4 addresses that an ADDR_EMBEDDED address carries, or may carry where its form has
 * several places for one. Returns how many; 0 for every other address.
 */
size_t addr_embedded(const struct addr *addr, struct addr out[ADDR_EMBEDDED_MAX]);

/* Canonical text (RFC 5952). Returns @out (ADDR_TEXT_MAX bytes). */
const char *addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX]);
const char *addr_block_format(const struct addr_block *block, char out[ADDR_BLOCK_MAX]);

/*
 * From and to socket addresses. addr_from_sockaddr() unwraps v4-mapped addresses; @port_out may
 * be NULL. Returns 0, or -EAFNOSUPPORT for any other family.
 */
int addr_from_sockaddr(const struct sockaddr_storage *socket_address, struct addr *addr_out,
		       uint16_t *port_out);
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port,
			   struct sockaddr_storage *socket_address_out);

#endif

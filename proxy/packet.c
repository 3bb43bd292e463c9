/*
 * Refused packets. See packet.h.
 *
 * The messages are the kernel's, but in each is a packet that a program of the jail has written: no
 * length in it is believed.
 */
#include "proxy/packet.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define IPV4_BYTES	 20u /* without options */
#define IPV6_BYTES	 40u
#define EXTENSION_BYTES	 8u /* the shortest one, and the unit of their lengths */
#define TCP_FLAGS	 13u
#define TCP_SYN		 0x02
#define TCP_ACK		 0x10
#define FRAGMENT_BYTES	 8u
#define IPPROTO_MOBILITY 135

/* ---- IP ---- */

static uint16_t read_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* All of these begin with the source port and the destination port. */
static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static void read_transport(const uint8_t *bytes, size_t length, struct packet *packet)
{
	if (!has_ports(packet->protocol) || length < 4)
		return;
	packet->port = read_u16(bytes + 2);
	if (packet->protocol == IPPROTO_TCP && length > TCP_FLAGS)
		packet->is_syn = (bytes[TCP_FLAGS] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool read_ipv4(const uint8_t *bytes, size_t length, struct packet *packet)
{
	size_t header = (size_t)(bytes[0] & 0x0f) * 4;
	bool is_first = length >= IPV4_BYTES && (read_u16(bytes + 6) & 0x1fff) == 0;

	if (length < IPV4_BYTES || header < IPV4_BYTES)
		return false;
	packet->protocol = bytes[9];
	packet->to.family = AF_INET;
	memcpy(packet->to.bytes, bytes + 16, 4);
	if (is_first && header < length)
		read_transport(bytes + header, length - header, packet);
	return true;
}

/* How long the extension header is; 0 when @protocol is none, or all there is. */
static size_t extension_length(uint8_t protocol, const uint8_t *bytes)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MOBILITY:
		return ((size_t)bytes[1] + 1) * EXTENSION_BYTES;
	case IPPROTO_AH:
		return ((size_t)bytes[1] + 2) * 4;
	case IPPROTO_FRAGMENT:
		return (read_u16(bytes + 2) & 0xfff8) ? 0 : FRAGMENT_BYTES;
	default:
		return 0;
	}
}

static bool read_ipv6(const uint8_t *bytes, size_t length, struct packet *packet)
{
	size_t at = IPV6_BYTES;

	if (length < IPV6_BYTES)
		return false;
	packet->protocol = bytes[6];
	packet->to.family = AF_INET6;
	memcpy(packet->to.bytes, bytes + 24, 16);
	while (length - at >= EXTENSION_BYTES) {
		size_t extension = extension_length(packet->protocol, bytes + at);

		if (extension == 0)
			break;
		packet->protocol = bytes[at];
		if (extension > length - at)
			return true; /* the rest was cut off */
		at += extension;
	}
	read_transport(bytes + at, length - at, packet);
	return true;
}

bool packet_read(const uint8_t *bytes, size_t length, struct packet *packet_out)
{
	memset(packet_out, 0, sizeof(*packet_out));
	if (length == 0)
		return false;
	if (bytes[0] >> 4 == 4)
		return read_ipv4(bytes, length, packet_out);
	if (bytes[0] >> 4 == 6)
		return read_ipv6(bytes, length, packet_out);
	return false;
}

/* ---- netlink ---- */

static size_t align(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

/* The packet is one of the attributes. */
static bool read_attributes(const uint8_t *bytes, size_t length, struct packet *packet_out)
{
	struct nlattr attribute;

	while (length >= sizeof(attribute)) {
		memcpy(&attribute, bytes, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > length)
			return false;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD)
			return packet_read(bytes + sizeof(attribute),
					   attribute.nla_len - sizeof(attribute), packet_out);
		if (align(attribute.nla_len) >= length)
			return false;
		bytes += align(attribute.nla_len);
		length -= align(attribute.nla_len);
	}
	return false;
}

static bool read_message(const struct nlmsghdr *header, const uint8_t *body,
			 struct packet *packet_out)
{
	size_t length = header->nlmsg_len - sizeof(*header);

	if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
	    length < sizeof(struct nfgenmsg))
		return false;
	return read_attributes(body + sizeof(struct nfgenmsg), length - sizeof(struct nfgenmsg),
			       packet_out);
}

bool packet_next(const uint8_t **bytes, size_t *length, struct packet *packet_out)
{
	struct nlmsghdr header;

	while (*length >= sizeof(header)) {
		const uint8_t *message = *bytes;
		size_t whole;

		memcpy(&header, message, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > *length)
			break;
		whole = align(header.nlmsg_len) < *length ? align(header.nlmsg_len) : *length;
		*bytes += whole;
		*length -= whole;
		if (read_message(&header, message + sizeof(header), packet_out))
			return true;
	}
	*length = 0;
	return false;
}

/* ---- names ---- */

const char *packet_protocol_name(uint8_t protocol, char out[PACKET_PROTOCOL_MAX])
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{ IPPROTO_TCP, "tcp" },	  { IPPROTO_UDP, "udp" },     { IPPROTO_ICMP, "icmp" },
		{ IPPROTO_SCTP, "sctp" }, { IPPROTO_ICMPV6, "icmp" }, { IPPROTO_DCCP, "dccp" },
	};

	(void)snprintf(out, PACKET_PROTOCOL_MAX, "ip-%u", protocol);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].protocol == protocol)
			(void)snprintf(out, PACKET_PROTOCOL_MAX, "%s", names[i].name);
	}
	return out;
}

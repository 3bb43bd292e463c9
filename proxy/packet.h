/* What the kernel tells of packets that the gate has refused: NFLOG messages with a packet's start. */
#ifndef NSGATE_PACKET_H
#define NSGATE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"

/* A packet, as far as its headers say. */
struct packet {
	struct addr to;
	uint16_t port; /* 0 = the protocol has none, or it was cut off */
	uint8_t protocol; /* IPPROTO_…; in IPv6 what stands behind the extension headers */
	bool is_syn; /* begins a TCP connection */
};

/* Reads an IP packet, of which only the first @length bytes are there. False: it is none. */
bool packet_read(const uint8_t *bytes, size_t length, struct packet *packet_out);

/*
 * The next packet of a netlink datagram from the kernel. *@bytes and *@length are moved past its message;
 * messages that are not understood are passed over. False: that was the last one.
 */
bool packet_next(const uint8_t **bytes, size_t *length, struct packet *packet_out);

/* "udp", "icmp", … or "ip-NN". Returns @out. */
#define PACKET_PROTOCOL_MAX 8
const char *packet_protocol_name(uint8_t protocol, char out[PACKET_PROTOCOL_MAX]);

#endif

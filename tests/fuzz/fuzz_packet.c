/*
 * What the kernel tells of refused packets. What holds for every datagram:
 * - each call uses up some of it, so there is an end;
 * - a packet has a destination, which stands in the bytes as it was told;
 * - a port comes only with a protocol that has ports, a SYN only with TCP;
 * - what follows a message does not change what was read from it.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "proxy/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static void check_packet(const uint8_t *data, size_t size, const struct packet *packet)
{
	size_t length = packet->to.family == AF_INET ? 4 : 16;

	must(packet->to.family == AF_INET || packet->to.family == AF_INET6, "has a family");
	must(memmem(data, size, packet->to.bytes, length) != NULL, "the address is in the bytes");
	must(packet->port == 0 || has_ports(packet->protocol), "a port belongs to a protocol");
	must(!packet->is_syn || packet->protocol == IPPROTO_TCP, "only TCP has SYN");
}

static void check_datagram(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	size_t left = size;
	struct packet packet, alone;

	for (;;) {
		const uint8_t *message = at;
		size_t before = left, taken;
		bool is_there = packet_next(&at, &left, &packet);

		if (!is_there) {
			must(left == 0, "the end is the end");
			return;
		}
		must(left < before && at + left == data + size, "moves on, and not too far");
		check_packet(message, before - left, &packet);
		taken = before - left;
		must(packet_next(&message, &taken, &alone), "reads the same without the rest");
		must(memcmp(&alone, &packet, sizeof(packet)) == 0, "and the same from it");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy AUTO(heap_release) = malloc(size ? size : 1);
	struct packet packet;

	must(copy != NULL, "memory for the datagram");
	if (size > 0)
		memcpy(copy, data, size);
	check_datagram(copy, size);
	if (packet_read(copy, size, &packet))
		check_packet(copy, size, &packet);
	return 0;
}

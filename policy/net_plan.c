/* The addresses of a run. See net_plan.h. */
#include "policy/net_plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* fd6e:7367:6174:65, the common part of the link's and the synthetic prefix */
static const uint8_t prefix6[7] = { 0xfd, 0x6e, 0x73, 0x67, 0x61, 0x74, 0x65 };

const struct addr net_plan_host_addresses[NET_PLAN_HOST_ADDRESSES] = {
	{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
	{ .family = AF_INET6, .bytes = { [15] = 1 } },
};

#define LINK_SUBNET	 0x00
#define SYNTHETIC_SUBNET 0x01

static struct addr address4(uint32_t host_order)
{
	struct addr addr = { .family = AF_INET };
	uint32_t network_order = htonl(host_order);

	memcpy(addr.bytes, &network_order, sizeof(network_order));
	return addr;
}

static struct addr address6(uint8_t subnet, uint32_t number)
{
	struct addr addr = { .family = AF_INET6 };
	uint32_t network_order = htonl(number);

	memcpy(addr.bytes, prefix6, sizeof(prefix6));
	addr.bytes[7] = subnet;
	memcpy(addr.bytes + 12, &network_order, sizeof(network_order));
	return addr;
}

void net_plan_init(struct net_plan *plan)
{
	int probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	plan->want_ipv6 = probe >= 0;
	if (probe >= 0)
		(void)close(probe); /* it was only a question */
	plan->gate4 = address4(NET_PLAN_SYNTHETIC_V4 + 0x1fffd);
	plan->jail4 = address4(NET_PLAN_SYNTHETIC_V4 + 0x1fffe);
	plan->gate6 = address6(LINK_SUBNET, 1);
	plan->jail6 = address6(LINK_SUBNET, 2);
}

struct addr net_plan_synthetic4(uint32_t index)
{
	return address4(NET_PLAN_SYNTHETIC_V4 + 1 + index);
}

struct addr net_plan_synthetic6(uint32_t index)
{
	return address6(SYNTHETIC_SUBNET, 1 + index);
}

int net_plan_synthetic_index(const struct addr *addr, uint32_t *index_out)
{
	static const uint8_t zeros[4];
	uint32_t number;

	if (addr->family == AF_INET) {
		memcpy(&number, addr->bytes, sizeof(number));
		number = ntohl(number);
		if (number >> (32 - NET_PLAN_SYNTHETIC_V4_PREFIX) !=
		    NET_PLAN_SYNTHETIC_V4 >> (32 - NET_PLAN_SYNTHETIC_V4_PREFIX))
			return -ENOENT;
		number -= NET_PLAN_SYNTHETIC_V4;
	} else {
		if (memcmp(addr->bytes, prefix6, sizeof(prefix6)) != 0 ||
		    addr->bytes[7] != SYNTHETIC_SUBNET)
			return -ENOENT;
		if (memcmp(addr->bytes + 8, zeros, sizeof(zeros)) != 0)
			return -ERANGE;
		memcpy(&number, addr->bytes + 12, sizeof(number));
		number = ntohl(number);
	}
	if (number == 0 || number > NET_PLAN_NAMES_MAX)
		return -ERANGE;
	*index_out = number - 1;
	return 0;
}

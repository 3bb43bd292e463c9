/*
 * The socket on which the kernel tells of packets that the fence refuses: NFLOG.
 *
 * To bind a group takes CAP_NET_ADMIN in the gate, so it is done here; the proxy, which has none, only
 * reads. The kernel asks the sender of each netlink message for its capabilities, too, so the
 * descriptor is good for nothing else there.
 *
 * A message is sent at once, one for each packet, and not collected for a while: what a program
 * sends last is then there before its end is noticed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

#define PACKET_BYTES  128 /* of each: IP header, extension headers, ports */
#define MESSAGE_BYTES 256 /* the kernel's buffer for one; larger where it has to be */
#define QUEUE_BYTES   (1 << 20) /* cut to net.core.rmem_max */

static void put_u32(struct nlmsghdr *header, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(header, type, htonl(value));
}

static struct nlmsghdr *make_request(char *buffer)
{
	const struct nfulnl_msg_config_cmd bind_group = { .command = NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(PACKET_BYTES),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *group;

	header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	group = mnl_nlmsg_put_extra_header(header, sizeof(*group));
	group->version = NFNETLINK_V0;
	group->res_id = htons(DENIED_GROUP);
	mnl_attr_put(header, NFULA_CFG_CMD, sizeof(bind_group), &bind_group);
	mnl_attr_put(header, NFULA_CFG_MODE, sizeof(mode), &mode);
	put_u32(header, NFULA_CFG_NLBUFSIZ, MESSAGE_BYTES);
	put_u32(header, NFULA_CFG_QTHRESH, 1);
	return header;
}

/* The kernel answers before send() returns. Returns 0 or -errno. */
static int bind_group(int fd)
{
	char buffer[512];
	const struct nlmsghdr *header = make_request(buffer);
	ssize_t got;

	if (send(fd, header, header->nlmsg_len, 0) < 0)
		return -errno;
	got = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (got < 0)
		return -errno;
	header = (const struct nlmsghdr *)buffer;
	if (!mnl_nlmsg_ok(header, (int)got) || header->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error;
}

void net_denied_missing(struct net_gate *gate, int code)
{
	gate->hears_denied = false;
	log_line(gate->config->wants_denied ? LOG_WARN : LOG_INFO,
		 "this kernel does not tell which packets it refuses (NFLOG: %s); UDP and other "
		 "protocols are denied without a record",
		 strerrordesc_np(code));
}

int net_hear_denied(struct net_gate *gate, struct err *err)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd AUTO(fd_release) =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	int bytes = QUEUE_BYTES;
	int rc;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return err_set(err, errno, "open a NETLINK_NETFILTER socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* else a smaller one */
	rc = bind_group(fd);
	gate->hears_denied = rc == 0;
	if (rc < 0)
		net_denied_missing(gate, -rc);
	gate->listeners[NET_LISTEN_DENIED] = fd_take(&fd); /* without a group it stays silent */
	return 0;
}

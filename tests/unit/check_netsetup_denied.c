/* What the kernel tells of refused packets, in a namespace of the test's own, with the real rules. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"
#include "policy/base/caps.h"
#include "policy/base/log.h"
#include "tests/unit/suite.h"

static struct net_plan plan;
static const struct net_config config = { .plan = &plan };
static struct net_gate gate; /* of the test, which runs in a process of its own */

static void set_lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd AUTO(fd_release) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

/* A user namespace gives the rights, and they end with the process. */
static void enter(void)
{
	log_level_set(LOG_ERROR);
	net_plan_init(&plan);
	gate.config = &config;
	ck_assert_int_eq(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
	set_lo_up();
}

static int heard(const struct net_gate *by, int timeout_ms)
{
	struct pollfd wait = { .fd = by->listeners[NET_LISTEN_DENIED], .events = POLLIN };

	return poll(&wait, 1, timeout_ms);
}

/* Sends a datagram over lo; the fence has to do with that, too. */
static bool arrives(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int server AUTO(fd_release) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int client AUTO(fd_release) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte = 0;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(sendto(client, &byte, 1, 0, (struct sockaddr *)&address, length), 1);
	return recv(server, &byte, 1, MSG_DONTWAIT) == 1;
}

START_TEST(tells_of_a_refused_packet_before_its_sender_goes_on)
{
	struct err err;

	enter();
	ck_assert_int_eq(net_hear_denied(&gate, &err), 0);
	ck_assert(gate.hears_denied);
	ck_assert(arrives());
	ck_assert_int_eq(net_rules(&gate, &err), 0);
	ck_assert_int_eq(heard(&gate, 0), 0);
	ck_assert(!arrives());
	ck_assert_int_eq(heard(&gate, 0), 1);
}
END_TEST

START_TEST(refuses_without_telling_where_nobody_can_listen)
{
	struct net_gate other = { .config = &config };
	struct err err;

	enter();
	ck_assert_int_eq(net_hear_denied(&other, &err), 0);
	ck_assert_int_eq(net_hear_denied(&gate, &err), 0); /* the group is taken: EBUSY */
	ck_assert(!gate.hears_denied);
	ck_assert_int_ge(gate.listeners[NET_LISTEN_DENIED], 0);
	ck_assert_int_eq(net_rules(&gate, &err), 0);
	ck_assert(!arrives());
	ck_assert_int_eq(heard(&other, 0), 0); /* there is no rule that tells */
	ck_assert_int_eq(heard(&gate, 0), 0);
}
END_TEST

/* What the proxy could do with the descriptor: end the telling. */
static int unbind(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg group;
		struct nlattr attribute;
		struct nfulnl_msg_config_cmd command;
	} __attribute__((aligned(4))) request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.group = { .res_id = htons(DENIED_GROUP) },
		.attribute = { sizeof(struct nlattr) + sizeof(struct nfulnl_msg_config_cmd),
			       NFULA_CFG_CMD },
		.command = { NFULNL_CFG_CMD_UNBIND },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;

	ck_assert_int_gt(send(fd, &request, sizeof(request), 0), 0);
	ck_assert_int_gt(recv(fd, &answer, sizeof(answer), 0), 0);
	ck_assert_int_eq(answer.header.nlmsg_type, NLMSG_ERROR);
	return answer.error.error;
}

START_TEST(gives_the_proxy_nothing_but_ears)
{
	int fd;
	struct err err;

	enter();
	ck_assert_int_eq(net_hear_denied(&gate, &err), 0);
	ck_assert_int_eq(net_rules(&gate, &err), 0);
	fd = gate.listeners[NET_LISTEN_DENIED];
	ck_assert_int_eq(caps_drop_all(&err), 0);
	ck_assert_int_eq(unbind(fd), -EPERM);
	ck_assert(!arrives());
	ck_assert_int_eq(heard(&gate, 0), 1);
}
END_TEST

START_TEST(would_lose_its_ears_to_who_may)
{
	struct err err;

	enter();
	ck_assert_int_eq(net_hear_denied(&gate, &err), 0);
	ck_assert_int_eq(unbind(gate.listeners[NET_LISTEN_DENIED]), 0);
}
END_TEST

/* Returns why this host cannot run the tests, or NULL. */
static const char *missing(void)
{
	int status = system("unshare -Un true 2>/dev/null");

	if (status != 0)
		return "no user namespace";
	return access("/proc/sys/net/netfilter/nf_log", F_OK) == 0 ? NULL : "no NFLOG";
}

int main(void)
{
	Suite *suite = suite_create("netsetup/denied");
	TCase *all = tcase_create("all");
	const char *reason = missing();

	suite_add_tcase(suite, all);
	tcase_add_test(all, tells_of_a_refused_packet_before_its_sender_goes_on);
	tcase_add_test(all, refuses_without_telling_where_nobody_can_listen);
	tcase_add_test(all, gives_the_proxy_nothing_but_ears);
	tcase_add_test(all, would_lose_its_ears_to_who_may);
	if (reason) {
		(void)printf("skipped: %s\n", reason);
		srunner_free(srunner_create(suite));
		return getenv("JAIL_TESTS_MUST_RUN") ? 1 : 77;
	}
	return suite_run(suite);
}

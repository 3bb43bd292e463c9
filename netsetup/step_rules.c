/*
 * The gate's nftables table, in one netlink batch: there completely, or not at all.
 *
 *   table inet nsgate {
 *     chain redirect { type nat hook prerouting priority -100; policy accept;
 *       tcp dport 53 dnat ip to GATE:DNS     udp dport 53 dnat ip to GATE:DNS
 *       meta l4proto tcp dnat ip to GATE:TCP }     (and the same three for ip6)
 *     chain fence { type filter hook prerouting priority -90; policy drop;
 *       ct status dnat accept
 *       meta l4proto tcp limit rate 500/second burst 200 packets log group 1
 *       meta l4proto tcp reject with tcp reset
 *       limit rate 500/second burst 200 packets log group 1
 *       meta l4proto udp reject with icmpx port-unreachable
 *       reject with icmpx admin-prohibited }
 *     chain input { type filter hook input priority 0; policy drop; ct status dnat accept }
 *     chain forward { type filter hook forward priority 0; policy drop }
 *   }
 *
 * The fence stands in prerouting and not in input, because a packet for a stranger's address
 * never reaches input: without forwarding the kernel drops it in silence, and the application
 * waits. A port unreachable is what a UDP socket reports as ECONNREFUSED, so that QUIC falls back
 * to TCP at once. Somebody who dials a listener directly is not redirected anywhere else: the
 * connection is then no DNAT, and the fence resets it.
 *
 * What the fence refuses, the proxy hears of (step_denied.c), so that there is a record. A flood is
 * refused all the same, but most of it is not told: it must not keep the proxy busy.
 *
 * The rules say "dnat" and not "redirect": that looks for an address of the destination's scope on
 * the link, and drops in silence what goes to fec0::1, fe80::1 or ::127.0.0.1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "netsetup/steps.h"
#include "policy/base/auto.h"

#define TABLE "nsgate"

/* linux/netfilter_ipv4.h's NF_IP_PRI_NAT_DST and the place right behind it */
#define PRIORITY_REDIRECT (-100)
#define PRIORITY_FENCE	  (-90)

/* Packets a second that are told of; the burst fits into the queue of the socket. */
#define TELL_RATE  500
#define TELL_BURST 200

static const struct {
	const char *name, *type;
	uint32_t hook;
	int32_t priority;
	uint32_t policy;
	const char *needs; /* kernel options, for the error message */
} chains[] = {
	{ "redirect", "nat", NF_INET_PRE_ROUTING, PRIORITY_REDIRECT, NF_ACCEPT, "NF_NAT, NFT_NAT" },
	{ "fence", "filter", NF_INET_PRE_ROUTING, PRIORITY_FENCE, NF_DROP, "NF_TABLES_INET" },
	{ "input", "filter", NF_INET_LOCAL_IN, 0, NF_DROP, "NF_TABLES_INET" },
	{ "forward", "filter", NF_INET_FORWARD, 0, NF_DROP, "NF_TABLES_INET" },
};

enum action {
	DNAT, /* to the gate; argument: port */
	ACCEPT_DNAT, /* accept what the redirect chain has redirected */
	REJECT_RESET, /* TCP reset */
	REJECT_UNREACH, /* argument: NFT_REJECT_ICMPX_* */
	TELL /* the proxy, up to a limit; argument: NFLOG group */
};

static const struct {
	const char *chain;
	sa_family_t family; /* 0 = any */
	uint8_t protocol; /* 0 = any */
	uint16_t port; /* destination; 0 = any */
	enum action action;
	uint16_t argument;
	const char *what, *needs;
} rules[] = {
	{ "redirect", AF_INET, IPPROTO_TCP, 53, DNAT, NET_PLAN_DNS_PORT, "redirect DNS over TCP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "redirect", AF_INET, IPPROTO_UDP, 53, DNAT, NET_PLAN_DNS_PORT, "redirect DNS over UDP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "redirect", AF_INET, IPPROTO_TCP, 0, DNAT, NET_PLAN_TCP_PORT, "redirect TCP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "redirect", AF_INET6, IPPROTO_TCP, 53, DNAT, NET_PLAN_DNS_PORT, "redirect DNS over TCP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "redirect", AF_INET6, IPPROTO_UDP, 53, DNAT, NET_PLAN_DNS_PORT, "redirect DNS over UDP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "redirect", AF_INET6, IPPROTO_TCP, 0, DNAT, NET_PLAN_TCP_PORT, "redirect TCP",
	  "NFT_NAT, NF_CONNTRACK" },
	{ "fence", 0, 0, 0, ACCEPT_DNAT, 0, "accept redirected packets", "NFT_CT" },
	{ "fence", 0, IPPROTO_TCP, 0, TELL, DENIED_GROUP, "tell of refused TCP",
	  "NFT_LOG, NFT_LIMIT, NETFILTER_NETLINK_LOG" },
	{ "fence", 0, IPPROTO_TCP, 0, REJECT_RESET, 0, "reset other TCP", "NFT_REJECT_INET" },
	{ "fence", 0, 0, 0, TELL, DENIED_GROUP, "tell of other refused packets",
	  "NFT_LOG, NFT_LIMIT, NETFILTER_NETLINK_LOG" },
	{ "fence", 0, IPPROTO_UDP, 0, REJECT_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH,
	  "reject other UDP", "NFT_REJECT_INET" },
	{ "fence", 0, 0, 0, REJECT_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED,
	  "reject all other protocols", "NFT_REJECT_INET" },
	{ "input", 0, 0, 0, ACCEPT_DNAT, 0, "accept redirected packets", "NFT_CT" },
};

#define CHAINS (sizeof(chains) / sizeof(chains[0]))
#define RULES  (sizeof(rules) / sizeof(rules[0]))

/* Sequence numbers tell which message an error belongs to: begin, table, chains, rules, end. */
enum {
	SEQ_BEGIN,
	SEQ_TABLE,
	SEQ_CHAINS,
	SEQ_RULES = SEQ_CHAINS + CHAINS,
	SEQ_END = SEQ_RULES + RULES
};

static struct nftnl_expr *add_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(rule, expr); /* the rule's now */
	return expr;
}

static uint8_t nf_family(sa_family_t family)
{
	return family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

/* Each returns 0 or -ENOMEM; what was added belongs to the rule. */
static int match_meta(struct nftnl_rule *rule, uint32_t key, uint8_t value)
{
	struct nftnl_expr *load = add_expr(rule, "meta");
	struct nftnl_expr *compare = add_expr(rule, "cmp");

	if (!load || !compare)
		return -ENOMEM;
	nftnl_expr_set_u32(load, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(load, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &value, sizeof(value));
	return 0;
}

static int match_port(struct nftnl_rule *rule, uint16_t port)
{
	struct nftnl_expr *load = add_expr(rule, "payload");
	struct nftnl_expr *compare = add_expr(rule, "cmp");
	uint16_t port_be = htons(port);

	if (!load || !compare)
		return -ENOMEM;
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_OFFSET, 2); /* TCP and UDP alike */
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_LEN, sizeof(port_be));
	nftnl_expr_set_u32(load, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &port_be, sizeof(port_be));
	return 0;
}

static int dnat_to(struct nftnl_rule *rule, const struct addr *gate, uint16_t port)
{
	struct nftnl_expr *load_address = add_expr(rule, "immediate");
	struct nftnl_expr *load_port = add_expr(rule, "immediate");
	struct nftnl_expr *nat = add_expr(rule, "nat");
	uint16_t port_be = htons(port);

	if (!load_address || !load_port || !nat)
		return -ENOMEM;
	nftnl_expr_set_u32(load_address, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(load_address, NFTNL_EXPR_IMM_DATA, gate->bytes,
		       gate->family == AF_INET ? 4 : 16);
	nftnl_expr_set_u32(load_port, NFTNL_EXPR_IMM_DREG, NFT_REG_2);
	nftnl_expr_set(load_port, NFTNL_EXPR_IMM_DATA, &port_be, sizeof(port_be));
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, nf_family(gate->family));
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
	return 0;
}

static int accept_dnat(struct nftnl_rule *rule)
{
	struct nftnl_expr *load = add_expr(rule, "ct");
	struct nftnl_expr *mask = add_expr(rule, "bitwise");
	struct nftnl_expr *compare = add_expr(rule, "cmp");
	struct nftnl_expr *verdict = add_expr(rule, "immediate");
	uint32_t dnat = IPS_DST_NAT, zero = 0;

	if (!load || !mask || !compare || !verdict)
		return -ENOMEM;
	nftnl_expr_set_u32(load, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
	nftnl_expr_set_u32(load, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(mask, NFTNL_EXPR_BITWISE_LEN, sizeof(dnat));
	nftnl_expr_set(mask, NFTNL_EXPR_BITWISE_MASK, &dnat, sizeof(dnat));
	nftnl_expr_set(mask, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_NEQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &zero, sizeof(zero));
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	return 0;
}

static int reject_with(struct nftnl_rule *rule, uint32_t type, uint8_t code)
{
	struct nftnl_expr *reject = add_expr(rule, "reject");

	if (!reject)
		return -ENOMEM;
	nftnl_expr_set_u32(reject, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(reject, NFTNL_EXPR_REJECT_CODE, code);
	return 0;
}

static int tell(struct nftnl_rule *rule, uint16_t group)
{
	struct nftnl_expr *limit = add_expr(rule, "limit");
	struct nftnl_expr *log = add_expr(rule, "log");

	if (!limit || !log)
		return -ENOMEM;
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, TELL_RATE);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1); /* seconds */
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, TELL_BURST);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_GROUP, group);
	return 0;
}

static int add_action(struct nftnl_rule *rule, size_t i, const struct net_plan *plan)
{
	uint16_t argument = rules[i].argument;

	switch (rules[i].action) {
	case DNAT:
		return dnat_to(rule, rules[i].family == AF_INET ? &plan->gate4 : &plan->gate6,
			       argument);
	case ACCEPT_DNAT:
		return accept_dnat(rule);
	case REJECT_RESET:
		return reject_with(rule, NFT_REJECT_TCP_RST, 0);
	case REJECT_UNREACH:
		return reject_with(rule, NFT_REJECT_ICMPX_UNREACH, (uint8_t)argument);
	case TELL:
		return tell(rule, argument);
	}
	return -EINVAL;
}

static int put_table(struct mnl_nlmsg_batch *batch)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *header;

	if (!table)
		return -ENOMEM;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE);
	header = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWTABLE,
				       NFPROTO_INET, NLM_F_CREATE | NLM_F_EXCL, SEQ_TABLE);
	nftnl_table_nlmsg_build_payload(header, table);
	nftnl_table_free(table);
	mnl_nlmsg_batch_next(batch);
	return 0;
}

static int put_chain(struct mnl_nlmsg_batch *batch, size_t i)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *header;

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, chains[i].name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, chains[i].type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, chains[i].hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, chains[i].priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, chains[i].policy);
	header = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWCHAIN,
				       NFPROTO_INET, NLM_F_CREATE | NLM_F_EXCL,
				       SEQ_CHAINS + (uint32_t)i);
	nftnl_chain_nlmsg_build_payload(header, chain);
	nftnl_chain_free(chain);
	mnl_nlmsg_batch_next(batch);
	return 0;
}

/* The last rule asks for an acknowledgement: its arrival says that all is committed. */
static int put_rule(struct mnl_nlmsg_batch *batch, size_t i, const struct net_plan *plan)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	uint16_t flags = NLM_F_CREATE | NLM_F_APPEND | (i + 1 == RULES ? NLM_F_ACK : 0);
	struct nlmsghdr *header;
	int rc = 0;

	if (!rule)
		return -ENOMEM;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, rules[i].chain);
	if (rules[i].family)
		rc = match_meta(rule, NFT_META_NFPROTO, nf_family(rules[i].family));
	if (rc == 0 && rules[i].protocol)
		rc = match_meta(rule, NFT_META_L4PROTO, rules[i].protocol);
	if (rc == 0 && rules[i].port)
		rc = match_port(rule, rules[i].port);
	if (rc == 0)
		rc = add_action(rule, i, plan);
	if (rc == 0) {
		header = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWRULE,
					       NFPROTO_INET, flags, SEQ_RULES + (uint32_t)i);
		nftnl_rule_nlmsg_build_payload(header, rule);
		mnl_nlmsg_batch_next(batch);
	}
	nftnl_rule_free(rule);
	return rc;
}

static bool is_wanted(size_t i, const struct net_gate *gate)
{
	if (rules[i].action == TELL)
		return gate->hears_denied;
	return rules[i].family != AF_INET6 || gate->config->plan->want_ipv6;
}

static int fill_batch(struct mnl_nlmsg_batch *batch, const struct net_gate *gate)
{
	int rc;

	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), SEQ_BEGIN);
	mnl_nlmsg_batch_next(batch);
	rc = put_table(batch);
	for (size_t i = 0; rc == 0 && i < CHAINS; i++)
		rc = put_chain(batch, i);
	for (size_t i = 0; rc == 0 && i < RULES; i++) {
		if (is_wanted(i, gate))
			rc = put_rule(batch, i, gate->config->plan);
	}
	if (rc < 0)
		return rc;
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), SEQ_END);
	mnl_nlmsg_batch_next(batch);
	return 0;
}

static int explain(struct err *err, int code, uint32_t sequence)
{
	const char *needs = "NF_TABLES, NF_TABLES_INET";

	if (sequence >= SEQ_RULES && sequence < SEQ_END) {
		err_set(err, code, "nftables: chain %s: %s", rules[sequence - SEQ_RULES].chain,
			rules[sequence - SEQ_RULES].what);
		needs = rules[sequence - SEQ_RULES].needs;
	} else if (sequence >= SEQ_CHAINS && sequence < SEQ_RULES) {
		err_set(err, code, "nftables: add chain %s", chains[sequence - SEQ_CHAINS].name);
		needs = chains[sequence - SEQ_CHAINS].needs;
	} else {
		err_set(err, code, "nftables: add table %s", TABLE);
	}
	if (code == ENOENT || code == EOPNOTSUPP || code == EAFNOSUPPORT || code == EPROTONOSUPPORT)
		err_hint(err,
			 "The kernel lacks %s (CONFIG_…), or the module is not loaded: as root, "
			 "modprobe nft_nat nft_reject_inet nft_ct nf_nat",
			 needs);
	return -err->code;
}

/* Is that the rule without which the fence is as closed as with it? */
static bool is_tell(uint32_t sequence)
{
	return sequence >= SEQ_RULES && sequence < SEQ_END &&
	       rules[sequence - SEQ_RULES].action == TELL;
}

/* Reads answers until the last rule's acknowledgement or the first error. */
static int read_answers(struct mnl_socket *socket, uint32_t *failed_out, struct err *err)
{
	char buffer[8192];

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		int left = (int)got;

		if (got < 0)
			return err_set(err, errno, "nftables: read the kernel's answer");
		for (const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
		     mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);

			if (header->nlmsg_type != NLMSG_ERROR)
				continue;
			*failed_out = header->nlmsg_seq;
			if (answer->error != 0)
				return explain(err, -answer->error, header->nlmsg_seq);
			if (header->nlmsg_seq == SEQ_END - 1)
				return 0;
		}
	}
}

static void socket_release(struct mnl_socket **socket)
{
	if (*socket)
		(void)mnl_socket_close(*socket); /* nothing to do about it */
	*socket = NULL;
}

static void batch_release(struct mnl_nlmsg_batch **batch)
{
	if (*batch)
		mnl_nlmsg_batch_stop(*batch);
	*batch = NULL;
}

/* @failed_out: the sequence number of the message that the kernel did not take; 0 = none. */
static int install(const struct net_gate *gate, uint32_t *failed_out, struct err *err)
{
	/* one message may begin before the limit and end past it; the whole table is 3 KiB */
	char buffer[32768];
	struct mnl_socket *socket AUTO(socket_release) =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct mnl_nlmsg_batch *batch AUTO(batch_release) =
		mnl_nlmsg_batch_start(buffer, sizeof(buffer) / 2);
	int rc;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, errno, "nftables: open a NETLINK_NETFILTER socket");
	if (!batch)
		return err_set(err, ENOMEM, "nftables: allocate a batch");
	rc = fill_batch(batch, gate);
	if (rc < 0)
		return err_set(err, -rc, "nftables: build the rules");
	if (mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0)
		return err_set(err, errno, "nftables: send the rules");
	return read_answers(socket, failed_out, err);
}

int net_rules(struct net_gate *gate, struct err *err)
{
	uint32_t failed = SEQ_BEGIN;
	int rc = install(gate, &failed, err);

	if (rc == 0 || !is_tell(failed))
		return rc;
	net_denied_missing(gate, err->code); /* nothing of the batch is there: once more, without */
	return install(gate, &failed, err);
}

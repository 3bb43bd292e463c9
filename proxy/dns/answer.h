/* The gate's resolver: one query in, one answer out, nothing leaves the machine. */
#ifndef NSGATE_DNS_ANSWER_H
#define NSGATE_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"
#include "policy/policy.h"
#include "proxy/dns/names.h"

#define DNS_UDP_SIZE  512u /* without EDNS, RFC 1035 */
#define DNS_EDNS_SIZE 1232u /* the most we send over UDP, DNS flag day 2020 */
#define DNS_TCP_SIZE  65535u

/* What was asked and decided, for the audit record. */
struct dns_decision {
	struct verdict verdict;
	char name[NAME_SIZE]; /* canonical; empty when the query had no valid name */
	char asked[1024]; /* the name as asked, escaped for people (text_escape) */
	uint16_t type; /* QTYPE; 0 when it could not be read */
	uint8_t rcode;
};

/*
 * Answers one DNS message.
 *
 * policy, names   judge the name, and give it its number
 * want_ipv6       false: AAAA is answered empty
 * query, length   the message, without the TCP length prefix
 * is_tcp          no truncation, up to DNS_TCP_SIZE
 * answer_out      at least DNS_EDNS_SIZE bytes (UDP) or DNS_TCP_SIZE (TCP)
 *
 * Returns the answer's length, or 0 when none must be sent (shorter than a header, or itself a
 * response). Fills @decision_out in every case.
 */
size_t dns_answer(const struct policy *policy, struct names *names, bool want_ipv6,
		  const uint8_t *query, size_t length, bool is_tcp, uint8_t *answer_out,
		  struct dns_decision *decision_out);

/* "A", "AAAA", "HTTPS", or "TYPE1234". Returns @out. */
const char *dns_type_name(uint16_t type, char out[16]);

#endif

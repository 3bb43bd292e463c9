/* The gate's resolver: one query in, one answer out; itself it asks nobody. */
#ifndef NSGATE_DNS_ANSWER_H
#define NSGATE_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "proxy/dns/given.h"
#include "proxy/dns/names.h"
#include "proxy/records.h"
#include "proxy/resolve.h"

#define DNS_UDP_SIZE  512u /* without EDNS, RFC 1035 */
#define DNS_EDNS_SIZE 1232u /* the most we send over UDP, DNS flag day 2020 */
#define DNS_TCP_SIZE  65535u

/* What answers go by; the pointers are the proxy's. */
struct dns_rules {
	const struct policy *policy;
	struct names *names;
	struct given *given; /* NULL unless DNS_REAL */
	enum dns_mode mode;
	unsigned types; /* DNS_TYPE_…: looked up for allowed names */
	bool want_ipv6; /* false: AAAA is answered empty */
};

/* What is missing for an answer. */
enum dns_want {
	DNS_WANT_NOTHING,
	DNS_WANT_ADDRESSES, /* resolve() the name and its number */
	DNS_WANT_RECORDS, /* resolve_records() the name and the type */
};

/* What was missing. With neither, it could not even be asked for: too many wait already. */
struct dns_found {
	const struct resolve_answer *addresses;
	const struct records *records;
};

/* What was asked and decided, for the audit record. */
struct dns_decision {
	struct verdict verdict;
	enum dns_want want; /* else nothing is decided yet */
	uint32_t number; /* of the name; with DNS_WANT_ADDRESSES */
	char name[NAME_SIZE]; /* canonical; empty when the query had no valid name */
	char asked[1024]; /* the name as asked, escaped for people (text_escape) */
	uint16_t type; /* QTYPE; 0 when it could not be read */
	uint8_t rcode;
	struct addr refused; /* what the name led to, when that was denied; family 0 = nothing */
	const char *error; /* why an allowed name could not be resolved; static text or NULL */
};

/*
 * Answers one DNS message.
 *
 * query, length   the message, without the TCP length prefix
 * is_tcp          no truncation, up to DNS_TCP_SIZE
 * found           NULL; or, when a first call with the same message wanted something, that
 * answer_out      at least DNS_EDNS_SIZE bytes (UDP) or DNS_TCP_SIZE (TCP)
 *
 * Returns the answer's length, or 0 when none must be sent (shorter than a header, or itself a
 * response) or none can be given yet (decision_out->want). Fills @decision_out in every case.
 */
size_t dns_answer(const struct dns_rules *rules, const uint8_t *query, size_t length, bool is_tcp,
		  const struct dns_found *found, uint8_t *answer_out,
		  struct dns_decision *decision_out);

/* Is this what every name is answered with (dns: dummy)? */
bool dns_is_dummy(const struct addr *addr);

/* "A", "AAAA", "HTTPS", or "TYPE1234". Returns @out. */
const char *dns_type_name(uint16_t type, char out[16]);

#endif

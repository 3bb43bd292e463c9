/* DNS messages, RFC 1035: reading a query strictly, writing the few answers that the gate gives. */
#ifndef NSGATE_DNS_WIRE_H
#define NSGATE_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "proxy/records.h"

#define DNS_HEADER_SIZE	  12
#define DNS_NAME_TEXT_MAX 253 /* 255 octets on the wire */
#define DNS_ASKED_SIZE	  1024 /* every byte escaped, and room to spare */
#define DNS_RCODE_BADVERS 16 /* RFC 6891; its upper bits travel in the OPT record */
#define DNS_EDE_OTHER	  0 /* RFC 8914 section 5.2 */
#define DNS_EDE_BLOCKED	  15

/*
 * A number never changes hands, so any time would be right. A minute: programs need not ask before
 * each connection, and the audit shows what is still in use.
 */
#define DNS_TTL_S 60

struct dns_query {
	uint16_t id;
	uint16_t flags; /* the header's second word */
	uint16_t type, class;
	const uint8_t *question; /* in the message; NULL until a whole one was read */
	size_t question_length;
	char name[DNS_NAME_TEXT_MAX + 1]; /* labels joined with dots, any bytes; "" is the root */
	size_t name_length;
	bool has_dotted_label; /* a label contains a dot: @name does not say what was asked */
	char asked[DNS_ASKED_SIZE]; /* the same name, escaped for people */
	bool has_edns;
	bool want_dnssec; /* DO */
	uint16_t edns_size;
};

/*
 * Reads a query of at least DNS_HEADER_SIZE bytes. Returns the rcode that the message deserves for
 * its form: NOERROR, FORMERR, NOTIMP, REFUSED (not class IN) or DNS_RCODE_BADVERS. The query holds
 * what could be read, which is enough to begin the reply.
 */
uint8_t dns_query_parse(const uint8_t *bytes, size_t length, struct dns_query *query_out);

/* An answer in the making. Where not all records fit, none is sent and TC is set. */
struct dns_reply {
	const struct dns_query *query;
	uint8_t *bytes; /* the caller's */
	size_t limit, used;
	size_t question_end;
	uint32_t ttl_s; /* of the records to come; DNS_TTL_S at first */
	bool is_truncated;
	bool is_authoritative;
};

/* @limit is at least DNS_HEADER_SIZE. Copies the question, in the case it was asked in (0x20). */
void dns_reply_begin(struct dns_reply *reply, const struct dns_query *query, uint8_t *bytes,
		     size_t limit);

/* An answer record: an address, or (PTR) a canonical name. */
void dns_reply_address(struct dns_reply *reply, const struct addr *addr);
void dns_reply_pointer(struct dns_reply *reply, const char *name);
/* SRV, MX or TXT. */
void dns_reply_record(struct dns_reply *reply, uint16_t type, const struct record *record);

/* Nothing was put in so far: neither sent nor left out. */
bool dns_reply_is_empty(const struct dns_reply *reply);

/* Takes all records out again. */
void dns_reply_clear(struct dns_reply *reply);

/* The authority record that lets a resolver keep a negative answer, RFC 2308. */
void dns_reply_soa(struct dns_reply *reply);

/*
 * Last: writes the OPT record when the query had one, with an extended error when @ede_text is not
 * NULL, and the header. Returns the message's length.
 */
size_t dns_reply_end(struct dns_reply *reply, uint8_t rcode, uint16_t ede_code,
		     const char *ede_text);

#endif

/* One JSON object a line for each decision: docs/audit.md has the fields. */
#ifndef NSGATE_AUDIT_H
#define NSGATE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/policy.h"

/* Pointers are the caller's and need to last for the call only. */
struct audit_record {
	const char *protocol; /* sniff_protocol_name(), or "dns" */
	const char *name; /* what the jail asked for; NULL = nothing but an address */
	const char *sni; /* the name in a ClientHello that was refused; NULL = none */
	const struct addr *address; /* where the jail connected to; NULL for dns */
	uint16_t port;
	const struct addr *dialed; /* where the proxy connected to; NULL = nowhere */
	const struct addr *refused; /* what the name led to, when that was denied; NULL = none */
	const char *qtype; /* dns only */
	struct verdict verdict;
	const char *error; /* why an allowed connection came to nothing; NULL = it did not */
	uint64_t bytes_sent; /* jail to outside */
	uint64_t bytes_received;
	uint64_t duration_ms;
};

struct audit {
	int fd; /* owned; -1 = no audit */
	bool can_stall; /* a pipe or socket, whose reader may stop reading */
	bool has_failed; /* for good */
	const char *jail_id; /* the caller's */
	uint64_t sequence;
};

/* Takes @fd. */
void audit_init(struct audit *audit, int fd, const char *jail_id);
void audit_done(struct audit *audit);

/* Goes on with @fd, which it takes: the old file may have been moved away. */
void audit_reopen(struct audit *audit, int fd);

/*
 * Writes one record with one write(2). Returns 0, or a negative errno and audit->has_failed: a
 * record is lost, so nothing may be allowed from now on.
 */
int audit_write(struct audit *audit, const struct audit_record *record);

/*
 * The record as one line with its newline, numbered @sequence, made at @now. Heap, the caller's;
 * NULL without memory.
 */
struct timespec;
char *audit_format(const struct audit_record *record, const char *jail_id, uint64_t sequence,
		   const struct timespec *now);

#endif

/* One JSON object a line for each decision: docs/audit.md has the fields. */
#ifndef NSGATE_AUDIT_H
#define NSGATE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/policy.h"
#include "policy/settings.h"

/* Pointers are the caller's and need to last for the call only. */
struct audit_record {
	const char *protocol; /* sniff_protocol_name(), packet_protocol_name(), or "dns" */
	const char *name; /* what the jail asked for; NULL = nothing but an address */
	const char *sni; /* the name in a ClientHello that was refused; NULL = none */
	const struct addr *address; /* where the jail connected to; NULL for dns */
	uint16_t port;
	const struct addr *dialed; /* where the proxy connected to; NULL = nowhere */
	const struct addr *refused; /* what the name led to, when that was denied; NULL = none */
	const char *qtype; /* dns only */
	const char *method; /* of a request; NULL = the record is of a connection */
	const char *url; /* its */
	const char *path; /* its, normalised; not written, but for people */
	const char
		*published; /* the published port that it came in through; NULL = from the jail */
	const struct addr *client; /* who uses a published port; NULL = nobody knows, or the jail */
	struct verdict verdict;
	const char *error; /* why an allowed connection came to nothing; NULL = it did not */
	uint64_t requests; /* of an inspected connection; 0 = it is none */
	uint64_t bytes_sent; /* jail to outside */
	uint64_t bytes_received;
	uint64_t duration_ms;
	uint64_t
		packets; /* refused packets since the flow's last record; 0 = a connection, or dns */
};

struct audit {
	int fd; /* owned; -1 = no audit */
	enum audit_failure on_failure;
	bool has_failed; /* AUDIT_STOP: a record is lost, so nothing may be allowed */
	bool is_torn; /* what was written last was half a line */
	const char *jail_id; /* the caller's */
	uint64_t sequence; /* of the next decision */
	uint64_t lost; /* decisions without a record */
	uint64_t lost_unsaid; /* of them, those after the last record */
	void (*stopped)(void *owner); /* told when has_failed becomes true; may be NULL */
	void *owner;
};

/* Takes @fd, and makes it non-blocking unless it is a file. */
void audit_init(struct audit *audit, int fd, enum audit_failure on_failure, const char *jail_id);
/* In AUDIT_COUNT, says how many records were lost. */
void audit_done(struct audit *audit);

/*
 * Writes to @fd from now on, and closes the descriptor before it: what wrote to it may have been moved
 * away. A log that had failed may be written again, that is, the network opens; the next record says
 * how many are missing. Takes @fd and returns 0; or -errno when it is none: all stays as it was.
 */
int audit_reopen(struct audit *audit, int fd);

/*
 * Writes one record with one write(2). Returns 0, or in AUDIT_STOP a negative errno and
 * audit->has_failed: a record is lost, so nothing may be allowed from now on. In AUDIT_COUNT a lost
 * record is counted, and 0 returned.
 */
int audit_write(struct audit *audit, const struct audit_record *record);

/* Counts a decision that was made while nothing could be recorded. */
void audit_skip(struct audit *audit);

/* What a record says beside the decision. */
struct audit_stamp {
	const char *jail_id;
	uint64_t sequence;
	uint64_t lost; /* records that are missing before this one */
	struct timespec now;
};

/*
 * The record as one line with its newline, less than PIPE_BUF bytes. Heap, the caller's; NULL
 * without memory.
 */
char *audit_format(const struct audit_record *record, const struct audit_stamp *stamp);

#endif

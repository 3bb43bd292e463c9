/* Reads an audit log, docs/audit.md, back. What it says came from a jail, or from anybody. */
#ifndef NSGATE_AUDIT_READER_H
#define NSGATE_AUDIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/reason.h"

struct json_t;

#define AUDIT_JAIL_SIZE 64 /* of a jail's id, with its NUL; ours are shorter */

/* One decision. Texts last until the next one is read; NULL = not in the record. */
struct audit_entry {
	const char *time, *jail, *protocol, *reason; /* never NULL */
	uint64_t sequence;
	const char *name, *sni, *qtype, *method, *url, *rule, *rule_origin, *error;
	struct addr address, dialed, refused; /* family 0 = not in the record */
	uint16_t port; /* 0 = not in the record */
	bool is_allowed;
	bool is_query;
};

/*
 * The path of the request that the record is of, as rules are compared with it. @out has room for @size
 * bytes. False: it is of none, or of one whose path it does not say.
 */
bool audit_entry_path(const struct audit_entry *entry, char *out, size_t size);

struct audit_reader {
	FILE *file; /* owned */
	const char *path; /* the caller's */
	char *line; /* owned */
	size_t size;
	struct json_t *object; /* owned; of the last entry */
	size_t foreign_count; /* lines that are no decision: broken, or of somebody else's */
};

/*
 * Opens the file, and gives up every capability for good: what is read from now on may be a jail's
 * words. Returns 0 or a negative errno.
 */
int audit_reader_open(struct audit_reader *reader, const char *path, struct err *err);
void audit_reader_close(struct audit_reader *reader);

/* Back to the first line. Returns 0 or a negative errno. */
int audit_reader_rewind(struct audit_reader *reader, struct err *err);

/* The next decision. Returns 1, 0 at the end, or a negative errno. */
int audit_reader_next(struct audit_reader *reader, struct audit_entry *entry_out, struct err *err);

/* REASONS: it is none of ours. */
enum reason audit_entry_reason(const struct audit_entry *entry);

/* "tls www.example.org:443", "dns example.org AAAA", escaped. Returns @out. */
const char *audit_entry_target(const struct audit_entry *entry, char *out, size_t size);

/*
 * Text of a record for people: the record has it escaped already, but the file may be anybody's.
 * Returns @text, or @out with an escaped copy.
 */
const char *audit_text(const char *text, char *out, size_t size);

#endif

/*
 * The keys a rule is written with: one row a key. For rule.c, which reads the words of a rule,
 * and for what lists the language (--help, the documentation's check).
 */
#ifndef NSGATE_KEYS_H
#define NSGATE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/err.h"
#include "policy/name.h"

struct addr_block;
struct port_range;

/* A part of a rule's text, and where it stands. */
struct rule_part {
	const char *origin; /* for messages */
	const char *text; /* not terminated */
	size_t length;
	size_t column; /* of its first byte, from 1 */
};

/* A rule while it is read. See struct rule. */
struct rule_draft {
	struct name_pattern domain;
	bool has_domain, has_address;
	struct port_range *ports; /* owned */
	struct addr_block *blocks; /* owned */
	size_t port_count, block_count;
};

/* Puts a value (never empty) into the draft. Returns 0, -EINVAL, -ENOMEM. */
typedef int (*rule_key_fn)(const struct rule_part *value, struct rule_draft *draft,
			   struct err *err);

struct rule_key {
	const char *name; /* lower case */
	const char *value; /* what stands after '=', for people */
	const char *help;
	rule_key_fn parse; /* NULL: known, but not available */
	const char *instead; /* then: why not, and what to write */
};

extern const struct rule_key rule_keys[]; /* ends with a NULL name */
#define RULE_KEYS_MAX 32 /* rule.c keeps the keys it has seen in one word */

const struct rule_key *rule_key_find(const char *name, size_t length);

/*
 * "origin: column N: expected @expected, got …", where the culprit is @length bytes of @part
 * from @offset on; 0 = something is missing there. Returns -EINVAL.
 */
int rule_unexpected(const struct rule_part *part, size_t offset, size_t length,
		    const char *expected, struct err *err);

#endif

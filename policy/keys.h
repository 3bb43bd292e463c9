/*
 * The keys a rule is written with: one row a key. For rule.c, which reads the words of a rule,
 * and for what lists the language (--help, the documentation's check).
 */
#ifndef NSGATE_KEYS_H
#define NSGATE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/err.h"
#include "policy/name.h"
#include "policy/place.h"
#include "policy/rule.h"

/* A part of a rule's text, and where it stands. */
struct rule_part {
	struct place place;
	const char *text; /* not terminated */
	size_t length;
	enum rule_dialect dialect;
	bool is_end; /* of the rule: nothing follows, no blank either */
};

/* Texts, each with its NUL, one behind the other. */
struct draft_texts {
	char *bytes; /* owned */
	size_t size, count;
};

/* A rule while it is read. See struct rule. */
struct rule_draft {
	struct name_pattern domain;
	bool has_domain, has_address;
	struct port_range *ports; /* owned */
	struct addr_block *blocks; /* owned */
	size_t port_count, block_count;
	struct draft_texts methods, paths; /* as in struct rule_http */
	uint8_t schemes;
	const char *http_key; /* the first key that speaks of HTTP; NULL = none */
	size_t http_column; /* its */
	const char *warning; /* static text, or NULL */
};

/* Puts a value (never empty) into the draft. Returns 0, -EINVAL, -ENOMEM. */
typedef int (*rule_key_fn)(const struct rule_part *value, struct rule_draft *draft,
			   struct err *err);

struct rule_key {
	const char *name; /* lower case */
	const char *value; /* what stands after '=', for people */
	const char *help;
	rule_key_fn parse;
	bool needs_http; /* cannot be judged without looking into HTTP */
	bool is_boundary; /* known to boundary, too */
	bool may_repeat; /* in boundary's dialect: two lists are one */
	bool is_part; /* of where a connection goes */
	bool is_whole; /* says all parts at once: none of them may stand beside it */
};

extern const struct rule_key rule_keys[]; /* ends with a NULL name */
#define RULE_KEYS_MAX 32 /* rule.c keeps the keys it has seen in one word */

const struct rule_key *rule_key_find(const char *name, size_t length);

/* Calls @parse for every item of a comma list; it judges empty ones, too. */
int rule_items(const struct rule_part *list, rule_key_fn parse, struct rule_draft *draft,
	       struct err *err);

/* Rows whose functions are in keys_http.c. */
int rule_key_scheme(const struct rule_part *value, struct rule_draft *draft, struct err *err);
int rule_key_method(const struct rule_part *value, struct rule_draft *draft, struct err *err);
int rule_key_path(const struct rule_part *value, struct rule_draft *draft, struct err *err);

/* place_unexpected() of @part. */
int rule_unexpected(const struct rule_part *part, size_t offset, size_t length,
		    const char *expected, struct err *err);

#endif

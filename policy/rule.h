/* One rule: a line of key=value words. See docs/policy.md for the language. */
#ifndef NSGATE_RULE_H
#define NSGATE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/place.h"

struct request;

struct port_range {
	uint16_t first, last; /* both included */
};

/* What a rule says of HTTP. Lists are texts with their NUL, one behind the other. */
struct rule_http {
	const char *methods; /* "*" = any */
	const char *paths; /* patterns, see path.h */
	const char *key; /* the first such key, and where it stands: for messages */
	const char *warning; /* what is probably not meant; static text, NULL = nothing */
	uint32_t method_count, path_count; /* 0 = any */
	uint32_t column;
	uint8_t schemes; /* bits of enum scheme; 0 = any */
};

/* How a rule is written. */
enum rule_dialect {
	RULE_NSGATE, /* docs/policy.md */
	RULE_BOUNDARY, /* three keys and boundary's own grammar; docs/policy.md lists what differs */
};

/* All keys of a rule must match; a key that is not given matches everything. */
struct rule {
	const char *text; /* the rule as written, for messages and audit */
	const char *origin; /* where it stands, "--allow" or "policy.yaml:7" */
	const char *domain; /* canonical name or pattern; NULL = none given */
	const struct port_range *ports; /* NULL = every port */
	const struct addr_block *blocks; /* NULL = every address (see policy_judge_address()) */
	const struct rule_http *http; /* NULL = says nothing of it */
	uint32_t port_count, block_count;
	bool has_wildcard; /* domain is a pattern */
	bool has_address; /* domain= was an address literal, kept in @blocks */
};

/*
 * Parses @text. The error names the place, what was expected there and, for an unknown key, the
 * nearest known one. What the rule points to lies in @arena, but for the origin, which is the
 * caller's and has to live as long. @rule_out is empty on failure, and
 * nothing was taken from the arena. Returns 0, -EINVAL, or -ENOMEM.
 */
int rule_parse(const char *text, struct place place, enum rule_dialect dialect, struct arena *arena,
	       struct rule *rule_out, struct err *err);

bool rule_has_port(const struct rule *rule, uint16_t port);

/* Does what the rule says of HTTP fit? A method or a path never fits a request without one. */
bool rule_has_request(const struct rule *rule, const struct request *request);

#endif

/* One rule: a line of key=value words. See docs/policy.md for the language. */
#ifndef NSGATE_RULE_H
#define NSGATE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/name.h"

struct port_range {
	uint16_t first, last; /* both included */
};

/* All keys of a rule must match; a key that is not given matches everything. */
struct rule {
	char *text; /* owned: the rule as written, for messages and audit */
	char *origin; /* owned: where it stands, "--allow" or "policy.yaml:7" */
	bool has_domain;
	bool has_address; /* domain= was an address literal, kept in @blocks */
	struct name_pattern domain;
	struct port_range *ports; /* owned; NULL = every port */
	size_t port_count;
	struct addr_block *blocks; /* owned; NULL = every address (see policy_judge_address()) */
	size_t block_count;
};

/*
 * Parses @text. The error names the origin, the column (from 1), what was expected there and,
 * for an unknown key, the nearest known one. @rule_out is empty and safe to rule_done() on
 * failure. Returns 0, -EINVAL, or -ENOMEM.
 */
int rule_parse(const char *text, const char *origin, struct rule *rule_out, struct err *err);
void rule_done(struct rule *rule);

bool rule_has_port(const struct rule *rule, uint16_t port);

#endif

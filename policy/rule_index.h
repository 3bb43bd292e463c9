/*
 * A list of rules, compiled: the first one that fits a request, at a cost that does not grow with
 * the number of rules. Each rule is found by what narrows it most: its domain, else its addresses.
 * A rule with neither is looked at each time; there are but so many ports.
 */
#ifndef NSGATE_RULE_INDEX_H
#define NSGATE_RULE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/rule.h"

struct rule_index;

/*
 * @rules stay the caller's, and where they are, for the index's life. Returns 0, -ENOMEM, or what
 * getrandom() fails with.
 */
int rule_index_new(const struct rule *rules, size_t count, struct rule_index **index_out,
		   struct err *err);
void rule_index_free(struct rule_index *index);

/*
 * Does a rule fit, given that its domain does? @is_address_found: its addresses do, too; else,
 * if it has any, nobody has looked.
 */
typedef bool rule_fits_fn(const struct rule *rule, bool is_address_found, const void *context);

struct rule_search {
	const char *name; /* NULL: no domain matches */
	const struct addr *addresses; /* rules without a domain are found by any of these */
	size_t address_count;
	bool want_rest; /* rules with neither domain nor addresses */
	rule_fits_fn *fits;
	const void *context;
};

/* The first rule in the order given, or NULL. */
const struct rule *rule_index_first(const struct rule_index *index,
				    const struct rule_search *search);

#endif

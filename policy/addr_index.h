/* Which rules' addresses contain an address. */
#ifndef NSGATE_ADDR_INDEX_H
#define NSGATE_ADDR_INDEX_H

#include <stddef.h>

#include "policy/addr.h"
#include "policy/hash.h"
#include "policy/rule_refs.h"

struct addr_node;

/* The lengths of prefix that a family's blocks have, each once. */
struct prefix_lengths {
	uint8_t all[129];
	uint8_t count;
};

struct addr_index {
	const struct hash_key *key; /* the caller's, like @refs */
	struct rule_refs *refs;
	struct hash_table blocks; /* a slot's value is a node */
	struct addr_node *nodes; /* owned; [0] is not used */
	uint32_t node_count;
	struct prefix_lengths v4, v6;
};

/* Room for @count blocks. Returns 0 or -ENOMEM. */
int addr_index_make(struct addr_index *index, const struct hash_key *key, size_t count,
		    struct rule_refs *refs);
void addr_index_done(struct addr_index *index);

/* Adds a block of a rule; later rules first. */
void addr_index_add(struct addr_index *index, const struct addr_block *block, uint32_t rule);

/* Calls @visit for every list of rules with a block that contains @addr. */
void addr_index_find(const struct addr_index *index, const struct addr *addr, rule_list_fn *visit,
		     void *context);

#endif

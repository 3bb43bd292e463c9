/* Which rules' domain= matches a name: exact names in a hash, patterns in a trie of labels. */
#ifndef NSGATE_NAME_INDEX_H
#define NSGATE_NAME_INDEX_H

#include <stddef.h>

#include "policy/hash.h"
#include "policy/rule.h"
#include "policy/rule_refs.h"

struct name_node;

struct name_index {
	const struct hash_key *key; /* the caller's, like @rules and @refs */
	const struct rule *rules;
	struct rule_refs *refs;
	struct hash_table exact; /* whole names; a slot's value is a list */
	struct hash_table edges; /* parent and label; a slot's value is a node */
	struct name_node *nodes; /* owned; [0] is the root */
	uint32_t node_count, node_room;
};

/* Room for @exact_count names without wildcards. Returns 0 or -ENOMEM. */
int name_index_make(struct name_index *index, const struct hash_key *key, const struct rule *rules,
		    size_t exact_count, struct rule_refs *refs);
void name_index_done(struct name_index *index);

/* Adds a rule that has a domain; later rules first. Returns 0 or -ENOMEM. */
int name_index_add(struct name_index *index, uint32_t rule);

/* Returns what was too much to the system. */
void name_index_trim(struct name_index *index);

/* Calls @visit for every list of rules whose domain matches @name (canonical). */
void name_index_find(const struct name_index *index, const char *name, rule_list_fn *visit,
		     void *context);

#endif

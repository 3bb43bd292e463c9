/* Lists of rules, in the order given: what the indexes of a policy lead to. */
#ifndef NSGATE_RULE_REFS_H
#define NSGATE_RULE_REFS_H

#include <stdint.h>

/* Lists are numbers of their first reference; 0 = empty. */
struct rule_ref {
	uint32_t rule; /* its place in the order */
	uint32_t next; /* a later rule; 0 = the end */
};

struct rule_refs {
	struct rule_ref *all; /* owned; [0] is not used */
	uint32_t count; /* with [0] */
};

/* Puts a rule in front of a list. The room is there: whoever made @refs has counted. */
static inline void rule_refs_push(struct rule_refs *refs, uint32_t *list, uint32_t rule)
{
	refs->all[refs->count] = (struct rule_ref) { .rule = rule, .next = *list };
	*list = refs->count++;
}

/* Called with each list that an index finds; @context is the seeker's. */
typedef void rule_list_fn(void *context, uint32_t list);

#endif

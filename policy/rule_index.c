/* A list of rules, compiled. See rule_index.h. */
#include "policy/rule_index.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/addr_index.h"
#include "policy/hash.h"
#include "policy/name_index.h"
#include "policy/rule_refs.h"

struct rule_index {
	const struct rule *rules; /* the caller's */
	struct hash_key key;
	struct rule_refs refs;
	struct name_index names;
	struct addr_index addresses;
	uint32_t rest; /* list */
};

/* How many of each kind there are: the room that is needed. */
struct counts {
	size_t exact, blocks, refs;
};

static struct counts count_rules(const struct rule *rules, size_t count)
{
	struct counts counts = { .refs = 1 };

	for (size_t i = 0; i < count; i++) {
		bool has_domain = rules[i].domain != NULL;

		counts.exact += has_domain && !rules[i].has_wildcard;
		counts.blocks += has_domain ? 0 : rules[i].block_count;
		counts.refs += has_domain || !rules[i].blocks ? 1 : rules[i].block_count;
		counts.refs += rules[i].has_wildcard; /* a pattern may be in two lists */
	}
	return counts;
}

static int add_rule(struct rule_index *index, uint32_t number)
{
	const struct rule *rule = &index->rules[number];

	if (rule->domain)
		return name_index_add(&index->names, number);
	for (uint32_t i = 0; i < rule->block_count; i++)
		addr_index_add(&index->addresses, &rule->blocks[i], number);
	if (!rule->blocks)
		rule_refs_push(&index->refs, &index->rest, number);
	return 0;
}

static int fill(struct rule_index *index, size_t count)
{
	struct counts counts = count_rules(index->rules, count);

	if (count >= UINT32_MAX || counts.refs >= UINT32_MAX)
		return -ENOMEM;
	index->refs.all = calloc(counts.refs, sizeof(*index->refs.all));
	index->refs.count = 1;
	if (!index->refs.all ||
	    name_index_make(&index->names, &index->key, index->rules, counts.exact, &index->refs) <
		    0 ||
	    addr_index_make(&index->addresses, &index->key, counts.blocks, &index->refs) < 0)
		return -ENOMEM;
	for (size_t i = count; i > 0; i--) { /* from the last: lists grow at the front */
		if (add_rule(index, (uint32_t)(i - 1)) < 0)
			return -ENOMEM;
	}
	name_index_trim(&index->names);
	return 0;
}

int rule_index_new(const struct rule *rules, size_t count, struct rule_index **index_out,
		   struct err *err)
{
	struct rule_index *index = calloc(1, sizeof(*index));

	*index_out = NULL;
	if (!index)
		return err_set(err, ENOMEM, "compile the rules");
	index->rules = rules;
	if (hash_key_make(&index->key, err) < 0) {
		rule_index_free(index);
		return -err->code;
	}
	if (fill(index, count) < 0) {
		rule_index_free(index);
		return err_set(err, ENOMEM, "compile the rules");
	}
	*index_out = index;
	return 0;
}

void rule_index_free(struct rule_index *index)
{
	if (!index)
		return;
	name_index_done(&index->names);
	addr_index_done(&index->addresses);
	free(index->refs.all);
	free(index);
}

/* The best so far. */
struct seeker {
	const struct rule_index *index;
	const struct rule_search *search;
	uint32_t first; /* UINT32_MAX: none */
	bool is_address_found;
};

static void visit(void *context, uint32_t list)
{
	struct seeker *seeker = context;
	const struct rule_search *search = seeker->search;

	while (list) {
		const struct rule_ref *ref = &seeker->index->refs.all[list];

		if (ref->rule >= seeker->first)
			return;
		if (search->fits(&seeker->index->rules[ref->rule], seeker->is_address_found,
				 search->context)) {
			seeker->first = ref->rule;
			return;
		}
		list = ref->next;
	}
}

const struct rule *rule_index_first(const struct rule_index *index,
				    const struct rule_search *search)
{
	struct seeker seeker = { .index = index, .search = search, .first = UINT32_MAX };

	if (search->want_rest)
		visit(&seeker, index->rest);
	if (search->name)
		name_index_find(&index->names, search->name, visit, &seeker);
	seeker.is_address_found = true;
	for (size_t i = 0; i < search->address_count; i++)
		addr_index_find(&index->addresses, &search->addresses[i], visit, &seeker);
	return seeker.first == UINT32_MAX ? NULL : &index->rules[seeker.first];
}

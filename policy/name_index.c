/*
 * Names and patterns of a rule list. See name_index.h.
 *
 * The trie is read from a name's right end. A '*' inside a pattern is an edge of its own, so a
 * look-up may follow two ways; one at the front is no edge but a list of the node it hangs on.
 * Edges lie in one hash table, keyed by parent and label: a node with 100 000 children is no
 * slower than one with ten.
 */
#include "policy/name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MIN 8

struct name_node {
	const char *label; /* in a rule's domain */
	uint32_t parent;
	uint32_t star; /* the node behind '*'; 0 = none */
	uint32_t here; /* list: patterns that end here */
	uint32_t below; /* list: patterns with one more label, a '*' that takes one or more */
	uint8_t length; /* of the label */
};

/* Where the last label of text[0..end) begins. */
static size_t last_label(const char *text, size_t end)
{
	const char *dot = memrchr(text, '.', end);

	return dot ? (size_t)(dot - text) + 1 : 0;
}

static bool is_star(const char *label, size_t length)
{
	return length == 1 && *label == '*';
}

/* "**": what the pattern goes on with, and everything below. */
static bool is_apex(const char *label, size_t length)
{
	return length == 2 && label[0] == '*';
}

static uint64_t hash_edge(const struct name_index *index, uint32_t parent, const char *label,
			  size_t length)
{
	return hash_words(index->key, hash_bytes(index->key, label, length), parent);
}

static struct hash_slot *find_edge(const struct name_index *index, uint64_t hash, uint32_t parent,
				   const char *label, size_t length)
{
	struct hash_slot *slot = hash_slot_first(&index->edges, hash);

	for (; slot->value; slot = hash_slot_next(&index->edges, hash, slot)) {
		const struct name_node *node = &index->nodes[slot->value];

		if (node->parent == parent && node->length == length &&
		    memcmp(node->label, label, length) == 0)
			break;
	}
	return slot;
}

/* Makes room for as many nodes again: a larger array, and every edge in a larger table. */
static int grow(struct name_index *index)
{
	uint32_t room = index->node_room ? index->node_room * 2 : NODES_MIN;
	struct name_node *nodes = reallocarray(index->nodes, room, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	index->nodes = nodes;
	index->node_room = room;
	hash_table_done(&index->edges);
	if (hash_table_make(&index->edges, room) < 0)
		return -ENOMEM;
	for (uint32_t i = 1; i < index->node_count; i++) {
		const struct name_node *node = &nodes[i];
		uint64_t hash;

		if (!node->label) /* behind '*' */
			continue;
		hash = hash_edge(index, node->parent, node->label, node->length);
		hash_slot_fill(find_edge(index, hash, node->parent, node->label, node->length),
			       hash, i);
	}
	return 0;
}

static int add_node(struct name_index *index, struct name_node node, uint32_t *number_out)
{
	if (index->node_count == index->node_room && grow(index) < 0)
		return -ENOMEM;
	*number_out = index->node_count;
	index->nodes[index->node_count++] = node;
	return 0;
}

/* The child of @parent behind a label, made where there is none. */
static int step_down(struct name_index *index, uint32_t parent, const char *label, size_t length,
		     uint32_t *child_out)
{
	struct name_node node = { .parent = parent, .length = (uint8_t)length };
	uint64_t hash;

	if (is_star(label, length)) {
		*child_out = index->nodes[parent].star;
		if (*child_out)
			return 0;
		if (add_node(index, node, child_out) < 0)
			return -ENOMEM;
		index->nodes[parent].star = *child_out;
		return 0;
	}
	node.label = label;
	hash = hash_edge(index, parent, label, length);
	*child_out = find_edge(index, hash, parent, label, length)->value;
	if (*child_out)
		return 0;
	if (add_node(index, node, child_out) < 0)
		return -ENOMEM;
	/* Looked for again: the table may be another one now. */
	hash_slot_fill(find_edge(index, hash, parent, label, length), hash, *child_out);
	return 0;
}

static int add_pattern(struct name_index *index, uint32_t rule, const char *pattern)
{
	size_t end = strlen(pattern);
	uint32_t node = 0;

	for (;;) {
		size_t start = last_label(pattern, end);

		if (start == 0 && is_apex(pattern, end))
			rule_refs_push(index->refs, &index->nodes[node].here, rule);
		if (start == 0 && (is_star(pattern, end) || is_apex(pattern, end))) {
			rule_refs_push(index->refs, &index->nodes[node].below, rule);
			return 0;
		}
		if (step_down(index, node, pattern + start, end - start, &node) < 0)
			return -ENOMEM;
		if (start == 0)
			break;
		end = start - 1;
	}
	rule_refs_push(index->refs, &index->nodes[node].here, rule);
	return 0;
}

static struct hash_slot *find_exact(const struct name_index *index, uint64_t hash, const char *name)
{
	struct hash_slot *slot = hash_slot_first(&index->exact, hash);

	for (; slot->value; slot = hash_slot_next(&index->exact, hash, slot)) {
		const struct rule_ref *first = &index->refs->all[slot->value];

		if (strcmp(index->rules[first->rule].domain, name) == 0)
			break;
	}
	return slot;
}

int name_index_add(struct name_index *index, uint32_t rule)
{
	const char *domain = index->rules[rule].domain;
	struct hash_slot *slot;
	uint32_t list;
	uint64_t hash;

	if (index->rules[rule].has_wildcard)
		return add_pattern(index, rule, domain);
	hash = hash_bytes(index->key, domain, strlen(domain));
	slot = find_exact(index, hash, domain);
	list = slot->value;
	rule_refs_push(index->refs, &list, rule);
	hash_slot_fill(slot, hash, list);
	return 0;
}

int name_index_make(struct name_index *index, const struct hash_key *key, const struct rule *rules,
		    size_t exact_count, struct rule_refs *refs)
{
	uint32_t root;

	*index = (struct name_index) { .key = key, .rules = rules, .refs = refs };
	if (hash_table_make(&index->exact, exact_count) < 0)
		return -ENOMEM;
	return add_node(index, (struct name_node) { 0 }, &root);
}

void name_index_trim(struct name_index *index)
{
	struct name_node *nodes =
		reallocarray(index->nodes, index->node_count, sizeof(*index->nodes));

	if (!nodes)
		return;
	index->nodes = nodes;
	index->node_room = index->node_count;
}

void name_index_done(struct name_index *index)
{
	hash_table_done(&index->exact);
	hash_table_done(&index->edges);
	free(index->nodes);
	*index = (struct name_index) { 0 };
}

/* What is looked for, on its way down the trie. */
struct walk {
	const struct name_index *index;
	const char *name;
	rule_list_fn *visit;
	void *context;
};

/* name[0..end) is not used up yet; no deeper than a name has labels. */
static void walk_down(const struct walk *walk, uint32_t number, size_t end)
{
	const struct name_index *index = walk->index;

	for (;;) {
		const struct name_node *node = &index->nodes[number];
		size_t start = last_label(walk->name, end), length = end - start;
		uint64_t hash = hash_edge(index, number, walk->name + start, length);
		uint32_t child = find_edge(index, hash, number, walk->name + start, length)->value;

		if (node->below)
			walk->visit(walk->context, node->below);
		if (start == 0) {
			if (child && index->nodes[child].here)
				walk->visit(walk->context, index->nodes[child].here);
			if (node->star && index->nodes[node->star].here)
				walk->visit(walk->context, index->nodes[node->star].here);
			return;
		}
		if (node->star)
			walk_down(walk, node->star, start - 1);
		if (!child)
			return;
		number = child;
		end = start - 1;
	}
}

void name_index_find(const struct name_index *index, const char *name, rule_list_fn *visit,
		     void *context)
{
	struct walk walk = { .index = index, .name = name, .visit = visit, .context = context };
	size_t length = strlen(name);
	uint32_t list = find_exact(index, hash_bytes(index->key, name, length), name)->value;

	if (list)
		visit(context, list);
	if (index->node_count > 1 || index->nodes[0].below)
		walk_down(&walk, 0, length);
}

/*
 * Addresses of a rule list. See addr_index.h.
 *
 * All blocks lie in one hash table, and a look-up tries the address cut to each length of prefix
 * that some block has: a prefix tree with its levels side by side. A tree of nodes gets deeper
 * with the number of rules; this does not, and a policy has few lengths (33 or 129 at most).
 */
#include "policy/addr_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct addr_node {
	struct addr_block block;
	uint32_t list;
};

/* An address as a number, the prefix at its high end. */
struct bits {
	uint64_t high, low;
};

static struct bits bits_of(const struct addr *addr)
{
	struct bits bits = { 0 };

	memcpy(&bits, addr->bytes, addr->family == AF_INET ? 4 : sizeof(bits));
	return (struct bits) { be64toh(bits.high), be64toh(bits.low) };
}

static uint64_t mask_of(unsigned prefix)
{
	return prefix == 0 ? 0 : ~UINT64_C(0) << (64 - prefix);
}

static struct bits cut(struct bits bits, unsigned prefix)
{
	return (struct bits) {
		.high = bits.high & mask_of(prefix < 64 ? prefix : 64),
		.low = bits.low & mask_of(prefix < 64 ? 0 : prefix - 64),
	};
}

static uint64_t hash_block(const struct addr_index *index, struct bits bits, sa_family_t family,
			   unsigned prefix)
{
	uint64_t kind = (uint64_t)family << 8 | prefix;

	return hash_words(index->key, bits.high ^ kind * UINT64_C(0xd6e8feb86659fd93), bits.low);
}

static struct hash_slot *find_block(const struct addr_index *index, const struct addr *addr,
				    struct bits bits, unsigned prefix, uint64_t *hash_out)
{
	uint64_t hash = hash_block(index, cut(bits, prefix), addr->family, prefix);
	struct hash_slot *slot = hash_slot_first(&index->blocks, hash);

	for (; slot->value; slot = hash_slot_next(&index->blocks, hash, slot)) {
		const struct addr_block *block = &index->nodes[slot->value].block;

		if (block->prefix == prefix && addr_in_block(addr, block))
			break;
	}
	*hash_out = hash;
	return slot;
}

static void note_length(struct prefix_lengths *lengths, uint8_t prefix)
{
	if (!memchr(lengths->all, prefix, lengths->count))
		lengths->all[lengths->count++] = prefix;
}

int addr_index_make(struct addr_index *index, const struct hash_key *key, size_t count,
		    struct rule_refs *refs)
{
	*index = (struct addr_index) { .key = key, .refs = refs, .node_count = 1 };
	index->nodes = calloc(count + 1, sizeof(*index->nodes));
	if (!index->nodes)
		return -ENOMEM;
	return hash_table_make(&index->blocks, count);
}

void addr_index_done(struct addr_index *index)
{
	hash_table_done(&index->blocks);
	free(index->nodes);
	*index = (struct addr_index) { 0 };
}

void addr_index_add(struct addr_index *index, const struct addr_block *block, uint32_t rule)
{
	struct hash_slot *slot;
	uint64_t hash;

	slot = find_block(index, &block->base, bits_of(&block->base), block->prefix, &hash);
	if (!slot->value) {
		index->nodes[index->node_count].block = *block;
		hash_slot_fill(slot, hash, index->node_count++);
		note_length(block->base.family == AF_INET ? &index->v4 : &index->v6, block->prefix);
	}
	rule_refs_push(index->refs, &index->nodes[slot->value].list, rule);
}

void addr_index_find(const struct addr_index *index, const struct addr *addr, rule_list_fn *visit,
		     void *context)
{
	const struct prefix_lengths *lengths = addr->family == AF_INET ? &index->v4 : &index->v6;
	struct bits bits = bits_of(addr);
	uint64_t hash;

	for (unsigned i = 0; i < lengths->count; i++) {
		uint32_t node = find_block(index, addr, bits, lengths->all[i], &hash)->value;

		if (node)
			visit(context, index->nodes[node].list);
	}
}

/*
 * Hash tables that are built once and then only read.
 *
 * The hash is keyed (SipHash-1-3 with a random key): whoever writes a rule list or asks for names
 * cannot choose names that collide.
 */
#ifndef NSGATE_HASH_H
#define NSGATE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "policy/base/err.h"

struct hash_key {
	uint64_t words[2];
};

/* A random key. Returns 0 or what getrandom() fails with. */
int hash_key_make(struct hash_key *key_out, struct err *err);

/* SipHash-1-3 of @length bytes. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length);

/* The same for two words: quicker, and enough where nobody but the policy's author picks keys. */
uint64_t hash_words(const struct hash_key *key, uint64_t first, uint64_t second);

/* A slot knows a part of its key's hash; whether it is the same key, its owner must look. */
struct hash_slot {
	uint32_t tag;
	uint32_t value; /* 0 = empty */
};

/* Linear probing; at least a quarter of the slots is empty. */
struct hash_table {
	struct hash_slot *slots; /* owned; NULL until made */
	uint32_t mask;
};

/* Room for @count keys. Returns 0 or -ENOMEM. */
int hash_table_make(struct hash_table *table, size_t count);
void hash_table_done(struct hash_table *table);

static inline struct hash_slot *hash_slot_from(const struct hash_table *table, uint64_t hash,
					       uint32_t at)
{
	uint32_t tag = (uint32_t)(hash >> 32);

	while (table->slots[at].value && table->slots[at].tag != tag)
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

/*
 * The slots that may hold a key, one after the other; an empty one ends them, and is where the
 * key belongs if it was not found.
 */
static inline struct hash_slot *hash_slot_first(const struct hash_table *table, uint64_t hash)
{
	return hash_slot_from(table, hash, (uint32_t)hash & table->mask);
}

static inline struct hash_slot *hash_slot_next(const struct hash_table *table, uint64_t hash,
					       const struct hash_slot *slot)
{
	return hash_slot_from(table, hash, (uint32_t)(slot - table->slots + 1) & table->mask);
}

static inline void hash_slot_fill(struct hash_slot *slot, uint64_t hash, uint32_t value)
{
	*slot = (struct hash_slot) { .tag = (uint32_t)(hash >> 32), .value = value };
}

#endif

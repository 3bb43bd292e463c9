/* Hash tables that are built once. See hash.h. */
#include "policy/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOTS_MIN 4

int hash_key_make(struct hash_key *key_out, struct err *err)
{
	if (getrandom(key_out, sizeof(*key_out), 0) != (ssize_t)sizeof(*key_out))
		return err_set(err, errno, "get a random key");
	return 0;
}

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* Bytes in the machine's order: no hash leaves the process. (The vectors are little-endian.) */
static inline uint64_t load(const uint8_t *bytes, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, bytes, length);
	return word;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t v[4] = {
		key->words[0] ^ UINT64_C(0x736f6d6570736575),
		key->words[1] ^ UINT64_C(0x646f72616e646f6d),
		key->words[0] ^ UINT64_C(0x6c7967656e657261),
		key->words[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t left = length;

	for (; left >= 8; left -= 8, at += 8)
		sip_word(v, load(at, 8));
	sip_word(v, (uint64_t)length << 56 | load(at, left));
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_words(const struct hash_key *key, uint64_t first, uint64_t second)
{
	uint64_t mixed = fold(first ^ key->words[0], UINT64_C(0x9e3779b97f4a7c15));

	return fold(mixed ^ second ^ key->words[1], UINT64_C(0xbf58476d1ce4e5b9));
}

int hash_table_make(struct hash_table *table, size_t count)
{
	size_t slots = SLOTS_MIN;

	while (slots - slots / 4 < count)
		slots *= 2;
	table->slots = calloc(slots, sizeof(*table->slots));
	if (!table->slots || slots > UINT32_MAX)
		return -ENOMEM;
	table->mask = (uint32_t)(slots - 1);
	return 0;
}

void hash_table_done(struct hash_table *table)
{
	free(table->slots);
	*table = (struct hash_table) { 0 };
}

/* One rule: a line of key=value words. See rule.h; the keys themselves are rows in keys.c. */
#include "policy/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/base/text.h"
#include "policy/keys.h"

#define BLANKS	    " \t"
#define QUOTE_BYTES 64 /* of somebody else's text in a message */
#define KEY_MAX	    32 /* longer words are no typing mistake of a key */

int rule_unexpected(const struct rule_part *part, size_t offset, size_t length,
		    const char *expected, struct err *err)
{
	char got[QUOTE_BYTES];

	if (length == 0)
		return err_bad(err, "%s: column %zu: expected %s, got nothing", part->origin,
			       part->column + offset, expected);
	return err_bad(err, "%s: column %zu: expected %s, got \"%s\"", part->origin,
		       part->column + offset, expected,
		       text_escape(part->text + offset, length, got, sizeof(got)));
}

/* "domain, port, cidr …" */
static const char *list_keys(char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (const struct rule_key *key = rule_keys; key->name && used < size; key++) {
		if (key->parse)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 key->name);
	}
	return out;
}

/* The key that was meant, also where it was written in upper case; NULL for none. */
static const char *nearest_key(const struct rule_part *key)
{
	const char *names[RULE_KEYS_MAX] = { NULL };
	char word[KEY_MAX];

	if (key->length >= sizeof(word))
		return NULL;
	for (size_t i = 0; i < key->length; i++) {
		char byte = key->text[i];

		word[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
	}
	word[key->length] = '\0';
	for (size_t i = 0; rule_keys[i].name; i++)
		names[i] = rule_keys[i].name;
	return text_nearest(word, names);
}

static int unknown_key(const struct rule_part *key, bool has_value, struct err *err)
{
	const char *nearest = nearest_key(key), *ignored;
	char names[128], expected[160];
	struct name_pattern pattern;
	size_t bad;

	(void)snprintf(expected, sizeof(expected), "a key (%s)", list_keys(names, sizeof(names)));
	(void)rule_unexpected(key, 0, key->length, expected, err);
	if (nearest)
		return err_hint(err, "did you mean %s=?", nearest);
	if (!has_value && name_pattern_parse(key->text, key->length, &pattern, &bad, &ignored) == 0)
		return err_hint(err, "did you mean domain=%s?", pattern.text);
	return -EINVAL;
}

/* One key=value word. A bit of @seen_keys stands for a row of rule_keys. */
static int parse_word(const struct rule_part *word, uint32_t *seen_keys, struct rule_draft *draft,
		      struct err *err)
{
	const char *equals = memchr(word->text, '=', word->length);
	struct rule_part name = *word, value = *word;
	const struct rule_key *key;
	uint32_t bit;

	if (equals)
		name.length = (size_t)(equals - word->text);
	key = rule_key_find(name.text, name.length);
	if (!key)
		return unknown_key(&name, equals != NULL, err);
	if (!key->parse)
		return err_bad(err, "%s: column %zu: %s= cannot be used: %s", word->origin,
			       word->column, key->name, key->instead);
	if (!equals)
		return rule_unexpected(word, word->length, 0, "'=' and a value", err);
	bit = UINT32_C(1) << (key - rule_keys);
	if (*seen_keys & bit) {
		(void)rule_unexpected(word, 0, word->length, "every key once", err);
		return err_hint(err, "%s is given twice: write two rules", key->name);
	}
	*seen_keys |= bit;
	value.text = equals + 1;
	value.length = word->length - name.length - 1;
	value.column += name.length + 1;
	if (value.length == 0)
		return rule_unexpected(&value, 0, 0, key->value, err);
	return key->parse(&value, draft, err);
}

static int parse_words(const char *text, const char *origin, struct rule_draft *draft,
		       struct err *err)
{
	struct rule_part whole = { .origin = origin, .text = text, .column = 1 };
	size_t at = strspn(text, BLANKS);
	uint32_t seen_keys = 0;

	if (!text[at])
		return err_bad(err, "%s: column 1: empty rule", origin);
	if (at > 0)
		return rule_unexpected(&whole, 0, 1, "a key", err);
	while (text[at]) {
		struct rule_part word = {
			.origin = origin,
			.text = text + at,
			.length = strcspn(text + at, BLANKS),
			.column = at + 1,
		};
		int rc = parse_word(&word, &seen_keys, draft, err);

		if (rc < 0)
			return rc;
		at += word.length;
		at += strspn(text + at, BLANKS);
	}
	return 0;
}

static void draft_done(struct rule_draft *draft)
{
	free(draft->ports);
	free(draft->blocks);
}

/* Copies bytes to *@at and moves it behind them. Returns the copy; NULL for none. */
static void *put(char **at, const void *bytes, size_t size)
{
	char *copy = *at;

	if (size == 0)
		return NULL;
	memcpy(copy, bytes, size);
	*at += size;
	return copy;
}

/* Everything that belongs to a rule in one piece; the arrays first, as they need alignment. */
static int pack(const struct rule_draft *draft, const char *text, struct arena *arena,
		struct rule *rule_out)
{
	size_t ports = draft->port_count * sizeof(*draft->ports);
	size_t blocks = draft->block_count * sizeof(*draft->blocks);
	size_t domain = draft->has_domain ? strlen(draft->domain.text) + 1 : 0;
	char *at = arena_take(arena, ports + blocks + domain + strlen(text) + 1);

	_Static_assert(_Alignof(struct addr_block) <= sizeof(struct port_range), "no gap");
	if (!at)
		return -ENOMEM;
	*rule_out = (struct rule) {
		.port_count = (uint32_t)draft->port_count,
		.block_count = (uint32_t)draft->block_count,
		.has_wildcard = draft->has_domain && draft->domain.has_wildcard,
		.has_address = draft->has_address,
	};
	rule_out->ports = put(&at, draft->ports, ports);
	rule_out->blocks = put(&at, draft->blocks, blocks);
	rule_out->domain = put(&at, draft->domain.text, domain);
	rule_out->text = put(&at, text, strlen(text) + 1);
	return 0;
}

int rule_parse(const char *text, const char *origin, struct arena *arena, struct rule *rule_out,
	       struct err *err)
{
	struct rule_draft draft AUTO(draft_done) = { 0 };
	int rc;

	*rule_out = (struct rule) { 0 };
	rc = parse_words(text, origin, &draft, err);
	if (rc < 0)
		return rc;
	if (pack(&draft, text, arena, rule_out) < 0)
		return err_set(err, ENOMEM, "keep a rule");
	rule_out->origin = origin;
	return 0;
}

bool rule_has_port(const struct rule *rule, uint16_t port)
{
	for (size_t i = 0; i < rule->port_count; i++) {
		if (port >= rule->ports[i].first && port <= rule->ports[i].last)
			return true;
	}
	return rule->port_count == 0;
}

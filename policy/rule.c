/* One rule: a line of key=value words. See rule.h; the keys themselves are rows in keys.c. */
#include "policy/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/base/text.h"
#include "policy/keys.h"
#include "policy/path.h"
#include "policy/request.h"

#define KEY_MAX 32 /* longer words are no typing mistake of a key */

int rule_unexpected(const struct rule_part *part, size_t offset, size_t length,
		    const char *expected, struct err *err)
{
	return place_unexpected(part->place, part->text, offset, length, expected, err);
}

static const char *blanks(enum rule_dialect dialect)
{
	return dialect == RULE_BOUNDARY ? " \t\n" : " \t";
}

static bool is_known(const struct rule_key *key, enum rule_dialect dialect)
{
	return dialect == RULE_NSGATE || key->is_boundary;
}

/* "domain, port, cidr …" */
static const char *list_keys(enum rule_dialect dialect, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (const struct rule_key *key = rule_keys; key->name && used < size; key++) {
		if (is_known(key, dialect))
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

	(void)snprintf(expected, sizeof(expected), "a key (%s)",
		       list_keys(key->dialect, names, sizeof(names)));
	(void)rule_unexpected(key, 0, key->length, expected, err);
	if (rule_key_find(key->text, key->length))
		return err_hint(err, "only nsgate's own policy language has this key");
	if (nearest)
		return err_hint(err, "did you mean %s=?", nearest);
	if (!has_value &&
	    name_pattern_parse(key->text, key->length, NAME_NSGATE, &pattern, &bad, &ignored) == 0)
		return err_hint(err, "did you mean domain=%s?", pattern.text);
	return -EINVAL;
}

/* A key among those seen that says where to, too, so that @key may not; NULL for none. */
static const struct rule_key *find_clash(const struct rule_key *key, uint32_t seen_keys)
{
	for (const struct rule_key *other = rule_keys; other->name; other++) {
		bool is_clash =
			(key->is_whole && other->is_part) || (key->is_part && other->is_whole);

		if (is_clash && (seen_keys & (UINT32_C(1) << (other - rule_keys))))
			return other;
	}
	return NULL;
}

static int refuse_clash(const struct rule_part *word, const struct rule_key *key,
			const struct rule_key *other, struct err *err)
{
	char expected[2 * KEY_MAX];

	(void)snprintf(expected, sizeof(expected), "no %s= beside %s=", key->name, other->name);
	(void)rule_unexpected(word, 0, word->length, expected, err);
	return err_hint(err, "%s= says name, port and addresses: write two rules",
			key->is_whole ? key->name : other->name);
}

/* One key=value word. A bit of @seen_keys stands for a row of rule_keys. */
static int parse_word(const struct rule_part *word, uint32_t *seen_keys, struct rule_draft *draft,
		      struct err *err)
{
	const char *equals = memchr(word->text, '=', word->length);
	struct rule_part name = *word, value = *word;
	const struct rule_key *key, *other;
	uint32_t bit;

	if (equals)
		name.length = (size_t)(equals - word->text);
	key = rule_key_find(name.text, name.length);
	if (!key || !is_known(key, word->dialect))
		return unknown_key(&name, equals != NULL, err);
	if (!equals)
		return rule_unexpected(word, word->length, 0, "'=' and a value", err);
	bit = UINT32_C(1) << (key - rule_keys);
	if ((*seen_keys & bit) && !(word->dialect == RULE_BOUNDARY && key->may_repeat)) {
		(void)rule_unexpected(word, 0, word->length, "every key once", err);
		return err_hint(err, "%s is given twice: write two rules", key->name);
	}
	other = find_clash(key, *seen_keys);
	if (other)
		return refuse_clash(word, key, other, err);
	*seen_keys |= bit;
	value.text = equals + 1;
	value.length = word->length - name.length - 1;
	value.place = place_after(value.place, name.length + 1);
	if (value.length == 0)
		return rule_unexpected(&value, 0, 0, key->value, err);
	if (key->needs_http && !draft->http_key) {
		draft->http_key = key->name;
		draft->http_column = word->place.column;
	}
	return key->parse(&value, draft, err);
}

static int parse_words(const char *text, struct place place, enum rule_dialect dialect,
		       struct rule_draft *draft, struct err *err)
{
	struct rule_part whole = { .place = place, .text = text };
	const char *blank = blanks(dialect);
	size_t at = strspn(text, blank);
	uint32_t seen_keys = 0;

	if (!text[at])
		return err_bad(err, "%s: column %zu: empty rule", place.origin, place.column);
	if (at > 0)
		return rule_unexpected(&whole, 0, 1, "a key", err);
	while (text[at]) {
		struct rule_part word = {
			.place = place_after(place, at),
			.text = text + at,
			.length = strcspn(text + at, blank),
			.dialect = dialect,
		};
		int rc;

		word.is_end = !word.text[word.length];
		rc = parse_word(&word, &seen_keys, draft, err);
		if (rc < 0)
			return rc;
		at += word.length;
		at += strspn(text + at, blank);
	}
	return 0;
}

static void draft_done(struct rule_draft *draft)
{
	free(draft->ports);
	free(draft->blocks);
	free(draft->methods.bytes);
	free(draft->paths.bytes);
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

static int pack_http(const struct rule_draft *draft, struct arena *arena, struct rule *rule)
{
	size_t methods = draft->methods.size, paths = draft->paths.size;
	struct rule_http *http = arena_take(arena, sizeof(*http) + methods + paths);
	char *at;

	if (!http)
		return -ENOMEM;
	at = (char *)(http + 1);
	*http = (struct rule_http) {
		.key = draft->http_key,
		.column = (uint32_t)draft->http_column,
		.warning = draft->warning,
		.method_count = (uint32_t)draft->methods.count,
		.path_count = (uint32_t)draft->paths.count,
		.schemes = draft->schemes,
	};
	http->methods = put(&at, draft->methods.bytes, methods);
	http->paths = put(&at, draft->paths.bytes, paths);
	rule->http = http;
	return 0;
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
	return draft->http_key ? pack_http(draft, arena, rule_out) : 0;
}

int rule_parse(const char *text, struct place place, enum rule_dialect dialect, struct arena *arena,
	       struct rule *rule_out, struct err *err)
{
	struct rule_draft draft AUTO(draft_done) = { 0 };
	int rc;

	*rule_out = (struct rule) { 0 };
	rc = parse_words(text, place, dialect, &draft, err);
	if (rc < 0)
		return rc;
	if (pack(&draft, text, arena, rule_out) < 0) {
		*rule_out = (struct rule) { 0 };
		return err_set(err, ENOMEM, "keep a rule");
	}
	rule_out->origin = place.origin;
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

static const char *next_text(const char *text)
{
	return text + strlen(text) + 1;
}

static bool has_method(const struct rule_http *http, const char *method)
{
	const char *own = http->methods;

	for (uint32_t i = 0; i < http->method_count; i++, own = next_text(own)) {
		if (method && (strcmp(own, "*") == 0 || strcmp(own, method) == 0))
			return true;
	}
	return http->method_count == 0;
}

static bool has_path(const struct rule_http *http, const char *path)
{
	const char *own = http->paths;

	for (uint32_t i = 0; i < http->path_count; i++, own = next_text(own)) {
		if (path && path_pattern_match(own, path))
			return true;
	}
	return http->path_count == 0;
}

bool rule_has_request(const struct rule *rule, const struct request *request)
{
	const struct rule_http *http = rule->http;

	if (!http)
		return true;
	if (http->schemes && !(http->schemes & scheme_bits(request->scheme)))
		return false;
	return has_method(http, request->method) && has_path(http, request->path);
}

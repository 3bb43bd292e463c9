/* The keys that speak of HTTP: scheme, method, path. See keys.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/keys.h"
#include "policy/path.h"
#include "policy/request.h"
#include "policy/rule.h"

/* Appends text and its NUL to a list. */
static int add(struct draft_texts *list, const char *text, size_t length, struct err *err)
{
	char *grown = realloc(list->bytes, list->size + length + 1);

	if (!grown)
		return err_set(err, ENOMEM, "read a rule");
	list->bytes = grown;
	*(char *)mempcpy(grown + list->size, text, length) = '\0';
	list->size += length + 1;
	list->count++;
	return 0;
}

static int parse_scheme_item(const struct rule_part *item, struct rule_draft *draft,
			     struct err *err)
{
	for (int i = 0; i < SCHEMES; i++) {
		const char *name = scheme_name((enum scheme)i);

		if (strlen(name) == item->length && memcmp(name, item->text, item->length) == 0) {
			draft->schemes |= (uint8_t)(1 << i);
			return 0;
		}
	}
	return rule_unexpected(item, 0, item->length, "http, https, tls or tcp", err);
}

int rule_key_scheme(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	return rule_items(value, parse_scheme_item, draft, err);
}

/* RFC 9110's token. */
static bool is_token_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

static int parse_method_item(const struct rule_part *item, struct rule_draft *draft,
			     struct err *err)
{
	if (item->length == 0 && item->dialect == RULE_BOUNDARY && !item->is_end) {
		draft->warning = "an empty method matches no request";
		return add(&draft->methods, "", 0, err);
	}
	if (item->length == 0)
		return rule_unexpected(item, 0, 0, "a method (GET) or '*'", err);
	for (size_t i = 0; i < item->length; i++) {
		if (!is_token_byte(item->text[i]))
			return rule_unexpected(item, i, 1, "a method (GET) or '*'", err);
	}
	return add(&draft->methods, item->text, item->length, err);
}

int rule_key_method(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	return rule_items(value, parse_method_item, draft, err);
}

static int parse_path_item(const struct rule_part *item, struct rule_draft *draft, struct err *err)
{
	enum path_style style = item->dialect == RULE_BOUNDARY ? PATH_RAW : PATH_DECODED;
	char *pattern = malloc(item->length + 2);
	const char *expected;
	size_t bad;
	int rc;

	if (!pattern)
		return err_set(err, ENOMEM, "read a rule");
	rc = path_pattern_parse(item->text, item->length, style, pattern, &bad, &expected);
	if (rc < 0)
		rc = rule_unexpected(item, bad, bad < item->length, expected, err);
	else
		rc = add(&draft->paths, pattern, strlen(pattern), err);
	if (rc == 0 && !pattern[0])
		draft->warning = "path=/ means every path";
	free(pattern);
	return rc;
}

int rule_key_path(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	return rule_items(value, parse_path_item, draft, err);
}

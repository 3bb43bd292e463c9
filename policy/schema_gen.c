/*
 * Writes the JSON Schema of policy files, made from the tables that the loader reads, so that editors
 * complete and check policies: policy_schema_gen > docs/policy.schema.json
 * With a file as its argument it only says whether that is what it would write: the test of the tables.
 *
 * The schema catches the obvious: the loader has the last word, and knows what a rule means.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/file.h"
#include "policy/keys.h"
#include "policy/settings.h"

#define PATTERN_SIZE 1024

/* What a text looks like, by the word for it in setting_keys; the others are lists of choices. */
static const struct form {
	const char *value;
	const char *pattern; /* NULL = anything */
	bool may_be_number; /* YAML has a type of its own for it */
} forms[] = {
	{ "RULE", "", false }, /* made of rule_keys */
	{ "FILE", NULL, false },
	{ "PATH", NULL, false },
	{ "SOURCE[:TARGET]", NULL, false },
	{ "PATH[:SIZE]", NULL, false },
	{ "TIME", "^[0-9]+(ms|s|m|h)$", false },
	{ "NUMBER", "^[0-9]+$", true },
	{ "[ADDRESS:]PORT[:JAIL_PORT]",
	  "^((\\[[0-9A-Fa-f:.]+\\]|[0-9]+(\\.[0-9]+){3}):)?[0-9]{1,5}(:[0-9]{1,5})?$", true },
	{ "http://HOST:PORT|socks5://HOST:PORT", "^(http|socks5)://[^@/\\s]+:[0-9]{1,5}$", false },
};

_Noreturn static void give_up(const char *why, const char *what)
{
	(void)fprintf(stderr, "policy_schema_gen: %s%s\n", why, what);
	exit(EXIT_FAILURE);
}

/* jansson's functions take NULL for an object that could not be made, and say so. */
static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		give_up("no memory for ", key);
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		give_up("no memory for ", "a list");
}

/* ---- values ---- */

/* Words of known keys, each with a value that is not empty. */
static json_t *rule_pattern(void)
{
	char keys[PATTERN_SIZE / 4] = "", pattern[PATTERN_SIZE];
	size_t used = 0;

	for (const struct rule_key *key = rule_keys; key->name && used < sizeof(keys); key++)
		used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%s", used ? "|" : "",
					 key->name);
	if (used >= sizeof(keys))
		give_up("too many keys of rules", "");
	(void)snprintf(pattern, sizeof(pattern), "^(%s)=[^ \\t]+([ \\t]+(%s)=[^ \\t]+)*[ \\t]*$",
		       keys, keys);
	return json_string(pattern);
}

static void describe_form(const struct form *form, json_t *schema)
{
	if (form->may_be_number)
		set(schema, "type", json_pack("[ss]", "string", "integer"));
	else
		set(schema, "type", json_string("string"));
	if (!form->pattern)
		set(schema, "minLength", json_integer(1));
	else
		set(schema, "pattern",
		    *form->pattern ? json_string(form->pattern) : rule_pattern());
}

/* "real|dummy": all that can be written. */
static void describe_choices(const char *value, json_t *schema)
{
	json_t *choices = json_array();

	if (isupper((unsigned char)*value) && !strchr(value, '|'))
		give_up("no form, in policy/schema_gen.c, for ", value);
	for (const char *rest = value; *rest; rest += *rest == '|') {
		size_t length = strcspn(rest, "|");

		append(choices, json_stringn(rest, length));
		rest += length;
	}
	set(schema, "enum", choices);
}

static void describe_value(const char *value, json_t *schema)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].value, value) == 0) {
			describe_form(&forms[i], schema);
			return;
		}
	}
	describe_choices(value, schema);
}

static json_t *list_of(json_t *schema, json_t *item)
{
	set(schema, "type", json_string("array"));
	set(schema, "items", item);
	return schema;
}

/* What may stand behind a key. */
static json_t *describe_key(const struct setting_key *key)
{
	json_t *schema = json_object(), *value = key->is_list ? json_object() : schema;

	if (!key->put) {
		set(schema, "description",
		    json_sprintf("%s; cannot be used: %s", key->help, key->instead));
		set(schema, "not", json_object());
		if (value != schema)
			json_decref(value);
		return schema;
	}
	set(schema, "description", json_sprintf("%s (%s)", key->help, key->value));
	describe_value(key->value, value);
	return value == schema ? schema : list_of(schema, value);
}

/* ---- the file ---- */

static json_t *closed_object(json_t *properties)
{
	json_t *schema = json_object();

	set(schema, "type", json_string("object"));
	set(schema, "properties", properties);
	set(schema, "additionalProperties", json_false());
	return schema;
}

static json_t *describe_version(void)
{
	json_t *schema = json_object();

	set(schema, "description", json_string("the version of this language"));
	set(schema, "const", json_integer(1));
	return schema;
}

static json_t *describe_profiles(void)
{
	json_t *schema = json_object(), *name = json_object(), *names = json_array();

	for (const struct policy_profile *profile = policy_profiles; profile->name; profile++)
		append(names, json_string(profile->name));
	set(name, "enum", names);
	set(schema, "description", json_string("lists of rules that come with nsgate"));
	return list_of(schema, name);
}

static json_t *describe_includes(void)
{
	json_t *schema = json_object(), *path = json_object();

	describe_value("FILE", path);
	set(schema, "description",
	    json_string(
		    "policy files that are read as well; a path begins at this file's directory"));
	return list_of(schema, path);
}

/* The object that the key stands in: the file itself, or a group that is made when it is needed. */
static json_t *find_group(json_t *properties, const char *path)
{
	size_t length = strcspn(path, ".");
	char name[32];
	json_t *group;

	if (!path[length])
		return properties;
	if (length >= sizeof(name))
		give_up("too long a name: ", path);
	*(char *)mempcpy(name, path, length) = '\0';
	group = json_object_get(properties, name);
	if (!group) {
		group = closed_object(json_object());
		set(properties, name, group);
	}
	return json_object_get(group, "properties");
}

static json_t *describe_file(void)
{
	json_t *properties = json_object(), *schema = json_object();

	set(properties, "version", describe_version());
	set(properties, "profiles", describe_profiles());
	set(properties, "include", describe_includes());
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		const char *dot = strchr(key->path, '.');

		set(find_group(properties, key->path), dot ? dot + 1 : key->path,
		    describe_key(key));
	}
	set(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	set(schema, "$id", json_string("https://nsgate.invalid/policy.schema.json"));
	set(schema, "title", json_string("nsgate policy"));
	set(schema, "description",
	    json_string("What a program in a jail may reach. See docs/policy-file.md."));
	if (json_object_update_new(schema, closed_object(properties)) < 0)
		give_up("no memory", "");
	set(schema, "required", json_pack("[s]", "version"));
	return schema;
}

/* Is @text all that the file holds? */
static bool is_same(const char *path, const char *text)
{
	FILE *file AUTO(file_release) = fopen(path, "re");
	char *found AUTO(heap_release) = NULL;
	size_t size = 0;

	if (!file)
		give_up("cannot read ", path);
	return getdelim(&found, &size, '\0', file) >= 0 && strcmp(found, text) == 0;
}

int main(int argc, char **argv)
{
	json_t *schema = describe_file();
	char *dumped AUTO(heap_release) = json_dumps(schema, JSON_INDENT(2));
	char *text AUTO(heap_release) = NULL;

	json_decref(schema);
	if (!dumped || asprintf(&text, "%s\n", dumped) < 0)
		give_up("no memory", "");
	if (argc == 2 && !is_same(argv[1], text))
		give_up("the tables say otherwise; write it again with: policy_schema_gen > ",
			argv[1]);
	if (argc == 1 && fputs(text, stdout) < 0)
		give_up("cannot write", "");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

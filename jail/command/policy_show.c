/*
 * nsgate policy show: a policy in full, as a policy file that gives the same policy again. Profiles
 * and includes are gone: their rules stand there, each with a comment that says where it comes from.
 */
#include <stdio.h>
#include <string.h>

#include "jail/command/policy.h"
#include "policy/base/auto.h"
#include "policy/base/text.h"

static const struct option_row rows[] = { POLICY_ROWS, HELP_ROW, { 0 } };

static const struct option_table table = {
	.command = "nsgate policy show",
	.usage = "Usage: nsgate policy show [options] [FILE]\n\n"
		 "Prints the whole policy as one policy file, with profiles and includes written\n"
		 "out. Each entry has a comment that says where it comes from.",
	.rows = rows,
	.ending = "Exit status: 0, 2 for a mistake.",
};

/* ---- one text, as YAML and as a comment ---- */

/* Decodes one UTF-8 sequence; what is none is taken byte by byte. Returns its length. */
static size_t decode(const unsigned char *text, unsigned *point_out)
{
	size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 1;
	unsigned point = length == 1 ? text[0] : text[0] & (0x7fU >> length);

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			*point_out = text[0];
			return 1;
		}
		point = point << 6 | (text[i] & 0x3fU);
	}
	*point_out = point;
	return length;
}

/* In double quotes: every text can be said, and none can change what a terminal shows. */
static void print_text(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	(void)putchar('"');
	while (*at) {
		unsigned point;

		at += decode(at, &point);
		if (point == '"' || point == '\\')
			(void)printf("\\%c", (int)point);
		else if (point >= 0x20 && point < 0x7f)
			(void)putchar((int)point);
		else
			(void)printf("\\U%08x", point);
	}
	(void)putchar('"');
}

static void print_origin(const char *origin)
{
	char escaped[512];

	(void)printf(" # %s\n", text_escape(origin, strlen(origin), escaped, sizeof(escaped)));
}

/* ---- the groups ---- */

/* What has been printed: the heading of a group comes before its first key. */
struct printer {
	const struct settings *settings;
	char group[32];
};

/* Prints "group:" where a new one begins. Returns the key's name in it. */
static const char *begin_key(struct printer *printer, const char *path, const char **indent_out)
{
	const char *dot = strchr(path, '.');
	char group[sizeof(printer->group)] = "";

	if (dot)
		(void)snprintf(group, sizeof(group), "%.*s", (int)(dot - path), path);
	*indent_out = dot ? "  " : "";
	if (strcmp(group, printer->group) != 0) {
		(void)strcpy(printer->group, group);
		if (*group)
			(void)printf("%s:\n", group);
	}
	return dot ? dot + 1 : path;
}

static void print_item(const char *indent, const char *text, const char *origin)
{
	(void)printf("%s  - ", indent);
	print_text(text);
	print_origin(origin);
}

static void print_rules(struct printer *printer, const char *path, const struct rule_list *list)
{
	const char *indent, *name = begin_key(printer, path, &indent);

	(void)printf("%s%s:%s\n", indent, name, list->count ? "" : " []");
	for (size_t i = 0; i < list->count; i++)
		print_item(indent, list->rules[i].text, list->rules[i].origin);
}

static void print_list(struct printer *printer, const struct setting_key *key)
{
	const struct settings *settings = printer->settings;
	const char *indent, *name;
	bool is_begun = false;

	for (size_t i = 0; i < settings->item_count; i++) {
		if (settings->items[i].key != key)
			continue;
		if (!is_begun) {
			name = begin_key(printer, key->path, &indent);
			(void)printf("%s%s:\n", indent, name);
			is_begun = true;
		}
		print_item(indent, settings->items[i].text, settings->items[i].origin);
	}
}

static void print_single(struct printer *printer, const struct setting_key *key)
{
	const struct setting_said *said = &printer->settings->said[key - setting_keys];
	const char *indent, *name;

	if (!said->text)
		return;
	name = begin_key(printer, key->path, &indent);
	(void)printf("%s%s: ", indent, name);
	print_text(said->text);
	print_origin(said->origin);
}

static void print_key(struct printer *printer, const struct setting_key *key)
{
	const struct policy *policy = &printer->settings->policy;

	if (key->is_rule)
		print_rules(printer, key->path,
			    strcmp(key->path, "network.allow") == 0 ? &policy->allow
								    : &policy->deny);
	else if (key->is_list)
		print_list(printer, key);
	else
		print_single(printer, key);
}

static int show(const struct policy_options *options, const char *path)
{
	struct settings settings AUTO(settings_done);
	struct printer printer = { .settings = &settings };
	struct err err;

	settings_init(&settings);
	if (policy_options_load(options, path, &settings, &err) < 0)
		return policy_mistake(&err);
	(void)puts("version: 1");
	for (const struct setting_key *key = setting_keys; key->path; key++)
		print_key(&printer, key);
	return POLICY_YES;
}

int policy_show_main(char **argv)
{
	struct policy_options options AUTO(policy_options_done) = { 0 };
	struct err err;
	int words, rc = options_read_all(&table, argv, &options, &words, &err);

	if (rc == OPTIONS_DONE)
		return POLICY_YES;
	if (rc == OPTIONS_RUN && words > 1)
		rc = err_bad(&err, "policy show: expected one FILE, got %d words", words);
	if (rc < 0)
		return policy_mistake(&err);
	return show(&options, words ? argv[0] : NULL);
}

/*
 * Policy files. What holds for every input:
 * - a refusal names a line and a column inside the text, in printable characters;
 * - an accepted text, read again, gives the same rules and settings;
 * - each rule's origin is a line of the text, or of a profile;
 * - no text in memory makes a file be read.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/file.h"
#include "policy/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

/* YAML ends lines with more than \n: there are at most as many lines as there are bytes. */
static void check_line(const char *origin, const char **end_out, size_t size)
{
	const char *number =
		strncmp(origin, "profile ", 8) == 0 ? strchr(origin, ':') : origin + strlen("fuzz");
	char *end;
	unsigned long line;

	must(number && *number == ':' &&
		     (*origin == 'p' || strncmp(origin, "fuzz", strlen("fuzz")) == 0),
	     "an origin is a file and a line");
	line = strtoul(number + 1, &end, 10);
	must(line >= 1 && (*origin == 'p' || line <= size + 1), "the line lies inside the text");
	*end_out = end;
}

static void check_refusal(const struct err *err, size_t size)
{
	static const char word[] = ": column ";
	const char *end;
	unsigned long column;

	must(err->code == EINVAL, "a refusal is about the input");
	check_line(err->text, &end, size);
	must(strncmp(end, word, strlen(word)) == 0, "a refusal names a column");
	column = strtoul(end + strlen(word), NULL, 10);
	must(column >= 1 && column <= size + 1, "the column lies inside the text");
	for (const char *byte = err->text; *byte; byte++)
		must(*byte == '\n' || (*byte >= 0x20 && *byte < 0x7f), "a message is printable");
}

static void check_same_list(const struct rule_list *a, const struct rule_list *b, size_t size)
{
	const char *end;

	must(a->count == b->count, "as many rules again");
	for (size_t i = 0; i < a->count; i++) {
		must(strcmp(a->rules[i].text, b->rules[i].text) == 0, "the same rules again");
		must(strcmp(a->rules[i].origin, b->rules[i].origin) == 0, "from the same lines");
		check_line(a->rules[i].origin, &end, size);
		must(*end == '\0', "an origin is a line");
	}
}

static void check_same(const struct settings *a, const struct settings *b, size_t size)
{
	check_same_list(&a->policy.allow, &b->policy.allow, size);
	check_same_list(&a->policy.deny, &b->policy.deny, size);
	must(a->publish_count == b->publish_count && a->path_count == b->path_count &&
		     a->values.dns == b->values.dns && a->values.dns_types == b->values.dns_types &&
		     a->values.time_limit_ms == b->values.time_limit_ms &&
		     a->values.open_files == b->values.open_files,
	     "the same settings again");
	must(a->file_count == 0, "nothing else was read");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings AUTO(settings_done), again AUTO(settings_done);
	const char *text = (const char *)data;
	struct err err = { 0 };

	settings_init(&settings);
	settings_init(&again);
	if (policy_text_load(&settings, text, size, "fuzz", &err) < 0) {
		check_refusal(&err, size);
		return 0;
	}
	must(policy_text_load(&again, text, size, "fuzz", &err) == 0, "taken once, taken again");
	check_same(&settings, &again, size);
	must(policy_compile(&settings.policy, &err) == 0, "what is taken can be compiled");
	return 0;
}

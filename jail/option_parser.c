/* Options by a table. See option_parser.h. */
#include "jail/option_parser.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "jail/command/command.h"
#include "policy/base/text.h"

#ifndef NSGATE_VERSION
#error "NSGATE_VERSION comes from CMakeLists.txt"
#endif

#define ROWS_MAX 64 /* names to guess from */

/* ---- --help and --version ------------------------------------------------------------------ */

#define HELP_COLUMN 28

static void print_help_text(size_t left, const char *text)
{
	if (left >= HELP_COLUMN)
		(void)printf("\n%*s", HELP_COLUMN, "");
	for (; *text; text++) {
		if (*text == '\n')
			(void)printf("\n%*s", HELP_COLUMN, "");
		else
			(void)putchar(*text);
	}
	(void)putchar('\n');
}

static void print_row(const struct option_row *row)
{
	char left[64], letter[8] = "    ";

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name, row->value ? " " : "",
		       row->value ? row->value : "");
	(void)printf("%-*s", HELP_COLUMN, left);
	print_help_text(strlen(left), row->help);
}

static void print_commands(const struct command *command)
{
	(void)puts("\nCommands of nsgate itself (each has its own --help):");
	for (; command->name; command++) {
		(void)printf("  %-*s", HELP_COLUMN - 2, command->name);
		print_help_text(strlen(command->name) + 2, command->help);
	}
}

static int print_help(const struct option_table *table)
{
	(void)puts(table->usage);
	if (table->commands)
		print_commands(table->commands);
	for (const struct option_row *row = table->rows; row->name; row++) {
		if (row->group)
			(void)printf("\n%s:\n", row->group);
		print_row(row);
	}
	if (table->ending)
		(void)printf("\n%s\n", table->ending);
	return OPTIONS_DONE;
}

static int answer(const struct option_table *table, const struct option_row *row)
{
	if (row->letter == 'h')
		return print_help(table);
	(void)puts("nsgate " NSGATE_VERSION);
	return OPTIONS_DONE;
}

/* ---- the parser ---------------------------------------------------------------------------- */

static const struct option_row *find_long(const struct option_row *row, const char *name,
					  size_t length)
{
	for (; row->name; row++) {
		if (strncmp(row->name, name, length) == 0 && row->name[length] == '\0')
			return row;
	}
	return NULL;
}

static const struct option_row *find_letter(const struct option_row *row, char letter)
{
	for (; row->name; row++) {
		if (row->letter && row->letter == letter)
			return row;
	}
	return NULL;
}

static int unknown(const struct option_table *table, const char *word, struct err *err)
{
	const char *names[ROWS_MAX + 1] = { NULL };
	const char *nearest;
	char name[64], shown[256];

	for (size_t i = 0; i < ROWS_MAX && table->rows[i].name; i++)
		names[i] = table->rows[i].name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="),
		       word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	nearest = text_nearest(name, names);
	text_escape(word, strlen(word), shown, sizeof(shown));
	if (nearest)
		return err_bad(err, "unknown option %s: did you mean --%s?", shown, nearest);
	return err_bad(err, "unknown option %s: see %s --help", shown, table->command);
}

/* One "--name", "--name=value" or "--name value" at argv[*index]; moves *@index past it. */
static int parse_long(const struct option_table *table, char **argv, int *index, void *context,
		      struct err *err)
{
	const char *word = argv[(*index)++];
	size_t length = strcspn(word + 2, "=");
	const struct option_row *row = find_long(table->rows, word + 2, length);
	const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;

	if (!row)
		return unknown(table, word, err);
	if (value && !row->value)
		return err_bad(err, "--%s takes no value", row->name);
	if (!row->parse && !row->setting)
		return answer(table, row);
	if (!value && row->value) {
		value = argv[*index];
		if (!value)
			return err_bad(err, "--%s: expected %s after it", row->name, row->value);
		(*index)++;
	}
	return row->setting ? table->put(context, row, value, err)
			    : row->parse(context, value, err);
}

/* "-v", "-vv": letters have no values. */
static int parse_letters(const struct option_table *table, const char *word, void *context,
			 struct err *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_row *row = find_letter(table->rows, *letter);

		if (!row)
			return unknown(table, word, err);
		if (!row->parse)
			return answer(table, row);
		if (row->parse(context, NULL, err) < 0)
			return -err->code;
	}
	return 0;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static int parse(const struct option_table *table, char **argv, int *index, void *context,
		 struct err *err)
{
	if (argv[*index][1] == '-')
		return parse_long(table, argv, index, context, err);
	return parse_letters(table, argv[(*index)++], context, err);
}

int options_read(const struct option_table *table, char **argv, void *context, int *end_out,
		 struct err *err)
{
	int index = 1;

	while (argv[index] && is_option(argv[index])) {
		int rc;

		if (strcmp(argv[index], "--") == 0) {
			index++;
			break;
		}
		rc = parse(table, argv, &index, context, err);
		if (rc != 0)
			return rc;
	}
	*end_out = index;
	return OPTIONS_RUN;
}

int options_read_all(const struct option_table *table, char **argv, void *context, int *words_out,
		     struct err *err)
{
	bool is_ended = false;
	int index = 1, words = 0;

	while (argv[index]) {
		int rc = 0;

		if (!is_ended && strcmp(argv[index], "--") == 0) {
			is_ended = true;
			index++;
		} else if (is_ended || !is_option(argv[index])) {
			argv[words++] = argv[index++];
		} else {
			rc = parse(table, argv, &index, context, err);
		}
		if (rc != 0)
			return rc;
	}
	*words_out = words;
	return OPTIONS_RUN;
}

/* Reads the options of a command line by a table. The same table is its --help. */
#ifndef NSGATE_OPTION_PARSER_H
#define NSGATE_OPTION_PARSER_H

#include "policy/base/err.h"

struct command;

/* @context is whatever the options are put into. Returns 0 or a negative errno. */
typedef int option_fn(void *context, const char *value, struct err *err);

/* A row with neither setting nor parse function is answered on stdout: --help, --version. */
struct option_row {
	const char *name;
	char letter;
	const char *value; /* NULL = the option takes none */
	const char *help;
	option_fn *parse;
	const char *setting; /* the policy's key that it says (setting_keys.c), instead of parse */
	const char *group; /* heading in --help; NULL = the same as above */
};

struct option_table {
	const char *command; /* "nsgate": for messages */
	const char *usage; /* what --help begins with */
	const struct command *commands; /* in --help; NULL = none */
	const struct option_row *rows; /* ends with a row without a name */
	const char *ending; /* of --help; NULL = nothing */
	/* Takes the value of a row that has a setting. */
	int (*put)(void *context, const struct option_row *row, const char *value, struct err *err);
};

enum options_result { /* 0 goes on parsing */
		      OPTIONS_RUN = 1, /* the command line is complete: run it */
		      OPTIONS_DONE, /* --help or --version was answered on stdout */
};

/*
 * Reads options from argv[1] on, up to "--" or the first word that is none; *@end_out is where what
 * follows begins. Returns an options_result, or a negative errno with an error that says what
 * was wrong and what was meant.
 */
int options_read(const struct option_table *table, char **argv, void *context, int *end_out,
		 struct err *err);

/*
 * The same, with options and words in any order, up to "--". The words are moved to the front of
 * @argv, from argv[0] on; *@words_out is their count.
 */
int options_read_all(const struct option_table *table, char **argv, void *context, int *words_out,
		     struct err *err);

#endif

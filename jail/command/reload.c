/* nsgate reload: orders runs to read their policy again. See jail/control.h for how they hear of it. */
#include "jail/command/reload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/control.h"
#include "jail/option_parser.h"
#include "policy/base/log.h"

#define RUNS_MAX 1024 /* more are not looked at */

enum { RELOADED = 0, NOT_RELOADED = 1, MISTAKE = 2 };

struct runs {
	char names[RUNS_MAX][CONTROL_NAME_MAX]; /* "nsgate/ID/PID" */
	size_t count;
};

static int want_all(void *context, const char *value, struct err *err)
{
	bool *is_all = context;

	(void)value;
	(void)err;
	*is_all = true;
	return 0;
}

static const struct option_row rows[] = {
	{ .name = "all", .help = "all runs of this user", .parse = want_all },
	{ .name = "help", .letter = 'h', .help = "show this" },
	{ 0 },
};

static const struct option_table table = {
	.command = "nsgate reload",
	.usage =
		"Usage: nsgate reload [--all] [RUN...]\n\n"
		"Makes runs that are under way read their policy files again, judge what is open\n"
		"by them, and open their audit file again. RUN is the id that the audit log has, or\n"
		"the process id; without one, the only run there is.",
	.rows = rows,
	.ending = "Exit status: 0 when all have done it, 1 when one has not and goes on with what "
		  "it had,\n2 for a mistake on the command line.",
};

static void keep(const char *name, void *context)
{
	struct runs *runs = context;

	if (runs->count < RUNS_MAX)
		(void)snprintf(runs->names[runs->count++], CONTROL_NAME_MAX, "%s", name);
}

/* Is @word the ID or the PID in @name? */
static bool is_meant(const char *name, const char *word)
{
	const char *id = strchr(name, '/') + 1, *pid = strrchr(name, '/') + 1;
	size_t length = (size_t)(pid - id) - 1;

	return strcmp(pid, word) == 0 || (strlen(word) == length && strncmp(id, word, length) == 0);
}

static const char *find(const struct runs *runs, const char *word)
{
	for (size_t i = 0; i < runs->count; i++) {
		if (is_meant(runs->names[i], word))
			return runs->names[i];
	}
	return NULL;
}

static int reload_one(const char *name)
{
	char answer[CONTROL_TEXT_MAX], text[sizeof(struct err) + 128];
	struct err err;
	int rc = control_reload(name, answer, &err);

	if (rc == 0)
		(void)printf("%s: %s\n", name, answer);
	else
		log_error("%s: %s", name,
			  rc == -EREMOTEIO ? answer : err_format(&err, text, sizeof(text)));
	return rc == 0 ? RELOADED : NOT_RELOADED;
}

static int reload_all(const struct runs *runs)
{
	int status = RELOADED;

	for (size_t i = 0; i < runs->count; i++) {
		if (reload_one(runs->names[i]) != RELOADED)
			status = NOT_RELOADED;
	}
	return status;
}

static int reload_the_only_one(const struct runs *runs)
{
	if (runs->count == 1)
		return reload_one(runs->names[0]);
	if (runs->count == 0) {
		log_error("reload: there is no run here that could");
		return NOT_RELOADED;
	}
	log_error("reload: which? expected an id, a process id, or --all");
	for (size_t i = 0; i < runs->count; i++)
		log_error("reload: %s", runs->names[i]);
	return MISTAKE;
}

static int reload_named(const struct runs *runs, char **words, int count)
{
	int status = RELOADED;

	for (int i = 0; i < count; i++) {
		const char *name = find(runs, words[i]);

		if (!name)
			log_error("reload: there is no run %s here", words[i]);
		if (!name || reload_one(name) != RELOADED)
			status = NOT_RELOADED;
	}
	return status;
}

static int mistake(const struct err *err)
{
	char text[sizeof(struct err) + 128];

	log_error("%s", err_format(err, text, sizeof(text)));
	return MISTAKE;
}

int reload_main(char **argv)
{
	static struct runs runs;
	bool is_all = false;
	struct err err;
	int words, rc = options_read_all(&table, argv, &is_all, &words, &err);

	if (rc == OPTIONS_DONE)
		return fflush(stdout) == 0 ? RELOADED : MISTAKE;
	if (rc == OPTIONS_RUN && is_all && words > 0)
		rc = err_bad(&err, "reload: --all and names exclude each other");
	/* root may name anybody's run, but never orders one unasked */
	if (rc < 0 || control_each(words > 0 && geteuid() == 0, keep, &runs, &err) < 0)
		return mistake(&err);
	if (is_all)
		return reload_all(&runs);
	return words > 0 ? reload_named(&runs, argv, words) : reload_the_only_one(&runs);
}

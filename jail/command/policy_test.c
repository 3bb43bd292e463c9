/* nsgate policy test: what a policy makes of a request. One line of text in, one out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/policy.h"
#include "jail/command/trial.h"
#include "policy/base/auto.h"
#include "policy/base/text.h"

#define ORIGIN_SIZE 64
#define ANSWER_SIZE 2048

static const struct option_row rows[] = {
	POLICY_ROWS,
	{ .name = "dialect",
	  .value = "nsgate|boundary",
	  .help = "how the rules are written (default: nsgate)",
	  .parse = policy_option_dialect },
	{ .name = "address",
	  .value = "ADDRESS",
	  .help = "what names lead to, where the row does not say;\nwithout it, a name is judged alone",
	  .parse = policy_option_address,
	  .group = "Question" },
	{ .name = "batch",
	  .help = "read rows from standard input, one a line, and\nanswer each with a line",
	  .parse = policy_option_batch },
	HELP_ROW,
	{ 0 },
};

static const struct option_table table = {
	.command = "nsgate policy test",
	.usage =
		"Usage: nsgate policy test [options] [FILE] ROW\n"
		"       nsgate policy test [options] [FILE] --batch <ROWS\n\n"
		"Says what a run under the policy would: \"allow|deny REASON ['RULE' at ORIGIN]\".\n"
		"ROW is one word for the shell: 'METHOD URL [ADDRESS]', 'tcp HOST:PORT [ADDRESS]',\n"
		"'tls HOST:PORT [ADDRESS]' or 'dns NAME TYPE'.",
	.rows = rows,
	.ending =
		"Exit status: 0 allowed, 1 denied, 2 a mistake. With --batch: 0 when every row was\n"
		"answered, 2 when one is a mistake; its answer is \"error LINE: WHY\".",
};

/* What all rows are judged with. */
struct court {
	struct settings settings;
	struct addr leads_to; /* family 0 = not said */
};

static int judge(const struct court *court, const char *text, const char *origin,
		 struct verdict *verdict_out, struct err *err)
{
	struct arena arena AUTO(arena_done) = { 0 };
	struct trial trial;

	if (trial_parse(text, place_of(origin), &arena, &trial, err) < 0)
		return -err->code;
	if (!trial.leads_to.family)
		trial.leads_to = court->leads_to;
	*verdict_out = trial_judge(&court->settings, &trial);
	return 0;
}

static int answer(const struct court *court, const char *row)
{
	struct verdict verdict = { 0 };
	char text[ANSWER_SIZE];
	struct err err;

	if (judge(court, row, "row", &verdict, &err) < 0)
		return policy_mistake(&err);
	(void)puts(trial_answer(&verdict, text, sizeof(text)));
	return verdict.is_allowed ? POLICY_YES : POLICY_NO;
}

/* An error is one line here, like every answer. */
static void print_error(struct err *err)
{
	for (char *newline = err->text; (newline = strchr(newline, '\n')) != NULL;)
		*newline = ' ';
	(void)printf("error %s\n", err->text);
}

static bool is_row(const char *line)
{
	line += strspn(line, " \t");
	return *line && *line != '#';
}

static int answer_line(const struct court *court, const char *line, size_t length, size_t number)
{
	char text[ANSWER_SIZE], origin[ORIGIN_SIZE];
	struct verdict verdict = { 0 };
	struct err err;
	int rc;

	(void)snprintf(origin, sizeof(origin), "line %zu", number);
	if (strlen(line) != length)
		rc = err_bad(&err, "%s: expected text, got a NUL byte", origin);
	else
		rc = judge(court, line, origin, &verdict, &err);
	if (rc < 0)
		print_error(&err);
	else
		(void)puts(trial_answer(&verdict, text, sizeof(text)));
	return rc < 0 ? POLICY_MISTAKE : POLICY_YES;
}

static int answer_batch(const struct court *court)
{
	char *line AUTO(heap_release) = NULL;
	int status = POLICY_YES;
	size_t size = 0, number = 0;
	ssize_t length;
	struct err err;

	errno = 0;
	while ((length = getline(&line, &size, stdin)) >= 0) {
		number++;
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		if (is_row(line) && answer_line(court, line, (size_t)length, number) != POLICY_YES)
			status = POLICY_MISTAKE;
		errno = 0;
	}
	if (!ferror(stdin))
		return status;
	(void)err_set(&err, errno ? errno : EIO, "read rows from standard input");
	return policy_mistake(&err);
}

static int check_words(const struct policy_options *options, int words, struct err *err)
{
	if (!options->is_batch && words == 0)
		return err_bad(err, "policy test: expected a row: 'METHOD URL', 'tcp HOST:PORT', "
				    "'tls HOST:PORT' or 'dns NAME TYPE'");
	if (words > 2 - options->is_batch)
		return err_bad(err,
			       "policy test: expected [FILE]%s, got %d words; a row is one "
			       "word for the shell: 'GET https://example.com/'",
			       options->is_batch ? "" : " and a row", words);
	return 0;
}

static int run(const struct policy_options *options, char **words, int count, struct court *court)
{
	bool has_file = count > 1 - options->is_batch;
	struct err err;

	if (check_words(options, count, &err) < 0 ||
	    policy_options_load(options, has_file ? words[0] : NULL, &court->settings, &err) < 0)
		return policy_mistake(&err);
	if (options->address && addr_parse(options->address, &court->leads_to) < 0) {
		(void)err_bad(&err, "--address %s: expected an IPv4 or IPv6 address",
			      options->address);
		return policy_mistake(&err);
	}
	return options->is_batch ? answer_batch(court) : answer(court, words[count - 1]);
}

int policy_test_main(char **argv)
{
	struct policy_options options AUTO(policy_options_done) = { 0 };
	struct court court = { 0 };
	struct err err;
	int words, status, rc = options_read_all(&table, argv, &options, &words, &err);

	if (rc == OPTIONS_DONE)
		return POLICY_YES;
	if (rc < 0)
		return policy_mistake(&err);
	settings_init(&court.settings);
	status = run(&options, argv, words, &court);
	settings_done(&court.settings);
	return status;
}

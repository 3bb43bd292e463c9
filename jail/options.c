/* The command line. A new option is a row of the table and its parse function. */
#include "jail/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "policy/base/text.h"

#ifndef NSGATE_VERSION
#error "NSGATE_VERSION comes from CMakeLists.txt"
#endif

#define ORIGIN_SIZE 64

typedef int parse_fn(struct jail_spec *spec, const char *value, struct err *err);

static parse_fn parse_net, parse_chdir, parse_hostname, parse_env, parse_clear_env, parse_keep_env,
	parse_pass_fd, parse_status_fd, parse_log_level, parse_verbose;

/* Rows with neither setting nor parse function are answered on stdout instead of starting a run. */
static const struct option_row {
	const char *name;
	char letter;
	const char *value; /* NULL = the option takes none */
	const char *help;
	parse_fn *parse;
	const char *setting; /* the policy's key that it says (setting_keys.c), instead of parse */
	const char *group; /* heading in --help; NULL = the same as above */
} rows[] = {
	{ .name = "allow",
	  .value = "RULE",
	  .help = "allow connections that match RULE, for example\n'domain=*.example.org port=443'",
	  .setting = "network.allow",
	  .group = "Network" },
	{ .name = "deny",
	  .value = "RULE",
	  .help = "deny connections that match RULE; beats --allow",
	  .setting = "network.deny" },
	{ .name = "upstream-proxy",
	  .value = "URL",
	  .help = "all connections go through this proxy:\nhttp://HOST:PORT or socks5://HOST:PORT",
	  .setting = "network.upstream-proxy" },
	{ .name = "upstream-proxy-credentials",
	  .value = "FILE",
	  .help = "a file with user:password for it",
	  .setting = "network.upstream-proxy-credentials" },
	{ .name = "publish",
	  .value = "[ADDR:]PORT[:PORT]",
	  .help = "a port of the caller's, on 127.0.0.1 unless said\notherwise, leads to a port on the jail's loopback",
	  .setting = "network.publish" },
	{ .name = "net",
	  .value = "gate|none|host",
	  .help = "gate: judge every TCP connection (default);\nnone: loopback only; host: the caller's network,\nnothing is intercepted",
	  .parse = parse_net },
	{ .name = "write",
	  .value = "PATH",
	  .help = "PATH is writable, changes are real",
	  .setting = "filesystem.write",
	  .group = "Files (the root is read-only)" },
	{ .name = "overlay",
	  .value = "PATH",
	  .help = "PATH is writable, changes are thrown away",
	  .setting = "filesystem.overlay" },
	{ .name = "hide", .value = "PATH", .help = "PATH is empty", .setting = "filesystem.hide" },
	{ .name = "bind",
	  .value = "SRC[:DST]",
	  .help = "show SRC at DST, writable",
	  .setting = "filesystem.bind" },
	{ .name = "ro-bind",
	  .value = "SRC[:DST]",
	  .help = "show SRC at DST, read-only",
	  .setting = "filesystem.ro-bind" },
	{ .name = "tmpfs",
	  .value = "PATH[:SIZE]",
	  .help = "an empty directory in memory at PATH",
	  .setting = "filesystem.tmpfs" },
	{ .name = "chdir",
	  .value = "PATH",
	  .help = "the command's working directory",
	  .parse = parse_chdir,
	  .group = "Process" },
	{ .name = "hostname",
	  .value = "NAME",
	  .help = "the jail's host name (default: nsgate)",
	  .parse = parse_hostname },
	{ .name = "env",
	  .value = "NAME[=VALUE]",
	  .help = "keep, or set, a variable",
	  .parse = parse_env },
	{ .name = "clear-env",
	  .help = "keep only PATH, HOME, TERM, locale and the like",
	  .parse = parse_clear_env },
	{ .name = "keep-env",
	  .help = "keep the whole environment, credentials too",
	  .parse = parse_keep_env },
	{ .name = "pass-fd",
	  .value = "FD",
	  .help = "keep descriptor FD open",
	  .parse = parse_pass_fd },
	{ .name = "time-limit",
	  .value = "TIME",
	  .help = "kill everything after TIME: 500ms, 30s, 5m, 2h",
	  .setting = "limits.time" },
	{ .name = "open-files",
	  .value = "NUMBER",
	  .help = "limit each process's open files",
	  .setting = "limits.open-files" },
	{ .name = "audit",
	  .value = "FILE",
	  .help = "append one JSON line for each decision",
	  .setting = "audit.file",
	  .group = "Reports" },
	{ .name = "status-fd",
	  .value = "FD",
	  .help = "write how the run ended, as JSON, to FD",
	  .parse = parse_status_fd },
	{ .name = "log-level",
	  .value = "LEVEL",
	  .help = "error, warn (default), info, debug",
	  .parse = parse_log_level },
	{ .name = "verbose",
	  .letter = 'v',
	  .help = "the same as --log-level info; twice: debug",
	  .parse = parse_verbose },
	{ .name = "help", .letter = 'h', .help = "show this" },
	{ .name = "version", .letter = 'V', .help = "show the version" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- values -------------------------------------------------------------------------------- */

static int parse_net(struct jail_spec *spec, const char *value, struct err *err)
{
	static const char *const names[NET_MODES + 1] = {
		[NET_GATE] = "gate", [NET_NONE] = "none", [NET_HOST] = "host"
	};

	for (int i = 0; i < NET_MODES; i++) {
		if (strcmp(value, names[i]) == 0) {
			spec->net = (enum net_mode)i;
			return 0;
		}
	}
	return err_bad(err, "--net %s: expected gate, none or host", value);
}

static int parse_chdir(struct jail_spec *spec, const char *value, struct err *err)
{
	if (value[0] != '/')
		return err_bad(err, "--chdir %s: expected an absolute path", value);
	spec->chdir = value;
	return 0;
}

static int parse_hostname(struct jail_spec *spec, const char *value, struct err *err)
{
	char canonical[NAME_SIZE];

	if (strlen(value) > 64 || name_canonical(value, strlen(value), canonical) < 0)
		return err_bad(
			err,
			"--hostname %s: expected a host name of at most 64 letters, digits, hyphens and dots",
			value);
	spec->hostname = value;
	return 0;
}

static int parse_env(struct jail_spec *spec, const char *value, struct err *err)
{
	const char **grown;

	if (value[0] == '=' || value[0] == '\0')
		return err_bad(err, "--env %s: expected NAME or NAME=VALUE", value);
	grown = realloc(spec->env_adds, (spec->env_add_count + 1) * sizeof(*grown));
	if (!grown)
		return err_set(err, ENOMEM, "--env");
	spec->env_adds = grown;
	grown[spec->env_add_count++] = value;
	return 0;
}

static int set_env_mode(struct jail_spec *spec, enum env_mode mode, struct err *err)
{
	if (spec->env_mode != ENV_FILTER && spec->env_mode != mode)
		return err_bad(err, "--clear-env and --keep-env exclude each other");
	spec->env_mode = mode;
	return 0;
}

static int parse_clear_env(struct jail_spec *spec, const char *value, struct err *err)
{
	(void)value;
	return set_env_mode(spec, ENV_CLEAR, err);
}

static int parse_keep_env(struct jail_spec *spec, const char *value, struct err *err)
{
	(void)value;
	return set_env_mode(spec, ENV_KEEP, err);
}

/* An open descriptor of the caller's, other than the standard ones. */
static int parse_fd(const char *option, const char *value, int *fd_out, struct err *err)
{
	unsigned long number;

	if (text_number(value, 1 << 20, &number) < 0)
		return err_bad(err, "%s %s: expected the number of an open descriptor", option,
			       value);
	if (fcntl((int)number, F_GETFD) < 0)
		return err_set(err, errno, "%s %s", option, value);
	*fd_out = (int)number;
	return 0;
}

static int parse_pass_fd(struct jail_spec *spec, const char *value, struct err *err)
{
	int fd = -1;

	if (parse_fd("--pass-fd", value, &fd, err) < 0)
		return -err->code;
	if (spec->pass_fd_count == SPEC_PASS_FDS_MAX)
		return err_bad(err, "--pass-fd: at most %d descriptors", SPEC_PASS_FDS_MAX);
	spec->pass_fds[spec->pass_fd_count++] = fd;
	return 0;
}

static int parse_status_fd(struct jail_spec *spec, const char *value, struct err *err)
{
	return parse_fd("--status-fd", value, &spec->status_fd, err);
}

static int parse_log_level(struct jail_spec *spec, const char *value, struct err *err)
{
	enum log_level level;

	(void)spec;
	if (log_level_parse(value, &level) < 0)
		return err_bad(err, "--log-level %s: expected error, warn, info or debug", value);
	log_level_set(level);
	return 0;
}

static int parse_verbose(struct jail_spec *spec, const char *value, struct err *err)
{
	(void)spec;
	(void)value;
	(void)err;
	log_level_set(log_level_get() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
	return 0;
}

/* ---- --help and --version ------------------------------------------------------------------ */

#define HELP_COLUMN 28

static void print_row(const struct option_row *row)
{
	char left[64], letter[8] = "    ";
	const char *text = row->help;

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name, row->value ? " " : "",
		       row->value ? row->value : "");
	(void)printf("%-*s", HELP_COLUMN, left);
	if (strlen(left) >= HELP_COLUMN)
		(void)printf("\n%*s", HELP_COLUMN, "");
	for (; *text; text++) {
		if (*text == '\n')
			(void)printf("\n%*s", HELP_COLUMN, "");
		else
			(void)putchar(*text);
	}
	(void)putchar('\n');
}

static int print_help(void)
{
	(void)puts("Usage: nsgate [options] [--] command [arguments]\n\n"
		   "Runs a command in a jail in which every TCP connection is judged by a policy.\n"
		   "Without --allow no connection is possible.");
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].group)
			(void)printf("\n%s:\n", rows[i].group);
		print_row(&rows[i]);
	}
	(void)puts(
		"\nExit status: the command's own, 128+n when signal n killed it, 127 not found,\n"
		"126 not executable, 124 time limit, 125 when nsgate failed and nothing ran.");
	return OPTIONS_DONE;
}

static int answer(const struct option_row *row)
{
	if (row->letter == 'h')
		return print_help();
	(void)puts("nsgate " NSGATE_VERSION);
	return OPTIONS_DONE;
}

/* ---- the parser ---------------------------------------------------------------------------- */

static const struct option_row *find_long(const char *name, size_t length)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strncmp(rows[i].name, name, length) == 0 && rows[i].name[length] == '\0')
			return &rows[i];
	}
	return NULL;
}

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].letter && rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

static int unknown(const char *word, struct err *err)
{
	const char *names[ROWS + 1] = { NULL };
	const char *nearest;
	char name[64], shown[256];

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="),
		       word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	nearest = text_nearest(name, names);
	text_escape(word, strlen(word), shown, sizeof(shown));
	if (nearest)
		return err_bad(err, "unknown option %s: did you mean --%s?", shown, nearest);
	return err_bad(err, "unknown option %s: see nsgate --help", shown);
}

static int put_setting(struct jail_spec *spec, const struct option_row *row, const char *value,
		       struct err *err)
{
	char origin[ORIGIN_SIZE];

	(void)snprintf(origin, sizeof(origin), "--%s", row->name);
	return setting_put(&spec->settings, setting_key_find(row->setting), value, place_of(origin),
			   SETTING_FROM_COMMAND_LINE, err);
}

/* One "--name", "--name=value" or "--name value" at argv[*index]; moves *@index past it. */
static int parse_long(char **argv, int *index, struct jail_spec *spec, struct err *err)
{
	const char *word = argv[(*index)++];
	size_t length = strcspn(word + 2, "=");
	const struct option_row *row = find_long(word + 2, length);
	const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;

	if (!row)
		return unknown(word, err);
	if (value && !row->value)
		return err_bad(err, "--%s takes no value", row->name);
	if (!row->parse && !row->setting)
		return answer(row);
	if (!value && row->value) {
		value = argv[*index];
		if (!value)
			return err_bad(err, "--%s: expected %s after it", row->name, row->value);
		(*index)++;
	}
	return row->setting ? put_setting(spec, row, value, err) : row->parse(spec, value, err);
}

/* "-v", "-vv": letters have no values. */
static int parse_letters(const char *word, struct jail_spec *spec, struct err *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_row *row = find_letter(*letter);

		if (!row)
			return unknown(word, err);
		if (!row->parse)
			return answer(row);
		if (row->parse(spec, NULL, err) < 0)
			return -err->code;
	}
	return 0;
}

int options_parse(int argc, char **argv, struct jail_spec *spec, struct err *err)
{
	int index = 1;

	while (index < argc && argv[index][0] == '-' && argv[index][1] != '\0') {
		int rc;

		if (strcmp(argv[index], "--") == 0) {
			index++;
			break;
		}
		if (argv[index][1] == '-')
			rc = parse_long(argv, &index, spec, err);
		else
			rc = parse_letters(argv[index++], spec, err);
		if (rc != 0)
			return rc;
	}
	if (index >= argc)
		return err_bad(err,
			       "no command: expected nsgate [options] [--] command [arguments]");
	spec->command = argv + index;
	return OPTIONS_RUN;
}

void options_each(void (*visit)(const char *name, void *context), void *context)
{
	for (size_t i = 0; i < ROWS; i++)
		visit(rows[i].name, context);
}

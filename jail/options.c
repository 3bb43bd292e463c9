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

static parse_fn parse_allow, parse_deny, parse_net, parse_write, parse_overlay, parse_hide,
	parse_bind, parse_ro_bind, parse_tmpfs, parse_chdir, parse_hostname, parse_env,
	parse_clear_env, parse_keep_env, parse_pass_fd, parse_time_limit, parse_audit,
	parse_status_fd, parse_log_level, parse_verbose;

/* Rows without a parse function are answered on stdout instead of starting a run. */
static const struct option_row {
	const char *name;
	char letter;
	const char *value; /* NULL = the option takes none */
	const char *help;
	parse_fn *parse;
	const char *group; /* heading in --help; NULL = the same as above */
} rows[] = {
	{ "allow", 0, "RULE",
	  "allow connections that match RULE, for example\n'domain=*.example.org port=443'",
	  parse_allow, "Network" },
	{ "deny", 0, "RULE", "deny connections that match RULE; beats --allow", parse_deny, NULL },
	{ "net", 0, "gate|none|host",
	  "gate: judge every TCP connection (default);\nnone: loopback only; host: the caller's network,\nnothing is intercepted",
	  parse_net, NULL },
	{ "write", 0, "PATH", "PATH is writable, changes are real", parse_write,
	  "Files (the root is read-only)" },
	{ "overlay", 0, "PATH", "PATH is writable, changes are thrown away", parse_overlay, NULL },
	{ "hide", 0, "PATH", "PATH is empty", parse_hide, NULL },
	{ "bind", 0, "SRC[:DST]", "show SRC at DST, writable", parse_bind, NULL },
	{ "ro-bind", 0, "SRC[:DST]", "show SRC at DST, read-only", parse_ro_bind, NULL },
	{ "tmpfs", 0, "PATH[:SIZE]", "an empty directory in memory at PATH", parse_tmpfs, NULL },
	{ "chdir", 0, "PATH", "the command's working directory", parse_chdir, "Process" },
	{ "hostname", 0, "NAME", "the jail's host name (default: nsgate)", parse_hostname, NULL },
	{ "env", 0, "NAME[=VALUE]", "keep, or set, a variable", parse_env, NULL },
	{ "clear-env", 0, NULL, "keep only PATH, HOME, TERM, locale and the like", parse_clear_env,
	  NULL },
	{ "keep-env", 0, NULL, "keep the whole environment, credentials too", parse_keep_env,
	  NULL },
	{ "pass-fd", 0, "FD", "keep descriptor FD open", parse_pass_fd, NULL },
	{ "time-limit", 0, "TIME", "kill everything after TIME: 500ms, 30s, 5m, 2h",
	  parse_time_limit, NULL },
	{ "audit", 0, "FILE", "append one JSON line for each decision", parse_audit, "Reports" },
	{ "status-fd", 0, "FD", "write how the run ended, as JSON, to FD", parse_status_fd, NULL },
	{ "log-level", 0, "LEVEL", "error, warn (default), info, debug", parse_log_level, NULL },
	{ "verbose", 'v', NULL, "the same as --log-level info; twice: debug", parse_verbose, NULL },
	{ "help", 'h', NULL, "show this", NULL, NULL },
	{ "version", 'V', NULL, "show the version", NULL, NULL },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- values -------------------------------------------------------------------------------- */

static int parse_allow(struct jail_spec *spec, const char *value, struct err *err)
{
	return policy_allow(&spec->policy, value, "--allow", err);
}

static int parse_deny(struct jail_spec *spec, const char *value, struct err *err)
{
	return policy_deny(&spec->policy, value, "--deny", err);
}

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

/* The caller's absolute, existing path. @resolved_out is heap memory. */
static int resolve(const char *option, const char *path, char **resolved_out, struct err *err)
{
	*resolved_out = realpath(path, NULL);
	if (!*resolved_out)
		return err_set(err, errno, "%s %s", option, path);
	return 0;
}

static int add_same_path(struct jail_spec *spec, const struct mount_kind *kind, const char *option,
			 const char *path, struct err *err)
{
	char *resolved AUTO(heap_release) = NULL;

	if (resolve(option, path, &resolved, err) < 0)
		return -err->code;
	return mount_list_add(&spec->mounts, kind, resolved, resolved, NULL, err);
}

static int parse_write(struct jail_spec *spec, const char *value, struct err *err)
{
	return add_same_path(spec, &mount_kind_bind, "--write", value, err);
}

static int parse_overlay(struct jail_spec *spec, const char *value, struct err *err)
{
	return add_same_path(spec, &mount_kind_overlay, "--overlay", value, err);
}

static int parse_hide(struct jail_spec *spec, const char *value, struct err *err)
{
	return add_same_path(spec, &mount_kind_hide, "--hide", value, err);
}

/* SRC[:DST]: the last colon separates, so that a source may have some. */
static int add_bind(struct jail_spec *spec, const struct mount_kind *kind, const char *option,
		    const char *value, struct err *err)
{
	char *source AUTO(heap_release) = strdup(value);
	char *resolved AUTO(heap_release) = NULL;
	char *colon = source ? strrchr(source, ':') : NULL;

	if (!source)
		return err_set(err, ENOMEM, "%s", option);
	if (!colon || colon[1] != '/')
		return add_same_path(spec, kind, option, value, err);
	*colon = '\0';
	if (resolve(option, source, &resolved, err) < 0)
		return -err->code;
	if (mount_list_add(&spec->mounts, kind, resolved, colon + 1, NULL, err) < 0)
		return err_wrap(err, "%s", option);
	return 0;
}

static int parse_bind(struct jail_spec *spec, const char *value, struct err *err)
{
	return add_bind(spec, &mount_kind_bind, "--bind", value, err);
}

static int parse_ro_bind(struct jail_spec *spec, const char *value, struct err *err)
{
	return add_bind(spec, &mount_kind_ro_bind, "--ro-bind", value, err);
}

/* A number with an optional unit, as tmpfs takes it. */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && (text[digits] == '\0' ||
			      (strchr("kmgKMG%", text[digits]) && text[digits + 1] == '\0'));
}

static int parse_tmpfs(struct jail_spec *spec, const char *value, struct err *err)
{
	char *path AUTO(heap_release) = strdup(value);
	char *colon = path ? strrchr(path, ':') : NULL;

	if (!path)
		return err_set(err, ENOMEM, "--tmpfs");
	if (colon) {
		if (!is_size(colon + 1))
			return err_bad(
				err,
				"--tmpfs %s: expected a size such as 64m, 2g or 10%% after the colon",
				value);
		*colon = '\0';
	}
	if (mount_list_add(&spec->mounts, &mount_kind_tmpfs, NULL, path, colon ? colon + 1 : NULL,
			   err) < 0)
		return err_wrap(err, "--tmpfs");
	return 0;
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

static int parse_time_limit(struct jail_spec *spec, const char *value, struct err *err)
{
	static const struct {
		const char *unit;
		unsigned long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t digits = strspn(value, "0123456789");
	char number[16];
	unsigned long count;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(value + digits, units[i].unit) != 0 || digits >= sizeof(number))
			continue;
		memcpy(number, value, digits);
		number[digits] = '\0';
		if (text_number(number, 1000000, &count) < 0 || count == 0)
			break;
		spec->time_limit_ms = count * units[i].ms;
		return 0;
	}
	return err_bad(err,
		       "--time-limit %s: expected a number above 0 with a unit: 500ms, 30s, 5m, 2h",
		       value);
}

static int parse_audit(struct jail_spec *spec, const char *value, struct err *err)
{
	(void)err;
	spec->audit_path = value;
	return 0;
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
	if (!row->parse)
		return answer(row);
	if (!value && row->value) {
		value = argv[*index];
		if (!value)
			return err_bad(err, "--%s: expected %s after it", row->name, row->value);
		(*index)++;
	}
	return row->parse(spec, value, err);
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

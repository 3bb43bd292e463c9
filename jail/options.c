/* The command line. A new option is a row of the table and its parse function. */
#include "jail/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/command.h"
#include "jail/option_parser.h"
#include "policy/base/log.h"
#include "policy/base/text.h"
#include "policy/file.h"

#define ORIGIN_SIZE 64

static option_fn parse_policy, parse_profile, parse_net, parse_chdir, parse_hostname, parse_env,
	parse_clear_env, parse_keep_env, parse_pass_fd, parse_status_fd, parse_log_level,
	parse_verbose;

static const struct option_row rows[] = {
	{ .name = "policy",
	  .value = "FILE",
	  .help = "read a policy file; more of them add up, and so do\nthe options below",
	  .parse = parse_policy,
	  .group = "Policy" },
	{ .name = "profile",
	  .value = "NAME",
	  .help = "add the rules of a profile that comes with nsgate",
	  .parse = parse_profile },
	{ .name = "allow",
	  .value = "RULE",
	  .help = "allow connections that match RULE, for example\n'domain=*.example.org port=443'",
	  .setting = "network.allow",
	  .group = "Network" },
	{ .name = "deny",
	  .value = "RULE",
	  .help = "deny connections that match RULE; beats --allow",
	  .setting = "network.deny" },
	{ .name = "dns",
	  .value = "MODE",
	  .help = "how names are answered: synthetic (default),\ndummy, real",
	  .setting = "network.dns" },
	{ .name = "dns-type",
	  .value = "SRV|MX|TXT",
	  .help = "look up this record type for allowed names, too",
	  .setting = "network.dns-types" },
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
	{ .name = "audit-on-failure",
	  .value = "stop|count",
	  .help = "a record is lost: close the network, or count",
	  .setting = "audit.on-failure" },
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
	{ 0 },
};

/* ---- values -------------------------------------------------------------------------------- */

static int parse_policy(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

	return policy_file_load(&spec->settings, value, err);
}

static int parse_profile(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

	return policy_profile_load(&spec->settings, value, place_of("--profile"), err);
}

static int parse_net(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;
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

static int parse_chdir(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

	if (value[0] != '/')
		return err_bad(err, "--chdir %s: expected an absolute path", value);
	spec->chdir = value;
	return 0;
}

static int parse_hostname(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;
	char canonical[NAME_SIZE];

	if (strlen(value) > 64 || name_canonical(value, strlen(value), canonical) < 0)
		return err_bad(
			err,
			"--hostname %s: expected a host name of at most 64 letters, digits, hyphens and dots",
			value);
	spec->hostname = value;
	return 0;
}

static int parse_env(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;
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

static int parse_clear_env(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

	(void)value;
	return set_env_mode(spec, ENV_CLEAR, err);
}

static int parse_keep_env(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

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

static int parse_pass_fd(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;
	int fd = -1;

	if (parse_fd("--pass-fd", value, &fd, err) < 0)
		return -err->code;
	if (spec->pass_fd_count == SPEC_PASS_FDS_MAX)
		return err_bad(err, "--pass-fd: at most %d descriptors", SPEC_PASS_FDS_MAX);
	spec->pass_fds[spec->pass_fd_count++] = fd;
	return 0;
}

static int parse_status_fd(void *context, const char *value, struct err *err)
{
	struct jail_spec *spec = context;

	return parse_fd("--status-fd", value, &spec->status_fd, err);
}

static int parse_log_level(void *context, const char *value, struct err *err)
{
	enum log_level level;

	(void)context;
	if (log_level_parse(value, &level) < 0)
		return err_bad(err, "--log-level %s: expected error, warn, info or debug", value);
	log_level_set(level);
	return 0;
}

static int parse_verbose(void *context, const char *value, struct err *err)
{
	(void)context;
	(void)value;
	(void)err;
	log_level_set(log_level_get() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
	return 0;
}

/* ---- the command line ----------------------------------------------------------------------- */

static int put_setting(void *context, const struct option_row *row, const char *value,
		       struct err *err)
{
	struct jail_spec *spec = context;
	char origin[ORIGIN_SIZE];

	(void)snprintf(origin, sizeof(origin), "--%s", row->name);
	return setting_put(&spec->settings, setting_key_find(row->setting), value, place_of(origin),
			   SETTING_FROM_COMMAND_LINE, err);
}

static const struct option_table table = {
	.command = "nsgate",
	.usage = "Usage: nsgate [options] [--] command [arguments]\n\n"
		 "Runs a command in a jail in which every TCP connection is judged by a policy.\n"
		 "Without a rule that allows one, no connection is possible.",
	.commands = commands,
	.rows = rows,
	.ending = "Exit status: the command's own, 128+n when signal n killed it, 127 not found,\n"
		  "126 not executable, 124 time limit, 125 when nsgate failed and nothing ran.",
	.put = put_setting,
};

int options_parse(char **argv, struct jail_spec *spec, struct err *err)
{
	int end, rc = options_read(&table, argv, spec, &end, err);

	spec->argv = argv;
	if (rc != OPTIONS_RUN)
		return rc;
	if (!argv[end])
		return err_bad(err,
			       "no command: expected nsgate [options] [--] command [arguments]");
	spec->command = argv + end;
	return OPTIONS_RUN;
}

void options_each(void (*visit)(const char *name, void *context), void *context)
{
	for (const struct option_row *row = rows; row->name; row++)
		visit(row->name, context);
}

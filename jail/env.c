/*
 * The payload's environment.
 *
 * By default it is the caller's, since tools need their PATH, locale and settings, without three
 * things: variables that make a loader or an interpreter run somebody's code, addresses of session
 * services outside the jail, and names that look like credentials.
 */
#include "jail/env.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *pattern; /* fnmatch(3) over the name */
	const char *because;
} dropped[] = {
	/* code that is run before the program */
	{ "LD_*", "loader" },
	{ "GLIBC_TUNABLES", "loader" },
	{ "GCONV_PATH", "loader" },
	{ "NLSPATH", "loader" },
	{ "LOCPATH", "loader" },
	{ "BASH_ENV", "shell start-up" },
	{ "ENV", "shell start-up" },
	{ "BASH_FUNC_*", "shell function" },
	{ "PROMPT_COMMAND", "shell start-up" },
	{ "SHELLOPTS", "shell start-up" },
	{ "BASHOPTS", "shell start-up" },
	{ "PS4", "shell start-up" },
	{ "IFS", "shell start-up" },
	{ "ZDOTDIR", "shell start-up" },
	{ "NODE_OPTIONS", "interpreter start-up" },
	{ "NODE_REPL_EXTERNAL_MODULE", "interpreter start-up" },
	{ "PYTHONSTARTUP", "interpreter start-up" },
	{ "PYTHONHOME", "interpreter start-up" },
	{ "PYTHONPATH", "interpreter start-up" },
	{ "PYTHONINSPECT", "interpreter start-up" },
	{ "PERL5OPT", "interpreter start-up" },
	{ "PERL5LIB", "interpreter start-up" },
	{ "PERL5DB", "interpreter start-up" },
	{ "PERLLIB", "interpreter start-up" },
	{ "RUBYOPT", "interpreter start-up" },
	{ "RUBYLIB", "interpreter start-up" },
	{ "JAVA_TOOL_OPTIONS", "interpreter start-up" },
	{ "_JAVA_OPTIONS", "interpreter start-up" },
	{ "JDK_JAVA_OPTIONS", "interpreter start-up" },
	{ "LUA_INIT*", "interpreter start-up" },
	{ "R_PROFILE*", "interpreter start-up" },
	/* services of the session that live outside the jail */
	{ "SSH_AUTH_SOCK", "session socket" },
	{ "SSH_AGENT_PID", "session socket" },
	{ "GPG_AGENT_INFO", "session socket" },
	{ "DBUS_*_BUS_ADDRESS", "session socket" },
	{ "XDG_RUNTIME_DIR", "session socket" },
	{ "DISPLAY", "session socket" },
	{ "WAYLAND_*", "session socket" },
	{ "XAUTHORITY", "session socket" },
	{ "ICEAUTHORITY", "session socket" },
	{ "PULSE_SERVER", "session socket" },
	{ "PIPEWIRE_*", "session socket" },
	{ "DOCKER_HOST", "session socket" },
	{ "CONTAINER_HOST", "session socket" },
	{ "TMUX", "session socket" },
	{ "TMUX_PANE", "session socket" },
	{ "STY", "session socket" },
	{ "VSCODE_*", "session socket" },
	{ "WSL_INTEROP", "session socket" },
	{ "NOTIFY_SOCKET", "session socket" },
	{ "LISTEN_FDS", "session socket" },
	{ "LISTEN_PID", "session socket" },
	{ "LISTEN_FDNAMES", "session socket" },
	/* what opens doors elsewhere */
	{ "*TOKEN*", "credential" },
	{ "*SECRET*", "credential" },
	{ "*PASSWORD*", "credential" },
	{ "*PASSWD*", "credential" },
	{ "*PASSPHRASE*", "credential" },
	{ "*CREDENTIAL*", "credential" },
	{ "*_KEY", "credential" },
	{ "*APIKEY*", "credential" },
	{ "*API_KEY*", "credential" },
	{ "*ACCESS_KEY*", "credential" },
	{ "*PRIVATE_KEY*", "credential" },
	{ "*_PAT", "credential" },
	{ "*_AUTH", "credential" },
	{ "*AUTH_CONFIG*", "credential" },
	{ "AWS_PROFILE", "credential" },
	{ "PGPASSFILE", "credential" },
	{ "PGSERVICEFILE", "credential" },
	{ "DATABASE_URL", "credential" },
	{ "REDIS_URL", "credential" },
	{ "MONGODB_URI", "credential" },
	{ "KUBECONFIG", "credential" },
	{ "NETRC", "credential" },
};

/* What --clear-env keeps: without these hardly anything starts or prints as it should. */
static const char *const kept[] = {
	"PATH",	    "HOME", "USER",	"LOGNAME", "SHELL", "TERM", "COLORTERM",
	"NO_COLOR", "LANG", "LANGUAGE", "LC_*",	   "TZ",    "PWD",
};

const char *env_dropped_because(const char *name)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		/* credentials are written in any case */
		if (fnmatch(dropped[i].pattern, name, FNM_CASEFOLD) == 0)
			return dropped[i].because;
	}
	return NULL;
}

void env_each_dropped(void (*visit)(const char *pattern, void *context), void *context)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		visit(dropped[i].pattern, context);
}

static bool is_kept_when_clear(const char *name)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (fnmatch(kept[i], name, 0) == 0)
			return true;
	}
	return false;
}

static bool stays(enum env_mode mode, const char *name)
{
	switch (mode) {
	case ENV_KEEP:
		return true;
	case ENV_CLEAR:
		return is_kept_when_clear(name);
	case ENV_FILTER:
		return !env_dropped_because(name);
	}
	return false;
}

/* Does @variable (NAME=VALUE) have the name that @other (NAME or NAME=VALUE) has? */
static bool same_name(const char *variable, const char *other)
{
	size_t length = strcspn(other, "=");

	return strncmp(variable, other, length) == 0 && variable[length] == '=';
}

static void put(char **result, size_t *count, char *variable)
{
	for (size_t i = 0; i < *count; i++) {
		if (same_name(result[i], variable)) {
			result[i] = variable;
			return;
		}
	}
	result[(*count)++] = variable;
}

/* NAME takes the caller's value, and nothing when there is none; NAME=VALUE sets it. */
static void put_added(char **result, size_t *count, char **caller, const char *added)
{
	if (strchr(added, '=')) {
		put(result, count, (char *)(uintptr_t)added); /* only read, never freed */
		return;
	}
	for (; *caller; caller++) {
		if (same_name(*caller, added))
			put(result, count, *caller);
	}
}

char **env_build(const struct jail_spec *spec, char **caller)
{
	size_t room = spec->env_add_count + 1;
	size_t count = 0;
	char name[256];
	char **result;

	for (char **variable = caller; *variable; variable++)
		room++;
	result = calloc(room, sizeof(*result));
	if (!result)
		return NULL;
	for (char **variable = caller; *variable; variable++) {
		size_t length = strcspn(*variable, "=");

		if (length == 0 || length >= sizeof(name) || (*variable)[length] != '=')
			continue; /* no name that a program could ask for */
		memcpy(name, *variable, length);
		name[length] = '\0';
		if (stays(spec->env_mode, name))
			result[count++] = *variable;
	}
	for (size_t i = 0; i < spec->env_add_count; i++)
		put_added(result, &count, caller, spec->env_adds[i]);
	return result;
}

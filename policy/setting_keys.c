/* What a policy says beside its rules, one row a key, and how each value is read. See settings.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/base/text.h"
#include "policy/name.h"
#include "policy/settings.h"

/* The whole text is none of what was expected. */
static int unexpected(const char *text, struct place place, const char *expected, struct err *err)
{
	return place_unexpected(place, text, 0, strlen(text), expected, err);
}

/* @names are in the order of an enum, NULL at the end. Returns the place in it, or -EINVAL. */
static int choose(const char *text, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], text) == 0)
			return i;
	}
	return -EINVAL;
}

/* ---- network ---- */

static int put_allow(struct settings *settings, const char *text, struct place place,
		     struct err *err)
{
	return policy_allow(&settings->policy, text, place, err);
}

static int put_deny(struct settings *settings, const char *text, struct place place,
		    struct err *err)
{
	return policy_deny(&settings->policy, text, place, err);
}

static int put_tls(struct settings *settings, const char *text, struct place place, struct err *err)
{
	(void)settings;
	if (strcmp(text, "auto") == 0 || strcmp(text, "passthrough") == 0)
		return 0; /* the same, as long as no rule may speak of HTTP */
	(void)unexpected(text, place, "auto or passthrough", err);
	if (strcmp(text, "inspect") == 0)
		return err_hint(err, "inspection of TLS is not available yet");
	return -EINVAL;
}

static int put_dns(struct settings *settings, const char *text, struct place place, struct err *err)
{
	static const char *const names[] = { "synthetic", "dummy", "real", NULL };
	int mode = choose(text, names);

	_Static_assert(sizeof(names) / sizeof(names[0]) == DNS_MODES + 1, "a name for each");
	if (mode < 0)
		return unexpected(text, place, "synthetic, dummy or real", err);
	settings->values.dns = (enum dns_mode)mode;
	return 0;
}

static int put_dns_type(struct settings *settings, const char *text, struct place place,
			struct err *err)
{
	static const char *const names[] = { "SRV", "MX", "TXT", NULL };
	int type = choose(text, names);

	if (type < 0)
		return unexpected(text, place, "SRV, MX or TXT", err);
	settings->values.dns_types |= 1U << type;
	return 0;
}

static int read_port(const char *text, uint16_t *port_out)
{
	unsigned long port;

	if (text_number(text, UINT16_MAX, &port) < 0 || port == 0)
		return -EINVAL;
	*port_out = (uint16_t)port;
	return 0;
}

/* [ADDRESS:]PORT[:JAIL_PORT], an IPv6 address in brackets. @text is cut up. */
static int read_publish(char *text, struct publish *publish)
{
	char *address = NULL, *port = text, *jail_port, *end;

	if (*text == '[') {
		address = text + 1;
		end = strchr(address, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		*end = '\0';
		port = end + 2;
	} else if (strchr(text, '.')) {
		address = text;
		port = strchr(text, ':');
		if (!port)
			return -EINVAL;
		*port++ = '\0';
	}
	jail_port = strchr(port, ':');
	if (jail_port)
		*jail_port++ = '\0';
	if (addr_parse(address ? address : "127.0.0.1", &publish->address) < 0 ||
	    read_port(port, &publish->port) < 0)
		return -EINVAL;
	return read_port(jail_port ? jail_port : port, &publish->jail_port);
}

static int put_publish(struct settings *settings, const char *text, struct place place,
		       struct err *err)
{
	size_t count = settings->publish_count;
	struct publish *grown, publish;
	char *copy AUTO(heap_release) = strdup(text);

	grown = reallocarray(settings->publishes, count + 1, sizeof(*grown));
	if (grown)
		settings->publishes = grown;
	publish.origin = settings_keep(settings, place.origin);
	if (!copy || !grown || !publish.origin)
		return err_set(err, ENOMEM, "keep a setting");
	if (read_publish(copy, &publish) < 0)
		return unexpected(text, place, "[ADDRESS:]PORT[:JAIL_PORT] (127.0.0.1:3000:3000)",
				  err);
	grown[count] = publish;
	settings->publish_count++;
	return 0;
}

/* @host is a name, an address, or an IPv6 address in brackets. */
static int read_host(struct settings *settings, char *host, struct upstream *upstream,
		     struct err *err)
{
	size_t length = strlen(host);
	char name[NAME_SIZE];

	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		host++;
	}
	if (addr_parse(host, &upstream->addr) == 0)
		return 0;
	if (name_canonical(host, strlen(host), name) < 0)
		return -EINVAL;
	upstream->name = settings_keep(settings, name);
	return upstream->name ? 0 : err_set(err, ENOMEM, "keep a setting");
}

static int put_upstream(struct settings *settings, const char *text, struct place place,
			struct err *err)
{
	static const char expected[] = "http://HOST:PORT or socks5://HOST:PORT";
	struct upstream upstream = { .credentials_path =
					     settings->values.upstream.credentials_path };
	char *copy AUTO(heap_release) = strdup(text);
	char *host, *colon;
	int rc;

	if (!copy)
		return err_set(err, ENOMEM, "keep a setting");
	upstream.kind = strncmp(text, "http://", 7) == 0 ? UPSTREAM_HTTP : UPSTREAM_SOCKS5;
	if (upstream.kind == UPSTREAM_SOCKS5 && strncmp(text, "socks5://", 9) != 0)
		return unexpected(text, place, expected, err);
	host = strstr(copy, "://") + 3;
	if (strchr(host, '@')) {
		(void)place_unexpected(place, text, 0, (size_t)(host - copy), expected, err);
		return err_hint(err, "credentials do not belong here: upstream-proxy-credentials "
				     "names a file with user:password");
	}
	colon = strrchr(host, ':');
	if (!colon || read_port(colon + 1, &upstream.port) < 0)
		return unexpected(text, place, expected, err);
	*colon = '\0';
	rc = read_host(settings, host, &upstream, err);
	if (rc == -EINVAL)
		return unexpected(text, place, expected, err);
	if (rc == 0)
		settings->values.upstream = upstream;
	return rc;
}

static int put_credentials(struct settings *settings, const char *text, struct place place,
			   struct err *err)
{
	if (!*text)
		return unexpected(text, place, "a file", err);
	settings->values.upstream.credentials_path = settings_keep(settings, text);
	return settings->values.upstream.credentials_path ? 0
							  : err_set(err, ENOMEM, "keep a setting");
}

/* ---- files ---- */

static int put_path(struct settings *settings, enum path_kind kind, const char *text,
		    struct place place, struct err *err)
{
	size_t count = settings->path_count;
	struct path_setting *grown, path = { .kind = kind };

	if (!*text)
		return unexpected(text, place, "a path", err);
	grown = reallocarray(settings->paths, count + 1, sizeof(*grown));
	if (grown)
		settings->paths = grown;
	path.path = settings_keep(settings, text);
	path.origin = settings_keep(settings, place.origin);
	if (!grown || !path.path || !path.origin)
		return err_set(err, ENOMEM, "keep a setting");
	grown[count] = path;
	settings->path_count++;
	return 0;
}

static int put_write(struct settings *settings, const char *text, struct place place,
		     struct err *err)
{
	return put_path(settings, PATH_WRITE, text, place, err);
}

static int put_overlay(struct settings *settings, const char *text, struct place place,
		       struct err *err)
{
	return put_path(settings, PATH_OVERLAY, text, place, err);
}

static int put_hide(struct settings *settings, const char *text, struct place place,
		    struct err *err)
{
	return put_path(settings, PATH_HIDE, text, place, err);
}

static int put_bind(struct settings *settings, const char *text, struct place place,
		    struct err *err)
{
	return put_path(settings, PATH_BIND, text, place, err);
}

static int put_ro_bind(struct settings *settings, const char *text, struct place place,
		       struct err *err)
{
	return put_path(settings, PATH_RO_BIND, text, place, err);
}

static int put_tmpfs(struct settings *settings, const char *text, struct place place,
		     struct err *err)
{
	return put_path(settings, PATH_TMPFS, text, place, err);
}

/* ---- limits, confinement, audit ---- */

static int put_time(struct settings *settings, const char *text, struct place place,
		    struct err *err)
{
	static const struct {
		const char *unit;
		unsigned long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t digits = strspn(text, "0123456789");
	char number[16];
	unsigned long count;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].unit) != 0 || digits >= sizeof(number))
			continue;
		*(char *)mempcpy(number, text, digits) = '\0';
		if (text_number(number, 1000000, &count) < 0 || count == 0)
			break;
		settings->values.time_limit_ms = count * units[i].ms;
		return 0;
	}
	return unexpected(text, place, "a number above 0 with a unit: 500ms, 30s, 5m, 2h", err);
}

static int put_open_files(struct settings *settings, const char *text, struct place place,
			  struct err *err)
{
	unsigned long count;

	if (text_number(text, 1 << 30, &count) < 0 || count < 16)
		return unexpected(text, place, "a number of at least 16", err);
	settings->values.open_files = count;
	return 0;
}

static int put_seccomp(struct settings *settings, const char *text, struct place place,
		       struct err *err)
{
	(void)settings;
	if (strcmp(text, "default") == 0)
		return 0;
	return unexpected(text, place, "default (there is no other filter yet)", err);
}

static int put_audit_file(struct settings *settings, const char *text, struct place place,
			  struct err *err)
{
	if (!*text)
		return unexpected(text, place, "a file", err);
	settings->values.audit_path = settings_keep(settings, text);
	return settings->values.audit_path ? 0 : err_set(err, ENOMEM, "keep a setting");
}

static int put_audit_failure(struct settings *settings, const char *text, struct place place,
			     struct err *err)
{
	static const char *const names[] = { "stop", "count", NULL };
	int failure = choose(text, names);

	_Static_assert(sizeof(names) / sizeof(names[0]) == AUDIT_FAILURES + 1, "a name for each");
	if (failure < 0)
		return unexpected(text, place, "stop or count", err);
	settings->values.audit_failure = (enum audit_failure)failure;
	return 0;
}

#define NO_CGROUPS "control groups are not used yet; set the limit outside, on nsgate itself"

const struct setting_key setting_keys[] = {
	{ .path = "network.allow",
	  .value = "RULE",
	  .help = "connections that are allowed",
	  .put = put_allow,
	  .is_list = true,
	  .is_rule = true },
	{ .path = "network.deny",
	  .value = "RULE",
	  .help = "connections that are denied, whatever is allowed",
	  .put = put_deny,
	  .is_list = true,
	  .is_rule = true },
	{ .path = "network.tls",
	  .value = "auto|passthrough",
	  .help = "whether TLS is looked into",
	  .put = put_tls },
	{ .path = "network.dns",
	  .value = "synthetic|dummy|real",
	  .help = "how names are answered",
	  .put = put_dns },
	{ .path = "network.dns-types",
	  .value = "SRV|MX|TXT",
	  .help = "record types that are resolved for allowed names",
	  .put = put_dns_type,
	  .is_list = true },
	{ .path = "network.publish",
	  .value = "[ADDRESS:]PORT[:JAIL_PORT]",
	  .help = "ports of the caller's that lead into the jail",
	  .put = put_publish,
	  .is_list = true },
	{ .path = "network.upstream-proxy",
	  .value = "http://HOST:PORT|socks5://HOST:PORT",
	  .help = "the proxy that all connections go through",
	  .put = put_upstream },
	{ .path = "network.upstream-proxy-credentials",
	  .value = "FILE",
	  .help = "a file with user:password for it",
	  .put = put_credentials },
	{ .path = "filesystem.write",
	  .value = "PATH",
	  .help = "places that are writable; changes are real",
	  .put = put_write,
	  .is_list = true },
	{ .path = "filesystem.overlay",
	  .value = "PATH",
	  .help = "places that are writable; changes are thrown away",
	  .put = put_overlay,
	  .is_list = true },
	{ .path = "filesystem.hide",
	  .value = "PATH",
	  .help = "places that are empty",
	  .put = put_hide,
	  .is_list = true },
	{ .path = "filesystem.bind",
	  .value = "SOURCE[:TARGET]",
	  .help = "places shown elsewhere, writable",
	  .put = put_bind,
	  .is_list = true },
	{ .path = "filesystem.ro-bind",
	  .value = "SOURCE[:TARGET]",
	  .help = "places shown elsewhere, read-only",
	  .put = put_ro_bind,
	  .is_list = true },
	{ .path = "filesystem.tmpfs",
	  .value = "PATH[:SIZE]",
	  .help = "empty directories in memory",
	  .put = put_tmpfs,
	  .is_list = true },
	{ .path = "filesystem.protect",
	  .value = "PATH",
	  .help = "places that are read-only inside writable ones",
	  .instead = "it is not available yet; leave the place out of filesystem.write",
	  .is_list = true },
	{ .path = "limits.time",
	  .value = "TIME",
	  .help = "after which everything is killed: 500ms, 30s, 5m, 2h",
	  .put = put_time },
	{ .path = "limits.open-files",
	  .value = "NUMBER",
	  .help = "open files of each process",
	  .put = put_open_files },
	{ .path = "limits.memory",
	  .value = "SIZE",
	  .help = "memory of all",
	  .instead = NO_CGROUPS },
	{ .path = "limits.pids",
	  .value = "NUMBER",
	  .help = "processes at once",
	  .instead = NO_CGROUPS },
	{ .path = "limits.cpu", .value = "NUMBER", .help = "processors", .instead = NO_CGROUPS },
	{ .path = "seccomp",
	  .value = "default",
	  .help = "the filter of system calls",
	  .put = put_seccomp },
	{ .path = "audit.file",
	  .value = "FILE",
	  .help = "one JSON line for each decision is appended to it",
	  .put = put_audit_file },
	{ .path = "audit.on-failure",
	  .value = "stop|count",
	  .help = "when a record cannot be written: close the network, or count it as lost",
	  .put = put_audit_failure },
	{ 0 },
};

_Static_assert(sizeof(setting_keys) / sizeof(setting_keys[0]) <= SETTING_KEYS_MAX, "one said each");

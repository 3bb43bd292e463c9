/* Everything a policy says. See settings.h; how each value is read: setting_keys.c. */
#include "policy/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/text.h"
#include "policy/net_plan.h"

void settings_init(struct settings *settings)
{
	*settings = (struct settings) { 0 };
	policy_init(&settings->policy);
}

void settings_done(struct settings *settings)
{
	policy_done(&settings->policy);
	free(settings->publishes);
	free(settings->paths);
	free(settings->files);
	free(settings->items);
	settings_init(settings);
}

static const struct setting_said *find_said(const struct settings *settings, const char *path)
{
	return &settings->said[setting_key_find(path) - setting_keys];
}

/*
 * A file has credentials for its own proxy, and the command line names another one, which is not to
 * see them.
 */
static int check_credentials(const struct settings *settings, struct err *err)
{
	const struct setting_said *proxy = find_said(settings, "network.upstream-proxy");
	const struct setting_said *credentials =
		find_said(settings, "network.upstream-proxy-credentials");

	if (!proxy->is_final || !proxy->text || !credentials->text || credentials->is_final)
		return 0;
	(void)err_bad(err, "%s: upstream-proxy-credentials %s are for %s, not for --upstream-proxy",
		      credentials->origin, credentials->text, proxy->text);
	return err_hint(err, "say --upstream-proxy-credentials, too");
}

int settings_check_upstream(const struct settings *settings, struct err *err)
{
	const struct upstream *upstream = &settings->values.upstream;

	if (upstream->kind != UPSTREAM_NONE && settings->values.dns == DNS_REAL)
		return err_bad(err, "upstream-proxy and dns: real exclude each other: behind the "
				    "proxy no address is known");
	if (check_credentials(settings, err) < 0)
		return -err->code;
	if (upstream->kind != UPSTREAM_NONE)
		return policy_check_proxied(&settings->policy, err);
	if (upstream->credentials_path)
		return err_bad(err, "upstream-proxy-credentials %s: there is no upstream-proxy",
			       upstream->credentials_path);
	return 0;
}

bool settings_is_proxied(const struct settings *settings, const char *name)
{
	return settings->values.upstream.kind != UPSTREAM_NONE &&
	       strcmp(name, NET_PLAN_HOST_NAME) != 0;
}

const char *publish_format(const struct publish *publish, char *out, size_t size)
{
	char address[ADDR_TEXT_MAX];

	(void)snprintf(out, size, publish->address.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		       addr_format(&publish->address, address), (unsigned)publish->port);
	return out;
}

const char *settings_keep(struct settings *settings, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_take(&settings->policy.arena, size);

	return copy ? memcpy(copy, text, size) : NULL;
}

const struct setting_key *setting_key_find(const char *path)
{
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		if (strcmp(key->path, path) == 0)
			return key;
	}
	return NULL;
}

/* The command line said it: what a file says is read for mistakes, and does not count. */
static int check_only(struct settings *settings, const struct setting_key *key, const char *text,
		      struct place place, struct err *err)
{
	struct setting_values before = settings->values;
	int rc = key->put(settings, text, place, err);

	settings->values = before;
	return rc;
}

static int put_single(struct settings *settings, const struct setting_key *key, const char *text,
		      struct place place, enum setting_source source, struct err *err)
{
	struct setting_said *said = &settings->said[key - setting_keys];
	const char *kept_text, *kept_origin;
	char shown[64];
	int rc;

	if (source == SETTING_FROM_COMMAND_LINE) {
		said->is_final = true;
		return key->put(settings, text, place, err);
	}
	if (said->text && strcmp(said->text, text) != 0) {
		(void)place_unexpected(place, text, 0, strlen(text), "one value", err);
		return err_hint(err, "%s says %s: %s", said->origin, key->path,
				text_escape(said->text, strlen(said->text), shown, sizeof(shown)));
	}
	kept_text = settings_keep(settings, text);
	kept_origin = settings_keep(settings, place.origin);
	if (!kept_text || !kept_origin)
		return err_set(err, ENOMEM, "keep a setting");
	rc = said->is_final ? check_only(settings, key, text, place, err)
			    : key->put(settings, text, place, err);
	if (rc == 0)
		*said = (struct setting_said) { kept_text, kept_origin, said->is_final };
	return rc;
}

static int put_item(struct settings *settings, const struct setting_key *key, const char *text,
		    struct place place, enum setting_source source, struct err *err)
{
	struct setting_item *grown, item = { .key = key };
	size_t path_count = settings->path_count;
	int rc = key->put(settings, text, place, err);

	if (rc < 0 || key->is_rule)
		return rc;
	if (settings->path_count > path_count)
		settings->paths[path_count].source = source;
	grown = reallocarray(settings->items, settings->item_count + 1, sizeof(*grown));
	if (grown)
		settings->items = grown;
	item.text = settings_keep(settings, text);
	item.origin = settings_keep(settings, place.origin);
	if (!grown || !item.text || !item.origin)
		return err_set(err, ENOMEM, "keep a setting");
	grown[settings->item_count++] = item;
	return 0;
}

int setting_put(struct settings *settings, const struct setting_key *key, const char *text,
		struct place place, enum setting_source source, struct err *err)
{
	if (!key->put)
		return err_bad(err, "%s: column %zu: %s cannot be used: %s", place.origin,
			       place.column, key->path, key->instead);
	return key->is_list ? put_item(settings, key, text, place, source, err)
			    : put_single(settings, key, text, place, source, err);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_upstream(const struct upstream *a, const struct upstream *b)
{
	return a->kind == b->kind && a->port == b->port && same_text(a->name, b->name) &&
	       addr_equal(&a->addr, &b->addr);
}

static bool same_publishes(const struct settings *a, const struct settings *b)
{
	if (a->publish_count != b->publish_count)
		return false;
	for (size_t i = 0; i < a->publish_count; i++) {
		const struct publish *one = &a->publishes[i], *other = &b->publishes[i];

		if (!addr_equal(&one->address, &other->address) || one->port != other->port ||
		    one->jail_port != other->jail_port)
			return false;
	}
	return true;
}

static bool same_paths(const struct settings *a, const struct settings *b)
{
	if (a->path_count != b->path_count)
		return false;
	for (size_t i = 0; i < a->path_count; i++) {
		if (a->paths[i].kind != b->paths[i].kind ||
		    strcmp(a->paths[i].path, b->paths[i].path) != 0)
			return false;
	}
	return true;
}

const char *settings_other_difference(const struct settings *a, const struct settings *b)
{
	const struct setting_values *one = &a->values, *other = &b->values;
	const struct {
		const char *path;
		bool is_same;
	} rows[] = {
		{ "network.dns", one->dns == other->dns },
		{ "network.dns-types", one->dns_types == other->dns_types },
		{ "network.publish", same_publishes(a, b) },
		{ "network.upstream-proxy", same_upstream(&one->upstream, &other->upstream) },
		{ "network.upstream-proxy-credentials",
		  same_text(one->upstream.credentials_path, other->upstream.credentials_path) },
		{ "filesystem", same_paths(a, b) },
		{ "limits.time", one->time_limit_ms == other->time_limit_ms },
		{ "limits.open-files", one->open_files == other->open_files },
		{ "audit.file", same_text(one->audit_path, other->audit_path) },
		{ "audit.on-failure", one->audit_failure == other->audit_failure },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].is_same)
			return rows[i].path;
	}
	return NULL;
}

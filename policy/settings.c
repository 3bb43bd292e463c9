/* Everything a policy says. See settings.h; how each value is read: setting_keys.c. */
#include "policy/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	settings_init(settings);
}

int settings_check_upstream(const struct settings *settings, struct err *err)
{
	const struct upstream *upstream = &settings->values.upstream;

	if (upstream->kind != UPSTREAM_NONE)
		return policy_check_proxied(&settings->policy, err);
	if (upstream->credentials_path)
		return err_bad(err, "upstream-proxy-credentials %s: there is no upstream-proxy",
			       upstream->credentials_path);
	return 0;
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

	if (source == SETTING_FROM_COMMAND_LINE) {
		said->is_final = true;
		return key->put(settings, text, place, err);
	}
	if (said->text && strcmp(said->text, text) != 0) {
		(void)place_unexpected(place, text, 0, strlen(text), "one value", err);
		return err_hint(err, "%s says %s: %s", said->origin, key->path, said->text);
	}
	kept_text = settings_keep(settings, text);
	kept_origin = settings_keep(settings, place.origin);
	if (!kept_text || !kept_origin)
		return err_set(err, ENOMEM, "keep a setting");
	*said = (struct setting_said) { kept_text, kept_origin, said->is_final };
	if (said->is_final)
		return check_only(settings, key, text, place, err);
	return key->put(settings, text, place, err);
}

int setting_put(struct settings *settings, const struct setting_key *key, const char *text,
		struct place place, enum setting_source source, struct err *err)
{
	if (!key->put)
		return err_bad(err, "%s: column %zu: %s cannot be used: %s", place.origin,
			       place.column, key->path, key->instead);
	return key->is_list ? key->put(settings, text, place, err)
			    : put_single(settings, key, text, place, source, err);
}

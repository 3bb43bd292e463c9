/* The policy of a run, read again. See reload.h. */
#include "jail/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jail/options.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "proxy/update.h"

/* The same words on the command line; the log level they say is in force already. */
static int read_again(const struct jail_spec *spec, struct jail_spec *fresh, struct err *err)
{
	enum log_level level = log_level_get();
	int rc = options_parse(spec->argv, fresh, err);

	log_level_set(level);
	return rc < 0 ? rc : 0;
}

static void warn_of_the_rest(const char *key)
{
	if (key)
		log_warn("reload: %s has changed, which takes effect with the next run", key);
}

int reload(const struct reload *run, char *told, size_t size, struct err *err)
{
	const struct jail_spec *spec = run->spec;
	struct jail_spec fresh AUTO(spec_done);
	int audit_fd AUTO(fd_release) = -1;
	const char *changed;
	unsigned closed;

	spec_init(&fresh);
	if (read_again(spec, &fresh, err) < 0)
		return -err->code;
	changed = settings_other_difference(&spec->settings, &fresh.settings);
	fresh.settings.values = spec->settings.values; /* what the rules have to go with */
	if (spec_accept_policy(&fresh, run->mounts, run->directory, err) < 0)
		return -err->code;
	/* the file of this run, whatever the policy says by now; a pipe may be the jail's by now */
	if (spec_open_audit(spec, false, &audit_fd, err) < 0 ||
	    update_send(run->link, &fresh.settings.policy, audit_fd, &closed, err) < 0)
		return -err->code;
	warn_of_the_rest(changed);
	(void)snprintf(told, size, "%zu allow and %zu deny rules, %u connections closed",
		       fresh.settings.policy.allow.count, fresh.settings.policy.deny.count, closed);
	return 0;
}

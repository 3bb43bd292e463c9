/* What one run is to be. See spec.h. */
#include "jail/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "jail/policy_place.h"
#include "policy/base/log.h"

void spec_init(struct jail_spec *spec)
{
	*spec = (struct jail_spec) { .hostname = "nsgate", .status_fd = -1 };
	settings_init(&spec->settings);
}

void spec_done(struct jail_spec *spec)
{
	settings_done(&spec->settings);
	free(spec->env_adds);
}

int spec_open_audit(const struct jail_spec *spec, bool may_wait, int *fd_out, struct err *err)
{
	const char *path = spec->settings.values.audit_path;

	*fd_out = -1;
	if (!path)
		return 0;
	*fd_out = open(path,
		       O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
			       (may_wait ? 0 : O_NONBLOCK),
		       0600);
	if (*fd_out >= 0)
		return 0;
	(void)err_set(err, errno, "audit: open %s", path);
	return err->code == ENXIO ? err_hint(err, "it is a pipe that nobody reads") : -err->code;
}

/* A rule that is probably not what was meant. */
static void warn(const struct rule *rule)
{
	log_warn("%s: column %u: warning: %s", rule->origin, rule->http->column,
		 rule->http->warning);
}

/* Also a denial does not hold then, which a reader of the policy would not expect. */
static void warn_of_no_gate(const struct jail_spec *spec)
{
	const struct policy *policy = &spec->settings.policy;
	bool has_rules = policy->allow.count || policy->deny.count;
	bool has_audit = spec->settings.values.audit_path;

	if (spec->net == NET_HOST && (has_rules || has_audit))
		log_warn("--net host: nothing is intercepted: %s%s%s",
			 has_rules ? "no rule holds" : "", has_rules && has_audit ? ", " : "",
			 has_audit ? "the audit log stays empty" : "");
}

int spec_accept_policy(struct jail_spec *spec, const struct mount_list *mounts,
		       const char *directory, struct err *err)
{
	struct policy *policy = &spec->settings.policy;

	policy_each_warning(policy, warn);
	warn_of_no_gate(spec);
	if (policy_place_check(&spec->settings, mounts, directory, err) < 0 ||
	    settings_check_upstream(&spec->settings, err) < 0 ||
	    policy_check_run(policy, err) < 0 || policy_compile(policy, err) < 0)
		return -err->code;
	return 0;
}

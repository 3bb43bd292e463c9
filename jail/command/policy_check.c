/* nsgate policy check: reads policy files as a run would, and says what is wrong with them. */
#include <stdio.h>

#include "jail/command/policy.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"

static const struct option_row rows[] = { HELP_ROW, { 0 } };

static const struct option_table table = {
	.command = "nsgate policy check",
	.usage = "Usage: nsgate policy check FILE...\n\n"
		 "Reads each policy file, and what it includes, and compiles it. What is probably\n"
		 "not meant is told on standard error.",
	.rows = rows,
	.ending = "Exit status: 0 when all files are right, 2 when one is not.",
};

static void warn(const struct rule *rule)
{
	log_warn("%s: column %u: warning: %s", rule->origin, rule->http->column,
		 rule->http->warning);
}

static int check(const char *path)
{
	struct policy_options options = { 0 };
	struct settings settings AUTO(settings_done);
	const struct policy *policy = &settings.policy;
	struct err err;

	settings_init(&settings);
	if (policy_options_load(&options, path, &settings, &err) < 0)
		return policy_mistake(&err);
	policy_each_warning(policy, warn);
	if (policy_check_run(policy, &err) < 0)
		log_warn("%s", err.text);
	if (settings_check_upstream(&settings, &err) < 0)
		log_warn("%s: %s", path, err.text);
	(void)printf("%s: ok: %zu allow, %zu deny rules\n", path, policy->allow.count,
		     policy->deny.count);
	return POLICY_YES;
}

int policy_check_main(char **argv)
{
	int words, status = POLICY_YES;
	struct err err;
	int rc = options_read_all(&table, argv, NULL, &words, &err);

	if (rc == OPTIONS_DONE)
		return POLICY_YES;
	if (rc == OPTIONS_RUN && words == 0)
		rc = err_bad(&err, "policy check: expected FILE...");
	if (rc < 0)
		return policy_mistake(&err);
	for (int i = 0; i < words; i++) {
		if (check(argv[i]) != POLICY_YES)
			status = POLICY_MISTAKE;
	}
	return status;
}

/* nsgate policy VERB: asks a policy instead of running something under it. */
#ifndef NSGATE_COMMAND_POLICY_H
#define NSGATE_COMMAND_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "jail/option_parser.h"
#include "policy/policy.h"
#include "policy/settings.h"

/* Exit statuses. What 1 says depends on the verb: denied, not found, something changes. */
enum { POLICY_YES = 0, POLICY_NO = 1, POLICY_MISTAKE = 2 };

int policy_main(char **argv);
int policy_check_main(char **argv);
int policy_show_main(char **argv);
int policy_test_main(char **argv);
int policy_why_main(char **argv);
int policy_replay_main(char **argv);

/* One thing that the command line says of the policy. */
struct policy_part {
	int (*load)(struct settings *settings, const char *value, struct err *err);
	const char *value; /* of argv */
};

/*
 * What a verb's command line says. The policy is made of it only when all is known: the dialect
 * may stand behind the rules.
 */
struct policy_options {
	struct policy_part *parts; /* owned; in the order given */
	size_t part_count;
	enum rule_dialect dialect;
	bool is_batch;
	const char *address, *jail; /* of argv; NULL = not given */
};

void policy_options_done(struct policy_options *options);

option_fn policy_option_policy, policy_option_profile, policy_option_allow, policy_option_deny,
	policy_option_dialect, policy_option_batch, policy_option_address, policy_option_jail;

/* Rows that verbs share, for their tables. */
/* clang-format off */
#define POLICY_ROWS \
	{ .name = "policy", .value = "FILE", .parse = policy_option_policy, \
	  .help = "read a policy file", .group = "Policy" }, \
	{ .name = "profile", .value = "NAME", .parse = policy_option_profile, \
	  .help = "add the rules of a profile that comes with nsgate" }, \
	{ .name = "allow", .value = "RULE", .parse = policy_option_allow, \
	  .help = "allow what matches RULE" }, \
	{ .name = "deny", .value = "RULE", .parse = policy_option_deny, \
	  .help = "deny what matches RULE; beats what is allowed" }
#define HELP_ROW { .name = "help", .letter = 'h', .help = "show this" }
/* clang-format on */

/*
 * Makes the policy that the options say, and the file at @path (NULL = none), into @settings
 * (initialised), and compiles it. Returns 0 or a negative errno.
 */
int policy_options_load(const struct policy_options *options, const char *path,
			struct settings *settings, struct err *err);

/* Tells the mistake. Returns POLICY_MISTAKE. */
int policy_mistake(const struct err *err);

#endif

/* What the verbs' command lines say of a policy. See policy.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/policy.h"
#include "policy/file.h"

void policy_options_done(struct policy_options *options)
{
	free(options->parts);
	*options = (struct policy_options) { 0 };
}

/* ---- what the policy is made of ---- */

static int add(void *context, int (*load)(struct settings *, const char *, struct err *),
	       const char *value, struct err *err)
{
	struct policy_options *options = context;
	struct policy_part *grown =
		reallocarray(options->parts, options->part_count + 1, sizeof(*grown));

	if (!grown)
		return err_set(err, ENOMEM, "read the command line");
	options->parts = grown;
	grown[options->part_count++] = (struct policy_part) { load, value };
	return 0;
}

static int load_file(struct settings *settings, const char *value, struct err *err)
{
	return policy_file_load(settings, value, err);
}

int policy_option_policy(void *context, const char *value, struct err *err)
{
	return add(context, load_file, value, err);
}

static int load_profile(struct settings *settings, const char *value, struct err *err)
{
	return policy_profile_load(settings, value, place_of("--profile"), err);
}

int policy_option_profile(void *context, const char *value, struct err *err)
{
	return add(context, load_profile, value, err);
}

static int load_allow(struct settings *settings, const char *value, struct err *err)
{
	return policy_allow(&settings->policy, value, place_of("--allow"), err);
}

int policy_option_allow(void *context, const char *value, struct err *err)
{
	return add(context, load_allow, value, err);
}

static int load_deny(struct settings *settings, const char *value, struct err *err)
{
	return policy_deny(&settings->policy, value, place_of("--deny"), err);
}

int policy_option_deny(void *context, const char *value, struct err *err)
{
	return add(context, load_deny, value, err);
}

int policy_options_load(const struct policy_options *options, const char *path,
			struct settings *settings, struct err *err)
{
	settings->policy.dialect = options->dialect;
	if (path && policy_file_load(settings, path, err) < 0)
		return -err->code;
	for (size_t i = 0; i < options->part_count; i++) {
		const struct policy_part *part = &options->parts[i];

		if (part->load(settings, part->value, err) < 0)
			return -err->code;
	}
	return policy_compile(&settings->policy, err);
}

/* ---- the rest ---- */

int policy_option_dialect(void *context, const char *value, struct err *err)
{
	struct policy_options *options = context;

	if (strcmp(value, "nsgate") == 0)
		options->dialect = RULE_NSGATE;
	else if (strcmp(value, "boundary") == 0)
		options->dialect = RULE_BOUNDARY;
	else
		return err_bad(err, "--dialect %s: expected nsgate or boundary", value);
	return 0;
}

int policy_option_batch(void *context, const char *value, struct err *err)
{
	struct policy_options *options = context;

	(void)value;
	(void)err;
	options->is_batch = true;
	return 0;
}

int policy_option_address(void *context, const char *value, struct err *err)
{
	struct policy_options *options = context;

	(void)err;
	options->address = value;
	return 0;
}

int policy_option_jail(void *context, const char *value, struct err *err)
{
	struct policy_options *options = context;

	(void)err;
	options->jail = value;
	return 0;
}

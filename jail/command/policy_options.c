/* What the verbs' command lines say of a policy. See policy.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/policy.h"

#define ORIGIN_SIZE 64

void policy_options_done(struct policy_options *options)
{
	free(options->parts);
	*options = (struct policy_options) { 0 };
}

int policy_options_put(void *context, const struct option_row *row, const char *value,
		       struct err *err)
{
	struct policy_options *options = context;
	struct policy_part *grown =
		reallocarray(options->parts, options->part_count + 1, sizeof(*grown));

	if (!grown)
		return err_set(err, ENOMEM, "--%s", row->name);
	options->parts = grown;
	grown[options->part_count++] = (struct policy_part) { row, value };
	return 0;
}

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

static int load_part(const struct policy_part *part, struct settings *settings, struct err *err)
{
	char origin[ORIGIN_SIZE];

	(void)snprintf(origin, sizeof(origin), "--%s", part->row->name);
	return setting_put(settings, setting_key_find(part->row->setting), part->value,
			   place_of(origin), SETTING_FROM_COMMAND_LINE, err);
}

int policy_options_load(const struct policy_options *options, const char *path,
			struct settings *settings, struct err *err)
{
	(void)path;
	settings->policy.dialect = options->dialect;
	for (size_t i = 0; i < options->part_count; i++) {
		if (load_part(&options->parts[i], settings, err) < 0)
			return -err->code;
	}
	return policy_compile(&settings->policy, err);
}

/*
 * Policy files: YAML (see node.h) whose keys are those of setting_keys, and a few of the file's own.
 * docs/policy-file.md is the reference.
 */
#ifndef NSGATE_FILE_H
#define NSGATE_FILE_H

#include <stddef.h>

#include "policy/base/err.h"
#include "policy/place.h"
#include "policy/settings.h"

/*
 * Reads a policy file, and what it includes, into @settings. @path must lead to a regular file; it is
 * also what messages and rules call it: "path:LINE". A file that was read before is not read again.
 * All files that were read are in settings->files.
 *
 * Returns 0, -EINVAL with "FILE:LINE: column N: expected …", -ENOMEM, or why a file cannot be read.
 * On failure @settings holds half of a policy: it must not be used any more.
 */
int policy_file_load(struct settings *settings, const char *path, struct err *err);

/* The same for a text in memory, which cannot include files. */
int policy_text_load(struct settings *settings, const char *text, size_t length, const char *name,
		     struct err *err);

/* Adds the rules of the profile @name; @place is where it was asked for. */
int policy_profile_load(struct settings *settings, const char *name, struct place place,
			struct err *err);

/* A list of rules that is shipped with nsgate: a policy file with nothing but rules. */
struct policy_profile {
	const char *name;
	const char *text;
};

extern const struct policy_profile policy_profiles[]; /* by name; ends with a NULL name */

#endif

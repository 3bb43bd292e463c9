/* Where a policy may lie: nowhere that the command in the jail could change it for the next run. */
#ifndef NSGATE_POLICY_PLACE_H
#define NSGATE_POLICY_PLACE_H

#include "policy/base/err.h"

struct mount_list;
struct settings;

/*
 * Refuses the files that @settings were read from, and the credentials they name, if the command
 * could change one: what it is, a directory or a symlink on the way to it. What counts is what
 * @mounts makes really writable; changes to overlays are thrown away. A file that everybody on the
 * machine may write is refused, too. @directory is the current one, without symlinks.
 *
 * Returns 0, -EINVAL with the reason, or what a file cannot be looked at for.
 */
int policy_place_check(const struct settings *settings, const struct mount_list *mounts,
		       const char *directory, struct err *err);

#endif

/* The user and password for an upstream proxy: from a file, and kept out of the jail. */
#ifndef NSGATE_CREDENTIALS_H
#define NSGATE_CREDENTIALS_H

#include "jail/mount/mount.h"
#include "policy/base/err.h"
#include "policy/settings.h"
#include "proxy/upstream.h"

/*
 * Reads the file that the settings name, one line "user:password"; without one @out is empty. A file
 * that others can read is refused. No message has a byte of the contents. Returns 0 or -errno.
 */
int credentials_read(const struct settings *settings, struct upstream_credentials *out,
		     struct err *err);

/*
 * Hides the file in the jail, whose user could read it, under each name that @mounts and the caller's
 * own mounts give it. Nothing else is added to @mounts after that. Returns 0 or -errno.
 */
int credentials_hide(const struct settings *settings, struct mount_list *mounts, struct err *err);

#endif

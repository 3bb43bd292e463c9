/* Every kind of mount, one row each. */
#include "jail/mount/mount.h"

const struct mount_kind *const mount_kinds[] = {
	&mount_kind_bind,    &mount_kind_ro_bind,
	&mount_kind_overlay, &mount_kind_tmpfs,
	&mount_kind_hide,    &mount_kind_file,
	&mount_kind_proc,    &mount_kind_sys,
	&mount_kind_dev,     NULL,
};

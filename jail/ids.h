/* Who the payload is: user and group maps of the run's user namespace. */
#ifndef NSGATE_IDS_H
#define NSGATE_IDS_H

#include <sys/types.h>

#include "policy/base/err.h"

/*
 * Writes the maps of @pid's new user namespace, from its parent. Every id means itself: a
 * privileged caller maps all ids it has, so that files keep their owners; any other one
 * its own uid and gid alone, and gives up setgroups(2). Returns 0 or -errno.
 */
int ids_write_maps(pid_t pid, struct err *err);

/* Drops supplementary groups, where the maps allow it. Call it inside, after the maps. */
int ids_drop_groups(struct err *err);

#endif

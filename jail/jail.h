/* Starts one program in a jail, waits for it, and says how it ended. */
#ifndef NSGATE_JAIL_H
#define NSGATE_JAIL_H

#include "jail/spec.h"

/* Exit statuses of nsgate's own; others are the payload's, or 128 + the signal that killed it. */
enum {
	EXIT_TIME_LIMIT = 124,
	EXIT_NSGATE = 125, /* nsgate failed, and the payload never ran */
	EXIT_NOT_EXECUTED = 126, /* the payload was found but could not be executed */
	EXIT_NOT_FOUND = 127
};

/*
 * Runs @spec to its end. Returns the exit status of nsgate; diagnostics have been written to
 * stderr, and the status as JSON to spec->status_fd.
 */
int jail_run(struct jail_spec *spec);

#endif

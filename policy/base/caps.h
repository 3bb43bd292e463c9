/* Giving up every capability, for good. */
#ifndef NSGATE_CAPS_H
#define NSGATE_CAPS_H

#include <stdbool.h>

#include "policy/base/err.h"

/*
 * Empties all five capability sets of the calling thread, locks the securebits so that uid 0
 * means nothing, and sets no_new_privs. Works with and without privilege. Returns 0 or -errno.
 */
int caps_drop_all(struct err *err);

/* Is capability number @capability in the calling thread's effective set? */
bool caps_has(unsigned capability);

#endif

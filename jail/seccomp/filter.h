/* The payload's seccomp filter. What it closes is in gen.c, which makes it at build time. */
#ifndef NSGATE_SECCOMP_FILTER_H
#define NSGATE_SECCOMP_FILTER_H

#include "policy/base/err.h"

/* Installs it for the calling thread, for good; needs no_new_privs. Returns 0 or -errno. */
int seccomp_filter_install(struct err *err);

#endif

/* The synthetic address pool: a stable number for each allowed name, for the jail's life. */
#ifndef NSGATE_NAMES_H
#define NSGATE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/base/err.h"
#include "policy/settings.h"

struct names;

/* An empty pool of at most @max names. NULL when there is no memory. */
struct names *names_new(uint32_t max);
void names_free(struct names *names);

/*
 * The number of @name (canonical), given out once and never again to another name. Returns 0;
 * -ENOSPC when the pool is exhausted; -ENOMEM.
 */
int names_number(struct names *names, const char *name, uint32_t *number_out);

/* The name behind a number, or NULL when it was never given out. The pool's. */
const char *names_get(const struct names *names, uint32_t number);

/*
 * Do the synthetic addresses of @number stand for its name? With real addresses only those of
 * the caller's own loopback do: the real ones would be the jail's.
 */
bool names_are_synthetic(const struct names *names, uint32_t number, enum dns_mode mode);

#endif

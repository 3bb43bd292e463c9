/*
 * Which names an address was given for (dns: real), for the jail's life: an address that stands
 * for no name was never answered, and is not dialled. Several names may share an address.
 */
#ifndef NSGATE_GIVEN_H
#define NSGATE_GIVEN_H

#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/policy.h"
#include "proxy/resolve.h"

#define GIVEN_MAX	65536u /* addresses, and names of them, in all */
#define GIVEN_NAMES_MAX 1024u /* for one address: each is judged when it is dialled */

struct given;

struct given_name {
	uint32_t number; /* of the name, see names.h */
	enum addr_source source; /* who led from it to the address, last */
	uint32_t alias_count;
	uint32_t aliases[RESOLVE_ALIASES_MAX]; /* on the way there: numbers of names, too */
};

/* An empty table. NULL when there is no memory. */
struct given *given_new(void);
void given_free(struct given *given);

/* Returns 0, also when it is there already; -ENOSPC when the table is full; -ENOMEM. */
int given_add(struct given *given, const struct addr *addr, const struct given_name *name);

/* The names of an address, and how many; NULL and 0 when it has none. The table's. */
const struct given_name *given_find(const struct given *given, const struct addr *addr,
				    size_t *count_out);

#endif

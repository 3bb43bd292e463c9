/* Tells people on stderr what was denied, and what would allow it; the same thing only once. */
#ifndef NSGATE_TELL_H
#define NSGATE_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/policy.h"

#define TELL_LINES_MAX 1024 /* different lines a run */
#define TELL_TEXT_MAX  2000

struct tell {
	uint64_t seen[TELL_LINES_MAX * 2]; /* hashes, open addressing; 0 = free */
	unsigned count;
	bool is_silent; /* the table is full, and that was told */
};

/* A denial, in the words of an audit record. */
struct tell_denial {
	const char *protocol;
	const char *name; /* escaped text, or NULL */
	const char *sni; /* the name claimed in a ClientHello, or NULL */
	const char *qtype; /* dns only */
	const char *method, *path; /* of a request, normalised; NULL = none */
	const struct addr
		*address; /* the destination, or what its name led to and was refused; or NULL */
	uint16_t port;
	struct verdict verdict;
};

/* The line, without "nsgate: ". Returns @out. */
const char *tell_format(const struct tell_denial *denial, char *out, size_t size);

/* Should this denial be told? True once for each protocol, destination, port and reason. */
bool tell_is_new(struct tell *tell, const struct tell_denial *denial);

/* Would a rule of the user's change the verdict? */
bool tell_has_remedy(enum reason reason);

void tell_denied(struct tell *tell, const struct tell_denial *denial);

#endif

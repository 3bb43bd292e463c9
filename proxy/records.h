/* What an upstream DNS server answered beside addresses: SRV, MX and TXT records. */
#ifndef NSGATE_RECORDS_H
#define NSGATE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"

#define RECORDS_MAX	    32 /* more are dropped */
#define RECORDS_ALIASES_MAX 8 /* a longer CNAME chain is refused */

enum lookup_status {
	LOOKUP_OK,
	LOOKUP_NO_NAME, /* there is no such name */
	LOOKUP_NO_DATA, /* there is, but nothing of this type */
	LOOKUP_FAILED
};

struct record {
	uint16_t numbers[3]; /* SRV: priority, weight, port; MX: preference */
	size_t number_count;
	char target[NAME_SIZE]; /* canonical, or "" for the root; only without text */
	const uint8_t *text; /* TXT: strings with their lengths; in the message. NULL: a target */
	size_t text_length;
};

struct records {
	enum lookup_status status;
	const char *error; /* static text; NULL with LOOKUP_OK */
	uint32_t ttl_s; /* the smallest; only with LOOKUP_OK */
	size_t count;
	struct record list[RECORDS_MAX];
	size_t alias_count;
	char aliases[RECORDS_ALIASES_MAX][NAME_SIZE]; /* canonical names of the CNAME chain */
};

/*
 * Reads an answer without errors to the question of @name (canonical) and @type: the chain of
 * aliases that starts at @name, and the records at its end; others are ignored, and so are
 * those whose target is no host name. A malformed message is LOOKUP_FAILED.
 */
void records_parse(const uint8_t *message, size_t length, const char *name, uint16_t type,
		   struct records *records_out);

#endif

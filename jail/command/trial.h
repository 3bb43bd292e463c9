/* What somebody wants to know of a policy: one thing that a program might ask for, as a line of text. */
#ifndef NSGATE_TRIAL_H
#define NSGATE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/place.h"
#include "policy/request.h"
#include "policy/settings.h"

struct trial {
	bool is_query; /* for the name of @request, of @type; NULL there: no host can have it */
	uint16_t type;
	struct request request;
	struct addr leads_to; /* of the name; family 0 = not said */
};

/*
 * Reads "METHOD URL [ADDRESS]", "tcp HOST:PORT [ADDRESS]", "tls HOST:PORT [ADDRESS]" or
 * "dns NAME TYPE". What the trial points to is taken from @arena. Returns 0, -EINVAL, -ENOMEM.
 */
int trial_parse(const char *text, struct place place, struct arena *arena, struct trial *trial_out,
		struct err *err);

/* What a run under the settings (compiled) would say. */
struct verdict trial_judge(const struct settings *settings, const struct trial *trial);

/* "allow REASON 'RULE' at ORIGIN", the last two only where a rule decided. Returns @out. */
const char *trial_answer(const struct verdict *verdict, char *out, size_t size);

#endif

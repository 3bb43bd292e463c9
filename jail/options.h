/* The command line: one table drives the parser, --help and the check of the documents. */
#ifndef NSGATE_OPTIONS_H
#define NSGATE_OPTIONS_H

#include "jail/option_parser.h"
#include "jail/spec.h"

/*
 * Parses the command line into @spec (initialised). Options end at "--" or at the first word
 * that is none; the rest is the command. Returns an options_result, or -EINVAL / -ENOMEM with an
 * error that says what was wrong and what was meant.
 */
int options_parse(char **argv, struct jail_spec *spec, struct err *err);

/* Calls @visit with every option's long name, for the check of the documents. */
void options_each(void (*visit)(const char *name, void *context), void *context);

#endif

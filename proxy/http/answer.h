/* What a client is told whose request is not passed on. */
#ifndef NSGATE_HTTP_ANSWER_H
#define NSGATE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

#define HTTP_ANSWER_SIZE 4096

/*
 * A whole response that ends the connection. @status is 400, 403 or 408; @remedy, what would allow it, may
 * be NULL. @is_head: without the text. Returns its length.
 */
size_t http_answer(unsigned status, const struct verdict *verdict, const char *remedy, bool is_head,
		   char out[HTTP_ANSWER_SIZE]);

#endif

/* Answers to requests that are not passed on. See answer.h. */
#include "proxy/http/answer.h"

#include <stdio.h>
#include <string.h>

static const char *phrase_of(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 408:
		return "Request Timeout";
	default:
		return "Forbidden";
	}
}

size_t http_answer(unsigned status, const struct verdict *verdict, const char *remedy, bool is_head,
		   char out[HTTP_ANSWER_SIZE])
{
	char body[2048], rule[600] = "", allow[600] = "";

	if (verdict->rule)
		(void)snprintf(rule, sizeof(rule), "rule: %s (%s)\n", verdict->rule->text,
			       verdict->rule->origin);
	if (remedy)
		(void)snprintf(allow, sizeof(allow), "to allow: --allow '%s'\n", remedy);
	(void)snprintf(body, sizeof(body), "nsgate: %s: %s: %s\n%s%s",
		       status == 403 ? "denied" : "refused", reason_code(verdict->reason),
		       reason_text(verdict->reason), rule, allow);
	(void)snprintf(out, HTTP_ANSWER_SIZE,
		       "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
		       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		       status, phrase_of(status), strlen(body), is_head ? "" : body);
	return strlen(out);
}

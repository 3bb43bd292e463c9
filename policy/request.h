/* What a program asks for, as far as a rule can speak of it. */
#ifndef NSGATE_REQUEST_H
#define NSGATE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/arena.h"
#include "policy/base/err.h"

/* Each is also what it is made of: an https request is tls, and both are tcp. */
enum scheme {
	SCHEME_TCP, /* whatever it is */
	SCHEME_TLS,
	SCHEME_HTTP,
	SCHEME_HTTPS,
	SCHEMES
};

struct request {
	enum scheme scheme;
	const char *method; /* NULL: no HTTP, or nothing of it is known */
	const char *path; /* normalised (path.h); NULL beside no method */
	const char *name; /* canonical; NULL: the host is @addr */
	struct addr addr;
	uint16_t port;
};

/* "http", "tcp" … */
const char *scheme_name(enum scheme scheme);

/* The schemes that @scheme is, a bit each. */
uint8_t scheme_bits(enum scheme scheme);

/*
 * A request for a URL: http, https, or without scheme, which means https. Userinfo, query and
 * fragment do not matter to a policy. @method is the caller's, all else is taken from @arena.
 * Returns 0, -EINVAL, -ENOMEM.
 */
int request_from_url(const char *method, const char *url, struct arena *arena,
		     struct request *request_out, struct err *err);

#endif

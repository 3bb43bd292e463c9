/* What a program asks for. See request.h. */
#include "policy/request.h"

#include <errno.h>
#include <string.h>

#include "policy/base/text.h"
#include "policy/name.h"
#include "policy/path.h"

const char *scheme_name(enum scheme scheme)
{
	switch (scheme) {
	case SCHEME_TCP:
		return "tcp";
	case SCHEME_TLS:
		return "tls";
	case SCHEME_HTTP:
		return "http";
	case SCHEME_HTTPS:
		return "https";
	case SCHEMES:
		break;
	}
	return "unknown";
}

uint8_t scheme_bits(enum scheme scheme)
{
	uint8_t bits = 1 << SCHEME_TCP | 1 << scheme;

	return scheme == SCHEME_HTTPS ? bits | 1 << SCHEME_TLS : bits;
}

static int bad_url(const char *url, const char *at, const char *expected, struct err *err)
{
	char quoted[128];

	return err_bad(err, "%s: column %zu: expected %s",
		       text_escape(url, strlen(url), quoted, sizeof(quoted)),
		       (size_t)(at - url) + 1, expected);
}

/* Where the host begins. */
static int read_scheme(const char *url, const char **rest_out, struct request *request,
		       struct err *err)
{
	const char *end = strstr(url, "://");

	request->scheme = SCHEME_HTTPS;
	request->port = 443;
	*rest_out = end ? end + 3 : url;
	if (!end || strncasecmp(url, "https:", 6) == 0)
		return 0;
	if (strncasecmp(url, "http:", 5) != 0)
		return bad_url(url, url, "http:// or https://", err);
	request->scheme = SCHEME_HTTP;
	request->port = 80;
	return 0;
}

static int read_port(const char *url, const char *text, size_t length, struct request *request,
		     struct err *err)
{
	char digits[8];
	unsigned long port;

	if (length == 0)
		return 0; /* "host:" is "host" */
	if (length >= sizeof(digits))
		return bad_url(url, text, "a port from 1 to 65535", err);
	*(char *)mempcpy(digits, text, length) = '\0';
	if (text_number(digits, UINT16_MAX, &port) < 0 || port == 0)
		return bad_url(url, text, "a port from 1 to 65535", err);
	request->port = (uint16_t)port;
	return 0;
}

/* text[0..length) is a name, an IPv4 address, or what stands between brackets. */
static int read_host(const char *url, const char *text, size_t length, bool is_bracketed,
		     struct arena *arena, struct request *request, struct err *err)
{
	char address[ADDR_TEXT_MAX], *name;

	if (length < sizeof(address)) {
		*(char *)mempcpy(address, text, length) = '\0';
		if (addr_parse(address, &request->addr) == 0 &&
		    is_bracketed == (strchr(address, ':') != NULL))
			return 0;
	}
	name = arena_take(arena, NAME_SIZE);
	if (!name)
		return err_set(err, ENOMEM, "read a URL");
	if (is_bracketed || name_canonical(text, length, name) < 0)
		return bad_url(url, text, "a host name or an address", err);
	request->name = name;
	return 0;
}

static int read_authority(const char *url, const char *text, size_t length, struct arena *arena,
			  struct request *request, struct err *err)
{
	const char *at = memrchr(text, '@', length), *end = text + length, *host_end, *port;
	const char *host = at ? at + 1 : text;
	bool is_bracketed = host < end && *host == '[';

	host += is_bracketed;
	host_end = memchr(host, is_bracketed ? ']' : ':', (size_t)(end - host));
	if (!host_end && is_bracketed)
		return bad_url(url, end, "']'", err);
	if (!host_end)
		host_end = end;
	port = host_end + is_bracketed;
	if (port < end && *port != ':')
		return bad_url(url, port, "':' and a port", err);
	if (port < end && read_port(url, port + 1, (size_t)(end - port - 1), request, err) < 0)
		return -err->code;
	return read_host(url, host, (size_t)(host_end - host), is_bracketed, arena, request, err);
}

int request_from_url(const char *method, const char *url, struct arena *arena,
		     struct request *request_out, struct err *err)
{
	struct request request = { .method = method };
	const char *authority, *path;
	size_t length;
	char *normal;

	if (read_scheme(url, &authority, &request, err) < 0)
		return -err->code;
	path = authority + strcspn(authority, "/?#");
	if (read_authority(url, authority, (size_t)(path - authority), arena, &request, err) < 0)
		return -err->code;
	length = strcspn(path, "?#");
	normal = arena_take(arena, length + 1);
	if (!normal)
		return err_set(err, ENOMEM, "read a URL");
	if (path_normalize(path, length, normal) < 0)
		return bad_url(url, path, "a path within the root, well encoded", err);
	request.path = normal;
	*request_out = request;
	return 0;
}

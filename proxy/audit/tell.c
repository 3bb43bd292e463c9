/* Tells people what was denied. See tell.h. */
#include "proxy/audit/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/base/log.h"
#include "policy/base/text.h"

/* FNV-1a; only ever compared with itself, in one run. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* Without qtype: a program that asks for A asks for AAAA too. */
static uint64_t hash_denial(const struct tell_denial *denial)
{
	uint64_t hash = hash_text(0xcbf29ce484222325u, denial->protocol);

	hash = hash_text(hash, denial->name);
	if (denial->address)
		hash = hash_bytes(hash, denial->address, sizeof(*denial->address));
	hash = hash_bytes(hash, &denial->port, sizeof(denial->port));
	hash = hash_text(hash, denial->method);
	hash = hash_text(hash, denial->path);
	hash = hash_bytes(hash, &denial->verdict.reason, sizeof(denial->verdict.reason));
	return hash ? hash : 1;
}

bool tell_is_new(struct tell *tell, const struct tell_denial *denial)
{
	const size_t slots = sizeof(tell->seen) / sizeof(tell->seen[0]);
	uint64_t hash = hash_denial(denial);
	size_t slot = hash % slots;

	for (; tell->seen[slot]; slot = (slot + 1) % slots) {
		if (tell->seen[slot] == hash)
			return false;
	}
	if (tell->count < TELL_LINES_MAX) {
		tell->seen[slot] = hash;
		tell->count++;
	}
	return true;
}

bool tell_has_remedy(enum reason reason)
{
	switch (reason) {
	case REASON_NO_RULE:
	case REASON_RAW_IP:
	case REASON_PRIVATE_ADDRESS:
	case REASON_PRIVATE_EMBEDDED:
		return true;
	case REASON_ALLOW_RULE:
	case REASON_DENY_RULE:
	case REASON_UNKNOWN_NAME:
	case REASON_SELF:
	case REASON_NOT_TCP:
	case REASON_NAME_MISMATCH:
	case REASON_NOT_TLS:
	case REASON_OTHER_SCHEME:
	case REASON_BAD_TLS:
	case REASON_ECH:
	case REASON_NO_NAME:
	case REASON_BAD_HTTP:
	case REASON_UNINSPECTED:
	case REASON_SNIFF_TIMEOUT:
	case REASON_RESOLVE_FAILED:
	case REASON_UPSTREAM_FAILED:
	case REASON_BAD_QUERY:
	case REASON_BAD_NAME:
	case REASON_EMPTY_TYPE:
	case REASON_DUMMY_ANSWER:
	case REASON_POOL_EXHAUSTED:
	case REASON_LIMIT:
	case REASON_AUDIT_FAILED:
	case REASON_PUBLISHED:
	case REASONS:
		return false;
	}
	return false;
}

static void add(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out + used, size - used, format, args); /* cut when it does not fit */
	va_end(args);
}

static void add_escaped(const char *text, char *out, size_t size)
{
	char escaped[512];

	text_escape(text, strlen(text), escaped, sizeof(escaped));
	add(out, size, "%s", escaped);
}

static void add_destination(const struct tell_denial *denial, char *out, size_t size)
{
	char text[ADDR_TEXT_MAX];

	if (denial->name)
		add(out, size, "%s", denial->name);
	else if (denial->address)
		add(out, size, denial->address->family == AF_INET6 ? "[%s]" : "%s",
		    addr_format(denial->address, text));
	if (denial->port)
		add(out, size, ":%u", denial->port);
	if (denial->qtype)
		add(out, size, " %s", denial->qtype);
	if (denial->path)
		add_escaped(denial->path, out, size);
}

static void add_why(const struct tell_denial *denial, char *out, size_t size)
{
	char text[ADDR_TEXT_MAX];

	add(out, size, " (%s: %s", reason_code(denial->verdict.reason),
	    reason_text(denial->verdict.reason));
	if (denial->name && denial->address)
		add(out, size, ", %s", addr_format(denial->address, text));
	if (denial->sni)
		add(out, size, ", SNI %s", denial->sni);
	if (denial->verdict.rule && denial->verdict.reason == REASON_DENY_RULE)
		add(out, size, ", '%s' at %s", denial->verdict.rule->text,
		    denial->verdict.rule->origin);
	add(out, size, ")");
}

const char *tell_format(const struct tell_denial *denial, char *out, size_t size)
{
	char hint[1024];

	out[0] = '\0';
	add(out, size, "denied: %s ", denial->protocol);
	if (denial->method) {
		add_escaped(denial->method, out, size);
		add(out, size, " ");
	}
	add_destination(denial, out, size);
	add_why(denial, out, size);
	if (!tell_has_remedy(denial->verdict.reason) || (!denial->name && !denial->address))
		return out;
	if (denial->method)
		(void)policy_hint_http(denial->name, denial->address, denial->port, denial->method,
				       denial->path, hint, sizeof(hint));
	else
		(void)policy_hint(denial->name, denial->address, denial->port, hint, sizeof(hint));
	add(out, size, "; to allow: --allow '%s'", hint);
	return out;
}

void tell_denied(struct tell *tell, const struct tell_denial *denial)
{
	char line[TELL_TEXT_MAX];
	bool was_full = tell->count == TELL_LINES_MAX;

	if (log_level_get() < LOG_WARN || tell->is_silent || !tell_is_new(tell, denial))
		return;
	if (was_full) {
		tell->is_silent = true;
		log_warn("denied: more than %u different destinations; only the audit log has the "
			 "rest",
			 TELL_LINES_MAX);
		return;
	}
	log_warn("%s", tell_format(denial, line, sizeof(line)));
}

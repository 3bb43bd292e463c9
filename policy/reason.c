/* Why a verdict is what it is. See reason.h; docs/policy.md has the same table. */
#include "policy/reason.h"

struct words {
	const char *code, *text;
};

static struct words words_of(enum reason reason)
{
	switch (reason) {
	case REASON_ALLOW_RULE:
		return (struct words) { "allow-rule", "an allow rule matches" };
	case REASON_NO_RULE:
		return (struct words) { "no-rule", "no rule allows it" };
	case REASON_DENY_RULE:
		return (struct words) { "deny-rule", "a deny rule matches" };
	case REASON_RAW_IP:
		return (struct words) { "raw-ip", "an address without a name needs a cidr= rule" };
	case REASON_PRIVATE_ADDRESS:
		return (struct words) {
			"private-address",
			"the name leads to a non-public address that no rule names"
		};
	case REASON_PRIVATE_EMBEDDED:
		return (struct words) {
			"private-embedded",
			"the IPv6 address carries an IPv4 one and no rule names it"
		};
	case REASON_UNKNOWN_NAME:
		return (struct words) { "unknown-name", "no name was given this address" };
	case REASON_SELF:
		return (struct words) { "self", "the connection leads back to nsgate" };
	case REASON_NOT_TCP:
		return (struct words) { "not-tcp", "only TCP and DNS are carried" };
	case REASON_NAME_MISMATCH:
		return (struct words) { "name-mismatch",
					"another name is asked for than DNS led to" };
	case REASON_NOT_TLS:
		return (struct words) { "not-tls", "only TLS is allowed there" };
	case REASON_OTHER_SCHEME:
		return (struct words) { "other-scheme", "another protocol is allowed there" };
	case REASON_BAD_TLS:
		return (struct words) { "bad-tls", "the TLS ClientHello is malformed" };
	case REASON_ECH:
		return (struct words) { "ech", "the TLS ClientHello hides its name" };
	case REASON_NO_NAME:
		return (struct words) { "no-name", "the client does not say whom it wants" };
	case REASON_BAD_HTTP:
		return (struct words) { "bad-http",
					"the HTTP request can be read in more than one way" };
	case REASON_UNINSPECTED:
		return (struct words) {
			"uninspected",
			"requests are judged there, and this is none that can be read"
		};
	case REASON_SNIFF_TIMEOUT:
		return (struct words) { "sniff-timeout", "too little was sent to judge by" };
	case REASON_RESOLVE_FAILED:
		return (struct words) { "resolve-failed", "the name could not be resolved" };
	case REASON_UPSTREAM_FAILED:
		return (struct words) { "upstream-failed", "the destination did not answer" };
	case REASON_BAD_QUERY:
		return (struct words) { "bad-query", "the DNS message is not a well-formed query" };
	case REASON_BAD_NAME:
		return (struct words) { "bad-name", "the name is not a host name" };
	case REASON_EMPTY_TYPE:
		return (struct words) { "empty-type",
					"this DNS record type is answered without records" };
	case REASON_DUMMY_ANSWER:
		return (struct words) { "dummy-answer",
					"every name is answered alike; the connection is judged" };
	case REASON_POOL_EXHAUSTED:
		return (struct words) { "pool-exhausted", "too many names were asked for" };
	case REASON_LIMIT:
		return (struct words) { "limit", "too many connections or queries at once" };
	case REASON_AUDIT_FAILED:
		return (struct words) { "audit-failed", "the audit record could not be written" };
	case REASON_PUBLISHED:
		return (struct words) { "published", "it came in through a published port" };
	case REASONS:
		break;
	}
	return (struct words) { "unknown", "unknown" };
}

const char *reason_code(enum reason reason)
{
	return words_of(reason).code;
}

const char *reason_text(enum reason reason)
{
	return words_of(reason).text;
}

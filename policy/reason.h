/* Why a verdict is what it is: a closed list of stable codes, the same in audit, hints and docs. */
#ifndef NSGATE_REASON_H
#define NSGATE_REASON_H

enum reason {
	REASON_ALLOW_RULE, /* an allow rule matched */
	REASON_NO_RULE, /* nothing said means deny */
	REASON_DENY_RULE, /* a deny rule matched; deny beats allow */
	REASON_RAW_IP, /* an address that no name led to and no cidr= allows */
	REASON_PRIVATE_ADDRESS, /* the name leads to a non-public address that no rule names */
	REASON_PRIVATE_EMBEDDED, /* an IPv6 address that embeds an IPv4 one */
	REASON_UNKNOWN_NAME, /* a synthetic address that was never handed out */
	REASON_SELF, /* the connection leads back to nsgate itself */
	REASON_NOT_TCP, /* a packet that begins no TCP connection and is no DNS query */
	REASON_NAME_MISMATCH, /* SNI is not a name that was resolved */
	REASON_NOT_TLS, /* a rule allows TLS there, and this is none */
	REASON_OTHER_SCHEME, /* a rule allows another protocol there (scheme=) */
	REASON_BAD_TLS, /* looks like a ClientHello but is not a well-formed one */
	REASON_ECH, /* encrypted ClientHello: the real name cannot be seen */
	REASON_NO_NAME, /* nothing says where the connection is to go, and nothing else would */
	REASON_BAD_HTTP, /* a request whose destination cannot be read without doubt */
	REASON_UNINSPECTED, /* requests are judged there, and this stream cannot be looked into */
	REASON_SNIFF_TIMEOUT, /* a protocol was begun but not enough of it came to judge */
	REASON_RESOLVE_FAILED, /* allowed, but the name has no address */
	REASON_UPSTREAM_FAILED, /* allowed, but nothing answered there */
	REASON_BAD_QUERY, /* a DNS message that is not a well-formed query */
	REASON_BAD_NAME, /* a name with bytes that no host name has */
	REASON_EMPTY_TYPE, /* DNS: the name is allowed, the type is answered empty */
	REASON_DUMMY_ANSWER, /* DNS: every name gets the dummy address; nothing was judged */
	REASON_POOL_EXHAUSTED, /* no number or room is left for another name or address */
	REASON_LIMIT, /* too many connections, or queries, at once */
	REASON_AUDIT_FAILED, /* the audit record could not be written */
	REASON_PUBLISHED, /* it came in through a published port */
	REASONS
};

/* "allow-rule", "no-rule" … */
const char *reason_code(enum reason reason);
/* One line for people. */
const char *reason_text(enum reason reason);

#endif

/* What is allowed: the compiled policy, and the verdicts it gives. */
#ifndef NSGATE_POLICY_H
#define NSGATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/name.h"
#include "policy/place.h"
#include "policy/reason.h"
#include "policy/request.h"
#include "policy/rule.h"

struct rule_index;

struct rule_list {
	struct rule *rules; /* owned; in the order given */
	size_t count, room;
	struct rule_index *index; /* owned; made by policy_compile() */
};

/* Deny beats allow; nothing said means deny. Once compiled, nothing changes it but a new rule. */
struct policy {
	struct rule_list allow, deny;
	enum rule_dialect dialect; /* of the rules to come */
	struct arena arena; /* what the rules point to */
	const char *last_origin; /* in the arena: rules that follow each other share it */
};

struct verdict {
	bool is_allowed;
	enum reason reason;
	const struct rule *rule; /* the rule that decided; NULL where none did; the policy's */
};

/* How the proxy learned an upstream address. */
enum addr_source {
	ADDR_FROM_DNS,
	ADDR_FROM_HOSTS_FILE, /* the caller's own /etc/hosts: the administrator's word */
	ADDR_FROM_CLIENT, /* the jail dialled it as it is */
};

void policy_init(struct policy *policy);
void policy_done(struct policy *policy);

/*
 * Parses and appends one rule. The policy is to be compiled after that,
 * also if it was before. Returns 0, -EINVAL, -ENOMEM; a refused rule changes nothing.
 */
int policy_allow(struct policy *policy, const char *rule, struct place place, struct err *err);
int policy_deny(struct policy *policy, const char *rule, struct place place, struct err *err);

/*
 * Makes the rules ready for verdicts; the policy stays where it is from then on, and so do its
 * rules. A policy that is not compiled denies everything. Returns 0, -ENOMEM, or what getrandom()
 * fails with.
 */
int policy_compile(struct policy *policy, struct err *err);

/*
 * May the jail learn an address for @name (canonical)? Allowed when some allow rule could apply
 * to a connection to that name, on whatever port, and no deny rule forbids it on every port.
 * A rule of addresses alone (cidr= without domain=) gives no name leave, here and below.
 */
struct verdict policy_judge_query(const struct policy *policy, const char *name);

/*
 * May @name be dialled on @port, before its address is known? An allowed answer is preliminary:
 * policy_judge_address() has the last word on each address.
 */
struct verdict policy_judge_name(const struct policy *policy, const char *name, uint16_t port);

/*
 * The same where an upstream proxy is to dial, which resolves the name itself: no address will be
 * known, so an allow rule with cidr= does not count, and a deny rule that has domain= and cidr= does,
 * whatever the address. policy_check_proxied() refuses what is left.
 */
struct verdict policy_judge_proxied(const struct policy *policy, const char *name, uint16_t port);

/*
 * Refuses, in words, a policy that cannot be kept behind an upstream proxy: one that allows names, and
 * denies addresses wherever they come from. Returns 0 or -EINVAL.
 */
int policy_check_proxied(const struct policy *policy, struct err *err);

/*
 * May this be asked, of that host? As policy_judge_name(), or policy_judge_address() where the
 * host is an address, with what a request says beside. The two of them ask which rules may apply
 * as long as nothing of a request is known: an allow rule that speaks of HTTP does, a deny rule
 * that does has to wait.
 */
struct verdict policy_judge_request(const struct policy *policy, const struct request *request);

/* The same as policy_judge_proxied() is to policy_judge_name(). The host is a name. */
struct verdict policy_judge_proxied_request(const struct policy *policy,
					    const struct request *request);

/*
 * Refuses a policy with a rule that speaks of what is inside TLS, or that is not limited to plain
 * HTTP but speaks of what is inside HTTP: a run cannot look into TLS yet. Returns 0 or -EINVAL.
 */
int policy_check_run(const struct policy *policy, struct err *err);

/* Calls @tell for each rule with a warning: in rule->http. */
void policy_each_warning(const struct policy *policy, void (*tell)(const struct rule *rule));

/*
 * May this very address be dialled? @name is the canonical name that led to it, or NULL when the
 * jail dialled the address itself (ADDR_FROM_CLIENT), which only cidr= and literal rules allow.
 * A non-public address needs a rule whose cidr= (or literal) contains it; an entry of the
 * caller's hosts file needs less: a rule with a literal label in domain= that matches the name
 * is enough for private, shared and reserved addresses. Such a rule is also enough for
 * documentation addresses, wherever they come from.
 */
struct verdict policy_judge_address(const struct policy *policy, const char *name,
				    const struct addr *addr, uint16_t port,
				    enum addr_source source);

/*
 * May the jail learn this address of @name, as far as is known before a port is? A rule of some
 * port is enough to allow it; one of a port alone does not deny it. @name is not NULL.
 */
struct verdict policy_judge_answer(const struct policy *policy, const char *name,
				   const struct addr *addr, enum addr_source source);

/*
 * The last word: as policy_judge_address(), now that the stream's first bytes have shown what is
 * spoken. Where that alone is why no rule allows it, the reason says so. @addr NULL: an upstream
 * proxy dials, as in policy_judge_proxied(). @scheme SCHEMES: it is not known yet.
 */
struct verdict policy_judge_stream(const struct policy *policy, const char *name,
				   const struct addr *addr, uint16_t port, enum addr_source source,
				   enum scheme scheme);

/*
 * The last word on one request of an HTTP stream: as policy_judge_stream(), by all that rules can say
 * of it. @path is normalised. CONNECT is allowed by nothing but a rule that has method=.
 */
struct verdict policy_judge_http(const struct policy *policy, const char *name,
				 const struct addr *addr, uint16_t port, enum addr_source source,
				 const char *method, const char *path);

/* Do rules with method= or path= speak of requests there? */
struct http_need {
	bool may_allow, may_deny;
};
struct http_need policy_http_need(const struct policy *policy, const char *name,
				  const struct addr *addr, uint16_t port);

/*
 * The rule that would turn a denial into an allowance, as an argument for --allow:
 * "domain=example.com port=443" or "cidr=192.0.2.1 port=22"; port 0 is left out. @name or @addr
 * may be NULL; beside a name, the address is left out when it is public. The caller's own loopback
 * is "host-port=8080", and "host-port=PORT" where the port is not known. Returns @out.
 */
const char *policy_hint(const char *name, const struct addr *addr, uint16_t port, char *out,
			size_t size);
/* The same for a request: " scheme=http method=GET path=/x" behind it. */
const char *policy_hint_http(const char *name, const struct addr *addr, uint16_t port,
			     const char *method, const char *path, char *out, size_t size);

#endif

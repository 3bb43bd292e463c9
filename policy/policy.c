/*
 * The compiled policy and its verdicts. See policy.h.
 *
 * Every verdict is the same two questions in the same order: does a deny rule apply, does an
 * allow rule apply? What "apply" means depends on how much is known yet, and is one predicate.
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is judged, as far as it is known. */
struct target {
	const char *name; /* NULL: the jail dialled an address */
	const struct addr *addr; /* NULL: not known yet */
	uint16_t port;
};

typedef bool (*applies_fn)(const struct rule *rule, const struct target *target);

void policy_init(struct policy *policy)
{
	*policy = (struct policy) { 0 };
}

static void free_rules(struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rule_done(&rules[i]);
	free(rules);
}

void policy_done(struct policy *policy)
{
	free_rules(policy->allow, policy->allow_count);
	free_rules(policy->deny, policy->deny_count);
	policy_init(policy);
}

static int append(struct rule **rules, size_t *count, const char *text, const char *origin,
		  struct err *err)
{
	struct rule rule;
	struct rule *grown;
	int rc = rule_parse(text, origin, &rule, err);

	if (rc < 0)
		return rc;
	grown = reallocarray(*rules, *count + 1, sizeof(**rules));
	if (!grown) {
		rule_done(&rule);
		return err_set(err, ENOMEM, "keep a rule");
	}
	grown[*count] = rule;
	*rules = grown;
	(*count)++;
	return 0;
}

int policy_allow(struct policy *policy, const char *rule, const char *origin, struct err *err)
{
	return append(&policy->allow, &policy->allow_count, rule, origin, err);
}

int policy_deny(struct policy *policy, const char *rule, const char *origin, struct err *err)
{
	return append(&policy->deny, &policy->deny_count, rule, origin, err);
}

/* A domain pattern, also '*', never matches an address that no name led to. */
static bool has_name(const struct rule *rule, const struct target *target)
{
	if (!rule->has_domain)
		return true;
	return target->name && name_pattern_match(&rule->domain, target->name);
}

static bool has_address(const struct rule *rule, const struct addr *addr)
{
	for (size_t i = 0; i < rule->block_count; i++) {
		if (addr_in_block(addr, &rule->blocks[i]))
			return true;
	}
	return false;
}

/* Denying an IPv4 address denies every IPv6 spelling of it. */
static bool has_address_within(const struct rule *rule, const struct addr *addr)
{
	struct addr embedded[ADDR_EMBEDDED_MAX];
	size_t count = addr_embedded(addr, embedded);

	for (size_t i = 0; i < count; i++) {
		if (has_address(rule, &embedded[i]))
			return true;
	}
	return has_address(rule, addr);
}

/*
 * A rule of addresses alone gives no name leave: otherwise one cidr= would let the jail have any
 * name resolved, and a look-up can carry data out.
 */
static bool speaks_of_names(const struct rule *rule)
{
	return rule->has_domain || !rule->blocks;
}

static bool denies_query(const struct rule *rule, const struct target *target)
{
	return !rule->ports && !rule->blocks && has_name(rule, target);
}

static bool allows_query(const struct rule *rule, const struct target *target)
{
	return speaks_of_names(rule) && has_name(rule, target);
}

static bool denies_name(const struct rule *rule, const struct target *target)
{
	return !rule->blocks && has_name(rule, target) && rule_has_port(rule, target->port);
}

static bool allows_name(const struct rule *rule, const struct target *target)
{
	return allows_query(rule, target) && rule_has_port(rule, target->port);
}

static bool denies_address(const struct rule *rule, const struct target *target)
{
	return has_name(rule, target) && rule_has_port(rule, target->port) &&
	       (!rule->blocks || has_address_within(rule, target->addr));
}

/* For addresses that a name led to. */
static bool allows_named_address(const struct rule *rule, const struct target *target)
{
	return allows_name(rule, target) && (!rule->blocks || has_address(rule, target->addr));
}

/* Names the very address: what raw and non-public ones need. */
static bool names_address(const struct rule *rule, const struct target *target)
{
	return has_name(rule, target) && rule_has_port(rule, target->port) &&
	       has_address(rule, target->addr);
}

/* Names the host, be it only in part. */
static bool names_host(const struct rule *rule, const struct target *target)
{
	return rule->has_domain && name_pattern_has_literal(&rule->domain) &&
	       allows_named_address(rule, target);
}

static const struct rule *find(const struct rule *rules, size_t count, applies_fn applies,
			       const struct target *target)
{
	for (size_t i = 0; i < count; i++) {
		if (applies(&rules[i], target))
			return &rules[i];
	}
	return NULL;
}

static struct verdict allowed(const struct rule *rule)
{
	return (struct verdict) { .is_allowed = true, .reason = REASON_ALLOW_RULE, .rule = rule };
}

static struct verdict denied(enum reason reason, const struct rule *rule)
{
	return (struct verdict) { .is_allowed = false, .reason = reason, .rule = rule };
}

static struct verdict judge(const struct policy *policy, applies_fn denies, applies_fn allows,
			    const struct target *target)
{
	const struct rule *rule = find(policy->deny, policy->deny_count, denies, target);

	if (rule)
		return denied(REASON_DENY_RULE, rule);
	rule = find(policy->allow, policy->allow_count, allows, target);
	return rule ? allowed(rule) : denied(REASON_NO_RULE, NULL);
}

struct verdict policy_judge_query(const struct policy *policy, const char *name)
{
	struct target target = { .name = name };

	return judge(policy, denies_query, allows_query, &target);
}

struct verdict policy_judge_name(const struct policy *policy, const char *name, uint16_t port)
{
	struct target target = { .name = name, .port = port };

	return judge(policy, denies_name, allows_name, &target);
}

static struct verdict judge_raw(const struct policy *policy, const struct target *target)
{
	struct verdict verdict = judge(policy, denies_address, names_address, target);

	if (verdict.reason == REASON_NO_RULE)
		verdict.reason = addr_classify(target->addr) == ADDR_EMBEDDED
					 ? REASON_PRIVATE_EMBEDDED
					 : REASON_RAW_IP;
	return verdict;
}

/*
 * Is a name that a rule spells out enough for this class? The administrator's word in the hosts
 * file is worth something, but never the host itself. Documentation addresses do no harm from
 * DNS either: nothing private has them, and closed networks put their mirrors there.
 */
static bool is_name_enough(enum addr_class class, enum addr_source source)
{
	if (class == ADDR_DOCUMENTATION)
		return true;
	return source == ADDR_FROM_HOSTS_FILE &&
	       (class == ADDR_PRIVATE || class == ADDR_SHARED || class == ADDR_RESERVED);
}

struct verdict policy_judge_address(const struct policy *policy, const char *name,
				    const struct addr *addr, uint16_t port, enum addr_source source)
{
	struct target target = { .name = name, .addr = addr, .port = port };
	enum addr_class class = addr_classify(addr);
	const struct rule *rule = NULL;
	struct verdict verdict;

	if (!name)
		return judge_raw(policy, &target);
	verdict = judge(policy, denies_address, allows_named_address, &target);
	if (!verdict.is_allowed || class == ADDR_PUBLIC)
		return verdict;
	rule = find(policy->allow, policy->allow_count, names_address, &target);
	if (!rule && is_name_enough(class, source))
		rule = find(policy->allow, policy->allow_count, names_host, &target);
	if (rule)
		return allowed(rule);
	return denied(class == ADDR_EMBEDDED ? REASON_PRIVATE_EMBEDDED : REASON_PRIVATE_ADDRESS,
		      NULL);
}

const char *policy_hint(const char *name, const struct addr *addr, uint16_t port, char *out,
			size_t size)
{
	bool want_cidr = addr && (!name || addr_classify(addr) != ADDR_PUBLIC);
	char address[ADDR_TEXT_MAX], cidr[ADDR_TEXT_MAX + 6] = "", ports[16] = "";

	if (want_cidr)
		(void)snprintf(cidr, sizeof(cidr), "%scidr=%s", name ? " " : "",
			       addr_format(addr, address));
	if (port)
		(void)snprintf(ports, sizeof(ports), " port=%u", (unsigned)port);
	(void)snprintf(out, size, "%s%s%s%s", name ? "domain=" : "", name ? name : "", cidr, ports);
	return out;
}

/*
 * The compiled policy and its verdicts. See policy.h.
 *
 * Every verdict is the same two questions in the same order: does a deny rule apply, does an
 * allow rule apply? What "apply" means depends on how much is known yet, and is a row of words;
 * where to look for such rules is rule_index.c's.
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/name.h"
#include "policy/net_plan.h"
#include "policy/request.h"
#include "policy/rule_index.h"

/* What is judged, as far as it is known. */
struct target {
	const char *name; /* NULL: the jail dialled an address */
	const struct addr *addr; /* NULL: not known yet */
	uint16_t port;
	bool is_port_open; /* @port is not known yet */
	const struct request *request; /* NULL: not known yet */
};

void policy_init(struct policy *policy)
{
	*policy = (struct policy) { 0 };
}

static void drop_indexes(struct policy *policy)
{
	rule_index_free(policy->allow.index);
	rule_index_free(policy->deny.index);
	policy->allow.index = policy->deny.index = NULL;
}

void policy_done(struct policy *policy)
{
	drop_indexes(policy);
	free(policy->allow.rules);
	free(policy->deny.rules);
	arena_done(&policy->arena);
	policy_init(policy);
}

static int resize(struct rule_list *list, size_t room)
{
	struct rule *rules = reallocarray(list->rules, room, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	list->rules = rules;
	list->room = room;
	return 0;
}

/* The policy's own copy of @origin; NULL: no memory. */
static const char *keep_origin(struct policy *policy, const char *origin)
{
	char *copy;

	if (policy->last_origin && strcmp(policy->last_origin, origin) == 0)
		return policy->last_origin;
	copy = arena_take(&policy->arena, strlen(origin) + 1);
	if (copy)
		(void)strcpy(copy, origin);
	policy->last_origin = copy;
	return copy;
}

static int append(struct policy *policy, struct rule_list *list, const char *text,
		  struct place place, struct err *err)
{
	struct rule rule;
	int rc;

	place.origin = keep_origin(policy, place.origin);
	if (!place.origin)
		return err_set(err, ENOMEM, "keep a rule");
	rc = rule_parse(text, place, policy->dialect, &policy->arena, &rule, err);
	if (rc < 0)
		return rc;
	drop_indexes(policy); /* they would not know the rule, and lead to rules that move */
	if (list->count == list->room && resize(list, list->room ? list->room * 2 : 8) < 0)
		return err_set(err, ENOMEM, "keep a rule");
	list->rules[list->count++] = rule;
	return 0;
}

int policy_allow(struct policy *policy, const char *rule, struct place place, struct err *err)
{
	return append(policy, &policy->allow, rule, place, err);
}

int policy_deny(struct policy *policy, const char *rule, struct place place, struct err *err)
{
	return append(policy, &policy->deny, rule, place, err);
}

/* Does it speak of what only a look into HTTP can tell? */
static bool has_parts(const struct rule_http *http)
{
	return http->method_count || http->path_count;
}

static int check_run(const struct rule_list *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct rule_http *http = list->rules[i].http;

		if (http && http->schemes & 1 << SCHEME_HTTPS)
			return err_bad(
				err,
				"%s: column %u: scheme=https cannot be used: it needs "
				"inspection of TLS, which is not available yet; use scheme=tls",
				list->rules[i].origin, http->column);
		if (http && has_parts(http) && http->schemes != 1 << SCHEME_HTTP)
			return err_bad(err,
				       "%s: column %u: %s= needs scheme=http beside it: TLS cannot "
				       "be looked into yet; write scheme=http, or leave %s= out",
				       list->rules[i].origin, http->column, http->key, http->key);
	}
	return 0;
}

int policy_check_run(const struct policy *policy, struct err *err)
{
	int rc = check_run(&policy->allow, err);

	return rc < 0 ? rc : check_run(&policy->deny, err);
}

static void each_warning(const struct rule_list *list, void (*tell)(const struct rule *rule))
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->rules[i].http && list->rules[i].http->warning)
			tell(&list->rules[i]);
	}
}

void policy_each_warning(const struct policy *policy, void (*tell)(const struct rule *rule))
{
	each_warning(&policy->allow, tell);
	each_warning(&policy->deny, tell);
}

static bool allows_names(const struct policy *policy)
{
	for (size_t i = 0; i < policy->allow.count; i++) {
		if (!policy->allow.rules[i].blocks)
			return true;
	}
	return false;
}

int policy_check_proxied(const struct policy *policy, struct err *err)
{
	if (!allows_names(policy))
		return 0;
	for (size_t i = 0; i < policy->deny.count; i++) {
		const struct rule *rule = &policy->deny.rules[i];

		if (!rule->blocks || rule->domain)
			continue;
		(void)err_bad(err,
			      "%s: '%s' cannot be kept behind an upstream proxy, which "
			      "looks names up itself",
			      rule->origin, rule->text);
		return err_hint(err, "Deny the addresses at that proxy, or the names here.");
	}
	return 0;
}

static int compile(struct rule_list *list, struct err *err)
{
	if (list->count == 0)
		return 0;
	if (list->room > list->count)
		(void)resize(list, list->count); /* too much room does no harm */
	return rule_index_new(list->rules, list->count, &list->index, err);
}

int policy_compile(struct policy *policy, struct err *err)
{
	drop_indexes(policy);
	if (compile(&policy->allow, err) < 0 || compile(&policy->deny, err) < 0) {
		drop_indexes(policy); /* never the allow rules without the deny rules */
		return -err->code;
	}
	return 0;
}

/* ---- which rules apply ---- */

/* What a question makes of a rule's addresses. */
enum address_need {
	ADDRESS_IGNORED,
	ADDRESS_NONE, /* only rules without any */
	ADDRESS_FITS, /* a rule without any matches every address */
	ADDRESS_NAMED, /* only rules that have the very address */
};

/*
 * What has to hold for a rule, beside its domain, to be an answer. As a rule of addresses alone
 * gives no name leave (otherwise one cidr= would let the jail have any name resolved, and a
 * look-up can carry data out), it is not even looked at unless want_address_rules.
 */
struct question {
	enum address_need address;
	bool is_denial; /* answered only by what is known for sure */
	bool want_no_port; /* only rules for every port */
	bool want_port; /* the target's port matters */
	bool want_literal; /* only rules that spell out a label of the name */
	bool want_embedded; /* addresses that the target's carries count, too */
	bool want_address_rules; /* rules of addresses alone */
	bool want_rest; /* rules with neither domain nor addresses */
	bool want_parts; /* only rules with a method or a path, whatever they say */
};

/* Before the connection: a port or an address is not known yet, so no deny rule has it. */
static const struct question denies_query = {
	.is_denial = true,
	.address = ADDRESS_NONE,
	.want_no_port = true,
	.want_rest = true,
};
static const struct question allows_query = { .address = ADDRESS_IGNORED, .want_rest = true };

static const struct question denies_name = {
	.is_denial = true,
	.address = ADDRESS_NONE,
	.want_port = true,
	.want_rest = true,
};
static const struct question allows_name = {
	.address = ADDRESS_IGNORED,
	.want_port = true,
	.want_rest = true,
};

/* No address will ever be known: what has one is never allowed by it, and always denied. */
static const struct question denies_proxied = {
	.is_denial = true,
	.address = ADDRESS_IGNORED,
	.want_port = true,
	.want_rest = true,
};
static const struct question allows_proxied = {
	.address = ADDRESS_NONE,
	.want_port = true,
	.want_rest = true,
};

/* Denying an IPv4 address denies every IPv6 spelling of it. */
static const struct question denies_address = {
	.is_denial = true,
	.address = ADDRESS_FITS,
	.want_port = true,
	.want_embedded = true,
	.want_address_rules = true,
	.want_rest = true,
};
/* For addresses that a name led to. */
static const struct question allows_named_address = {
	.address = ADDRESS_FITS,
	.want_port = true,
	.want_rest = true,
};
/* Names the very address: what raw and non-public ones need. */
static const struct question names_address = {
	.address = ADDRESS_NAMED,
	.want_port = true,
	.want_address_rules = true,
};
/* Names the host, be it only in part. */
static const struct question names_host = {
	.address = ADDRESS_FITS,
	.want_port = true,
	.want_literal = true,
};

/* Every rule that a request of HTTP could fall under, and nothing else: too many do no harm. */
static const struct question speaks_of_http = {
	.address = ADDRESS_FITS,
	.want_port = true,
	.want_embedded = true,
	.want_address_rules = true,
	.want_rest = true,
	.want_parts = true,
};
static const struct question speaks_of_http_proxied = {
	.address = ADDRESS_IGNORED,
	.want_port = true,
	.want_rest = true,
	.want_parts = true,
};

/* A question about a target, as the index asks it of each rule. */
struct inquiry {
	const struct question *question;
	const struct target *target;
	struct addr addresses[1 + ADDR_EMBEDDED_MAX]; /* the target's, and those it carries */
	size_t address_count;
};

static bool has_any_address(const struct rule *rule, const struct inquiry *inquiry)
{
	for (size_t i = 0; i < rule->block_count; i++) {
		for (size_t j = 0; j < inquiry->address_count; j++) {
			if (addr_in_block(&inquiry->addresses[j], &rule->blocks[i]))
				return true;
		}
	}
	return false;
}

static bool fits_address(const struct rule *rule, bool is_found, const struct inquiry *inquiry)
{
	switch (inquiry->question->address) {
	case ADDRESS_IGNORED:
		return true;
	case ADDRESS_NONE:
		return !rule->blocks;
	case ADDRESS_FITS:
		return !rule->blocks || is_found || has_any_address(rule, inquiry);
	case ADDRESS_NAMED:
		return is_found || has_any_address(rule, inquiry);
	}
	return false;
}

/* CONNECT makes a tunnel that nobody looks into: only a rule that says so allows it. */
static bool is_tunnel_unsaid(const struct rule *rule, const struct inquiry *inquiry)
{
	const char *method = inquiry->target->request ? inquiry->target->request->method : NULL;

	return !inquiry->question->is_denial && method && strcmp(method, "CONNECT") == 0 &&
	       !(rule->http && rule->http->method_count);
}

static bool fits_request(const struct rule *rule, const struct inquiry *inquiry)
{
	if (inquiry->question->want_parts)
		return rule->http && has_parts(rule->http);
	if (is_tunnel_unsaid(rule, inquiry))
		return false;
	if (!rule->http)
		return true;
	if (!inquiry->target->request)
		return !inquiry->question->is_denial;
	return rule_has_request(rule, inquiry->target->request);
}

/* Before a port is known, an allow rule that has one may apply, a deny rule has to wait. */
static bool fits_port(const struct rule *rule, const struct inquiry *inquiry)
{
	if (inquiry->target->is_port_open)
		return !rule->ports || !inquiry->question->is_denial;
	return rule_has_port(rule, inquiry->target->port);
}

static bool fits(const struct rule *rule, bool is_address_found, const void *context)
{
	const struct inquiry *inquiry = context;
	const struct question *question = inquiry->question;

	if (question->want_no_port && rule->ports)
		return false;
	if (question->want_port && !fits_port(rule, inquiry))
		return false;
	if (question->want_literal && !(rule->domain && name_pattern_has_literal(rule->domain)))
		return false;
	return fits_request(rule, inquiry) && fits_address(rule, is_address_found, inquiry);
}

static const struct rule *find(const struct rule_list *list, const struct question *question,
			       const struct target *target)
{
	struct inquiry inquiry = { .question = question, .target = target };
	struct rule_search search = {
		.name = target->name, /* without one no domain matches, not even '*' */
		.addresses = inquiry.addresses,
		.want_rest = question->want_rest,
		.fits = fits,
		.context = &inquiry,
	};

	if (!list->index) /* no rules, or not compiled: both lists are then */
		return NULL;
	if (target->addr)
		inquiry.addresses[inquiry.address_count++] = *target->addr;
	if (target->addr && question->want_embedded)
		inquiry.address_count += addr_embedded(target->addr, inquiry.addresses + 1);
	if (question->want_address_rules)
		search.address_count = inquiry.address_count;
	return rule_index_first(list->index, &search);
}

static struct verdict allowed(const struct rule *rule)
{
	return (struct verdict) { .is_allowed = true, .reason = REASON_ALLOW_RULE, .rule = rule };
}

static struct verdict denied(enum reason reason, const struct rule *rule)
{
	return (struct verdict) { .is_allowed = false, .reason = reason, .rule = rule };
}

static struct verdict judge(const struct policy *policy, const struct question *denies,
			    const struct question *allows, const struct target *target)
{
	const struct rule *rule;

	rule = find(&policy->deny, denies, target);
	if (rule)
		return denied(REASON_DENY_RULE, rule);
	rule = find(&policy->allow, allows, target);
	return rule ? allowed(rule) : denied(REASON_NO_RULE, NULL);
}

struct verdict policy_judge_query(const struct policy *policy, const char *name)
{
	struct target target = { .name = name };

	return judge(policy, &denies_query, &allows_query, &target);
}

struct verdict policy_judge_name(const struct policy *policy, const char *name, uint16_t port)
{
	struct target target = { .name = name, .port = port };

	return judge(policy, &denies_name, &allows_name, &target);
}

struct verdict policy_judge_proxied(const struct policy *policy, const char *name, uint16_t port)
{
	const struct target target = { .name = name, .port = port };

	return judge(policy, &denies_proxied, &allows_proxied, &target);
}

static struct verdict judge_raw(const struct policy *policy, const struct target *target)
{
	struct verdict verdict = judge(policy, &denies_address, &names_address, target);

	if (verdict.reason == REASON_NO_RULE)
		verdict.reason = addr_classify(target->addr) == ADDR_EMBEDDED
					 ? REASON_PRIVATE_EMBEDDED
					 : REASON_RAW_IP;
	return verdict;
}

struct verdict policy_judge_request(const struct policy *policy, const struct request *request)
{
	struct target target = {
		.name = request->name,
		.addr = request->name ? NULL : &request->addr,
		.port = request->port,
		.request = request,
	};

	return target.name ? judge(policy, &denies_name, &allows_name, &target)
			   : judge_raw(policy, &target);
}

struct verdict policy_judge_proxied_request(const struct policy *policy,
					    const struct request *request)
{
	const struct target target = {
		.name = request->name,
		.port = request->port,
		.request = request,
	};

	return judge(policy, &denies_proxied, &allows_proxied, &target);
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

/* An address that a name led to. */
static struct verdict judge_named_address(const struct policy *policy, const struct target *target,
					  enum addr_source source)
{
	struct verdict verdict = judge(policy, &denies_address, &allows_named_address, target);
	enum addr_class class = addr_classify(target->addr);
	const struct rule *rule;

	if (!verdict.is_allowed || class == ADDR_PUBLIC)
		return verdict;
	rule = find(&policy->allow, &names_address, target);
	if (!rule && is_name_enough(class, source))
		rule = find(&policy->allow, &names_host, target);
	if (rule)
		return allowed(rule);
	return denied(class == ADDR_EMBEDDED ? REASON_PRIVATE_EMBEDDED : REASON_PRIVATE_ADDRESS,
		      NULL);
}

static struct verdict judge_target(const struct policy *policy, const struct target *target,
				   enum addr_source source)
{
	if (!target->addr)
		return judge(policy, &denies_proxied, &allows_proxied, target);
	return target->name ? judge_named_address(policy, target, source)
			    : judge_raw(policy, target);
}

struct verdict policy_judge_address(const struct policy *policy, const char *name,
				    const struct addr *addr, uint16_t port, enum addr_source source)
{
	const struct target target = { .name = name, .addr = addr, .port = port };

	return judge_target(policy, &target, source);
}

struct verdict policy_judge_answer(const struct policy *policy, const char *name,
				   const struct addr *addr, enum addr_source source)
{
	struct target target = { .name = name, .addr = addr, .is_port_open = true };

	return judge_named_address(policy, &target, source);
}

struct verdict policy_judge_stream(const struct policy *policy, const char *name,
				   const struct addr *addr, uint16_t port, enum addr_source source,
				   enum scheme scheme)
{
	const struct request stream = { .scheme = scheme }, tls = { .scheme = SCHEME_TLS };
	struct target target = { .name = name, .addr = addr, .port = port };
	struct verdict verdict;

	if (scheme != SCHEMES)
		target.request = &stream;
	verdict = judge_target(policy, &target, source);
	if (!target.request || verdict.is_allowed || verdict.reason == REASON_DENY_RULE)
		return verdict;
	target.request = &tls;
	if (judge_target(policy, &target, source).is_allowed)
		return denied(REASON_NOT_TLS, NULL);
	target.request = NULL;
	if (judge_target(policy, &target, source).is_allowed)
		return denied(REASON_OTHER_SCHEME, NULL);
	return verdict;
}

struct http_need policy_http_need(const struct policy *policy, const char *name,
				  const struct addr *addr, uint16_t port)
{
	const struct question *question = addr ? &speaks_of_http : &speaks_of_http_proxied;
	const struct target target = { .name = name, .addr = addr, .port = port };

	return (struct http_need) {
		.may_allow = find(&policy->allow, question, &target) != NULL,
		.may_deny = find(&policy->deny, question, &target) != NULL,
	};
}

struct verdict policy_judge_http(const struct policy *policy, const char *name,
				 const struct addr *addr, uint16_t port, enum addr_source source,
				 const char *method, const char *path)
{
	const struct request request = { .scheme = SCHEME_HTTP, .method = method, .path = path };
	struct target target = { .name = name, .addr = addr, .port = port, .request = &request };
	struct verdict verdict = judge_target(policy, &target, source), stream;

	if (verdict.is_allowed || verdict.reason == REASON_DENY_RULE)
		return verdict;
	target.request = NULL;
	if (!judge_target(policy, &target, source).is_allowed)
		return verdict; /* whatever is asked for */
	stream = policy_judge_stream(policy, name, addr, port, source, SCHEME_HTTP);
	if (stream.reason == REASON_NOT_TLS &&
	    !policy_http_need(policy, name, addr, port).may_allow)
		return stream;
	return denied(REASON_NO_RULE, NULL);
}

const char *policy_hint(const char *name, const struct addr *addr, uint16_t port, char *out,
			size_t size)
{
	bool want_cidr = addr && (!name || addr_classify(addr) != ADDR_PUBLIC);
	char address[ADDR_TEXT_MAX], cidr[ADDR_TEXT_MAX + 6] = "", ports[16] = "";

	if (name && strcmp(name, NET_PLAN_HOST_NAME) == 0) {
		(void)snprintf(ports, sizeof(ports), "%u", (unsigned)port);
		(void)snprintf(out, size, "host-port=%s", port ? ports : "PORT");
		return out;
	}
	if (want_cidr)
		(void)snprintf(cidr, sizeof(cidr), "%scidr=%s", name ? " " : "",
			       addr_format(addr, address));
	if (port)
		(void)snprintf(ports, sizeof(ports), " port=%u", (unsigned)port);
	(void)snprintf(out, size, "%s%s%s%s", name ? "domain=" : "", name ? name : "", cidr, ports);
	return out;
}

/* As a pattern; one that no pattern is written for is left out. */
static void add_path(const char *path, char *out, size_t size)
{
	static const char plain[] = "/-._~!$&'()+:=@";
	size_t used;

	if (path[0] != '/' || !path[1] || strstr(path, "//") || strchr(path, '*'))
		return;
	used = (size_t)snprintf(out, size, " path=");
	for (; *path && used + 4 < size; path++) {
		bool is_plain = (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z') ||
				(*path >= '0' && *path <= '9') || strchr(plain, *path);

		used += (size_t)snprintf(out + used, size - used, is_plain ? "%c" : "%%%02X",
					 (unsigned char)*path);
	}
	if (*path)
		out[0] = '\0'; /* half a path is another one */
	else if (path[-1] == '/')
		(void)snprintf(out + used, size - used, "*");
}

const char *policy_hint_http(const char *name, const struct addr *addr, uint16_t port,
			     const char *method, const char *path, char *out, size_t size)
{
	char pattern[256] = "";
	size_t used;

	used = strlen(policy_hint(name, addr, port, out, size));
	add_path(path, pattern, sizeof(pattern));
	(void)snprintf(out + used, size - used, " scheme=http method=%s%s", method, pattern);
	return out;
}

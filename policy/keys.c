/* The keys a rule is written with, and how their values are read. See keys.h. */
#include "policy/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/text.h"
#include "policy/net_plan.h"
#include "policy/rule.h"

#define ITEM_MAX 64 /* no address, block, port or range is longer */

/* A terminated copy, for parsers of whole strings. False when it is too long to be any of ours. */
static bool copy_part(const struct rule_part *part, char out[ITEM_MAX])
{
	if (part->length >= ITEM_MAX)
		return false;
	memcpy(out, part->text, part->length);
	out[part->length] = '\0';
	return true;
}

/* What the byte that does not fit suggests the writer had in mind. */
static void hint_domain(char bad, struct err *err)
{
	if (bad == ',')
		(void)err_hint(err, "one name a rule: write two rules");
	else if (bad == ':' || bad == '/')
		(void)err_hint(err, "a host name alone, without scheme, port and path; a port is "
				    "a word of its own: port=443");
	else if (bad == '[')
		(void)err_hint(err, "an address is written without brackets");
}

static int parse_literal(const struct rule_part *value, const struct addr *addr,
			 struct rule_draft *draft, struct err *err)
{
	if (draft->blocks) {
		(void)rule_unexpected(value, 0, value->length, "a name beside cidr=", err);
		return err_hint(err, "an address in domain= is a block itself: write two rules");
	}
	draft->blocks = calloc(1, sizeof(*draft->blocks));
	if (!draft->blocks)
		return err_set(err, ENOMEM, "read a rule");
	draft->blocks[0] = (struct addr_block) {
		.base = *addr,
		.prefix = addr->family == AF_INET ? 32 : 128,
	};
	draft->block_count = 1;
	draft->has_address = true;
	return 0;
}

static int parse_domain(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	enum name_style style = value->dialect == RULE_BOUNDARY ? NAME_BOUNDARY : NAME_NSGATE;
	const char *expected;
	char text[ITEM_MAX];
	struct addr addr;
	size_t bad;

	/* Colons are no part of boundary's names, so an IPv6 address is none of its literals. */
	if (copy_part(value, text) && addr_parse(text, &addr) == 0 &&
	    (style == NAME_NSGATE || !strchr(text, ':')))
		return parse_literal(value, &addr, draft, err);
	if (name_pattern_parse(value->text, value->length, style, &draft->domain, &bad, &expected) <
	    0) {
		size_t got = bad < value->length ? 1 : 0;

		(void)rule_unexpected(value, bad, got, expected, err);
		if (got)
			hint_domain(value->text[bad], err);
		return -EINVAL;
	}
	draft->has_domain = true;
	return 0;
}

static size_t count_items(const struct rule_part *list)
{
	size_t count = 1;

	for (size_t i = 0; i < list->length; i++)
		count += list->text[i] == ',';
	return count;
}

int rule_items(const struct rule_part *list, rule_key_fn parse, struct rule_draft *draft,
	       struct err *err)
{
	size_t start = 0;

	for (;;) {
		const char *comma = memchr(list->text + start, ',', list->length - start);
		size_t end = comma ? (size_t)(comma - list->text) : list->length;
		struct rule_part item = *list;
		int rc;

		item.text = list->text + start;
		item.length = end - start;
		item.place = place_after(item.place, start);
		item.is_end = list->is_end && !comma;
		rc = parse(&item, draft, err);
		if (rc < 0 || !comma)
			return rc;
		start = end + 1;
	}
}

static int parse_port_item(const struct rule_part *item, struct rule_draft *draft, struct err *err)
{
	unsigned long first, last;
	char text[ITEM_MAX], *dash;

	if (!copy_part(item, text))
		return rule_unexpected(item, 0, item->length, "a port or a range of ports", err);
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (text_number(text, UINT16_MAX, &first) < 0 || first == 0 ||
	    text_number(dash ? dash + 1 : text, UINT16_MAX, &last) < 0)
		return rule_unexpected(item, 0, item->length,
				       "a port from 1 to 65535 or a range (8000-8100)", err);
	if (first > last)
		return rule_unexpected(item, 0, item->length, "a range with the lower port first",
				       err);
	draft->ports[draft->port_count++] = (struct port_range) {
		.first = (uint16_t)first,
		.last = (uint16_t)last,
	};
	return 0;
}

static int parse_port(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	draft->ports = calloc(count_items(value), sizeof(*draft->ports));
	if (!draft->ports)
		return err_set(err, ENOMEM, "read a rule");
	return rule_items(value, parse_port_item, draft, err);
}

static int parse_cidr_item(const struct rule_part *item, struct rule_draft *draft, struct err *err)
{
	struct addr_block *block = &draft->blocks[draft->block_count];
	char text[ITEM_MAX], suggestion[ADDR_BLOCK_MAX];
	int rc = copy_part(item, text) ? addr_block_parse(text, block) : -EINVAL;

	if (rc == -EDOM) {
		(void)rule_unexpected(item, 0, item->length,
				      "a block whose bits past the prefix are zero", err);
		return err_hint(err, "did you mean %s?", addr_block_format(block, suggestion));
	}
	if (rc < 0)
		return rule_unexpected(item, 0, item->length,
				       "an address or a block (192.0.2.0/24, 2001:db8::/32)", err);
	draft->block_count++;
	return 0;
}

static int parse_cidr(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	if (draft->has_address) {
		(void)rule_unexpected(value, 0, value->length, "no cidr= beside an address", err);
		return err_hint(err, "an address in domain= is a block itself: write two rules");
	}
	draft->blocks = calloc(count_items(value), sizeof(*draft->blocks));
	if (!draft->blocks)
		return err_set(err, ENOMEM, "read a rule");
	return rule_items(value, parse_cidr_item, draft, err);
}

/* host-port=8080 is domain=host.nsgate port=8080 cidr=127.0.0.1,::1, and nothing else. */
static int parse_host_port(const struct rule_part *value, struct rule_draft *draft, struct err *err)
{
	const char name[] = NET_PLAN_HOST_NAME, *ignored;
	size_t bad;
	int rc = parse_port(value, draft, err);

	if (rc < 0)
		return rc;
	draft->blocks = calloc(NET_PLAN_HOST_ADDRESSES, sizeof(*draft->blocks));
	if (!draft->blocks)
		return err_set(err, ENOMEM, "read a rule");
	for (size_t i = 0; i < NET_PLAN_HOST_ADDRESSES; i++) {
		const struct addr *addr = &net_plan_host_addresses[i];

		draft->blocks[draft->block_count++] = (struct addr_block) {
			.base = *addr,
			.prefix = addr->family == AF_INET ? 32 : 128,
		};
	}
	draft->has_domain = true;
	return name_pattern_parse(name, strlen(name), NAME_NSGATE, &draft->domain, &bad, &ignored);
}

const struct rule_key rule_keys[] = {
	{ .name = "domain",
	  .value = "NAME|*.NAME|**.NAME|ADDRESS",
	  .help = "host name or pattern, or one address",
	  .parse = parse_domain,
	  .is_part = true,
	  .is_boundary = true },
	{ .name = "port",
	  .value = "PORT|FIRST-LAST[,...]",
	  .help = "destination ports",
	  .parse = parse_port,
	  .is_part = true },
	{ .name = "cidr",
	  .value = "ADDRESS[/PREFIX][,...]",
	  .help = "destination addresses",
	  .parse = parse_cidr,
	  .is_part = true },
	{ .name = "scheme",
	  .value = "http|https|tls|tcp[,...]",
	  .help = "what is spoken",
	  .parse = rule_key_scheme,
	  .needs_http = true },
	{ .name = "method",
	  .value = "METHOD[,...]",
	  .help = "HTTP methods",
	  .parse = rule_key_method,
	  .needs_http = true,
	  .is_boundary = true,
	  .may_repeat = true },
	{ .name = "path",
	  .value = "PATH[,...]",
	  .help = "HTTP paths",
	  .parse = rule_key_path,
	  .needs_http = true,
	  .is_boundary = true,
	  .may_repeat = true },
	{ .name = "host-port",
	  .value = "PORT|FIRST-LAST[,...]",
	  .help = "ports of the caller's loopback, which is host.nsgate in the jail",
	  .parse = parse_host_port,
	  .is_whole = true },
	{ 0 },
};

_Static_assert(sizeof(rule_keys) / sizeof(rule_keys[0]) <= RULE_KEYS_MAX, "a bit for each key");

const struct rule_key *rule_key_find(const char *name, size_t length)
{
	for (const struct rule_key *key = rule_keys; key->name; key++) {
		if (strlen(key->name) == length && memcmp(key->name, name, length) == 0)
			return key;
	}
	return NULL;
}

/* One line that asks a policy something. See trial.h. */
#include "jail/command/trial.h"

#include <arpa/nameser.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/base/text.h"
#include "policy/name.h"
#include "proxy/dns/answer.h"

#define WORDS_MAX   3
#define BLANKS	    " \t"
#define NAMED_TYPES 300 /* all types that have a name here are below, or 65280 and above */

struct word {
	const char *text; /* in the arena, terminated */
	size_t offset; /* in the line */
};

struct line {
	const char *text;
	struct place place;
	struct word words[WORDS_MAX];
	size_t count;
	struct arena *arena;
};

/* The word at @index, or what is missing behind the last one, is not what was expected. */
static int unexpected(const struct line *line, size_t index, const char *expected, struct err *err)
{
	size_t length = strlen(line->text), offset = length;

	if (index < line->count) {
		offset = line->words[index].offset;
		length = strlen(line->words[index].text);
		return place_unexpected(line->place, line->text, offset, length, expected, err);
	}
	return place_unexpected(line->place, line->text, offset, 0, expected, err);
}

static int split(struct line *line, struct err *err)
{
	size_t at = strspn(line->text, BLANKS);

	while (line->text[at]) {
		size_t length = strcspn(line->text + at, BLANKS);
		char *copy;

		if (line->count == WORDS_MAX)
			return place_unexpected(line->place, line->text, at, length, "nothing more",
						err);
		copy = arena_take(line->arena, length + 1);
		if (!copy)
			return err_set(err, ENOMEM, "read %s", line->place.origin);
		*(char *)mempcpy(copy, line->text + at, length) = '\0';
		line->words[line->count++] = (struct word) { copy, at };
		at += length;
		at += strspn(line->text + at, BLANKS);
	}
	return 0;
}

/* ---- the forms of a line ---- */

static int read_address(const struct line *line, struct trial *trial, struct err *err)
{
	if (line->count < WORDS_MAX)
		return 0;
	if (!trial->request.name)
		return unexpected(line, 2, "nothing behind an address", err);
	if (addr_parse(line->words[2].text, &trial->leads_to) < 0)
		return unexpected(line, 2, "the address that the name leads to", err);
	return 0;
}

static int read_stream(const struct line *line, enum scheme scheme, struct trial *trial,
		       struct err *err)
{
	static const char expected[] = "HOST:PORT (an IPv6 address in brackets)";
	const char *text = line->count > 1 ? line->words[1].text : "";
	const char *colon = strrchr(text, ':');
	char host[NAME_SIZE + 2], *start = host, *name;
	unsigned long port;
	size_t length;

	if (!colon || text_number(colon + 1, UINT16_MAX, &port) < 0 || port == 0 ||
	    colon - text >= (ptrdiff_t)sizeof(host))
		return unexpected(line, 1, expected, err);
	length = (size_t)(colon - text);
	*(char *)mempcpy(host, text, length) = '\0';
	trial->request = (struct request) { .scheme = scheme, .port = (uint16_t)port };
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		start++;
	}
	if (addr_parse(start, &trial->request.addr) == 0 &&
	    (start > host) == (strchr(start, ':') != NULL))
		return read_address(line, trial, err);
	name = arena_take(line->arena, NAME_SIZE);
	if (!name)
		return err_set(err, ENOMEM, "read %s", line->place.origin);
	if (name_canonical(host, length, name) < 0)
		return unexpected(line, 1, expected, err);
	trial->request.name = name;
	return read_address(line, trial, err);
}

static int read_tcp(const struct line *line, struct trial *trial, struct err *err)
{
	return read_stream(line, SCHEME_TCP, trial, err);
}

static int read_tls(const struct line *line, struct trial *trial, struct err *err)
{
	return read_stream(line, SCHEME_TLS, trial, err);
}

/* "AAAA", "TYPE28": any type, so that a misspelt one is not taken for one. */
static int read_type(const char *text, uint16_t *type_out)
{
	unsigned long number;
	char name[16];

	for (unsigned type = 1; type < NAMED_TYPES; type++) {
		if (strcasecmp(dns_type_name((uint16_t)type, name), text) == 0) {
			*type_out = (uint16_t)type;
			return 0;
		}
	}
	if (strncasecmp(text, "TYPE", 4) != 0 || text_number(text + 4, UINT16_MAX, &number) < 0)
		return -EINVAL;
	*type_out = (uint16_t)number;
	return 0;
}

static int read_query(const struct line *line, struct trial *trial, struct err *err)
{
	char *name = arena_take(line->arena, NAME_SIZE);

	trial->is_query = true;
	if (!name)
		return err_set(err, ENOMEM, "read %s", line->place.origin);
	if (line->count < 2)
		return unexpected(line, 1, "NAME TYPE", err);
	if (line->count < 3 || read_type(line->words[2].text, &trial->type) < 0)
		return unexpected(line, 2, "a record type (A, AAAA, TXT, TYPE1234)", err);
	if (name_canonical(line->words[1].text, strlen(line->words[1].text), name) == 0)
		trial->request.name = name;
	return 0;
}

/* Methods are told from our own words by their case, which counts in HTTP, too. */
static bool is_method(const char *text)
{
	for (; *text; text++) {
		if (!isupper((unsigned char)*text) && !strchr("0123456789-_", *text))
			return false;
	}
	return true;
}

static int read_request(const struct line *line, struct trial *trial, struct err *err)
{
	if (!is_method(line->words[0].text))
		return unexpected(line, 0, "METHOD (in capitals), tcp, tls or dns", err);
	if (line->count < 2)
		return unexpected(line, 1, "a URL", err);
	if (request_from_url(line->words[0].text, line->words[1].text, line->arena, &trial->request,
			     err) < 0)
		return err_wrap(err, "%s", line->place.origin);
	return read_address(line, trial, err);
}

int trial_parse(const char *text, struct place place, struct arena *arena, struct trial *trial_out,
		struct err *err)
{
	static const struct {
		const char *word;
		int (*read)(const struct line *line, struct trial *trial, struct err *err);
	} forms[] = { { "tcp", read_tcp }, { "tls", read_tls }, { "dns", read_query } };
	struct line line = { .text = text, .place = place, .arena = arena };

	*trial_out = (struct trial) { 0 };
	if (split(&line, err) < 0)
		return -err->code;
	if (line.count == 0)
		return unexpected(&line, 0,
				  "METHOD URL, tcp HOST:PORT, tls HOST:PORT or dns NAME TYPE", err);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(line.words[0].text, forms[i].word) == 0)
			return forms[i].read(&line, trial_out, err);
	}
	return read_request(&line, trial_out, err);
}

/* ---- verdicts ---- */

/* Types that are answered with records. */
static bool has_records(const struct settings *settings, uint16_t type)
{
	unsigned types = settings->values.dns_types;

	switch (type) {
	case ns_t_a:
	case ns_t_aaaa:
		return true;
	case ns_t_srv:
		return types & DNS_TYPE_SRV;
	case ns_t_mx:
		return types & DNS_TYPE_MX;
	case ns_t_txt:
		return types & DNS_TYPE_TXT;
	default:
		return false;
	}
}

static struct verdict judge_query(const struct settings *settings, const struct trial *trial)
{
	struct verdict verdict;

	if (settings->values.dns == DNS_DUMMY)
		return (struct verdict) { .is_allowed = true, .reason = REASON_DUMMY_ANSWER };
	if (!trial->request.name)
		return (struct verdict) { .reason = REASON_BAD_NAME };
	verdict = policy_judge_query(&settings->policy, trial->request.name);
	if (verdict.is_allowed && !has_records(settings, trial->type))
		verdict.reason = REASON_EMPTY_TYPE;
	return verdict;
}

struct verdict trial_judge(const struct settings *settings, const struct trial *trial)
{
	const struct request *request = &trial->request;
	struct verdict verdict;

	if (trial->is_query)
		return judge_query(settings, trial);
	if (request->name && settings_is_proxied(settings, request->name))
		return policy_judge_proxied_request(&settings->policy, request);
	verdict = policy_judge_request(&settings->policy, request);
	if (!verdict.is_allowed || !trial->leads_to.family || !request->name)
		return verdict;
	return policy_judge_address(&settings->policy, request->name, &trial->leads_to,
				    request->port, ADDR_FROM_DNS);
}

const char *trial_answer(const struct verdict *verdict, char *out, size_t size)
{
	const char *word = verdict->is_allowed ? "allow" : "deny";
	const struct rule *rule = verdict->rule;
	char text[1024], origin[512];

	if (!rule) {
		(void)snprintf(out, size, "%s %s", word, reason_code(verdict->reason));
		return out;
	}
	(void)snprintf(out, size, "%s %s '%s' at %s", word, reason_code(verdict->reason),
		       text_escape(rule->text, strlen(rule->text), text, sizeof(text)),
		       text_escape(rule->origin, strlen(rule->origin), origin, sizeof(origin)));
	return out;
}

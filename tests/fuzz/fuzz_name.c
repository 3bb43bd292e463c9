/*
 * Names and patterns: the input is a pattern, a newline and a name. What holds for every input:
 * - a canonical name canonicalises to itself, as does a pattern;
 * - spelling (case, one trailing dot) changes nothing;
 * - no name is an address, in the eyes of anything that reads addresses;
 * - the matcher agrees with one written in another way.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/addr.h"
#include "policy/base/auto.h"
#include "policy/name.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static char swap_case(char byte)
{
	bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');

	return is_letter ? (char)(byte ^ 0x20) : byte;
}

static void respell(const char *text, char out[NAME_SIZE + 1])
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		out[i] = swap_case(text[i]);
	out[length] = '.';
	out[length + 1] = '\0';
}

/* Left to right and by recursion, where the real one goes right to left in a loop. */
static bool reference_labels(const char *pattern, const char *name)
{
	size_t p = strcspn(pattern, "."), n = strcspn(name, ".");
	bool is_last_p = !pattern[p], is_last_n = !name[n];

	if (!(p == 1 && pattern[0] == '*') && !(p == n && memcmp(pattern, name, n) == 0))
		return false;
	if (is_last_p || is_last_n)
		return is_last_p && is_last_n;
	return reference_labels(pattern + p + 1, name + n + 1);
}

static bool reference_match(const char *pattern, const char *name)
{
	if (strncmp(pattern, "**.", 3) == 0) /* the apex, and everything below it */
		return reference_labels(pattern + 3, name) || reference_match(pattern + 1, name);
	if (strcmp(pattern, "*") == 0 || reference_labels(pattern, name))
		return true;
	if (strncmp(pattern, "*.", 2) != 0)
		return false;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (reference_labels(pattern, dot + 1))
			return true;
	}
	return false;
}

static bool check_name(const char *text, size_t length, char out[NAME_SIZE])
{
	char again[NAME_SIZE], spelt[NAME_SIZE + 1];
	struct in_addr loose;
	struct addr addr;

	if (name_canonical(text, length, out) < 0)
		return false;
	must(name_canonical(out, strlen(out), again) == 0 && strcmp(out, again) == 0,
	     "a canonical name canonicalises to itself");
	respell(out, spelt);
	must(name_canonical(spelt, strlen(spelt), again) == 0 && strcmp(out, again) == 0,
	     "case and a trailing dot do not make another name");
	must(addr_parse(out, &addr) < 0 && inet_aton(out, &loose) == 0, "no name is an address");
	must(strlen(out) <= NAME_MAX_LENGTH && strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-_"
							   ".") == strlen(out),
	     "a canonical name has only these bytes");
	return true;
}

static bool check_pattern(const char *text, size_t length, struct name_pattern *pattern)
{
	struct name_pattern again;
	char spelt[NAME_SIZE + 1];
	const char *expected = NULL;
	size_t bad = SIZE_MAX;

	if (name_pattern_parse(text, length, NAME_NSGATE, pattern, &bad, &expected) < 0) {
		must(bad <= length && expected, "a refusal says where and what");
		return false;
	}
	must(name_pattern_parse(pattern->text, strlen(pattern->text), NAME_NSGATE, &again, &bad,
				&expected) == 0,
	     "a canonical pattern is a pattern");
	must(strcmp(pattern->text, again.text) == 0 && pattern->has_wildcard == again.has_wildcard,
	     "a canonical pattern canonicalises to itself");
	respell(pattern->text, spelt);
	must(strcmp(spelt, "*.") == 0 || (name_pattern_parse(spelt, strlen(spelt), NAME_NSGATE,
							     &again, &bad, &expected) == 0 &&
					  strcmp(pattern->text, again.text) == 0),
	     "case and a trailing dot do not make another pattern");
	return true;
}

/* As a policy with this one pattern judges the name. */
static bool matches(const struct name_pattern *pattern, const char *name)
{
	struct policy policy AUTO(policy_done);
	char rule[NAME_SIZE + 8];
	struct err err;

	policy_init(&policy);
	(void)snprintf(rule, sizeof(rule), "domain=%s", pattern->text);
	must(policy_allow(&policy, rule, place_of("fuzz"), &err) == 0 &&
		     policy_compile(&policy, &err) == 0,
	     "a canonical pattern makes a rule");
	return policy_judge_query(&policy, name).is_allowed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text AUTO(heap_release) = malloc(size ? size : 1);
	struct name_pattern pattern;
	char name[NAME_SIZE];
	const char *newline;
	size_t first;
	bool has_pattern, has_name;

	must(text != NULL, "memory for the text");
	memcpy(text, data, size);
	newline = memchr(text, '\n', size);
	first = newline ? (size_t)(newline - text) : size;
	has_pattern = check_pattern(text, first, &pattern);
	has_name = newline && check_name(newline + 1, size - first - 1, name);
	if (has_pattern && has_name)
		must(matches(&pattern, name) == reference_match(pattern.text, name),
		     "the matcher agrees with the reference");
	return 0;
}

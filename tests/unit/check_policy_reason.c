/* Reason codes: stable words, one for each. */
#include "policy/reason.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Other programs read these: changing one is a breach of contract, adding one is a row here. */
static const char *const codes[] = {
	[REASON_ALLOW_RULE] = "allow-rule",
	[REASON_NO_RULE] = "no-rule",
	[REASON_DENY_RULE] = "deny-rule",
	[REASON_RAW_IP] = "raw-ip",
	[REASON_PRIVATE_ADDRESS] = "private-address",
	[REASON_PRIVATE_EMBEDDED] = "private-embedded",
	[REASON_UNKNOWN_NAME] = "unknown-name",
	[REASON_SELF] = "self",
	[REASON_NOT_TCP] = "not-tcp",
	[REASON_NAME_MISMATCH] = "name-mismatch",
	[REASON_NOT_TLS] = "not-tls",
	[REASON_OTHER_SCHEME] = "other-scheme",
	[REASON_BAD_TLS] = "bad-tls",
	[REASON_ECH] = "ech",
	[REASON_NO_NAME] = "no-name",
	[REASON_BAD_HTTP] = "bad-http",
	[REASON_UNINSPECTED] = "uninspected",
	[REASON_SNIFF_TIMEOUT] = "sniff-timeout",
	[REASON_RESOLVE_FAILED] = "resolve-failed",
	[REASON_UPSTREAM_FAILED] = "upstream-failed",
	[REASON_BAD_QUERY] = "bad-query",
	[REASON_BAD_NAME] = "bad-name",
	[REASON_EMPTY_TYPE] = "empty-type",
	[REASON_DUMMY_ANSWER] = "dummy-answer",
	[REASON_POOL_EXHAUSTED] = "pool-exhausted",
	[REASON_LIMIT] = "limit",
	[REASON_AUDIT_FAILED] = "audit-failed",
	[REASON_PUBLISHED] = "published",
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == REASONS, "a code for each reason");

START_TEST(codes_are_stable)
{
	ck_assert_str_eq(reason_code((enum reason)_i), codes[_i]);
}
END_TEST

START_TEST(text_is_one_plain_line)
{
	const char *text = reason_text((enum reason)_i);

	ck_assert_str_ne(text, "unknown");
	ck_assert_uint_gt(strlen(text), strlen("unknown"));
	for (const char *byte = text; *byte; byte++)
		ck_assert_msg(*byte >= ' ' && *byte <= '~', "%s", text);
}
END_TEST

START_TEST(no_two_reasons_read_the_same)
{
	for (int other = 0; other < _i; other++) {
		ck_assert_str_ne(reason_code((enum reason)_i), reason_code((enum reason)other));
		ck_assert_str_ne(reason_text((enum reason)_i), reason_text((enum reason)other));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/reason");
	TCase *tcase = tcase_create("reason");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, codes_are_stable, 0, REASONS);
	tcase_add_loop_test(tcase, text_is_one_plain_line, 0, REASONS);
	tcase_add_loop_test(tcase, no_two_reasons_read_the_same, 0, REASONS);
	return suite_run(suite);
}

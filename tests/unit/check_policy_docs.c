/*
 * docs/policy.md lists each reason code and each rule key, docs/policy-file.md each setting, in a table
 * row that begins with it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/addr.h"
#include "policy/base/auto.h"
#include "policy/keys.h"
#include "policy/reason.h"
#include "policy/settings.h"
#include "tests/unit/suite.h"

static char *read_document(const char *path)
{
	FILE *file AUTO(file_release) = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_msg(file != NULL, "%s can be read", path);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	return text;
}

static void assert_row(const char *document, const char *word)
{
	char row[64];

	(void)snprintf(row, sizeof(row), "\n| `%s` |", word);
	ck_assert_msg(strstr(document, row) != NULL, "there is a row for `%s`", word);
}

START_TEST(every_reason_is_documented)
{
	char *document AUTO(heap_release) = read_document(SOURCES "/docs/policy.md");

	for (int reason = 0; reason < REASONS; reason++)
		assert_row(document, reason_code((enum reason)reason));
}
END_TEST

START_TEST(every_key_is_documented)
{
	char *document AUTO(heap_release) = read_document(SOURCES "/docs/policy.md");

	for (const struct rule_key *key = rule_keys; key->name; key++)
		assert_row(document, key->name);
}
END_TEST

START_TEST(every_class_of_address_is_documented)
{
	char *document AUTO(heap_release) = read_document(SOURCES "/docs/policy.md");

	for (int class = 0; class < ADDR_CLASSES; class ++)
		assert_row(document, addr_class_name((enum addr_class) class));
}
END_TEST

START_TEST(every_setting_is_documented)
{
	char *document AUTO(heap_release) = read_document(SOURCES "/docs/policy-file.md");

	for (const struct setting_key *key = setting_keys; key->path; key++)
		assert_row(document, key->path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/docs");
	TCase *tcase = tcase_create("docs");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_reason_is_documented);
	tcase_add_test(tcase, every_key_is_documented);
	tcase_add_test(tcase, every_setting_is_documented);
	tcase_add_test(tcase, every_class_of_address_is_documented);
	return suite_run(suite);
}

/* Upstream answers with SRV, MX and TXT: what is taken from them, and what makes them useless. */
#include "proxy/records.h"

#include <arpa/nameser.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

/* The question stands at 12; "a.test" is 8 bytes, so the first answer begins at 24. */
#define HEAD(answers)	 "\0\0\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION(type)	 "\1a\4test\0\0" type "\0\1"
#define OWNER		 "\xc0\x0c"
#define TEST		 "\xc0\x0e" /* "test" */
#define FIXED(type, ttl) "\0" type "\0\1\0\0\0" ttl
#define CNAME		 "\x05"
#define MX		 "\x0f"
#define TXT		 "\x10"
#define SRV		 "\x21"
#define MX_RECORD(ttl)	 OWNER FIXED(MX, ttl) "\0\6\0\x0a\1b" TEST
#define BYTES(...)	 (const uint8_t *)(__VA_ARGS__), sizeof(__VA_ARGS__) - 1

static const struct {
	const char *what;
	uint16_t type;
	const uint8_t *message;
	size_t length;
	enum lookup_status status;
	size_t count, aliases;
} rows[] = {
	{ "one MX", ns_t_mx, BYTES(HEAD("\1") QUESTION(MX) MX_RECORD("\x3c")), LOOKUP_OK, 1, 0 },
	{ "two of them", ns_t_mx, BYTES(HEAD("\2") QUESTION(MX) MX_RECORD("\x3c") MX_RECORD("\2")),
	  LOOKUP_OK, 2, 0 },
	{ "no answer", ns_t_mx, BYTES(HEAD("\0") QUESTION(MX)), LOOKUP_NO_DATA, 0, 0 },
	{ "another type", ns_t_txt, BYTES(HEAD("\1") QUESTION(MX) MX_RECORD("\x3c")),
	  LOOKUP_NO_DATA, 0, 0 },
	{ "another owner", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) TEST FIXED(MX, "\1") "\0\6\0\x0a\1b" TEST), LOOKUP_NO_DATA,
	  0, 0 },
	{ "another class", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER "\0\x0f\0\3\0\0\0\1\0\6\0\x0a\1b" TEST),
	  LOOKUP_NO_DATA, 0, 0 },
	{ "an alias, and the record behind it", ns_t_mx,
	  BYTES(HEAD("\2") QUESTION(MX)
			OWNER FIXED(CNAME, "\1") "\0\4\1c" TEST /* c.test at 36 */
						 "\xc0\x24" FIXED(MX, "\1") "\0\6\0\x0a\1b" TEST),
	  LOOKUP_OK, 1, 1 },
	{ "an alias, and a record of the first name", ns_t_mx,
	  BYTES(HEAD("\2") QUESTION(MX) OWNER FIXED(CNAME, "\1") "\0\4\1c" TEST MX_RECORD("\1")),
	  LOOKUP_NO_DATA, 0, 1 },
	{ "an alias that is no host name", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(CNAME, "\1") "\0\4\1 " TEST), LOOKUP_FAILED, 0,
	  1 },
	{ "an endless chain", ns_t_mx,
	  BYTES(HEAD("\x9") QUESTION(MX) OWNER FIXED(CNAME, "\1") "\0\2" OWNER OWNER FIXED(
		  CNAME, "\1") "\0\2" OWNER OWNER FIXED(CNAME, "\1") "\0\2" OWNER OWNER
			FIXED(CNAME, "\1") "\0\2" OWNER OWNER FIXED(CNAME, "\1") "\0\2" OWNER OWNER
				FIXED(CNAME, "\1") "\0\2" OWNER OWNER FIXED(CNAME,
									    "\1") "\0\2" OWNER OWNER
					FIXED(CNAME, "\1") "\0\2" OWNER OWNER FIXED(
						CNAME, "\1") "\0\2" OWNER),
	  LOOKUP_FAILED, 0, 8 },
	{ "no mail at all: the root", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(MX, "\1") "\0\3\0\0\0"), LOOKUP_OK, 1, 0 },
	{ "a target that is no host name", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(MX, "\1") "\0\6\0\x0a\1@" TEST), LOOKUP_NO_DATA,
	  0, 0 },
	{ "an address for a target", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(MX, "\1") "\0\x0b\0\x0a\1"
							      "1\1"
							      "2\1"
							      "3\1"
							      "4\0"),
	  LOOKUP_NO_DATA, 0, 0 },
	{ "SRV", ns_t_srv,
	  BYTES(HEAD("\1") QUESTION(SRV) OWNER FIXED(SRV, "\1") "\0\x0a\0\1\0\2\x14\x66\1b" TEST),
	  LOOKUP_OK, 1, 0 },
	{ "SRV without a target", ns_t_srv,
	  BYTES(HEAD("\1") QUESTION(SRV) OWNER FIXED(SRV, "\1") "\0\6\0\1\0\2\x14\x66"),
	  LOOKUP_FAILED, 0, 0 },
	{ "a target that ends too soon", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(MX, "\1") "\0\x07\0\x0a\1b" TEST "x"),
	  LOOKUP_FAILED, 0, 0 },
	{ "a pointer to itself", ns_t_mx,
	  BYTES(HEAD("\1") QUESTION(MX) OWNER FIXED(MX, "\1") "\0\4\0\x0a\xc0\x26"), LOOKUP_FAILED,
	  0, 0 },
	{ "TXT of two strings", ns_t_txt,
	  BYTES(HEAD("\1") QUESTION(TXT) OWNER FIXED(TXT, "\1") "\0\6\2ab\2cd"), LOOKUP_OK, 1, 0 },
	{ "TXT that does not add up", ns_t_txt,
	  BYTES(HEAD("\1") QUESTION(TXT) OWNER FIXED(TXT, "\1") "\0\6\2ab\3cd"), LOOKUP_FAILED, 0,
	  0 },
	{ "TXT of nothing", ns_t_txt, BYTES(HEAD("\1") QUESTION(TXT) OWNER FIXED(TXT, "\1") "\0\0"),
	  LOOKUP_FAILED, 0, 0 },
	{ "fewer records than announced", ns_t_mx, BYTES(HEAD("\2") QUESTION(MX) MX_RECORD("\x3c")),
	  LOOKUP_FAILED, 1, 0 },
	{ "no question", ns_t_mx, BYTES("\0\0\x81\x80\0\0\0\0\0\0\0\0"), LOOKUP_FAILED, 0, 0 },
};

static void parse(const uint8_t *message, size_t length, uint16_t type, struct records *records)
{
	uint8_t *copy AUTO(heap_release) = malloc(length ? length : 1);

	memcpy(copy, message, length);
	records_parse(copy, length, "a.test", type, records);
	for (size_t i = 0; i < records->count; i++)
		records->list[i].text = NULL; /* the copy goes */
}

START_TEST(takes_what_belongs_to_the_question)
{
	struct records records;

	parse(rows[_i].message, rows[_i].length, rows[_i].type, &records);
	ck_assert_msg(records.status == rows[_i].status, "%s: status %d", rows[_i].what,
		      (int)records.status);
	ck_assert_msg(records.count == rows[_i].count, "%s: %zu records", rows[_i].what,
		      records.count);
	ck_assert_msg(records.alias_count == rows[_i].aliases, "%s: %zu aliases", rows[_i].what,
		      records.alias_count);
	ck_assert_int_eq(records.error == NULL, records.status == LOOKUP_OK);
}
END_TEST

/* From exact-size copies: the sanitizer sees one byte too far. */
START_TEST(every_prefix_is_survived)
{
	struct records records;

	for (size_t length = 0; length < rows[_i].length; length++) {
		parse(rows[_i].message, length, rows[_i].type, &records);
		ck_assert_int_ne(records.status, LOOKUP_OK);
	}
}
END_TEST

START_TEST(numbers_target_and_ttl_are_the_records)
{
	struct records records;

	parse(rows[1].message, rows[1].length, ns_t_mx, &records);
	ck_assert_uint_eq(records.ttl_s, 2);
	ck_assert_uint_eq(records.list[0].number_count, 1);
	ck_assert_uint_eq(records.list[0].numbers[0], 10);
	ck_assert_str_eq(records.list[0].target, "b.test");
	parse(rows[13].message, rows[13].length, ns_t_srv, &records);
	ck_assert_uint_eq(records.list[0].number_count, 3);
	ck_assert_uint_eq(records.list[0].numbers[0], 1);
	ck_assert_uint_eq(records.list[0].numbers[1], 2);
	ck_assert_uint_eq(records.list[0].numbers[2], 5222);
	parse(rows[6].message, rows[6].length, ns_t_mx, &records);
	ck_assert_str_eq(records.aliases[0], "c.test");
}
END_TEST

#define ROWS (int)(sizeof(rows) / sizeof(rows[0]))

int main(void)
{
	Suite *suite = suite_create("proxy/records");
	TCase *tcase = tcase_create("records");

	tcase_add_loop_test(tcase, takes_what_belongs_to_the_question, 0, ROWS);
	tcase_add_loop_test(tcase, every_prefix_is_survived, 0, ROWS);
	tcase_add_test(tcase, numbers_target_and_ttl_are_the_records);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

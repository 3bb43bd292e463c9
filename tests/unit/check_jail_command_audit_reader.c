/* Reading an audit log back: our own records, and whatever else a file may hold. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail/command/audit_reader.h"
#include "policy/base/auto.h"
#include "proxy/audit/audit.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char path[] = "audit.XXXXXX";
static struct audit_entry entry;
static struct err err;

static void setup(void)
{
	int fd;

	(void)strcpy(path, "audit.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void teardown(void)
{
	(void)unlink(path);
}

static void write_log(const void *text, size_t length)
{
	FILE *file AUTO(file_release) = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
}

START_TEST(reads_what_the_proxy_writes)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };
	struct rule rule = { .text = "domain=a.test", .origin = "p.yaml:7" };
	struct addr address, refused;
	struct audit_record record = {
		.protocol = "tls",
		.name = "a.test",
		.sni = "b.test\x1b",
		.address = &address,
		.refused = &refused,
		.port = 443,
		.verdict = { .reason = REASON_NAME_MISMATCH, .rule = &rule },
		.error = "broken",
	};
	struct audit_stamp stamp = { .jail_id = "0123456789abcdef", .sequence = 42 };
	char *line AUTO(heap_release) = NULL;
	char text[ADDR_TEXT_MAX];

	ck_assert_int_eq(addr_parse("198.18.0.1", &address), 0);
	ck_assert_int_eq(addr_parse("fd00::1", &refused), 0);
	line = audit_format(&record, &stamp);
	ck_assert_ptr_nonnull(line);
	write_log(line, strlen(line));
	ck_assert_int_eq(audit_reader_open(&reader, path, &err), 0);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), 1);
	ck_assert_str_eq(entry.jail, "0123456789abcdef");
	ck_assert_str_eq(entry.time, "1970-01-01T00:00:00.000000Z");
	ck_assert_uint_eq(entry.sequence, 42);
	ck_assert_str_eq(entry.protocol, "tls");
	ck_assert_str_eq(entry.name, "a.test");
	ck_assert_str_eq(entry.sni, "b.test\\x1b");
	ck_assert_str_eq(entry.rule, "domain=a.test");
	ck_assert_str_eq(entry.rule_origin, "p.yaml:7");
	ck_assert_str_eq(entry.error, "broken");
	ck_assert_ptr_null(entry.qtype);
	ck_assert_uint_eq(entry.port, 443);
	ck_assert(!entry.is_allowed && !entry.is_query);
	ck_assert_str_eq(addr_format(&entry.address, text), "198.18.0.1");
	ck_assert_str_eq(addr_format(&entry.refused, text), "fd00::1");
	ck_assert_uint_eq(entry.dialed.family, 0);
	ck_assert_int_eq(audit_entry_reason(&entry), REASON_NAME_MISMATCH);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), 0);
	ck_assert_uint_eq(reader.foreign_count, 0);
}
END_TEST

#define RECORD(fields)                                                                             \
	"{\"time\":\"t\",\"jail\":\"j\",\"seq\":1,\"protocol\":\"tcp\",\"reason\":\"x\","          \
	"\"verdict\":\"deny\"" fields "}\n"

/* Lines that are no decisions are counted, and the one behind them is read. */
static const struct {
	const char *text;
	size_t length; /* 0 = the text's */
} foreign[] = {
	{ "\n", 0 },
	{ "text\n", 0 },
	{ "[1]\n", 0 },
	{ "{}\n", 0 },
	{ "{\"time\":\"t\",\"jail\":\"j\",\"seq\":1\n", 0 },
	{ "\0\n", 2 },
	{ "\xff\xfe\n", 0 },
	{ RECORD(",\"jail\":7"), 0 },
	{ RECORD(",\"seq\":-1"), 0 },
	{ RECORD(",\"seq\":\"1\""), 0 },
	{ RECORD(",\"verdict\":\"maybe\""), 0 },
	{ RECORD(",\"reason\":null"), 0 },
	{ RECORD(",\"protocol\":{}"), 0 },
	{ RECORD(",\"jail\":\"0123456789012345678901234567890123456789012345678901234567890123\""),
	  0 },
};

START_TEST(counts_lines_of_somebody_else)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };
	size_t length = foreign[_i].length ? foreign[_i].length : strlen(foreign[_i].text);
	static const char record[] = RECORD(",\"name\":\"a.test\"");
	char text[1024];

	memcpy(text, foreign[_i].text, length);
	memcpy(text + length, record, sizeof(record));
	write_log(text, length + sizeof(record) - 1);
	ck_assert_int_eq(audit_reader_open(&reader, path, &err), 0);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), 1);
	ck_assert_str_eq(entry.name, "a.test");
	ck_assert_int_eq(audit_entry_reason(&entry), REASONS);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), 0);
	ck_assert_uint_eq(reader.foreign_count, 1);
}
END_TEST

static const struct {
	const char *line, *target;
} targets[] = {
	{ RECORD(",\"name\":\"a.test\",\"port\":443"), "tcp a.test:443" },
	{ RECORD(",\"name\":\"a.test\",\"qtype\":\"AAAA\""), "tcp a.test AAAA" },
	{ RECORD(",\"address\":\"2001:db8::1\",\"port\":1"), "tcp [2001:db8::1]:1" },
	{ RECORD(",\"address\":\"192.0.2.1\",\"port\":65536"), "tcp 192.0.2.1" },
	{ RECORD(",\"address\":\"none\""), "tcp ?" },
	{ RECORD(",\"name\":\"a\\\\x1b\\u001b\\n\",\"port\":1"), "tcp a\\\\x1b\\x1b\\x0a:1" },
};

START_TEST(names_what_was_asked_for)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };
	char target[256];

	write_log(targets[_i].line, strlen(targets[_i].line));
	ck_assert_int_eq(audit_reader_open(&reader, path, &err), 0);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), 1);
	ck_assert_str_eq(audit_entry_target(&entry, target, sizeof(target)), targets[_i].target);
}
END_TEST

START_TEST(says_which_file_cannot_be_read)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };

	ck_assert_int_eq(audit_reader_open(&reader, "nowhere/audit", &err), -ENOENT);
	ck_assert_str_eq(err.text, "open nowhere/audit");
	ck_assert_int_eq(audit_reader_open(&reader, "/", &err), 0);
	ck_assert_int_eq(audit_reader_next(&reader, &entry, &err), -EISDIR);
	ck_assert_str_eq(err.text, "read /");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail/command/audit_reader");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, reads_what_the_proxy_writes);
	tcase_add_loop_test(tests, counts_lines_of_somebody_else, 0, ROWS(foreign));
	tcase_add_loop_test(tests, names_what_was_asked_for, 0, ROWS(targets));
	tcase_add_test(tests, says_which_file_cannot_be_read);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

/* Audit records: which fields they have, and that no text can break out of one. */
#include "proxy/audit/audit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "tests/unit/suite.h"

#define JAIL "0123456789abcdef"

static struct rule rule = { .text = (char[]) { "domain=ok.test" },
			    .origin = (char[]) { "p.yaml:7" } };
static const struct timespec moment = { .tv_sec = 1700000000, .tv_nsec = 123456789 };

static json_t *parsed(const struct audit_record *record)
{
	const struct audit_stamp stamp = {
		.jail_id = JAIL,
		.sequence = 5,
		.lost = record->packets,
		.now = moment,
	};
	char *line AUTO(heap_release) = audit_format(record, &stamp);
	json_t *object;

	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	object = json_loads(line, 0, NULL);
	ck_assert_ptr_nonnull(object);
	return object;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "absent";
}

START_TEST(has_every_field_of_a_connection)
{
	struct addr address, dialed;
	struct audit_record record = {
		.protocol = "tls",
		.name = "ok.test",
		.address = &address,
		.port = 443,
		.dialed = &dialed,
		.verdict = { true, REASON_ALLOW_RULE, &rule },
		.bytes_sent = 5000000000u,
		.bytes_received = 7,
		.duration_ms = 12,
	};
	json_t *object;

	ck_assert_int_eq(addr_parse("198.18.0.1", &address), 0);
	ck_assert_int_eq(addr_parse("2001:db8::1", &dialed), 0);
	object = parsed(&record);
	ck_assert_str_eq(text_of(object, "time"), "2023-11-14T22:13:20.123456Z");
	ck_assert_str_eq(text_of(object, "jail"), JAIL);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "seq")), 5);
	ck_assert_str_eq(text_of(object, "protocol"), "tls");
	ck_assert_str_eq(text_of(object, "name"), "ok.test");
	ck_assert_str_eq(text_of(object, "address"), "198.18.0.1");
	ck_assert_str_eq(text_of(object, "dialed"), "2001:db8::1");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "port")), 443);
	ck_assert_str_eq(text_of(object, "verdict"), "allow");
	ck_assert_str_eq(text_of(object, "reason"), "allow-rule");
	ck_assert_str_eq(text_of(object, "rule"), "domain=ok.test");
	ck_assert_str_eq(text_of(object, "rule_origin"), "p.yaml:7");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "bytes_sent")), 5000000000);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "bytes_received")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "duration_ms")), 12);
	ck_assert_uint_eq(json_object_size(object), 15);
	json_decref(object);
}
END_TEST

START_TEST(says_which_published_port_was_used_and_by_whom)
{
	struct addr address, client;
	struct audit_record record = {
		.protocol = "tcp",
		.address = &address,
		.port = 3000,
		.published = "[::1]:3000",
		.client = &client,
		.verdict = { true, REASON_PUBLISHED, NULL },
	};
	json_t *object;

	ck_assert_int_eq(addr_parse("127.0.0.1", &address), 0);
	ck_assert_int_eq(addr_parse("::1", &client), 0);
	object = parsed(&record);
	ck_assert_str_eq(text_of(object, "reason"), "published");
	ck_assert_str_eq(text_of(object, "published"), "[::1]:3000");
	ck_assert_str_eq(text_of(object, "client"), "::1");
	ck_assert_str_eq(text_of(object, "address"), "127.0.0.1");
	json_decref(object);
}
END_TEST

START_TEST(says_what_a_request_asks_for_and_how_many_there_were)
{
	struct addr address;
	struct audit_record record = {
		.protocol = "http",
		.name = "ok.test",
		.address = &address,
		.port = 80,
		.method = "GET",
		.url = "http://ok.test/a?\nb",
		.path = "/a",
		.verdict = { true, REASON_ALLOW_RULE, &rule },
	};
	json_t *object;

	ck_assert_int_eq(addr_parse("198.18.0.1", &address), 0);
	object = parsed(&record);
	ck_assert_str_eq(text_of(object, "method"), "GET");
	ck_assert_str_eq(text_of(object, "url"), "http://ok.test/a?\\x0ab");
	ck_assert_str_eq(text_of(object, "path"), "absent");
	ck_assert_str_eq(text_of(object, "requests"), "absent");
	json_decref(object);
	record.method = record.url = NULL;
	record.requests = 3;
	object = parsed(&record);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "requests")), 3);
	ck_assert_str_eq(text_of(object, "method"), "absent");
	json_decref(object);
}
END_TEST

START_TEST(leaves_out_what_does_not_apply)
{
	const struct audit_record record = {
		.protocol = "dns",
		.name = "evil.test",
		.qtype = "A",
		.verdict = { false, REASON_NO_RULE, NULL },
	};
	json_t *object = parsed(&record);

	ck_assert_str_eq(text_of(object, "qtype"), "A");
	ck_assert_str_eq(text_of(object, "verdict"), "deny");
	ck_assert_uint_eq(json_object_size(object), 8);
	json_decref(object);
}
END_TEST

static const struct {
	const char *text, *escaped;
} hostile[] = {
	{ "a\nb", "a\\x0ab" },
	{ "\",\"verdict\":\"allow", "\",\"verdict\":\"allow" },
	{ "\x1b[31m", "\\x1b[31m" },
	{ "\xff\xfe\xc3", "\\xff\\xfe\\xc3" },
	{ "back\\slash", "back\\\\slash" },
};

START_TEST(keeps_hostile_text_inside_its_field)
{
	const struct audit_record record = {
		.protocol = "dns",
		.name = hostile[_i].text,
		.qtype = "A",
		.verdict = { false, REASON_BAD_NAME, NULL },
	};
	json_t *object = parsed(&record);

	ck_assert_str_eq(text_of(object, "name"), hostile[_i].escaped);
	ck_assert_str_eq(text_of(object, "verdict"), "deny");
	json_decref(object);
}
END_TEST

START_TEST(numbers_records_and_fails_for_good)
{
	const struct audit_record record = { .protocol = "dns", .qtype = "A" };
	int ends[2];
	struct audit audit;
	char bytes[4096];

	log_level_set(LOG_ERROR);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	audit_init(&audit, ends[1], AUDIT_STOP, JAIL);
	ck_assert_int_eq(audit_write(&audit, &record), 0);
	ck_assert_int_eq(audit_write(&audit, &record), 0);
	ck_assert_uint_eq(audit.sequence, 2);
	ck_assert_int_gt(read(ends[0], bytes, sizeof(bytes)), 0);
	while (audit_write(&audit, &record) == 0)
		; /* until the pipe is full: nobody reads */
	ck_assert(audit.has_failed);
	ck_assert_int_gt(read(ends[0], bytes, sizeof(bytes)), 0);
	ck_assert_int_lt(audit_write(&audit, &record), 0);
	audit_done(&audit);
	(void)close(ends[0]);
}
END_TEST

START_TEST(writes_nothing_without_a_descriptor)
{
	const struct audit_record record = { .protocol = "dns", .qtype = "A" };
	struct audit audit;

	audit_init(&audit, -1, AUDIT_STOP, JAIL);
	ck_assert_int_eq(audit_write(&audit, &record), 0);
	ck_assert(!audit.has_failed);
}
END_TEST

/* ---- records that cannot be written ---- */

static const struct audit_record query = { .protocol = "dns", .qtype = "A" };

static struct audit audit_to(int fd, enum audit_failure on_failure)
{
	struct audit audit;

	log_level_set(LOG_ERROR);
	ck_assert_int_ge(fd, 0);
	audit_init(&audit, fd, on_failure, JAIL);
	return audit;
}

/* Line number @index, as an object; NULL when it is none. */
static json_t *line_of(int fd, size_t index)
{
	FILE *file AUTO(file_release) = fdopen(dup(fd), "r");
	char line[8192];

	ck_assert_ptr_nonnull(file);
	rewind(file);
	for (size_t i = 0; fgets(line, sizeof(line), file); i++) {
		if (i == index)
			return json_loads(line, 0, NULL);
	}
	ck_abort_msg("no line %zu", index);
	return NULL;
}

static void expect_line(int fd, size_t index, int sequence, int lost)
{
	json_t *object = line_of(fd, index);

	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "seq")), sequence);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "lost")), lost);
	json_decref(object);
}

/* A file that grows to @bytes and no further. */
static int small_file(rlim_t bytes)
{
	const struct rlimit limit = { bytes, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return open("/var/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
}

START_TEST(counts_what_is_lost_and_says_so_in_the_next_record)
{
	int file = small_file(0);
	struct audit audit = audit_to(dup(file), AUDIT_COUNT);

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert(!audit.has_failed);
	ck_assert_uint_eq(audit.lost, 3);
	(void)small_file(RLIM_INFINITY);
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_uint_eq(audit.lost, 3);
	expect_line(file, 0, 3, 3);
	expect_line(file, 1, 4, 0);
	audit_done(&audit);
	(void)close(file);
}
END_TEST

START_TEST(keeps_half_a_line_away_from_the_next)
{
	int file = small_file(40);
	struct audit audit = audit_to(dup(file), AUDIT_COUNT);

	ck_assert_int_eq(audit_write(&audit, &query), 0); /* of which 40 bytes are written */
	ck_assert(audit.is_torn);
	ck_assert_int_eq(audit_write(&audit, &query), 0); /* and nothing of this one */
	(void)small_file(RLIM_INFINITY);
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_ptr_null(line_of(file, 0));
	expect_line(file, 1, 2, 2);
	expect_line(file, 2, 3, 0);
	audit_done(&audit);

	ck_assert_int_eq(write(file, "{\"half", 6), 6); /* another run's */
	audit = audit_to(dup(file), AUDIT_STOP);
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_ptr_null(line_of(file, 3));
	expect_line(file, 4, 0, 0);
	audit_done(&audit);
	(void)close(file);
}
END_TEST

START_TEST(never_waits_for_a_reader_where_records_may_be_lost)
{
	struct timespec before, after;
	int ends[2];
	struct audit audit;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	audit = audit_to(ends[1], AUDIT_COUNT);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	while (audit.lost < 1000)
		ck_assert_int_eq(audit_write(&audit, &query), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 5);
	audit_done(&audit);
	(void)close(ends[0]);
}
END_TEST

static void note_stop(void *owner)
{
	++*(int *)owner;
}

START_TEST(goes_on_in_a_new_file)
{
	int first = small_file(0), second, stops = 0;
	struct audit audit = audit_to(first, AUDIT_STOP);

	audit.stopped = note_stop;
	audit.owner = &stops;
	ck_assert_int_lt(audit_write(&audit, &query), 0);
	ck_assert_int_lt(audit_write(&audit, &query), 0);
	ck_assert_int_eq(stops, 1);
	second = small_file(RLIM_INFINITY);
	ck_assert_int_eq(audit_reopen(&audit, -1), -EBADF);
	ck_assert(audit.has_failed);
	ck_assert_int_eq(audit_reopen(&audit, dup(second)), 0);
	ck_assert(!audit.has_failed);
	ck_assert_int_eq(fcntl(first, F_GETFD), -1); /* closed */
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	expect_line(second, 0, 2, 2);
	audit_done(&audit);
	(void)close(second);
}
END_TEST

START_TEST(appends_after_a_file_was_emptied)
{
	int file = small_file(RLIM_INFINITY);
	struct audit audit = audit_to(dup(file), AUDIT_STOP);

	ck_assert_int_eq(audit_write(&audit, &query), 0);
	ck_assert_int_eq(ftruncate(file, 0), 0); /* as logrotate does: copytruncate */
	ck_assert_int_eq(audit_write(&audit, &query), 0);
	expect_line(file, 0, 1, 0);
	audit_done(&audit);
	(void)close(file);
}
END_TEST

START_TEST(makes_no_line_longer_than_a_pipe_takes_whole)
{
	char text[2000];
	struct rule long_rule = { .text = text, .origin = text };
	const struct addr addr = { .family = AF_INET6, .bytes = { 0x20, 1, 0xd, 0xb8, [15] = 9 } };
	const struct audit_record record = {
		.protocol = "tls",
		.name = text,
		.sni = text,
		.error = text,
		.address = &addr,
		.dialed = &addr,
		.refused = &addr,
		.port = 65535,
		.verdict = { false, REASON_DENY_RULE, &long_rule },
		.bytes_sent = INT64_MAX,
		.bytes_received = INT64_MAX,
		.duration_ms = INT64_MAX,
	};
	const struct audit_stamp stamp = { JAIL, INT64_MAX, INT64_MAX, moment };
	char *line AUTO(heap_release) = NULL;

	memset(text, _i, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	line = audit_format(&record, &stamp);
	ck_assert_ptr_nonnull(line);
	ck_assert_uint_lt(strlen(line), PIPE_BUF);
	ck_assert_uint_gt(strlen(line), 1000);
}
END_TEST

/* ---- the schema in docs/ says the same ---- */

static json_t *properties(json_t *schema)
{
	ck_assert_ptr_nonnull(schema);
	return json_object_get(schema, "properties");
}

START_TEST(has_only_fields_of_the_schema)
{
	const struct addr addr = { .family = AF_INET };
	const struct audit_record record = {
		.protocol = "tls",
		.packets = _i ? 5 : 0,
		.name = "n",
		.sni = "s",
		.address = &addr,
		.port = 1,
		.dialed = &addr,
		.refused = &addr,
		.error = "e",
		.verdict = { false, REASON_NO_RULE, &rule },
	};
	json_t *schema = json_load_file(SOURCES "/docs/audit.schema.json", 0, NULL);
	json_t *object = parsed(&record);
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
		ck_assert_msg(json_object_get(properties(schema), key) != NULL, "%s", key);
	json_decref(object);
	json_decref(schema);
}
END_TEST

START_TEST(has_the_reasons_of_the_schema)
{
	json_t *schema = json_load_file(SOURCES "/docs/audit.schema.json", 0, NULL);
	const json_t *codes =
		json_object_get(json_object_get(properties(schema), "reason"), "enum");

	ck_assert_uint_eq(json_array_size(codes), REASONS);
	for (size_t i = 0; i < REASONS; i++)
		ck_assert_str_eq(json_string_value(json_array_get(codes, i)),
				 reason_code((enum reason)i));
	json_decref(schema);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy/audit");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_test(all, has_every_field_of_a_connection);
	tcase_add_test(all, leaves_out_what_does_not_apply);
	tcase_add_test(all, says_what_a_request_asks_for_and_how_many_there_were);
	tcase_add_test(all, says_which_published_port_was_used_and_by_whom);
	tcase_add_loop_test(all, keeps_hostile_text_inside_its_field, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(all, numbers_records_and_fails_for_good);
	tcase_add_test(all, writes_nothing_without_a_descriptor);
	tcase_add_test(all, counts_what_is_lost_and_says_so_in_the_next_record);
	tcase_add_test(all, keeps_half_a_line_away_from_the_next);
	tcase_add_test(all, never_waits_for_a_reader_where_records_may_be_lost);
	tcase_add_test(all, goes_on_in_a_new_file);
	tcase_add_test(all, appends_after_a_file_was_emptied);
	tcase_add_loop_test(all, makes_no_line_longer_than_a_pipe_takes_whole, 1, 256);
	tcase_add_loop_test(all, has_only_fields_of_the_schema, 0, 2);
	tcase_add_test(all, has_the_reasons_of_the_schema);
	return suite_run(suite);
}

/* Audit records: which fields they have, and that no text can break out of one. */
#include "proxy/audit/audit.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
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
	char *line AUTO(heap_release) = audit_format(record, JAIL, 5, &moment);
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
	audit_init(&audit, ends[1], JAIL);
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

	audit_init(&audit, -1, JAIL);
	ck_assert_int_eq(audit_write(&audit, &record), 0);
	ck_assert(!audit.has_failed);
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
		.name = "n",
		.sni = "s",
		.address = &addr,
		.port = 1,
		.dialed = &addr,
		.refused = &addr,
		.qtype = "A",
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
	tcase_add_test(all, says_which_published_port_was_used_and_by_whom);
	tcase_add_loop_test(all, keeps_hostile_text_inside_its_field, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(all, numbers_records_and_fails_for_good);
	tcase_add_test(all, writes_nothing_without_a_descriptor);
	tcase_add_test(all, has_only_fields_of_the_schema);
	tcase_add_test(all, has_the_reasons_of_the_schema);
	return suite_run(suite);
}

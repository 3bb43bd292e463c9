/* The places that a policy names: what is mounted for each, and what is refused. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "jail/mount/mount.h"
#include "policy/settings.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct mount_list list;
static struct settings settings;
static struct err err;

static void setup(void)
{
	settings_init(&settings);
}

static void teardown(void)
{
	mount_list_done(&list);
	settings_done(&settings);
}

static int add(const char *key, const char *text)
{
	ck_assert_int_eq(setting_put(&settings, setting_key_find(key), text, place_of("test"),
				     SETTING_FROM_FILE, &err),
			 0);
	return mount_add_paths(&list, &settings, "/usr/share", &err);
}

static const struct {
	const char *key, *text;
	const struct mount_kind *kind;
	const char *source, *target, *data;
} accepted[] = {
	{ "filesystem.bind", "/usr:/mnt/a", &mount_kind_bind, "/usr", "/mnt/a", NULL },
	{ "filesystem.ro-bind", "/usr/./bin/..", &mount_kind_ro_bind, "/usr", "/usr", NULL },
	{ "filesystem.write", "/usr/", &mount_kind_bind, "/usr", "/usr", NULL },
	{ "filesystem.overlay", "/usr", &mount_kind_overlay, "/usr", "/usr", NULL },
	{ "filesystem.hide", "/usr", &mount_kind_hide, "/usr", "/usr", NULL },
	{ "filesystem.tmpfs", "/a//b/./c/", &mount_kind_tmpfs, NULL, "/a/b/c", NULL },
	{ "filesystem.tmpfs", "/a:64m", &mount_kind_tmpfs, NULL, "/a", "64m" },
	{ "filesystem.tmpfs", "/a:10%", &mount_kind_tmpfs, NULL, "/a", "10%" },
	{ "filesystem.write", "~", &mount_kind_bind, "/usr/share", "/usr/share", NULL },
	{ "filesystem.write", "~/../bin", &mount_kind_bind, "/usr/bin", "/usr/bin", NULL },
};

START_TEST(a_place_has_a_source_and_a_clean_target)
{
	const struct mount_entry *entry;

	ck_assert_int_eq(add(accepted[_i].key, accepted[_i].text), 0);
	ck_assert_uint_eq(list.count, 1);
	entry = &list.entries[0];
	ck_assert_ptr_eq(entry->kind, accepted[_i].kind);
	ck_assert_pstr_eq(entry->source, accepted[_i].source);
	ck_assert_str_eq(entry->target, accepted[_i].target);
	ck_assert_pstr_eq(entry->data, accepted[_i].data);
}
END_TEST

static const struct {
	const char *key, *text;
	int code;
	const char *message;
} refused[] = {
	{ "filesystem.write", "/no/such", ENOENT, "test /no/such" },
	{ "filesystem.write", "~root", ENOENT, "test ~root" },
	{ "filesystem.write", "/usr:/mnt", ENOENT, "test /usr:/mnt" },
	{ "filesystem.bind", "/no/such:/mnt", ENOENT, "test /no/such" },
	{ "filesystem.tmpfs", "/x:lots", EINVAL,
	  "test /x:lots: expected a size such as 64m, 2g or 10% after the colon" },
	{ "filesystem.tmpfs", "x", EINVAL, "test: x: expected an absolute path" },
	{ "filesystem.tmpfs", "/x/../y", EINVAL, "test: /x/../y: expected a path without \"..\"" },
};

START_TEST(a_place_that_cannot_be_is_refused_with_its_origin)
{
	ck_assert_int_eq(add(refused[_i].key, refused[_i].text), -refused[_i].code);
	ck_assert_str_eq(err.text, refused[_i].message);
}
END_TEST

START_TEST(without_a_home_there_is_no_tilde)
{
	ck_assert_int_eq(add("filesystem.write", "/usr"), 0);
	ck_assert_int_eq(setting_put(&settings, setting_key_find("filesystem.write"), "~/x",
				     place_of("test"), SETTING_FROM_FILE, &err),
			 0);
	ck_assert_int_eq(mount_add_paths(&list, &settings, NULL, &err), -ENOENT);
	ck_assert_str_eq(err.text, "test ~/x: find the home");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mount paths");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_place_has_a_source_and_a_clean_target, 0, ROWS(accepted));
	tcase_add_loop_test(tests, a_place_that_cannot_be_is_refused_with_its_origin, 0,
			    ROWS(refused));
	tcase_add_test(tests, without_a_home_there_is_no_tilde);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

/* The default view: which places are writable, thrown away, or left as they are. */
#include <check.h>
#include <string.h>

#include "jail/mount/mount.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct mount_list list;
static struct err err;

static void teardown(void)
{
	mount_list_done(&list);
}

/* The last entry for @target, which is the one that will be seen; NULL = none. */
static const struct mount_kind *kind_at(const char *target)
{
	const struct mount_kind *kind = NULL;

	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.entries[i].target, target) == 0)
			kind = list.entries[i].kind;
	}
	return kind;
}

static const struct {
	const char *cwd, *home;
	const struct mount_kind *at_cwd, *at_home;
} views[] = {
	{ "/homes/u/p", "/homes/u", &mount_kind_bind, &mount_kind_overlay },
	{ "/homes/u", "/homes/u", &mount_kind_overlay, &mount_kind_overlay },
	{ "/homes", "/homes/u", &mount_kind_overlay, &mount_kind_overlay },
	{ "/", "/homes/u", &mount_kind_overlay, &mount_kind_overlay },
	{ "/", "/", &mount_kind_overlay, &mount_kind_overlay },
	{ "/homes/u2", "/homes/u", &mount_kind_bind, &mount_kind_overlay },
	{ "/srv/build", NULL, &mount_kind_bind, NULL },
	{ "/tmp/work", "/homes/u", &mount_kind_bind, &mount_kind_overlay },
	{ "/tmp", "/homes/u", &mount_kind_tmpfs, &mount_kind_overlay },
	{ "/var/tmp", "/homes/u", &mount_kind_tmpfs, &mount_kind_overlay },
	{ "/etc", "/root", &mount_kind_overlay, &mount_kind_overlay },
	{ "/etc/nginx", "/root", &mount_kind_overlay, &mount_kind_overlay },
	{ "/etcetera", "/root", &mount_kind_bind, &mount_kind_overlay },
	{ "/usr/local/src", "/root", &mount_kind_overlay, &mount_kind_overlay },
	{ "/proc/1", "/root", NULL, &mount_kind_overlay },
	{ "/sys/class", "/root", NULL, &mount_kind_overlay },
	{ "/run/user/7", "/root", NULL, &mount_kind_overlay },
};

START_TEST(the_project_is_writable_and_the_rest_is_not)
{
	struct mount_view view = { .cwd = views[_i].cwd, .home = views[_i].home };

	ck_assert_int_eq(mount_default_view(&list, &view, &err), 0);
	ck_assert_ptr_eq(kind_at(views[_i].cwd), views[_i].at_cwd);
	if (views[_i].home)
		ck_assert_ptr_eq(kind_at(views[_i].home), views[_i].at_home);
}
END_TEST

START_TEST(names_come_from_the_gate_only_with_a_gate)
{
	struct mount_view view = { .cwd = "/srv", .resolv_conf = "r", .hosts = "h" };

	ck_assert_int_eq(mount_default_view(&list, &view, &err), 0);
	ck_assert_ptr_eq(kind_at("/etc/resolv.conf"), NULL);
	ck_assert_ptr_eq(kind_at("/sys"), NULL);
	mount_list_done(&list);
	view.use_gate = view.own_network = true;
	ck_assert_int_eq(mount_default_view(&list, &view, &err), 0);
	ck_assert_ptr_eq(kind_at("/etc/resolv.conf"), &mount_kind_file);
	ck_assert_ptr_eq(kind_at("/etc/hosts"), &mount_kind_file);
	ck_assert_ptr_eq(kind_at("/sys"), &mount_kind_sys);
}
END_TEST

static const struct {
	const char *target, *clean;
} targets[] = {
	{ "/", "/" },
	{ "//", "/" },
	{ "/a", "/a" },
	{ "/a/", "/a" },
	{ "//a///b/", "/a/b" },
	{ "/./a/./b/.", "/a/b" },
	{ "/a..b/...", "/a..b/..." },
	{ "", NULL },
	{ "a", NULL },
	{ "./a", NULL },
	{ "/..", NULL },
	{ "/a/../b", NULL },
	{ "/a/..", NULL },
};

START_TEST(targets_are_absolute_and_never_climb)
{
	int rc = mount_list_add(&list, &mount_kind_tmpfs, NULL, targets[_i].target, NULL, &err);

	if (!targets[_i].clean) {
		ck_assert_int_lt(rc, 0);
		ck_assert_uint_eq(list.count, 0);
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_str_eq(list.entries[0].target, targets[_i].clean);
}
END_TEST

START_TEST(every_kind_has_a_name_of_its_own)
{
	for (size_t i = 0; mount_kinds[i]; i++) {
		ck_assert_ptr_nonnull(mount_kinds[i]->apply);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(mount_kinds[i]->name, mount_kinds[j]->name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mount view");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, the_project_is_writable_and_the_rest_is_not, 0, ROWS(views));
	tcase_add_test(tests, names_come_from_the_gate_only_with_a_gate);
	tcase_add_loop_test(tests, targets_are_absolute_and_never_climb, 0, ROWS(targets));
	tcase_add_test(tests, every_kind_has_a_name_of_its_own);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

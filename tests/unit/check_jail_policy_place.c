/* Where a policy may lie: which names on the way to it a jail's mounts put at risk. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/mount/mount.h"
#include "jail/policy_place.h"
#include "policy/file.h"
#include "policy/settings.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char top[PATH_MAX]; /* a directory of the test's own, without symlinks */
static struct mount_list list;
static struct settings settings;
static struct err err;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void link_absolute(const char *target, const char *path)
{
	char whole[PATH_MAX + 64];

	(void)snprintf(whole, sizeof(whole), "%s/%s", top, target);
	ck_assert_int_eq(symlink(whole, path), 0);
}

/*
 * project/  p.yaml  sub/p.yaml  link -> ../safe/p.yaml  way -> ../safe  out.yaml includes them
 * safe/     p.yaml  back -> ../project/p.yaml  home.yaml includes ../project/p.yaml
 *           root -> TOP/project/p.yaml  fine -> TOP/safe/p.yaml
 */
static void setup(void)
{
	char made[] = "/var/tmp/nsgate-place.XXXXXX";

	umask(022);
	ck_assert_ptr_nonnull(mkdtemp(made));
	ck_assert_ptr_nonnull(realpath(made, top));
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_int_eq(mkdir("project", 0755) | mkdir("project/sub", 0755) | mkdir("safe", 0755),
			 0);
	write_file("project/p.yaml", "version: 1\n");
	write_file("project/sub/p.yaml", "version: 1\n");
	write_file("safe/p.yaml", "version: 1\n");
	write_file("safe/p", "");
	write_file("sa", "");
	write_file("safe/home.yaml", "version: 1\ninclude: [../project/p.yaml]\n");
	ck_assert_int_eq(symlink("../safe/p.yaml", "project/link") |
				 symlink("../safe", "project/way") |
				 symlink("../project/p.yaml", "safe/back"),
			 0);
	link_absolute("project/p.yaml", "safe/root");
	link_absolute("safe/p.yaml", "safe/fine");
	ck_assert_int_eq(chdir("project"), 0);
	settings_init(&settings);
	err = (struct err) { 0 };
}

static void teardown(void)
{
	char command[PATH_MAX + 16];

	mount_list_done(&list);
	settings_done(&settings);
	ck_assert_int_eq(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -r -- %s", top);
	ck_assert_int_eq(system(command), 0);
}

static const struct mount_kind *find_kind(const char *name)
{
	for (const struct mount_kind *const *kind = mount_kinds; *kind; kind++) {
		if (strcmp((*kind)->name, name) == 0)
			return *kind;
	}
	ck_abort_msg("no mount kind %s", name);
	return NULL;
}

/* @mounts is "KIND SOURCE TARGET" words, below @top; '.' = @top itself. */
static void add_mounts(const char *mounts)
{
	char kind[16], source[64], target[64], whole_source[PATH_MAX + 64],
		whole_target[PATH_MAX + 64];
	int used;

	for (; sscanf(mounts, "%15s %63s %63s %n", kind, source, target, &used) == 3;
	     mounts += used) {
		(void)snprintf(whole_source, sizeof(whole_source), "%s%s%s", top,
			       *source == '.' ? "" : "/", *source == '.' ? "" : source);
		(void)snprintf(whole_target, sizeof(whole_target), "%s%s%s", top,
			       *target == '.' ? "" : "/", *target == '.' ? "" : target);
		ck_assert_int_eq(mount_list_add(&list, find_kind(kind), whole_source, whole_target,
						NULL, &err),
				 0);
	}
}

static int check(const char *mounts, const char *policy)
{
	char directory[PATH_MAX + 16];

	add_mounts(mounts);
	(void)snprintf(directory, sizeof(directory), "%s/project", top);
	ck_assert_int_eq(policy_file_load(&settings, policy, &err), 0);
	return policy_place_check(&settings, &list, directory, &err);
}

#define CWD "bind project project "

static const struct {
	const char *mounts, *policy;
	const char *culprit; /* below @top; NULL = it may lie there */
} rows[] = {
	{ CWD, "p.yaml", "project/p.yaml" },
	{ CWD, "./p.yaml", "project/p.yaml" },
	{ CWD, "sub/../p.yaml", "project/sub" },
	{ CWD, "sub/p.yaml", "project/sub" },
	{ CWD, "../project/p.yaml", "project/p.yaml" },
	{ CWD, "../safe/p.yaml", NULL },
	{ CWD, "link", "project/link" },
	{ CWD, "way/p.yaml", "project/way" },
	{ CWD, "../safe/back", "project/p.yaml" },
	{ CWD, "../safe/root", "project/p.yaml" },
	{ CWD, "../safe/fine", NULL },
	{ CWD, "../safe/home.yaml", "project/p.yaml" },
	{ "", "p.yaml", NULL },
	{ "overlay project project", "p.yaml", NULL },
	{ "overlay . . " CWD, "p.yaml", "project/p.yaml" },
	{ "overlay . . " CWD, "../safe/p.yaml", NULL },
	{ "ro-bind project project", "p.yaml", NULL },
	{ "bind safe project", "p.yaml", NULL },
	/* the source counts, wherever it is shown */
	{ "bind safe elsewhere", "../safe/p.yaml", "safe/p.yaml" },
	{ "bind safe/p.yaml elsewhere", "../safe/p.yaml", "safe/p.yaml" },
	{ "bind safe/p.yaml elsewhere", "../safe/home.yaml", NULL },
	{ "bind . elsewhere", "../safe/p.yaml", "project" },
	/* what lies on top of it, later and at the very place, hides it; what lies in it does not */
	{ CWD "overlay project project", "p.yaml", NULL },
	{ "overlay project project " CWD, "p.yaml", "project/p.yaml" },
	{ CWD "ro-bind project/sub project/sub", "sub/p.yaml", "project/sub" },
	{ "bind safe elsewhere ro-bind safe elsewhere", "../safe/p.yaml", "safe/p.yaml" },
	/* only the name is alike */
	{ "bind safe/p safe/p bind sa sa", "../safe/p.yaml", NULL },
};

START_TEST(a_policy_lies_where_the_jail_cannot_write)
{
	char expected[PATH_MAX + 64];
	int rc = check(rows[_i].mounts, rows[_i].policy);

	if (!rows[_i].culprit) {
		ck_assert_msg(rc == 0, "%s with %s: %s", rows[_i].policy, rows[_i].mounts,
			      err.text);
		return;
	}
	ck_assert_int_eq(rc, -EINVAL);
	(void)snprintf(expected, sizeof(expected), "for the next run: %s/%s lies in %s", top,
		       rows[_i].culprit, top);
	ck_assert_msg(strstr(err.text, expected) != NULL, "%s with %s: %s", rows[_i].policy,
		      rows[_i].mounts, err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "\nKeep it where the jail cannot write"));
}
END_TEST

START_TEST(an_absolute_path_is_walked_from_the_root)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/project/p.yaml", top);
	ck_assert_int_eq(check(CWD, path), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "project/p.yaml lies in"));
}
END_TEST

START_TEST(the_root_is_a_place_too)
{
	ck_assert_int_eq(mount_list_add(&list, &mount_kind_bind, "/", "/mnt", NULL, &err), 0);
	ck_assert_int_eq(check("", "../safe/p.yaml"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "lies in /, which is writable in the jail as /mnt"));
}
END_TEST

START_TEST(a_file_for_everybody_is_refused)
{
	ck_assert_int_eq(chmod("../safe/p.yaml", 0646), 0);
	ck_assert_int_eq(check(CWD, "../safe/p.yaml"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "everybody may change "));
	ck_assert_ptr_nonnull(strstr(err.text, "safe/p.yaml\nchmod o-w "));
}
END_TEST

START_TEST(a_directory_for_everybody_is_refused)
{
	ck_assert_int_eq(chmod("../safe", 0757), 0);
	ck_assert_int_eq(check(CWD, "../safe/p.yaml"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "safe\nchmod o-w "));
}
END_TEST

START_TEST(a_directory_where_nobody_can_replace_files_is_fine)
{
	ck_assert_int_eq(chmod("../safe", 01757), 0);
	ck_assert_int_eq(check(CWD, "../safe/p.yaml"), 0);
}
END_TEST

START_TEST(another_name_of_the_file_is_a_way_to_it)
{
	ck_assert_int_eq(link("../safe/p.yaml", "name"), 0);
	ck_assert_int_eq(check(CWD, "../safe/p.yaml"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "the file has another name"));
}
END_TEST

START_TEST(a_file_that_was_replaced_since_it_was_read_is_refused)
{
	ck_assert_int_eq(policy_file_load(&settings, "../safe/p.yaml", &err), 0);
	ck_assert_int_eq(rename("sub/p.yaml", "../safe/p.yaml"), 0);
	ck_assert_int_eq(policy_place_check(&settings, &list, top, &err), -ENOENT);
	ck_assert_int_eq(policy_place_check(&settings, &list, "/", &err), -ENOENT);
	(void)strcat(top, "/project");
	ck_assert_int_eq(policy_place_check(&settings, &list, top, &err), -EAGAIN);
	*strrchr(top, '/') = '\0';
}
END_TEST

START_TEST(credentials_are_held_to_the_same)
{
	const struct setting_key *key = setting_key_find("network.upstream-proxy-credentials");

	ck_assert_int_eq(setting_put(&settings, key, "sub/p.yaml", place_of("test"),
				     SETTING_FROM_COMMAND_LINE, &err),
			 0);
	ck_assert_int_eq(check("", "../safe/p.yaml"), 0);
	ck_assert_int_eq(check(CWD, "../safe/p.yaml"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "sub/p.yaml: the command could change it"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail/policy_place");
	TCase *tcase = tcase_create("policy_place");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_policy_lies_where_the_jail_cannot_write, 0, ROWS(rows));
	tcase_add_test(tcase, an_absolute_path_is_walked_from_the_root);
	tcase_add_test(tcase, the_root_is_a_place_too);
	tcase_add_test(tcase, a_file_for_everybody_is_refused);
	tcase_add_test(tcase, a_directory_for_everybody_is_refused);
	tcase_add_test(tcase, a_directory_where_nobody_can_replace_files_is_fine);
	tcase_add_test(tcase, another_name_of_the_file_is_a_way_to_it);
	tcase_add_test(tcase, a_file_that_was_replaced_since_it_was_read_is_refused);
	tcase_add_test(tcase, credentials_are_held_to_the_same);
	return suite_run(suite);
}

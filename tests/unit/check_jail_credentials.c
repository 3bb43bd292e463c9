/* The file with the upstream proxy's user and password: what is read, and what is refused. */
#include "jail/credentials.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define LONG255	    LONG51 LONG51 LONG51 LONG51 LONG51
#define LONG51	    "secretsecretsecretsecretsecretsecretsecretsecretsec"

static char path[] = "/tmp/nsgate-credentials.XXXXXX";
static struct settings settings;
static struct err err;

static void setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	settings_init(&settings);
	settings.values.upstream.credentials_path = path;
	err = (struct err) { 0 };
}

static void teardown(void)
{
	(void)unlink(path);
	settings_done(&settings);
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

static const struct {
	const char *text, *user, *password;
} accepted[] = {
	{ "user:password", "user", "password" },
	{ "user:password\n", "user", "password" },
	{ "user:password\r\n", "user", "password" },
	{ "DOMAIN\\user:p:a s\xc3\xa9\n", "DOMAIN\\user", "p:a s\xc3\xa9" },
	{ LONG255 ":" LONG255 "\r\n", LONG255, LONG255 },
};

START_TEST(reads_a_line)
{
	struct upstream_credentials credentials;

	write_file(accepted[_i].text, strlen(accepted[_i].text));
	ck_assert_msg(credentials_read(&settings, &credentials, &err) == 0, "%s", err.text);
	ck_assert_str_eq(credentials.user, accepted[_i].user);
	ck_assert_str_eq(credentials.password, accepted[_i].password);
}
END_TEST

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t length;
} refused[] = {
	{ TEXT("") },
	{ TEXT("\n") },
	{ TEXT("secret") },
	{ TEXT(":secret") },
	{ TEXT("secret:") },
	{ TEXT("secret:\n") },
	{ TEXT("secret\n:secret") },
	{ TEXT("secret:secret\n\n") },
	{ TEXT("secret:secret\nsecret") },
	{ TEXT("secret:sec\0ret") },
	{ TEXT("secret:sec\x1bret") },
	{ TEXT("s" LONG255 ":secret") },
	{ TEXT("secret:s" LONG255) },
	{ TEXT(LONG255 ":" LONG255 "\r\nsecret") },
};

START_TEST(refuses_and_tells_no_secret)
{
	struct upstream_credentials credentials;

	write_file(refused[_i].text, refused[_i].length);
	ck_assert_int_eq(credentials_read(&settings, &credentials, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "expected one line, user:password"));
	ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(refuses_a_file_that_others_can_read)
{
	struct upstream_credentials credentials;

	write_file("user:password", 13);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(credentials_read(&settings, &credentials, &err), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(err.text, "every user of this machine can read it\nchmod 600 "));
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(credentials_read(&settings, &credentials, &err), 0);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	struct upstream_credentials credentials;

	settings.values.upstream.credentials_path = _i ? "/" : "/nonexistent";
	ck_assert_int_lt(credentials_read(&settings, &credentials, &err), 0);
	ck_assert_int_eq(strncmp(err.text, "upstream-proxy-credentials: ", 28), 0);
}
END_TEST

START_TEST(is_empty_without_a_file)
{
	struct upstream_credentials credentials = { "x", "y" };

	settings.values.upstream.credentials_path = NULL;
	ck_assert_int_eq(credentials_read(&settings, &credentials, &err), 0);
	ck_assert_str_eq(credentials.user, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jail/credentials");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, reads_a_line, 0, ROWS(accepted));
	tcase_add_loop_test(all, refuses_and_tells_no_secret, 0, ROWS(refused));
	tcase_add_test(all, refuses_a_file_that_others_can_read);
	tcase_add_loop_test(all, refuses_what_is_no_file, 0, 2);
	tcase_add_test(all, is_empty_without_a_file);
	return suite_run(suite);
}

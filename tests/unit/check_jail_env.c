/* The payload's environment: what stays, what goes, what is added. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "jail/env.h"
#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* putenv-like words, writable as environ's are */
static char path[] = "PATH=/bin", home[] = "HOME=/h", lang[] = "LC_TIME=C", mine[] = "MY_OWN=1",
	    preload[] = "LD_PRELOAD=/x.so", token[] = "NPM_TOKEN=s", agent[] = "SSH_AUTH_SOCK=/s",
	    nameless[] = "=x", bare[] = "BARE";
static char *caller[] = { path, home, lang, mine, preload, token, agent, nameless, bare, NULL };

static const struct {
	const char *name, *because;
} names[] = {
	{ "LD_PRELOAD", "loader" },
	{ "LD_LIBRARY_PATH", "loader" },
	{ "BASH_ENV", "shell start-up" },
	{ "NODE_OPTIONS", "interpreter start-up" },
	{ "PYTHONPATH", "interpreter start-up" },
	{ "SSH_AUTH_SOCK", "session socket" },
	{ "DBUS_SESSION_BUS_ADDRESS", "session socket" },
	{ "DISPLAY", "session socket" },
	{ "DOCKER_HOST", "session socket" },
	{ "AWS_SECRET_ACCESS_KEY", "credential" },
	{ "AWS_SESSION_TOKEN", "credential" },
	{ "github_token", "credential" },
	{ "GH_TOKEN", "credential" },
	{ "ANTHROPIC_API_KEY", "credential" },
	{ "PGPASSWORD", "credential" },
	{ "npm_config__auth", "credential" },
	{ "GOOGLE_APPLICATION_CREDENTIALS", "credential" },
	{ "PATH", NULL },
	{ "HOME", NULL },
	{ "TERM", NULL },
	{ "LANG", NULL },
	{ "NODE_EXTRA_CA_CERTS", NULL },
	{ "SSL_CERT_FILE", NULL },
	{ "npm_config_cache", NULL },
	{ "KEYBOARD", NULL },
	{ "OLDPWD", NULL },
	{ "ENVIRONMENT", NULL },
};

START_TEST(loaders_sockets_and_credentials_are_taken_out)
{
	ck_assert_pstr_eq(env_dropped_because(names[_i].name), names[_i].because);
}
END_TEST

static const struct {
	enum env_mode mode;
	const char *adds[3];
	const char *expected[9];
} builds[] = {
	{ ENV_FILTER, { NULL }, { path, home, lang, mine, NULL } },
	{ ENV_CLEAR, { NULL }, { path, home, lang, NULL } },
	{ ENV_KEEP, { NULL }, { path, home, lang, mine, preload, token, agent, NULL } },
	{ ENV_CLEAR, { "NPM_TOKEN" }, { path, home, lang, token, NULL } },
	{ ENV_FILTER, { "MY_OWN=2" }, { path, home, lang, "MY_OWN=2", NULL } },
	{ ENV_FILTER, { "NEW=", "ABSENT" }, { path, home, lang, mine, "NEW=", NULL } },
	{ ENV_FILTER, { "A=1", "A=2" }, { path, home, lang, mine, "A=2", NULL } },
};

START_TEST(modes_and_additions_build_the_environment)
{
	struct jail_spec spec = { .env_mode = builds[_i].mode };
	char **built AUTO(heap_release) = NULL;
	size_t i = 0;

	spec.env_adds = (const char **)(uintptr_t)builds[_i].adds; /* only read */
	while (builds[_i].adds[spec.env_add_count])
		spec.env_add_count++;
	built = env_build(&spec, caller);
	ck_assert_ptr_nonnull(built);
	for (; builds[_i].expected[i]; i++)
		ck_assert_pstr_eq(built[i], builds[_i].expected[i]);
	ck_assert_pstr_eq(built[i], NULL);
}
END_TEST

struct page {
	const char *text;
	const char *missing;
};

static void look_up(const char *pattern, void *context)
{
	struct page *page = context;
	char quoted[64];

	(void)snprintf(quoted, sizeof(quoted), "`%s`", pattern);
	if (!strstr(page->text, quoted))
		page->missing = pattern;
}

START_TEST(every_pattern_is_documented)
{
	static char text[32 * 1024];
	struct page page = { .text = text };
	FILE *file AUTO(file_release) = fopen(NSGATE_SOURCE_DIR "/docs/environment.md", "re");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
	env_each_dropped(look_up, &page);
	ck_assert_pstr_eq(page.missing, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("env");
	TCase *tests = tcase_create("all");

	tcase_add_loop_test(tests, loaders_sockets_and_credentials_are_taken_out, 0, ROWS(names));
	tcase_add_loop_test(tests, modes_and_additions_build_the_environment, 0, ROWS(builds));
	tcase_add_test(tests, every_pattern_is_documented);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

/* Policy files: what is read, and where and how mistakes are told. */
#include "policy/file.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/request.h"
#include "tests/unit/suite.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct settings settings;
static struct err err;

static void setup(void)
{
	settings_init(&settings);
	err = (struct err) { 0 };
}

static void teardown(void)
{
	settings_done(&settings);
}

static int load(const char *text)
{
	return policy_text_load(&settings, text, strlen(text), "p", &err);
}

/* ---- what is read ---- */

static const char whole[] = "# everything at once\n"
			    "version: 1\n"
			    "profiles: [npm]\n"
			    "network:\n"
			    "  allow:\n"
			    "    - domain=a.test port=443 # a comment\n"
			    "    - \"domain=b.test\"\n"
			    "  deny: ['domain=c.test', domain=d.test]\n"
			    "  tls: passthrough\n"
			    "  dns: real\n"
			    "  dns-types: [SRV, TXT]\n"
			    "  publish: [\"127.0.0.1:3000:3001\", 8080]\n"
			    "  upstream-proxy: http://proxy.test:3128\n"
			    "  upstream-proxy-credentials: /etc/nsgate/proxy\n"
			    "filesystem: {write: [.], overlay: [\"~\"], hide: [~/.ssh]}\n"
			    "limits:\n"
			    "  time: 30m\n"
			    "  open-files: 4096\n"
			    "seccomp: default\n"
			    "audit:\n"
			    "  file: audit.jsonl\n"
			    "  on-failure: count\n";

START_TEST(reads_every_kind_of_key)
{
	const struct setting_values *values = &settings.values;

	ck_assert_msg(load(whole) == 0, "%s", err.text);
	ck_assert_uint_eq(settings.policy.allow.count, 3);
	ck_assert_int_eq(strncmp(settings.policy.allow.rules[0].origin, "profile npm:", 12), 0);
	ck_assert_str_eq(settings.policy.allow.rules[1].text, "domain=a.test port=443");
	ck_assert_str_eq(settings.policy.allow.rules[1].origin, "p:6");
	ck_assert_str_eq(settings.policy.allow.rules[2].text, "domain=b.test");
	ck_assert_uint_eq(settings.policy.deny.count, 2);
	ck_assert_str_eq(settings.policy.deny.rules[1].origin, "p:8");
	ck_assert_int_eq(values->dns, DNS_REAL);
	ck_assert_uint_eq(values->dns_types, DNS_TYPE_SRV | DNS_TYPE_TXT);
	ck_assert_uint_eq(settings.publish_count, 2);
	ck_assert_uint_eq(settings.publishes[0].jail_port, 3001);
	ck_assert_int_eq(values->upstream.kind, UPSTREAM_HTTP);
	ck_assert_str_eq(values->upstream.credentials_path, "/etc/nsgate/proxy");
	ck_assert_uint_eq(settings.path_count, 3);
	ck_assert_str_eq(settings.paths[1].path, "~");
	ck_assert_str_eq(settings.paths[2].origin, "p:15");
	ck_assert_uint_eq(values->time_limit_ms, 1800000);
	ck_assert_uint_eq(values->open_files, 4096);
	ck_assert_str_eq(values->audit_path, "audit.jsonl");
	ck_assert_int_eq(values->audit_failure, AUDIT_COUNT);
}
END_TEST

static const char *const accepted[] = {
	"version: 1",
	"{version: 1}",
	"{\"version\": 1, \"network\": {\"allow\": [\"domain=a.test\"]}}",
	"---\nversion: 1\n...\n",
	"\xef\xbb\xbfversion: 1\r\nnetwork:\r\n  allow: []\r\n",
	"network:\n  deny: []\nversion: 1\n",
	"version: 1\nnetwork: {}\n",
	"version: 1\nnetwork:\n  allow:\n  - >-\n    domain=a.test\n    port=80\n",
	"version: 1\nlimits: {time: 1s} # 100 %\naudit: {file: a%b}\n",
	"version: 1\nnetwork:\n  allow: [domain=b\303\274cher.test]\n",
};

START_TEST(takes_every_way_of_writing)
{
	ck_assert_msg(load(accepted[_i]) == 0, "%s", err.text);
}
END_TEST

START_TEST(folded_lines_are_one_rule)
{
	ck_assert_int_eq(load(accepted[7]), 0);
	ck_assert_str_eq(settings.policy.allow.rules[0].text, "domain=a.test port=80");
}
END_TEST

/* ---- mistakes ---- */

#define V "version: 1\n"
#define NET_KEYS                                                                                   \
	"a key of network (allow, deny, tls, dns, dns-types, publish, upstream-proxy, "            \
	"upstream-proxy-credentials)"
#define TOP_KEYS "a key (version, profiles, include, network, filesystem, limits, seccomp, audit)"

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	/* the file as a whole */
	{ "", "p:1: column 1: expected version: 1, got nothing\na policy begins with that line" },
	{ "# nothing\n",
	  "p:1: column 1: expected version: 1, got nothing\na policy begins with that line" },
	{ "network: {}\n",
	  "p:1: column 1: expected version: 1, got nothing\na policy begins with that line" },
	{ "version: 2\nfuture: x\n",
	  "p:1: column 10: expected 1, got \"2\"\nthis is the only version that this nsgate knows" },
	{ "version: [1]\n",
	  "p:1: column 10: expected 1, got a list\nthis is the only version that this nsgate knows" },
	{ "- version: 1\n", "p:1: column 1: expected the keys of a policy, got a list" },
	{ "version 1\n", "p:1: column 1: expected the keys of a policy, got \"version 1\"" },
	{ V "---\nversion: 1\n", "p:2: column 1: expected the end: one document, got \"---\"" },
	{ "%YAML 1.1\n---\nversion: 1\n",
	  "p:1: column 1: expected no directive, got \"%YAML 1.1\"" },
	{ V "...\n%TAG ! tag:x\n---\n",
	  "p:3: column 1: expected no directive, got \"%TAG ! tag:x\"" },
	{ V "\xc2\x85%TAG ! tag:x\n---\n",
	  "p:2: column 1: expected no directive, got \"%TAG ! tag:x\"" },
	/* keys */
	{ V "netwrk: {}\n",
	  "p:2: column 1: expected " TOP_KEYS ", got \"netwrk\"\ndid you mean network?" },
	{ V "xyzzy: {}\n", "p:2: column 1: expected " TOP_KEYS ", got \"xyzzy\"" },
	{ V "allow: []\n",
	  "p:2: column 1: expected " TOP_KEYS ", got \"allow\"\nallow belongs below network:" },
	{ V "network.allow: []\n", "p:2: column 1: expected " TOP_KEYS
				   ", got \"network.allow\"\nallow belongs below network:" },
	{ V "network:\n  alow: []\n",
	  "p:3: column 3: expected " NET_KEYS ", got \"alow\"\ndid you mean allow?" },
	{ V "network:\n  write: []\n",
	  "p:3: column 3: expected " NET_KEYS ", got \"write\"\nwrite belongs below filesystem:" },
	{ V "network:\n  seccomp: default\n",
	  "p:3: column 3: expected " NET_KEYS
	  ", got \"seccomp\"\nseccomp belongs to the file itself, to the very left" },
	{ V "network:\n  include: []\n",
	  "p:3: column 3: expected " NET_KEYS
	  ", got \"include\"\ninclude belongs to the file itself, to the very left" },
	{ V "network:\n  <<: {}\n", "p:3: column 3: expected " NET_KEYS
				    ", got \"<<\"\nkeys are not merged: write out what is meant" },
	{ V "? [a]\n: b\n", "p:2: column 3: expected a key, got \"[a]\"" },
	{ V "network: {dns: real, dns: real}\n",
	  "p:2: column 22: expected each key once, got \"dns\"\ndns stands in line 2 already" },
	{ V "network: {}\nlimits: {}\nnetwork: {}\n",
	  "p:4: column 1: expected each key once, got \"network\"\nnetwork stands in line 2 already" },
	{ V "version: 1\n",
	  "p:2: column 1: expected each key once, got \"version\"\nversion stands in line 1 already" },
	/* kinds of values */
	{ V "network: open\n", "p:2: column 10: expected keys, got \"open\"" },
	{ V "network:\n", "p:2: column 9: expected keys, got nothing" },
	{ V "network: [allow]\n", "p:2: column 10: expected keys, got a list" },
	{ V "network:\n  allow: domain=a.test\n",
	  "p:3: column 10: expected a list, got \"domain=a.test\"\nwrite allow: [RULE]" },
	{ V "network:\n  allow:\n",
	  "p:3: column 9: expected a list, got nothing\nwrite allow: [RULE]" },
	{ V "network:\n  allow: {domain: a.test}\n",
	  "p:3: column 10: expected a list, got keys\nwrite allow: [RULE]" },
	{ V "network:\n  allow:\n    - domain: a.test\n",
	  "p:4: column 7: expected RULE, got keys\n"
	  "a rule is one text: domain=example.com port=443" },
	{ V "network:\n  allow: [[a]]\n", "p:3: column 11: expected RULE, got a list" },
	{ V "network:\n  allow:\n    -\n", "p:4: column 6: expected RULE, got nothing" },
	{ V "network:\n  dns: [real]\n",
	  "p:3: column 8: expected synthetic|dummy|real, got a list" },
	{ V "filesystem:\n  overlay: [~]\n",
	  "p:3: column 13: expected PATH, got \"~\"\nwithout quotes that is nothing in YAML: write \"~\"" },
	{ V "audit: {file: null}\n",
	  "p:2: column 15: expected FILE, got \"null\"\nwithout quotes that is nothing in YAML: write "
	  "\"null\"" },
	{ V "filesystem:\n  overlay: [\"\"]\n", "p:3: column 14: expected a path, got nothing" },
	{ V "limits: {memory: 2G}\n",
	  "p:2: column 10: limits.memory cannot be used: control groups are not used yet; set the "
	  "limit outside, on nsgate itself" },
	/* values: the column is the file's */
	{ V "network:\n  dns: fake\n",
	  "p:3: column 8: expected synthetic, dummy or real, got \"fake\"" },
	{ V "network:\n  allow:\n    - domain=a.test prt=443\n",
	  "p:4: column 21: expected a key (domain, port, cidr, scheme, method, path, host-port), got "
	  "\"prt\"\ndid you mean port=?" },
	{ V "network:\n  allow:\n    - \"domain=a.test port=0\"\n",
	  "p:4: column 27: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	{ V "network:\n  allow: ['domain=a.test port=80,,']\n",
	  "p:3: column 34: expected a port from 1 to 65535 or a range (8000-8100), got nothing" },
	{ V "network: {allow: [domain=b\303\274cher.test, port=0]}\n",
	  "p:2: column 44: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	{ V "network: {allow: [domain=b\303\274cher.test port=0]}\n",
	  "p:2: column 44: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	/* escapes and folds: where the text begins */
	{ V "network:\n  allow:\n    - \"domain=a.test\\x20port=0\"\n",
	  "p:4: column 7: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	{ V "network:\n  allow:\n    - domain=a.test\n      port=0\n",
	  "p:4: column 7: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	{ V "network:\n  allow:\n    - >-\n      domain=a.test\n      port=0\n",
	  "p:4: column 7: expected a port from 1 to 65535 or a range (8000-8100), got \"0\"" },
	/* what YAML has beside text, lists and keys */
	{ V "network: {allow: [&a domain=a.test, *a]}\n",
	  "p:2: column 19: expected no anchor, got \"&a domain=a.test, *a]}\"" },
	{ V "network: &n {}\n", "p:2: column 10: expected no anchor, got \"&n {}\"" },
	{ V "network: {allow: &n []}\n", "p:2: column 18: expected no anchor, got \"&n []}\"" },
	{ V "network: *n\n", "p:2: column 10: expected no alias, got \"*n\"" },
	{ "version: !!int 1\n", "p:1: column 10: expected no tag, got \"!!int 1\"" },
	{ V "network: !net {}\n", "p:2: column 10: expected no tag, got \"!net {}\"" },
	{ V "network: {allow: !set []}\n", "p:2: column 18: expected no tag, got \"!set []}\"" },
	{ V "audit: {file: !!binary YQ==}\n",
	  "p:2: column 15: expected no tag, got \"!!binary YQ==}\"" },
	/* what is no YAML */
	{ V "network:\n\tallow: []\n",
	  "p:3: column 1: expected YAML, got \"\\x09allow: []\"\nfound character that cannot start any "
	  "token while scanning for the next token, which begins in line 3" },
	{ V "network: {allow: [\n",
	  "p:3: column 1: expected YAML, got nothing\ndid not find expected node content while "
	  "parsing a flow node, which begins in line 3" },
	{ V "audit: {file: \"a\n",
	  "p:3: column 1: expected YAML, got nothing\nfound unexpected end of stream while scanning "
	  "a quoted scalar, which begins in line 2" },
	{ V "network: a: b\n",
	  "p:2: column 11: expected YAML, got \": b\"\nmapping values are not allowed in this context" },
	{ V "audit: {file: \xff}\n",
	  "p:2: column 15: expected UTF-8 text, got \"\\xff}\"\ninvalid leading UTF-8 octet" },
	{ V "audit: {file: a\x01z}\n",
	  "p:2: column 16: expected UTF-8 text, got \"\\x01z}\"\ncontrol characters are not allowed" },
	{ V "audit: {file: \"a\\0z\"}\n",
	  "p:2: column 15: expected text without a NUL, got \"\"a\\\\0z\"}\"" },
	/* what leads elsewhere */
	{ V "profiles: npm\n",
	  "p:2: column 11: expected a list, got \"npm\"\nwrite profiles: [NAME]" },
	{ V "profiles: [[npm]]\n", "p:2: column 12: expected the name of a profile, got a list" },
	{ V "include: [a.yaml]\n",
	  "p:2: column 1: expected no include in what is no file, got \"include\"" },
};

START_TEST(refuses_and_says_where_and_what)
{
	ck_assert_int_eq(load(refused[_i].text), -EINVAL);
	ck_assert_str_eq(err.text, refused[_i].message);
}
END_TEST

START_TEST(a_nul_byte_is_no_text)
{
	static const char text[] = "version: 1\nne\0twork: {}\n";

	ck_assert_int_eq(policy_text_load(&settings, text, sizeof(text) - 1, "p", &err), -EINVAL);
	ck_assert_str_eq(err.text, "p:2: column 3: expected UTF-8 text, got \"\\x00twork: {}\"\n"
				   "control characters are not allowed");
}
END_TEST

START_TEST(utf16_is_refused)
{
	static const char text[] = "\xff\xfev\0e\0r\0s\0i\0o\0n\0";

	ck_assert_int_eq(policy_text_load(&settings, text, sizeof(text) - 1, "p", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "p:1: column 1: expected UTF-8 text"));
}
END_TEST

START_TEST(depth_has_a_limit)
{
	ck_assert_int_eq(load(V "network: {allow: [[[[[[[[[[[[]]]]]]]]]]]]}\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "p:2: column 24: expected fewer levels"));
}
END_TEST

START_TEST(the_number_of_nodes_has_a_limit)
{
	size_t count = ((size_t)1 << 20) + 16;
	char *text AUTO(heap_release) = malloc(count * 2 + 64);
	char *end;

	ck_assert_ptr_nonnull(text);
	end = stpcpy(text, V "network: {allow: [");
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, "a,");
	(void)strcpy(end, "]}");
	ck_assert_int_eq(load(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "expected the end: this is too much"));
}
END_TEST

/* Every key of the table is taken or explained at its place, and listed where one is unknown. */
START_TEST(every_setting_is_a_key)
{
	char text[256];

	for (const struct setting_key *key = setting_keys; key->path; key++) {
		const char *dot = strchr(key->path, '.');

		settings_done(&settings);
		(void)snprintf(text, sizeof(text), V "%.*s%s%s: {}\n",
			       dot ? (int)(dot - key->path) : 0, key->path, dot ? ":\n  " : "",
			       dot ? dot + 1 : key->path);
		ck_assert_int_eq(load(text), -EINVAL);
		ck_assert_msg(!strstr(err.text, "expected a key"), "%s: %s", text, err.text);
		(void)snprintf(text, sizeof(text), V "%.*s%s?: {}\n",
			       dot ? (int)(dot - key->path) : 0, key->path, dot ? ":\n  " : "");
		ck_assert_int_eq(load(text), -EINVAL);
		ck_assert_msg(strstr(err.text, dot ? dot + 1 : key->path) != NULL, "%s: %s", text,
			      err.text);
	}
}
END_TEST

/* ---- several sources ---- */

START_TEST(sources_add_up_and_deny_wins)
{
	ck_assert_int_eq(load(V "network: {allow: [\"domain=*.a.test\"]}\n"), 0);
	ck_assert_int_eq(load(V "network: {deny: [domain=x.a.test]}\n"), 0);
	ck_assert_int_eq(
		policy_allow(&settings.policy, "domain=x.a.test", place_of("--allow"), &err), 0);
	ck_assert_int_eq(policy_compile(&settings.policy, &err), 0);
	ck_assert(policy_judge_name(&settings.policy, "y.a.test", 443).is_allowed);
	ck_assert(!policy_judge_name(&settings.policy, "x.a.test", 443).is_allowed);
}
END_TEST

START_TEST(files_must_not_contradict_each_other)
{
	ck_assert_int_eq(load(V "network: {dns: real}\n"), 0);
	ck_assert_int_eq(load(V "network: {dns: real}\n"), 0);
	ck_assert_int_eq(load(V "network:\n  dns: dummy\n"), -EINVAL);
	ck_assert_str_eq(err.text, "p:3: column 8: expected one value, got \"dummy\"\n"
				   "p:2 says network.dns: real");
}
END_TEST

START_TEST(a_profile_is_rules_alone)
{
	for (const struct policy_profile *profile = policy_profiles; profile->name; profile++) {
		settings_done(&settings);
		ck_assert_msg(
			policy_profile_load(&settings, profile->name, place_of("test"), &err) == 0,
			"%s", err.text);
		ck_assert_uint_gt(settings.policy.allow.count, 0);
		ck_assert_uint_eq(settings.path_count + settings.publish_count, 0);
		ck_assert_uint_eq(settings.item_count + settings.file_count, 0);
		for (int i = 0; i < SETTING_KEYS_MAX; i++)
			ck_assert_msg(!settings.said[i].text, "%s says more than rules",
				      profile->name);
		ck_assert_ptr_null(strstr(profile->text, "\nprofiles:"));
	}
}
END_TEST

START_TEST(profiles_are_in_order)
{
	for (const struct policy_profile *profile = policy_profiles; profile[1].name; profile++)
		ck_assert_str_lt(profile->name, profile[1].name);
}
END_TEST

START_TEST(an_unknown_profile_is_refused)
{
	ck_assert_int_eq(load(V "profiles: [npn]\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "p:2: column 12: expected the name of a profile ("));
	ck_assert_ptr_nonnull(strstr(err.text, "), got \"npn\"\ndid you mean npm?"));
	for (const struct policy_profile *profile = policy_profiles; profile->name; profile++)
		ck_assert_ptr_nonnull(strstr(err.text, profile->name));
	ck_assert_int_eq(policy_profile_load(&settings, "nmp", place_of("--profile"), &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--profile: column 1: expected the name"));
}
END_TEST

/* ---- files ---- */

static char top[] = "/tmp/nsgate-file.XXXXXX";

static void setup_files(void)
{
	setup();
	(void)strcpy(strrchr(top, '.') + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_int_eq(mkdir("sub", 0755), 0);
}

static void teardown_files(void)
{
	char command[64];

	teardown();
	ck_assert_int_eq(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -r -- %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(includes_begin_at_the_files_directory)
{
	write_file("sub/a.yaml", V "include: [b.yaml, ../c.yaml]\nnetwork: {allow: [port=1]}\n");
	write_file("sub/b.yaml", V "network: {allow: [port=2]}\n");
	write_file("c.yaml", V "network: {allow: [port=3]}\ninclude: [sub/b.yaml]\n");
	ck_assert_msg(policy_file_load(&settings, "sub/a.yaml", &err) == 0, "%s", err.text);
	ck_assert_uint_eq(settings.policy.allow.count, 3); /* b.yaml was read once */
	ck_assert_str_eq(settings.policy.allow.rules[0].origin, "sub/b.yaml:2");
	ck_assert_str_eq(settings.policy.allow.rules[1].origin, "sub/../c.yaml:2");
	ck_assert_str_eq(settings.policy.allow.rules[2].origin, "sub/a.yaml:3");
	ck_assert_uint_eq(settings.file_count, 3);
	ck_assert_str_eq(settings.files[0].path, "sub/a.yaml");
	ck_assert_str_eq(settings.files[1].path, "sub/b.yaml");
	ck_assert_str_eq(settings.files[2].path, "sub/../c.yaml");
}
END_TEST

START_TEST(an_included_file_may_be_absolute)
{
	char text[128];

	(void)snprintf(text, sizeof(text), V "include: [%s/b.yaml]\n", top);
	write_file("sub/a.yaml", text);
	write_file("b.yaml", V);
	ck_assert_msg(policy_file_load(&settings, "sub/a.yaml", &err) == 0, "%s", err.text);
	ck_assert_uint_eq(settings.file_count, 2);
}
END_TEST

static const struct {
	const char *text; /* of a.yaml */
	int rc;
	const char *message;
} bad_includes[] = {
	{ V "include: [none.yaml]\n", -ENOENT, "a.yaml:2: column 11: read none.yaml" },
	{ V "include: [a.yaml]\n", -EINVAL, "a.yaml:2: column 11: a.yaml includes itself" },
	{ V "include: [./sub/../a.yaml]\n", -EINVAL,
	  "a.yaml:2: column 11: ./sub/../a.yaml includes itself" },
	{ V "include: [b.yaml]\n", -EINVAL, "b.yaml:2: column 11: a.yaml includes itself" },
	{ V "include: [sub]\n", -EINVAL, "a.yaml:2: column 11: sub: expected a regular file" },
	{ V "include: [fifo]\n", -EINVAL, "a.yaml:2: column 11: fifo: expected a regular file" },
	{ V "include: [/dev/null]\n", -EINVAL,
	  "a.yaml:2: column 11: /dev/null: expected a regular file" },
	{ V "include: [\"*.yaml\"]\n", -ENOENT, "a.yaml:2: column 12: read *.yaml" },
	{ V "include: [\"\"]\n", -EINVAL, "a.yaml:2: column 12: expected a file, got nothing" },
	{ V "include: [\"\\e[31m\\n\"]\n", -ENOENT, "a.yaml:2: column 11: read \\x1b[31m\\x0a" },
	{ V "include: [bad.yaml]\n", -EINVAL,
	  "bad.yaml:3: column 8: expected synthetic, dummy or real, got \"x\"" },
	{ V "include: [huge.yaml]\n", -EINVAL,
	  "a.yaml:2: column 11: huge.yaml: expected at most 16777216 bytes" },
	{ V "include: b.yaml\n", -EINVAL,
	  "a.yaml:2: column 10: expected a list, got \"b.yaml\"\nwrite include: [FILE]" },
};

START_TEST(refuses_an_include_and_says_where)
{
	write_file("a.yaml", bad_includes[_i].text);
	write_file("b.yaml", V "include: [a.yaml]\n");
	write_file("bad.yaml", V "network:\n  dns: x\n");
	write_file("huge.yaml", V);
	ck_assert_int_eq(truncate("huge.yaml", (16 << 20) + 1), 0);
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	ck_assert_int_eq(policy_file_load(&settings, "a.yaml", &err), bad_includes[_i].rc);
	ck_assert_str_eq(err.text, bad_includes[_i].message);
}
END_TEST

/* f0 includes f1, f1 includes f2 … */
static int load_chain(int length)
{
	char path[16], text[64];

	for (int i = 0; i < length; i++) {
		(void)snprintf(path, sizeof(path), "f%d", i);
		(void)snprintf(text, sizeof(text), V "include: [f%d]\n", i + 1);
		write_file(path, i + 1 < length ? text : V);
	}
	return policy_file_load(&settings, "f0", &err);
}

START_TEST(includes_have_a_depth)
{
	ck_assert_int_eq(load_chain(9), 0);
	settings_done(&settings);
	ck_assert_int_eq(load_chain(10), -EINVAL);
	ck_assert_str_eq(err.text, "f8:2: column 11: expected fewer levels of files, got \"f9\"");
}
END_TEST

START_TEST(the_number_of_files_has_a_limit)
{
	char path[16];
	FILE *file = fopen("all", "we");

	ck_assert_ptr_nonnull(file);
	(void)fputs(V "include:\n", file);
	for (int i = 0; i < 64; i++) {
		(void)fprintf(file, "- f%d\n", i);
		(void)snprintf(path, sizeof(path), "f%d", i);
		write_file(path, V);
	}
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(policy_file_load(&settings, "all", &err), -EINVAL);
	ck_assert_str_eq(err.text, "all:66: column 3: f63: expected at most 64 files");
}
END_TEST

START_TEST(a_strange_file_name_cannot_fool_a_terminal)
{
	write_file("a\x1b[31m\n.yaml", V "x: y\n");
	ck_assert_int_eq(policy_file_load(&settings, "a\x1b[31m\n.yaml", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "a\\x1b[31m\\x0a.yaml:2: column 1: expected a key"));
}
END_TEST

START_TEST(many_rules_are_read_in_time)
{
	FILE *file = fopen("many.yaml", "we");

	ck_assert_ptr_nonnull(file);
	(void)fputs(V "network:\n  allow:\n", file);
	for (int i = 0; i < 100000; i++)
		(void)fprintf(file, "    - domain=host%d.example.org port=443\n", i);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_msg(policy_file_load(&settings, "many.yaml", &err) == 0, "%s", err.text);
	ck_assert_uint_eq(settings.policy.allow.count, 100000);
	ck_assert_str_eq(settings.policy.allow.rules[99999].origin, "many.yaml:100003");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/file");
	TCase *texts = tcase_create("texts"), *files = tcase_create("files");

	suite_add_tcase(suite, texts);
	tcase_add_checked_fixture(texts, setup, teardown);
	tcase_add_test(texts, reads_every_kind_of_key);
	tcase_add_loop_test(texts, takes_every_way_of_writing, 0, ROWS(accepted));
	tcase_add_test(texts, folded_lines_are_one_rule);
	tcase_add_loop_test(texts, refuses_and_says_where_and_what, 0, ROWS(refused));
	tcase_add_test(texts, a_nul_byte_is_no_text);
	tcase_add_test(texts, utf16_is_refused);
	tcase_add_test(texts, depth_has_a_limit);
	tcase_add_test(texts, the_number_of_nodes_has_a_limit);
	tcase_add_test(texts, every_setting_is_a_key);
	tcase_add_test(texts, sources_add_up_and_deny_wins);
	tcase_add_test(texts, files_must_not_contradict_each_other);
	tcase_add_test(texts, a_profile_is_rules_alone);
	tcase_add_test(texts, profiles_are_in_order);
	tcase_add_test(texts, an_unknown_profile_is_refused);
	suite_add_tcase(suite, files);
	tcase_set_timeout(files, 30);
	tcase_set_timeout(texts, 30);
	tcase_add_checked_fixture(files, setup_files, teardown_files);
	tcase_add_test(files, includes_begin_at_the_files_directory);
	tcase_add_test(files, an_included_file_may_be_absolute);
	tcase_add_loop_test(files, refuses_an_include_and_says_where, 0, ROWS(bad_includes));
	tcase_add_test(files, includes_have_a_depth);
	tcase_add_test(files, the_number_of_files_has_a_limit);
	tcase_add_test(files, a_strange_file_name_cannot_fool_a_terminal);
	tcase_add_test(files, many_rules_are_read_in_time);
	return suite_run(suite);
}

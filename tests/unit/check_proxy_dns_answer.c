/* The resolver: what each question is answered, read back with libc's own parser. */
#include "proxy/dns/answer.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "policy/net_plan.h"
#include "proxy/dns/wire.h"
#include "tests/unit/suite.h"

#define ID	0xbeef
#define FLAG_RD 0x0100
#define FLAG_AD 0x0020
#define FLAG_CD 0x0010
#define BADVERS 16
#define HTTPS	65

/* ---- asking --------------------------------------------------------------------------------- */

struct message {
	uint8_t bytes[DNS_EDNS_SIZE];
	size_t length;
};

static void put(struct message *message, const void *bytes, size_t count)
{
	ck_assert_uint_le(message->length + count, sizeof(message->bytes));
	memcpy(message->bytes + message->length, bytes, count);
	message->length += count;
}

static void put_16(struct message *message, uint16_t value)
{
	uint8_t raw[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(message, raw, sizeof(raw));
}

static void put_name(struct message *message, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		uint8_t label = (uint8_t)strcspn(name, ".");

		put(message, &label, 1);
		put(message, name, label);
		name += label;
		name += *name == '.';
	}
	put(message, "", 1);
}

static void ask(struct message *query, const char *name, uint16_t type)
{
	query->length = 0;
	put_16(query, ID);
	put_16(query, FLAG_RD);
	put(query, "\0\1\0\0\0\0\0\0", 8);
	put_name(query, name);
	put_16(query, type);
	put_16(query, ns_c_in);
}

/* Adds an OPT record. */
static void add_edns(struct message *query, uint16_t size, uint8_t version, uint16_t flags)
{
	uint8_t extended[2] = { 0, version };

	query->bytes[11]++;
	put(query, "\0\0\x29", 3);
	put_16(query, size);
	put(query, extended, sizeof(extended));
	put_16(query, flags);
	put_16(query, 0);
}

static struct policy policy;
static struct names *names;
static struct dns_rules rules;
static const struct dns_found *found; /* what get_answer() hands over */

static void set_up(void)
{
	static const char *const allow[] = { "domain=*.example.org port=443", "domain=ok.test",
					     "domain=single", "cidr=192.0.2.0/24" };
	struct err err;

	policy_init(&policy);
	for (size_t i = 0; i < sizeof(allow) / sizeof(allow[0]); i++)
		ck_assert_int_eq(policy_allow(&policy, allow[i], place_of("test"), &err), 0);
	ck_assert_int_eq(policy_deny(&policy, "domain=no.example.org", place_of("test"), &err), 0);
	ck_assert_int_eq(policy_compile(&policy, &err), 0);
	names = names_new(4);
	ck_assert_ptr_nonnull(names);
	rules = (struct dns_rules) { .policy = &policy, .given = given_new() };
	found = NULL;
}

static void tear_down(void)
{
	given_free(rules.given);
	names_free(names);
	policy_done(&policy);
}

/* An answer, and what libc reads in it. */
struct answer {
	struct message message;
	struct dns_decision decision;
	ns_msg parsed;
};

static void read_answer(struct answer *answer)
{
	ck_assert_int_eq(
		ns_initparse(answer->message.bytes, (int)answer->message.length, &answer->parsed),
		0);
	ck_assert_int_eq(ns_msg_getflag(answer->parsed, ns_f_qr), 1);
	ck_assert_int_eq(ns_msg_getflag(answer->parsed, ns_f_tc), 0);
	ck_assert_int_eq(ns_msg_getflag(answer->parsed, ns_f_rcode), answer->decision.rcode & 15);
}

/* From exact-size copies: the sanitizer sees one byte too far. */
static void get_answer(const struct message *query, bool want_ipv6, struct answer *answer)
{
	uint8_t *copy AUTO(heap_release) = malloc(query->length ? query->length : 1);
	uint8_t *out AUTO(heap_release) = malloc(DNS_EDNS_SIZE);

	memcpy(copy, query->bytes, query->length);
	memset(answer, 0, sizeof(*answer));
	rules.names = names;
	rules.want_ipv6 = want_ipv6;
	answer->message.length =
		dns_answer(&rules, copy, query->length, false, found, out, &answer->decision);
	memcpy(answer->message.bytes, out, answer->message.length);
	if (answer->message.length > 0)
		read_answer(answer);
}

static int count(const struct answer *answer, ns_sect section)
{
	return ns_msg_count(answer->parsed, section);
}

/* Record @number of @section, its data as text where that is an address or a name. */
static ns_rr get_record(const struct answer *answer, ns_sect section, int number,
			char text[NS_MAXDNAME])
{
	ns_msg parsed = answer->parsed;
	ns_rr record;

	ck_assert_int_eq(ns_parserr(&parsed, section, number, &record), 0);
	text[0] = '\0';
	if (ns_rr_type(record) == ns_t_a)
		ck_assert_ptr_nonnull(inet_ntop(AF_INET, ns_rr_rdata(record), text, NS_MAXDNAME));
	else if (ns_rr_type(record) == ns_t_aaaa)
		ck_assert_ptr_nonnull(inet_ntop(AF_INET6, ns_rr_rdata(record), text, NS_MAXDNAME));
	else if (ns_rr_type(record) == ns_t_ptr)
		ck_assert_int_gt(ns_name_uncompress(ns_msg_base(parsed), ns_msg_end(parsed),
						    ns_rr_rdata(record), text, NS_MAXDNAME),
				 0);
	return record;
}

/* ---- questions that are well-formed --------------------------------------------------------- */

static const struct {
	const char *name;
	uint16_t type;
	const char *address; /* NULL: none */
	uint8_t rcode;
	enum reason reason;
	bool is_allowed;
} questions[] = {
	{ "a.example.org", ns_t_a, "198.18.0.1", 0, REASON_ALLOW_RULE, true },
	{ "a.example.org", ns_t_aaaa, "fd6e:7367:6174:6501::1", 0, REASON_ALLOW_RULE, true },
	{ "A.eXample.ORG", ns_t_a, "198.18.0.1", 0, REASON_ALLOW_RULE, true },
	{ "b.a.example.org", ns_t_a, "198.18.0.1", 0, REASON_ALLOW_RULE, true },
	{ "_srv.example.org", ns_t_a, "198.18.0.1", 0, REASON_ALLOW_RULE, true },
	{ "single", ns_t_a, "198.18.0.1", 0, REASON_ALLOW_RULE, true },
	{ "ok.test", HTTPS, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", 64, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_txt, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_mx, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_srv, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_cname, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_null, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_any, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", ns_t_ptr, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", 0, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "ok.test", 65535, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "evil.test", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "evil.test", ns_t_txt, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "a.ok.test", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "org", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "no.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_DENY_RULE, false },
	{ "no.example.org", HTTPS, NULL, ns_r_nxdomain, REASON_DENY_RULE, false },
	{ "a b.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "a%00.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "a@b.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "a\\.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "a\n.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "\xd0\xb0.example.org", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "192.0.2.1", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ "0x7f", ns_t_a, NULL, ns_r_nxdomain, REASON_BAD_NAME, false },
	{ ".", ns_t_ns, NULL, ns_r_refused, REASON_BAD_NAME, false },
	{ ".", ns_t_a, NULL, ns_r_refused, REASON_BAD_NAME, false },
	{ "localhost", ns_t_a, "127.0.0.1", 0, REASON_ALLOW_RULE, true },
	{ "LocalHost", ns_t_aaaa, "::1", 0, REASON_ALLOW_RULE, true },
	{ "a.b.localhost", ns_t_a, "127.0.0.1", 0, REASON_ALLOW_RULE, true },
	{ "localhost", ns_t_mx, NULL, 0, REASON_EMPTY_TYPE, true },
	{ "notlocalhost", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "localhost.example.com", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "1.0.18.198.in-addr.arpa", ns_t_ptr, NULL, ns_r_nxdomain, REASON_UNKNOWN_NAME, false },
	{ "1.2.0.192.in-addr.arpa", ns_t_ptr, NULL, ns_r_nxdomain, REASON_UNKNOWN_NAME, false },
	{ "1.2.0.192.in-addr.arpa", ns_t_a, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
	{ "2.0.192.in-addr.arpa", ns_t_ptr, NULL, ns_r_nxdomain, REASON_NO_RULE, false },
};

static void assert_negative_can_be_kept(const struct answer *answer)
{
	char text[NS_MAXDNAME];
	ns_rr record;

	ck_assert_int_eq(count(answer, ns_s_an), 0);
	if (answer->decision.rcode != ns_r_noerror && answer->decision.rcode != ns_r_nxdomain)
		return;
	ck_assert_int_eq(count(answer, ns_s_ns), 1);
	record = get_record(answer, ns_s_ns, 0, text);
	ck_assert_int_eq(ns_rr_type(record), ns_t_soa);
	ck_assert_uint_gt(ns_rr_ttl(record), 0);
}

START_TEST(answers_each_question)
{
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;
	ns_rr record;

	ask(&query, questions[_i].name, questions[_i].type);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.rcode, questions[_i].rcode);
	ck_assert_int_eq(answer.decision.verdict.reason, questions[_i].reason);
	ck_assert_int_eq(answer.decision.verdict.is_allowed, questions[_i].is_allowed);
	ck_assert_int_eq(answer.decision.type, questions[_i].type);
	ck_assert_int_eq(count(&answer, ns_s_qd), 1);
	ck_assert_int_eq(count(&answer, ns_s_ar), 0);
	if (!questions[_i].address) {
		assert_negative_can_be_kept(&answer);
		ck_assert_ptr_null(names_get(names, 0)); /* and nothing can be reached by it */
		return;
	}
	ck_assert_int_eq(count(&answer, ns_s_an), 1);
	ck_assert_int_eq(count(&answer, ns_s_ns), 0);
	record = get_record(&answer, ns_s_an, 0, text);
	ck_assert_str_eq(text, questions[_i].address);
	ck_assert_int_eq(ns_rr_type(record), questions[_i].type);
	ck_assert_str_eq(ns_rr_name(record), questions[_i].name);
}
END_TEST

START_TEST(a_name_keeps_its_number)
{
	static const struct {
		const char *name, *address;
	} rows[] = { { "a.example.org", "198.18.0.1" },
		     { "b.example.org", "198.18.0.2" },
		     { "A.EXAMPLE.ORG", "198.18.0.1" },
		     { "ok.test", "198.18.0.3" },
		     { "b.example.org", "198.18.0.2" } };
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&query, rows[i].name, ns_t_a);
		get_answer(&query, true, &answer);
		(void)get_record(&answer, ns_s_an, 0, text);
		ck_assert_str_eq(text, rows[i].address);
	}
}
END_TEST

START_TEST(without_ipv6_its_addresses_do_not_exist)
{
	struct message query;
	struct answer answer;

	ask(&query, _i ? "localhost" : "ok.test", ns_t_aaaa);
	get_answer(&query, false, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_noerror);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_EMPTY_TYPE);
	ck_assert(answer.decision.verdict.is_allowed);
	assert_negative_can_be_kept(&answer);
}
END_TEST

START_TEST(when_the_pool_is_empty_it_says_so)
{
	static const char *const rows[] = { "a.example.org", "b.example.org", "c.example.org",
					    "d.example.org", "e.example.org" };
	struct message query;
	struct answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&query, rows[i], ns_t_a);
		get_answer(&query, true, &answer);
		ck_assert_int_eq(answer.decision.rcode, i < 4 ? ns_r_noerror : ns_r_servfail);
	}
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_POOL_EXHAUSTED);
	ck_assert(!answer.decision.verdict.is_allowed);
	ck_assert_ptr_null(answer.decision.verdict.rule);
	ck_assert_int_eq(count(&answer, ns_s_an), 0);
	ask(&query, rows[1], ns_t_a); /* those who have a number keep it */
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_noerror);
}
END_TEST

/* ---- reverse -------------------------------------------------------------------------------- */

#define REVERSE6 "0.0.0.0.0.0.0.0.0.0.0.0.1.0.5.6.4.7.1.6.7.6.3.7.e.6.d.f.ip6.arpa"

static const struct {
	const char *name, *answer; /* NULL: no such name */
} reverse[] = {
	{ "1.0.18.198.in-addr.arpa", "a.example.org" },
	{ "2.0.18.198.IN-ADDR.ARPA", "b.example.org" },
	{ "1.0.0.0." REVERSE6, "a.example.org" },
	{ "2.0.0.0." REVERSE6, "b.example.org" },
	{ "3.0.0.0." REVERSE6, NULL },
	{ "0.0.18.198.in-addr.arpa", NULL },
	{ "3.0.18.198.in-addr.arpa", NULL },
	{ "253.255.19.198.in-addr.arpa", NULL },
	{ "1.0.18.198.in-addr.arpa.test", NULL },
	{ "1.0.18.198.in-addr", NULL },
	{ "1.0.18.x.in-addr.arpa", NULL },
	{ "1.0.18.999.in-addr.arpa", NULL },
	{ "x.0.0.0." REVERSE6, NULL },
	{ "10.0.0." REVERSE6, NULL },
	{ "0.0.0." REVERSE6, NULL },
	{ "1.0.0x0." REVERSE6, NULL },
};

START_TEST(an_address_knows_its_name)
{
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;

	ask(&query, "a.example.org", ns_t_a);
	get_answer(&query, true, &answer);
	ask(&query, "b.example.org", ns_t_aaaa);
	get_answer(&query, true, &answer);
	ask(&query, reverse[_i].name, ns_t_ptr);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.verdict.is_allowed, reverse[_i].answer != NULL);
	ck_assert_int_eq(count(&answer, ns_s_an), reverse[_i].answer ? 1 : 0);
	if (!reverse[_i].answer) {
		ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
		return;
	}
	(void)get_record(&answer, ns_s_an, 0, text);
	ck_assert_str_eq(text, reverse[_i].answer);
	ck_assert_ptr_nonnull(answer.decision.verdict.rule);
}
END_TEST

/* ---- header, EDNS --------------------------------------------------------------------------- */

START_TEST(the_header_is_a_resolvers)
{
	struct message query;
	struct answer answer;

	ask(&query, "ok.test", ns_t_a);
	query.bytes[3] = FLAG_CD | FLAG_AD;
	get_answer(&query, true, &answer);
	ck_assert_int_eq(ns_msg_id(answer.parsed), ID);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_ra), 1);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_rd), 1);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_cd), 1);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_ad), 0);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_aa), 0);
	query.bytes[2] = query.bytes[3] = 0;
	get_answer(&query, true, &answer);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_rd), 0);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_cd), 0);
}
END_TEST

static const struct {
	const char *name;
	uint16_t code;
	const char *text; /* NULL: no extended error */
} extended[] = {
	{ "ok.test", 0, NULL },
	{ "evil.test", 15, "nsgate: no-rule" },
	{ "no.example.org", 15, "nsgate: deny-rule" },
	{ "a b.test", 15, "nsgate: bad-name" },
};

START_TEST(a_denial_says_why_to_who_can_read_it)
{
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;
	ns_rr record;

	ask(&query, extended[_i].name, ns_t_a);
	add_edns(&query, 1232, 0, 0x8000);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(count(&answer, ns_s_ar), 1);
	record = get_record(&answer, ns_s_ar, 0, text);
	ck_assert_int_eq(ns_rr_type(record), ns_t_opt);
	ck_assert_uint_eq(ns_rr_ttl(record), 0x8000); /* version 0, DO copied */
	if (!extended[_i].text) {
		ck_assert_uint_eq(ns_rr_rdlen(record), 0);
		return;
	}
	ck_assert_uint_eq(ns_rr_rdlen(record), 6 + strlen(extended[_i].text));
	ck_assert_uint_eq(ns_get16(ns_rr_rdata(record)), 15); /* RFC 8914 */
	ck_assert_uint_eq(ns_get16(ns_rr_rdata(record) + 2), 2 + strlen(extended[_i].text));
	ck_assert_uint_eq(ns_get16(ns_rr_rdata(record) + 4), extended[_i].code);
	ck_assert_mem_eq(ns_rr_rdata(record) + 6, extended[_i].text, strlen(extended[_i].text));
}
END_TEST

START_TEST(another_edns_version_is_refused)
{
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;
	ns_rr record;

	ask(&query, "ok.test", ns_t_a);
	add_edns(&query, 1232, 1, 0);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.rcode, BADVERS);
	ck_assert_int_eq(count(&answer, ns_s_an), 0);
	record = get_record(&answer, ns_s_ar, 0, text);
	ck_assert_uint_eq(ns_rr_ttl(record), 0x01000000); /* the upper bits of 16, version 0 */
}
END_TEST

/* Each way an answer can be long: 253 bytes of name, the longest reverse name, an OPT record. */
START_TEST(every_answer_fits_into_512_bytes)
{
	static const uint16_t types[] = { ns_t_a, ns_t_aaaa, ns_t_txt };
	char name[254];
	struct message query;
	struct answer answer;

	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 50 == 49 ? '.' : 'n';
	memcpy(name + sizeof(name) - sizeof(".example.org"), ".example.org",
	       sizeof(".example.org"));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ask(&query, name, types[i]);
		add_edns(&query, 0, 0, 0);
		get_answer(&query, true, &answer);
		ck_assert_int_eq(answer.decision.rcode, 0);
		ck_assert_uint_le(answer.message.length, DNS_UDP_SIZE);
		ck_assert_str_eq(answer.decision.asked, name);
	}
	ask(&query, "1.0.0.0." REVERSE6, ns_t_ptr);
	add_edns(&query, 0, 0, 0);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(count(&answer, ns_s_an), 1);
	ck_assert_uint_le(answer.message.length, DNS_UDP_SIZE);
}
END_TEST

/* ---- questions that are not ----------------------------------------------------------------- */

#define HEADER	 "\xbe\xef\1\0\0\1\0\0\0\0\0\0"
#define HEADER_1 "\xbe\xef\1\0\0\1\0\0\0\0\0\1" /* one additional record */
#define OK_TEST	 "\2ok\4test\0"
#define A_IN	 "\0\1\0\1"
#define OPT	 "\0\0\x29\x04\xd0\0\0\0\0"
#define L15                                                                                        \
	"\x0f"                                                                                     \
	"0123456789abcde"
#define L63                                                                                        \
	"\x3f"                                                                                     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const struct {
	const char *what;
	const char *bytes;
	size_t length;
	int rcode; /* -1: no answer at all */
} raw[] = {
#define RAW(what, bytes, rcode)                                                                    \
	{                                                                                          \
		what, bytes, sizeof(bytes) - 1, rcode                                              \
	}
	RAW("well-formed", HEADER OK_TEST A_IN, ns_r_noerror),
	RAW("with OPT", HEADER_1 OK_TEST A_IN OPT "\0\0", ns_r_noerror),
	RAW("with a cookie",
	    HEADER_1 OK_TEST A_IN OPT "\0\x0c\0\x0a\0\x08"
				      "cookie..",
	    ns_r_noerror),
	RAW("name of 255 octets",
	    HEADER L63 L63 L63 L15 L15 L15 "\x0d"
					   "0123456789abc"
					   "\0" A_IN,
	    ns_r_nxdomain),
	RAW("name of 256 octets",
	    HEADER L63 L63 L63 L15 L15 L15 "\x0e"
					   "0123456789abcd"
					   "\0" A_IN,
	    ns_r_formerr),
	RAW("nothing", "", -1),
	RAW("half a header", "\xbe\xef\1\0\0\1\0\0\0\0\0", -1),
	RAW("an answer", "\xbe\xef\x81\0\0\1\0\0\0\0\0\0" OK_TEST A_IN, -1),
	RAW("only a header", HEADER, ns_r_formerr),
	RAW("no question", "\xbe\xef\1\0\0\0\0\0\0\0\0\0", ns_r_formerr),
	RAW("two questions", "\xbe\xef\1\0\0\2\0\0\0\0\0\0" OK_TEST A_IN OK_TEST A_IN,
	    ns_r_formerr),
	RAW("two, one there", "\xbe\xef\1\0\0\2\0\0\0\0\0\0" OK_TEST A_IN, ns_r_formerr),
	RAW("an answer record",
	    "\xbe\xef\1\0\0\1\0\1\0\0\0\0" OK_TEST A_IN OK_TEST A_IN "\0\0\0\0\0\4\1\2\3\4",
	    ns_r_formerr),
	RAW("an authority", "\xbe\xef\1\0\0\1\0\0\0\1\0\0" OK_TEST A_IN, ns_r_formerr),
	RAW("trailing byte", HEADER OK_TEST A_IN "x", ns_r_formerr),
	RAW("trailing OPT", HEADER OK_TEST A_IN OPT "\0\0", ns_r_formerr),
	RAW("trailing byte after OPT", HEADER_1 OK_TEST A_IN OPT "\0\0x", ns_r_formerr),
	RAW("no type", HEADER OK_TEST, ns_r_formerr),
	RAW("half a class", HEADER OK_TEST "\0\1\0", ns_r_formerr),
	RAW("name without end", HEADER "\2ok", ns_r_formerr),
	RAW("label past the end", HEADER "\x20ok", ns_r_formerr),
	RAW("pointer to itself", HEADER "\xc0\x0c" A_IN, ns_r_formerr),
	RAW("pointer to the header", HEADER "\2ok\xc0\0" A_IN, ns_r_formerr),
	RAW("label type 01",
	    HEADER "\x41"
		   "a\0" A_IN,
	    ns_r_formerr),
	RAW("label type 10",
	    HEADER "\x81"
		   "a\0" A_IN,
	    ns_r_formerr),
	RAW("opcode IQUERY", "\xbe\xef\x09\0\0\1\0\0\0\0\0\0" OK_TEST A_IN, ns_r_notimpl),
	RAW("opcode STATUS", "\xbe\xef\x10\0\0\0\0\0\0\0\0\0", ns_r_notimpl),
	RAW("opcode NOTIFY", "\xbe\xef\x20\0\0\1\0\0\0\0\0\0" OK_TEST "\0\6\0\1", ns_r_notimpl),
	RAW("opcode UPDATE", "\xbe\xef\x28\0\0\1\0\0\0\0\0\0" OK_TEST "\0\6\0\1", ns_r_notimpl),
	RAW("class CH",
	    HEADER "\7version\4bind\0"
		   "\0\x10\0\3",
	    ns_r_refused),
	RAW("class ANY", HEADER OK_TEST "\0\1\0\xff", ns_r_refused),
	RAW("class 0", HEADER OK_TEST "\0\1\0\0", ns_r_refused),
	RAW("two OPT", "\xbe\xef\1\0\0\1\0\0\0\0\0\2" OK_TEST A_IN OPT "\0\0" OPT "\0\0",
	    ns_r_formerr),
	RAW("OPT with a name", HEADER_1 OK_TEST A_IN "\1x" OPT "\0\0", ns_r_formerr),
	RAW("OPT missing", HEADER_1 OK_TEST A_IN, ns_r_formerr),
	RAW("OPT cut", HEADER_1 OK_TEST A_IN OPT "\0", ns_r_formerr),
	RAW("OPT too long", HEADER_1 OK_TEST A_IN OPT "\0\4", ns_r_formerr),
	RAW("option cut", HEADER_1 OK_TEST A_IN OPT "\0\3\0\x0a\0", ns_r_formerr),
	RAW("option too long", HEADER_1 OK_TEST A_IN OPT "\0\4\0\x0a\0\1", ns_r_formerr),
	RAW("OPT with half a name", HEADER_1 OK_TEST A_IN "\1\0\x29\x04\xd0\0\0\0\0\0\0",
	    ns_r_formerr),
	RAW("two OPT, none there", "\xbe\xef\1\0\0\1\0\0\0\0\0\2" OK_TEST A_IN, ns_r_formerr),
	RAW("an answer record, not there", "\xbe\xef\1\0\0\1\0\1\0\0\0\0" OK_TEST A_IN,
	    ns_r_formerr),
	RAW("label of 64 bytes", HEADER "\x40" L63 "\0" A_IN, ns_r_formerr),
	RAW("label of 192 bytes", HEADER "\xc0" L63 L63 L63 "\0" A_IN, ns_r_formerr),
	RAW("TSIG", HEADER_1 OK_TEST A_IN "\0\0\xfa\0\xff\0\0\0\0\0\0", ns_r_formerr),
	RAW("dot in a label", HEADER "\7ok.test\0" A_IN, ns_r_nxdomain),
	RAW("NUL in a label", HEADER "\3ok\0\4test\0" A_IN, ns_r_nxdomain),
};

START_TEST(reads_a_query_strictly)
{
	struct message query = { .length = 0 };
	struct answer answer;

	put(&query, raw[_i].bytes, raw[_i].length);
	get_answer(&query, true, &answer);
	if (raw[_i].rcode < 0) {
		ck_assert_uint_eq(answer.message.length, 0);
		ck_assert_int_eq(answer.decision.verdict.reason, REASON_BAD_QUERY);
		return;
	}
	ck_assert_int_eq(answer.decision.rcode, raw[_i].rcode);
	ck_assert_int_eq(ns_msg_id(answer.parsed), ID);
	ck_assert_int_eq(count(&answer, ns_s_an), raw[_i].rcode == ns_r_noerror ? 1 : 0);
	if (raw[_i].rcode == ns_r_formerr || raw[_i].rcode == ns_r_notimpl)
		ck_assert_int_eq(answer.decision.verdict.reason, REASON_BAD_QUERY);
}
END_TEST

START_TEST(over_tcp_the_same)
{
	static uint8_t out[DNS_TCP_SIZE];
	struct message query;
	struct answer answer;

	ask(&query, "ok.test", ns_t_a);
	get_answer(&query, true, &answer);
	ck_assert_uint_eq(
		dns_answer(&rules, query.bytes, query.length, true, NULL, out, &answer.decision),
		answer.message.length);
	ck_assert_mem_eq(out, answer.message.bytes, answer.message.length);
}
END_TEST

/* ---- any byte, any value -------------------------------------------------------------------- */

/* The only addresses there are: a number that was handed out, and the jail itself. */
static void assert_own_addresses(const struct answer *answer)
{
	char text[NS_MAXDNAME];

	for (int i = 0; i < count(answer, ns_s_an); i++) {
		ns_rr record = get_record(answer, ns_s_an, i, text);
		struct addr addr;
		uint32_t number;

		if (ns_rr_type(record) == ns_t_ptr)
			continue;
		ck_assert_int_eq(addr_parse(text, &addr), 0);
		ck_assert_int_eq(net_plan_synthetic_index(&addr, &number), 0);
		ck_assert_str_eq(names_get(names, number), answer->decision.name);
	}
}

START_TEST(a_changed_byte_never_gives_a_wrong_answer)
{
	struct message query, changed;
	struct answer answer;

	names_free(names);
	names = names_new(NET_PLAN_NAMES_MAX);
	ask(&query, "ok.example.org", ns_t_a);
	add_edns(&query, 1232, 0, 0);
	for (size_t at = 0; at < query.length; at++) {
		for (int value = 0; value < 256; value++) {
			changed = query;
			changed.bytes[at] = (uint8_t)value;
			get_answer(&changed, true, &answer);
			if (answer.message.length > 0)
				assert_own_addresses(&answer);
		}
		changed = query;
		changed.length = at;
		get_answer(&changed, true, &answer);
		ck_assert_int_eq(answer.decision.rcode, ns_r_formerr);
		ck_assert_uint_eq(answer.message.length == 0, at < 12);
	}
}
END_TEST

/* ---- dns: dummy ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint16_t type;
	const char *address; /* NULL: none */
} dummies[] = {
	{ "ok.test", ns_t_a, "6.6.6.6" },
	{ "eViL.teST", ns_t_a, "6.6.6.6" },
	{ "evil.test", ns_t_aaaa, "2001:db8::1" },
	{ "a b.test", ns_t_a, "6.6.6.6" },
	{ "192.0.2.1", ns_t_a, "6.6.6.6" },
	{ ".", ns_t_a, "6.6.6.6" },
	{ "localhost", ns_t_a, "127.0.0.1" },
	{ "localhost", ns_t_aaaa, "::1" },
	{ "evil.test", ns_t_txt, NULL },
	{ "evil.test", HTTPS, NULL },
	{ "ok.test", ns_t_mx, NULL },
	{ "1.0.18.198.in-addr.arpa", ns_t_ptr, NULL },
};

START_TEST(every_name_gets_the_dummy)
{
	bool is_local = strcmp(dummies[_i].name, "localhost") == 0;
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;
	ns_rr record;

	rules.mode = DNS_DUMMY;
	rules.types = DNS_TYPE_MX;
	ask(&query, dummies[_i].name, dummies[_i].type);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.want, DNS_WANT_NOTHING);
	ck_assert(answer.decision.verdict.is_allowed);
	ck_assert_int_eq(answer.decision.rcode, ns_r_noerror);
	ck_assert_int_eq(answer.decision.verdict.reason,
			 is_local ? REASON_ALLOW_RULE : REASON_DUMMY_ANSWER);
	ck_assert_int_eq(ns_msg_getflag(answer.parsed, ns_f_aa), !is_local);
	ck_assert_int_eq(count(&answer, ns_s_an), dummies[_i].address != NULL);
	ck_assert_int_eq(count(&answer, ns_s_ns), 0);
	ck_assert_ptr_null(names_get(names, 0));
	if (!dummies[_i].address)
		return;
	record = get_record(&answer, ns_s_an, 0, text);
	ck_assert_str_eq(text, dummies[_i].address);
	ck_assert_uint_eq(ns_rr_ttl(record), is_local ? DNS_TTL_S : 1);
	/* the question's bytes, in the case in which they came */
	ck_assert_mem_eq(answer.message.bytes + 12, query.bytes + 12, query.length - 12);
}
END_TEST

/* ---- dns: real ------------------------------------------------------------------------------ */

static struct resolve_answer upstream;
static struct dns_found found_upstream = { .addresses = &upstream };

static void add_upstream(const char *address)
{
	ck_assert_int_eq(addr_parse(address, &upstream.addresses[upstream.count++]), 0);
}

static void set_up_real(void)
{
	set_up();
	rules.mode = DNS_REAL;
	upstream = (struct resolve_answer) { .status = LOOKUP_OK, .ttl_s = 17 };
}

/* Both rounds. */
static void get_real(const char *name, uint16_t type, struct answer *answer)
{
	struct message query;

	ask(&query, name, type);
	found = NULL;
	get_answer(&query, true, answer);
	ck_assert_int_eq(answer->decision.want, DNS_WANT_ADDRESSES);
	ck_assert_uint_eq(answer->message.length, 0);
	ck_assert_str_eq(names_get(names, answer->decision.number), name);
	found = &found_upstream;
	get_answer(&query, true, answer);
	ck_assert_int_eq(answer->decision.want, DNS_WANT_NOTHING);
}

static bool is_given(const char *address)
{
	struct addr addr;
	size_t names_of_it;

	ck_assert_int_eq(addr_parse(address, &addr), 0);
	return given_find(rules.given, &addr, &names_of_it) != NULL;
}

START_TEST(real_addresses_are_answered_and_kept)
{
	char text[NS_MAXDNAME];
	struct answer answer;
	ns_rr record;

	add_upstream("93.184.216.34");
	add_upstream("10.1.2.3"); /* no rule names it */
	add_upstream("2606:2800::1");
	get_real("ok.test", ns_t_a, &answer);
	ck_assert_int_eq(count(&answer, ns_s_an), 1);
	record = get_record(&answer, ns_s_an, 0, text);
	ck_assert_str_eq(text, "93.184.216.34");
	ck_assert_uint_eq(ns_rr_ttl(record), 17);
	ck_assert_int_eq(answer.decision.refused.family, 0);
	ck_assert(is_given("93.184.216.34"));
	ck_assert(!is_given("10.1.2.3"));
	ck_assert(!is_given("2606:2800::1")); /* nobody has asked for it so far */
	get_real("ok.test", ns_t_aaaa, &answer);
	ck_assert_int_eq(count(&answer, ns_s_an), 1);
	ck_assert(is_given("2606:2800::1"));
}
END_TEST

START_TEST(a_rule_for_some_port_is_enough_for_the_address)
{
	struct answer answer;

	add_upstream("93.184.216.34");
	get_real("a.example.org", ns_t_a, &answer); /* port=443 */
	ck_assert_int_eq(count(&answer, ns_s_an), 1);
}
END_TEST

START_TEST(a_name_of_private_addresses_is_none)
{
	struct answer answer;

	add_upstream("10.1.2.3");
	add_upstream("::ffff:127.0.0.1");
	add_upstream("64:ff9b::7f00:1");
	get_real("ok.test", ns_t_a, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
	ck_assert(!answer.decision.verdict.is_allowed);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_PRIVATE_EMBEDDED);
	ck_assert(addr_equal(&answer.decision.refused, &upstream.addresses[2]));
	ck_assert_int_eq(count(&answer, ns_s_an), 0);
}
END_TEST

START_TEST(an_alias_of_a_denied_name_is_denied)
{
	static char alias[] = "no.example.org";
	struct answer answer;

	add_upstream("93.184.216.34");
	upstream.aliases[upstream.alias_count++] = alias;
	get_real("ok.test", ns_t_a, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_DENY_RULE);
	ck_assert(!is_given("93.184.216.34"));
}
END_TEST

static const struct {
	enum lookup_status status;
	uint8_t rcode;
	enum reason reason;
	int authorities;
} failures[] = {
	{ LOOKUP_NO_NAME, ns_r_nxdomain, REASON_RESOLVE_FAILED, 1 },
	{ LOOKUP_NO_DATA, ns_r_noerror, REASON_EMPTY_TYPE, 1 },
	{ LOOKUP_FAILED, ns_r_servfail, REASON_RESOLVE_FAILED, 0 },
};

START_TEST(what_upstream_does_not_have_is_told)
{
	struct answer answer;

	upstream.status = failures[_i].status;
	upstream.error = "because";
	get_real("ok.test", ns_t_a, &answer);
	ck_assert_int_eq(answer.decision.rcode, failures[_i].rcode);
	ck_assert_int_eq(answer.decision.verdict.reason, failures[_i].reason);
	ck_assert(answer.decision.verdict.is_allowed);
	ck_assert_int_eq(count(&answer, ns_s_an), 0);
	ck_assert_int_eq(count(&answer, ns_s_ns), failures[_i].authorities);
}
END_TEST

START_TEST(nothing_is_wanted_for_a_denied_name)
{
	struct message query;
	struct answer answer;

	ask(&query, _i ? "no.example.org" : "evil.test", ns_t_a);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.want, DNS_WANT_NOTHING);
	ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
	ck_assert_ptr_null(names_get(names, 0));
}
END_TEST

START_TEST(who_cannot_wait_is_told)
{
	static const struct dns_found nothing;
	struct message query;
	struct answer answer;

	rules.types = DNS_TYPE_MX;
	ask(&query, "ok.test", _i ? ns_t_mx : ns_t_a);
	found = &nothing;
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_servfail);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_LIMIT);
	ck_assert(!answer.decision.verdict.is_allowed);
}
END_TEST

/* No room for one more: not a part of the answer, and not a wrong one. */
START_TEST(a_full_table_is_told)
{
	struct answer answer;

	for (uint32_t i = 0; i < GIVEN_NAMES_MAX; i++) {
		struct addr addr;

		ck_assert_int_eq(addr_parse("93.184.216.34", &addr), 0);
		ck_assert_int_eq(given_add(rules.given, &addr,
					   &(struct given_name) { .number = 1000 + i,
								  .source = ADDR_FROM_DNS }),
				 0);
	}
	add_upstream("93.184.216.35");
	add_upstream("93.184.216.34");
	get_real("ok.test", ns_t_a, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_servfail);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_POOL_EXHAUSTED);
	ck_assert_int_eq(count(&answer, ns_s_an), 0);
}
END_TEST

START_TEST(a_real_address_knows_its_name)
{
	char text[NS_MAXDNAME];
	struct message query;
	struct answer answer;

	add_upstream("93.184.216.34");
	get_real("ok.test", ns_t_a, &answer);
	ask(&query, "34.216.184.93.in-addr.arpa", ns_t_ptr);
	get_answer(&query, true, &answer);
	(void)get_record(&answer, ns_s_an, 0, text);
	ck_assert_str_eq(text, "ok.test");
	ask(&query, "1.0.18.198.in-addr.arpa", ns_t_ptr); /* no address of this mode */
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
}
END_TEST

/* ---- record types --------------------------------------------------------------------------- */

static struct records found_records;
static const struct dns_found found_these = { .records = &found_records };

static void set_up_records(void)
{
	set_up();
	rules.types = DNS_TYPE_MX | DNS_TYPE_TXT | DNS_TYPE_SRV;
	memset(&found_records, 0, sizeof(found_records));
	found_records.ttl_s = 100000;
}

static void add_target(const char *target)
{
	struct record *record = &found_records.list[found_records.count++];

	record->numbers[0] = 10;
	record->number_count = 1;
	(void)snprintf(record->target, sizeof(record->target), "%s", target);
}

static void get_records(uint16_t type, struct answer *answer)
{
	struct message query;

	ask(&query, "ok.test", type);
	found = NULL;
	get_answer(&query, true, answer);
	ck_assert_int_eq(answer->decision.want, DNS_WANT_RECORDS);
	found = &found_these;
	get_answer(&query, true, answer);
	ck_assert_int_eq(answer->decision.want, DNS_WANT_NOTHING);
	ck_assert_ptr_null(names_get(names, 0));
}

START_TEST(targets_that_are_denied_are_dropped)
{
	char text[NS_MAXDNAME];
	struct answer answer;
	ns_rr record;

	add_target("evil.test");
	add_target("a.example.org");
	add_target("no.example.org");
	add_target("");
	get_records(ns_t_mx, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_noerror);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_ALLOW_RULE);
	ck_assert_int_eq(count(&answer, ns_s_an), 2);
	record = get_record(&answer, ns_s_an, 0, text);
	ck_assert_int_eq(ns_rr_type(record), ns_t_mx);
	ck_assert_uint_eq(ns_rr_ttl(record), RESOLVE_TTL_MAX_S);
	ck_assert_uint_eq(ns_get16(ns_rr_rdata(record)), 10);
	ck_assert_int_gt(ns_name_uncompress(ns_msg_base(answer.parsed), ns_msg_end(answer.parsed),
					    ns_rr_rdata(record) + 2, text, sizeof(text)),
			 0);
	ck_assert_str_eq(text, "a.example.org");
	record = get_record(&answer, ns_s_an, 1, text);
	ck_assert_uint_eq(ns_rr_rdlen(record), 3); /* the root */
}
END_TEST

START_TEST(without_a_target_nothing_is_left)
{
	struct answer answer;

	add_target("evil.test");
	get_records(ns_t_mx, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_noerror);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_EMPTY_TYPE);
	assert_negative_can_be_kept(&answer);
}
END_TEST

START_TEST(a_text_is_passed_on)
{
	static const uint8_t bytes[] = "\2ab\3c\0d";
	char text[NS_MAXDNAME];
	struct answer answer;
	ns_rr record;

	found_records.list[0].text = bytes;
	found_records.list[0].text_length = sizeof(bytes) - 1;
	found_records.count = 1;
	get_records(ns_t_txt, &answer);
	record = get_record(&answer, ns_s_an, 0, text);
	ck_assert_int_eq(ns_rr_type(record), ns_t_txt);
	ck_assert_uint_eq(ns_rr_rdlen(record), sizeof(bytes) - 1);
	ck_assert_mem_eq(ns_rr_rdata(record), bytes, sizeof(bytes) - 1);
}
END_TEST

START_TEST(records_of_an_alias_of_a_denied_name_are_denied)
{
	struct answer answer;

	add_target("ok.test");
	(void)strcpy(found_records.aliases[found_records.alias_count++], "no.example.org");
	get_records(ns_t_mx, &answer);
	ck_assert_int_eq(answer.decision.rcode, ns_r_nxdomain);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_DENY_RULE);
}
END_TEST

START_TEST(what_does_not_fit_is_asked_for_again)
{
	static const uint8_t bytes[256] = { 255 };
	uint8_t out[DNS_EDNS_SIZE];
	struct dns_decision decision;
	struct message query;
	ns_msg parsed;
	size_t length;

	for (int i = 0; i < 5; i++)
		found_records.list[found_records.count++] =
			(struct record) { .text = bytes, .text_length = sizeof(bytes) };
	ask(&query, "ok.test", ns_t_txt);
	add_edns(&query, 4096, 0, 0);
	rules.names = names;
	length = dns_answer(&rules, query.bytes, query.length, false, &found_these, out, &decision);
	ck_assert_int_eq(ns_initparse(out, (int)length, &parsed), 0);
	ck_assert_int_eq(ns_msg_getflag(parsed, ns_f_tc), 1);
	ck_assert_int_eq(ns_msg_count(parsed, ns_s_an), 0);
	ck_assert_int_eq(ns_msg_count(parsed, ns_s_ar), 1);
	ck_assert_int_eq(decision.verdict.reason, REASON_ALLOW_RULE);
}
END_TEST

START_TEST(other_types_are_never_wanted)
{
	static const uint16_t types[] = { HTTPS, 64, ns_t_ns, ns_t_any, ns_t_cname, ns_t_null };
	struct message query;
	struct answer answer;

	rules.mode = DNS_REAL;
	ask(&query, "ok.test", types[_i]);
	get_answer(&query, true, &answer);
	ck_assert_int_eq(answer.decision.want, DNS_WANT_NOTHING);
	ck_assert_int_eq(answer.decision.verdict.reason, REASON_EMPTY_TYPE);
	assert_negative_can_be_kept(&answer);
}
END_TEST

/* ---- for the audit -------------------------------------------------------------------------- */

START_TEST(what_was_asked_can_be_shown)
{
	struct message query = { .length = 0 };
	struct answer answer;

	put(&query, HEADER "\6a.b\n\\\0\4TeSt\0" A_IN, 12 + 13 + 4);
	get_answer(&query, true, &answer);
	ck_assert_str_eq(answer.decision.asked, "a\\x2eb\\x0a\\\\\\x00.TeSt");
	ck_assert_str_eq(answer.decision.name, "");
	ask(&query, "A.Example.Org", ns_t_a);
	get_answer(&query, true, &answer);
	ck_assert_str_eq(answer.decision.asked, "A.Example.Org");
	ck_assert_str_eq(answer.decision.name, "a.example.org");
	ck_assert_str_eq(answer.decision.verdict.rule->text, "domain=*.example.org port=443");
	ask(&query, ".", ns_t_a);
	get_answer(&query, true, &answer);
	ck_assert_str_eq(answer.decision.asked, ".");
}
END_TEST

START_TEST(a_type_has_a_name)
{
	char text[16];

	ck_assert_str_eq(dns_type_name(1, text), "A");
	ck_assert_str_eq(dns_type_name(28, text), "AAAA");
	ck_assert_str_eq(dns_type_name(65, text), "HTTPS");
	ck_assert_str_eq(dns_type_name(64, text), "SVCB");
	ck_assert_str_eq(dns_type_name(255, text), "ANY");
	ck_assert_str_eq(dns_type_name(0, text), "TYPE0");
	ck_assert_str_eq(dns_type_name(65535, text), "TYPE65535");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *suite(void)
{
	Suite *suite = suite_create("proxy/dns/answer");
	TCase *tcase = tcase_create("answer"), *real = tcase_create("real");
	TCase *records = tcase_create("records");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, answers_each_question, 0, ROWS(questions));
	tcase_add_test(tcase, a_name_keeps_its_number);
	tcase_add_loop_test(tcase, without_ipv6_its_addresses_do_not_exist, 0, 2);
	tcase_add_test(tcase, when_the_pool_is_empty_it_says_so);
	tcase_add_loop_test(tcase, an_address_knows_its_name, 0, ROWS(reverse));
	tcase_add_test(tcase, the_header_is_a_resolvers);
	tcase_add_loop_test(tcase, a_denial_says_why_to_who_can_read_it, 0, ROWS(extended));
	tcase_add_test(tcase, another_edns_version_is_refused);
	tcase_add_test(tcase, every_answer_fits_into_512_bytes);
	tcase_add_loop_test(tcase, reads_a_query_strictly, 0, ROWS(raw));
	tcase_add_test(tcase, over_tcp_the_same);
	tcase_add_test(tcase, a_changed_byte_never_gives_a_wrong_answer);
	tcase_add_test(tcase, what_was_asked_can_be_shown);
	tcase_add_test(tcase, a_type_has_a_name);
	tcase_add_loop_test(tcase, every_name_gets_the_dummy, 0, ROWS(dummies));
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(real, set_up_real, tear_down);
	tcase_add_test(real, real_addresses_are_answered_and_kept);
	tcase_add_test(real, a_rule_for_some_port_is_enough_for_the_address);
	tcase_add_test(real, a_name_of_private_addresses_is_none);
	tcase_add_test(real, an_alias_of_a_denied_name_is_denied);
	tcase_add_loop_test(real, what_upstream_does_not_have_is_told, 0, ROWS(failures));
	tcase_add_loop_test(real, nothing_is_wanted_for_a_denied_name, 0, 2);
	tcase_add_loop_test(real, who_cannot_wait_is_told, 0, 2);
	tcase_add_test(real, a_full_table_is_told);
	tcase_add_test(real, a_real_address_knows_its_name);
	suite_add_tcase(suite, real);
	tcase_add_checked_fixture(records, set_up_records, tear_down);
	tcase_add_test(records, targets_that_are_denied_are_dropped);
	tcase_add_test(records, without_a_target_nothing_is_left);
	tcase_add_test(records, a_text_is_passed_on);
	tcase_add_test(records, records_of_an_alias_of_a_denied_name_are_denied);
	tcase_add_test(records, what_does_not_fit_is_asked_for_again);
	tcase_add_loop_test(records, other_types_are_never_wanted, 0, 6);
	suite_add_tcase(suite, records);
	return suite;
}

int main(void)
{
	return suite_run(suite());
}

/* DNS messages: what happens at the limit. */
#include "proxy/dns/wire.h"

#include <arpa/nameser.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

static const uint8_t asked[] = "\xbe\xef\1\0\0\1\0\0\0\0\0\1"
			       "\2ok\4test\0\0\1\0\1"
			       "\0\0\x29\x04\xd0\0\0\0\0\0";
#define QUESTION_END (12 + 13)
#define FULL_LENGTH  (QUESTION_END + 16 + 11)

/* Whatever the limit, the message stays within it, all records or none; OPT has room before them. */
START_TEST(a_record_that_does_not_fit_leaves_none)
{
	struct addr addr = { .family = AF_INET, .bytes = { 198, 18, 0, 1 } };

	for (size_t limit = DNS_HEADER_SIZE; limit <= FULL_LENGTH; limit++) {
		uint8_t *out AUTO(heap_release) = malloc(limit);
		struct dns_query query;
		struct dns_reply reply;
		ns_msg parsed;
		size_t length, begun = limit >= QUESTION_END ? QUESTION_END : DNS_HEADER_SIZE;

		ck_assert_int_eq(dns_query_parse(asked, sizeof(asked), &query), ns_r_noerror);
		dns_reply_begin(&reply, &query, out, limit);
		dns_reply_address(&reply, &addr);
		length = dns_reply_end(&reply, ns_r_noerror, 0, NULL);
		ck_assert_uint_le(length, limit);
		ck_assert_int_eq(ns_initparse(out, (int)length, &parsed), 0);
		ck_assert_int_eq(ns_msg_getflag(parsed, ns_f_tc), limit < FULL_LENGTH);
		ck_assert_int_eq(ns_msg_count(parsed, ns_s_qd), limit >= QUESTION_END);
		ck_assert_int_eq(ns_msg_count(parsed, ns_s_an), limit >= FULL_LENGTH);
		ck_assert_int_eq(ns_msg_count(parsed, ns_s_ar), limit >= begun + 11);
	}
}
END_TEST

START_TEST(a_query_says_what_it_wants)
{
	struct dns_query query;

	ck_assert_int_eq(dns_query_parse(asked, sizeof(asked), &query), ns_r_noerror);
	ck_assert_uint_eq(query.id, 0xbeef);
	ck_assert_uint_eq(query.type, ns_t_a);
	ck_assert_uint_eq(query.class, ns_c_in);
	ck_assert_uint_eq(query.name_length, strlen("ok.test"));
	ck_assert_mem_eq(query.name, "ok.test", query.name_length);
	ck_assert_uint_eq(query.question_length, QUESTION_END - 12);
	ck_assert(query.has_edns);
	ck_assert(!query.want_dnssec);
	ck_assert_uint_eq(query.edns_size, 1232);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("proxy/dns/wire");
	TCase *tcase = tcase_create("wire");

	tcase_add_test(tcase, a_record_that_does_not_fit_leaves_none);
	tcase_add_test(tcase, a_query_says_what_it_wants);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(suite());
}

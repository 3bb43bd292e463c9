/* What an address is good for, and how one is read and written. */
#include "policy/addr.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct addr address(const char *text)
{
	struct addr addr;

	ck_assert_msg(addr_parse(text, &addr) == 0, "%s is an address", text);
	return addr;
}

/* Each block's neighbours and edges. NULL: there is no such neighbour. */
static const struct {
	const char *below, *first, *last, *above;
	enum addr_class below_class, class, above_class;
} edges[] = {
	{ NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0", 0, ADDR_UNSPECIFIED, ADDR_PUBLIC },
	{ "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", ADDR_PUBLIC, ADDR_PRIVATE,
	  ADDR_PUBLIC },
	{ "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", ADDR_PUBLIC,
	  ADDR_SHARED, ADDR_PUBLIC },
	{ "100.100.100.199", "100.100.100.200", "100.100.100.200", "100.100.100.201", ADDR_SHARED,
	  ADDR_METADATA, ADDR_SHARED },
	{ "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", ADDR_PUBLIC,
	  ADDR_LOOPBACK, ADDR_PUBLIC },
	{ "168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17", ADDR_PUBLIC,
	  ADDR_METADATA, ADDR_PUBLIC },
	{ "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", ADDR_PUBLIC,
	  ADDR_LINK_LOCAL, ADDR_PUBLIC },
	{ "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", ADDR_PUBLIC, ADDR_PRIVATE,
	  ADDR_PUBLIC },
	{ "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", ADDR_PUBLIC, ADDR_RESERVED,
	  ADDR_PUBLIC },
	{ "192.0.0.191", "192.0.0.192", "192.0.0.192", "192.0.0.193", ADDR_RESERVED, ADDR_METADATA,
	  ADDR_RESERVED },
	{ "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", ADDR_PUBLIC, ADDR_DOCUMENTATION,
	  ADDR_PUBLIC },
	{ "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", ADDR_PUBLIC,
	  ADDR_RESERVED, ADDR_PUBLIC },
	{ "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", ADDR_PUBLIC,
	  ADDR_PRIVATE, ADDR_PUBLIC },
	{ "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", ADDR_PUBLIC,
	  ADDR_RESERVED, ADDR_PUBLIC },
	{ "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", ADDR_PUBLIC,
	  ADDR_DOCUMENTATION, ADDR_PUBLIC },
	{ "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", ADDR_PUBLIC,
	  ADDR_DOCUMENTATION, ADDR_PUBLIC },
	{ "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", ADDR_PUBLIC,
	  ADDR_MULTICAST, ADDR_RESERVED },
	{ "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255", ADDR_MULTICAST,
	  ADDR_RESERVED, ADDR_BROADCAST },
	{ "255.255.255.254", "255.255.255.255", "255.255.255.255", NULL, ADDR_RESERVED,
	  ADDR_BROADCAST, 0 },

	{ NULL, "::", "::", "::1", 0, ADDR_UNSPECIFIED, ADDR_LOOPBACK },
	{ "::", "::1", "::1", "::2", ADDR_UNSPECIFIED, ADDR_LOOPBACK, ADDR_EMBEDDED },
	{ "::1", "::2", "::ffff:ffff", "::1:0:0", ADDR_LOOPBACK, ADDR_EMBEDDED, ADDR_RESERVED },
	{ "::fffe:ffff:ffff:ffff", "::ffff:0:0:0", "::ffff:0:ffff:ffff", "::ffff:1:0:0",
	  ADDR_RESERVED, ADDR_EMBEDDED, ADDR_RESERVED },
	{ "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff",
	  "64:ff9b::1:0:0", ADDR_RESERVED, ADDR_EMBEDDED, ADDR_RESERVED },
	{ "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
	  "64:ff9b:2::", ADDR_RESERVED, ADDR_EMBEDDED, ADDR_RESERVED },
	{ "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff",
	  "100:0:0:1::", ADDR_RESERVED, ADDR_RESERVED, ADDR_RESERVED },
	{ "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", ADDR_RESERVED, ADDR_PUBLIC,
	  ADDR_EMBEDDED },
	{ "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::", ADDR_PUBLIC, ADDR_EMBEDDED,
	  ADDR_RESERVED },
	{ "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", ADDR_EMBEDDED,
	  ADDR_RESERVED, ADDR_PUBLIC },
	{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", ADDR_PUBLIC,
	  ADDR_DOCUMENTATION, ADDR_PUBLIC },
	{ "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", ADDR_PUBLIC, ADDR_EMBEDDED,
	  ADDR_PUBLIC },
	{ "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", ADDR_PUBLIC,
	  ADDR_DOCUMENTATION, ADDR_PUBLIC },
	{ "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", ADDR_PUBLIC, ADDR_RESERVED,
	  ADDR_PRIVATE },
	{ "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", ADDR_RESERVED,
	  ADDR_PRIVATE, ADDR_RESERVED },
	{ "fd00:42::41", "fd00:42::42", "fd00:42::42", "fd00:42::43", ADDR_PRIVATE, ADDR_METADATA,
	  ADDR_PRIVATE },
	{ "fd00:c1::a9fe:a9fd", "fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9ff",
	  ADDR_PRIVATE, ADDR_METADATA, ADDR_PRIVATE },
	{ "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:ec3::", ADDR_PRIVATE,
	  ADDR_METADATA, ADDR_PRIVATE },
	{ "fd20:ce::253", "fd20:ce::254", "fd20:ce::254", "fd20:ce::255", ADDR_PRIVATE,
	  ADDR_METADATA, ADDR_PRIVATE },
	{ "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", ADDR_RESERVED,
	  ADDR_LINK_LOCAL, ADDR_PRIVATE },
	{ "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::", ADDR_LINK_LOCAL,
	  ADDR_PRIVATE, ADDR_MULTICAST },
	{ "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, ADDR_PRIVATE, ADDR_MULTICAST, 0 },
};

static void assert_class(const char *text, enum addr_class want)
{
	struct addr addr;
	enum addr_class got;

	if (!text)
		return;
	addr = address(text);
	got = addr_classify(&addr);
	ck_assert_msg(got == want, "%s is %s, not %s", text, addr_class_name(want),
		      addr_class_name(got));
}

START_TEST(classes_have_sharp_edges)
{
	assert_class(edges[_i].below, edges[_i].below_class);
	assert_class(edges[_i].first, edges[_i].class);
	assert_class(edges[_i].last, edges[_i].class);
	assert_class(edges[_i].above, edges[_i].above_class);
}
END_TEST

START_TEST(the_open_internet_is_public)
{
	static const char *const publics[] = {
		"1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "2620::1",
	};

	for (int i = 0; i < ROWS(publics); i++)
		assert_class(publics[i], ADDR_PUBLIC);
}
END_TEST

START_TEST(what_is_no_address_is_never_public)
{
	struct addr none = { 0 };
	struct addr mapped = { .family = AF_INET6, .bytes = { [10] = 0xff, 0xff, 8, 8, 8, 8 } };

	ck_assert_int_eq(addr_classify(&none), ADDR_RESERVED);
	ck_assert_int_eq(addr_classify(&mapped), ADDR_EMBEDDED);
}
END_TEST

START_TEST(every_class_has_its_own_word)
{
	for (int a = 0; a < ADDR_CLASSES; a++) {
		ck_assert_str_ne(addr_class_name((enum addr_class)a), "unknown");
		for (int b = 0; b < a; b++)
			ck_assert_str_ne(addr_class_name((enum addr_class)a),
					 addr_class_name((enum addr_class)b));
	}
}
END_TEST

static const struct {
	const char *text, *canonical; /* NULL: refused */
} texts[] = {
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::", "::" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "2001:db8::0:1", "2001:db8::1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "::ffff:127.0.0.1", "127.0.0.1" },
	{ "::ffff:7f00:1", "127.0.0.1" },
	{ "64:ff9b::127.0.0.1", "64:ff9b::7f00:1" },
	{ "", NULL },
	{ "127.1", NULL },
	{ "2130706433", NULL },
	{ "0x7f000001", NULL },
	{ "0x7f.0.0.1", NULL },
	{ "010.0.0.1", NULL },
	{ "1.2.3.04", NULL },
	{ "1.2.3.256", NULL },
	{ "1.2.3.4.", NULL },
	{ "1.2.3.4.5", NULL },
	{ " 1.2.3.4", NULL },
	{ "1.2.3.4 ", NULL },
	{ "+1.2.3.4", NULL },
	{ "1.2.3.4/32", NULL },
	{ "1.2.3.4:80", NULL },
	{ "[::1]", NULL },
	{ "::1%lo", NULL },
	{ "fe80::1%1", NULL },
	{ ":::", NULL },
	{ "1:2:3:4:5:6:7", NULL },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "12345::", NULL },
	{ "::g", NULL },
	{ "1::2::3", NULL },
	{ "localhost", NULL },
};

START_TEST(reads_strictly_and_writes_canonically)
{
	const char *text = texts[_i].text;
	char out[ADDR_TEXT_MAX];
	struct addr addr;
	int rc = addr_parse(text, &addr);

	if (!texts[_i].canonical) {
		ck_assert_msg(rc == -EINVAL, "'%s' is refused", text);
		return;
	}
	ck_assert_msg(rc == 0, "'%s' is accepted", text);
	ck_assert_str_eq(addr_format(&addr, out), texts[_i].canonical);
}
END_TEST

static const struct {
	const char *text;
	int rc;
	const char *block; /* also the suggestion that comes with -EDOM */
} blocks[] = {
	{ "10.0.0.0/8", 0, "10.0.0.0/8" },
	{ "10.1.2.3", 0, "10.1.2.3/32" },
	{ "10.1.2.3/32", 0, "10.1.2.3/32" },
	{ "0.0.0.0/0", 0, "0.0.0.0/0" },
	{ "198.18.0.0/15", 0, "198.18.0.0/15" },
	{ "::/0", 0, "::/0" },
	{ "2001:db8::/32", 0, "2001:db8::/32" },
	{ "2001:db8::1", 0, "2001:db8::1/128" },
	{ "fe80::/10", 0, "fe80::/10" },
	{ "::ffff:10.0.0.0/104", 0, "10.0.0.0/8" },
	{ "::ffff:10.1.2.3", 0, "10.1.2.3/32" },
	{ "10.0.0.1/8", -EDOM, "10.0.0.0/8" },
	{ "10.0.0.1/31", -EDOM, "10.0.0.0/31" },
	{ "198.19.0.0/15", -EDOM, "198.18.0.0/15" },
	{ "2001:db8::1/127", -EDOM, "2001:db8::/127" },
	{ "1.1.1.1/0", -EDOM, "0.0.0.0/0" },
	{ "", -EINVAL, NULL },
	{ "/8", -EINVAL, NULL },
	{ "10.0.0.0/", -EINVAL, NULL },
	{ "10.0.0.0/33", -EINVAL, NULL },
	{ "10.0.0.0/-1", -EINVAL, NULL },
	{ "10.0.0.0/+8", -EINVAL, NULL },
	{ "10.0.0.0/8/8", -EINVAL, NULL },
	{ "10.0.0.0/255.0.0.0", -EINVAL, NULL },
	{ "10/8", -EINVAL, NULL },
	{ "::/129", -EINVAL, NULL },
	{ "::ffff:10.0.0.0/8", -EINVAL, NULL },
	{ "::ffff:0.0.0.0/95", -EINVAL, NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/8", -EINVAL, NULL },
};

START_TEST(blocks_are_whole_or_refused)
{
	char out[ADDR_BLOCK_MAX];
	struct addr_block block;

	ck_assert_int_eq(addr_block_parse(blocks[_i].text, &block), blocks[_i].rc);
	if (blocks[_i].block)
		ck_assert_str_eq(addr_block_format(&block, out), blocks[_i].block);
}
END_TEST

static const struct {
	const char *addr, *block;
	bool is_inside;
} insides[] = {
	{ "10.0.0.0", "10.0.0.0/8", true },
	{ "10.255.255.255", "10.0.0.0/8", true },
	{ "11.0.0.0", "10.0.0.0/8", false },
	{ "198.19.255.255", "198.18.0.0/15", true },
	{ "198.20.0.0", "198.18.0.0/15", false },
	{ "1.2.3.4", "1.2.3.4/32", true },
	{ "1.2.3.5", "1.2.3.4/32", false },
	{ "1.2.3.5", "1.2.3.4/31", true },
	{ "8.8.8.8", "0.0.0.0/0", true },
	{ "::1", "0.0.0.0/0", false },
	{ "8.8.8.8", "::/0", false },
	{ "2001:db8::1", "::/0", true },
	{ "febf::1", "fe80::/10", true },
	{ "fec0::1", "fe80::/10", false },
	{ "2001:db8::1", "2001:db8::1/128", true },
	{ "2001:db8::2", "2001:db8::1/128", false },
};

START_TEST(a_block_holds_what_shares_its_prefix)
{
	struct addr addr = address(insides[_i].addr);
	struct addr_block block;

	ck_assert_int_eq(addr_block_parse(insides[_i].block, &block), 0);
	ck_assert_msg(addr_in_block(&addr, &block) == insides[_i].is_inside, "%s in %s",
		      insides[_i].addr, insides[_i].block);
}
END_TEST

static const struct {
	const char *text, *carried[ADDR_EMBEDDED_MAX];
} carriers[] = {
	{ "::10.1.2.3", { "10.1.2.3" } },
	{ "::ffff:0:10.1.2.3", { "10.1.2.3" } },
	{ "64:ff9b::10.1.2.3", { "10.1.2.3" } },
	{ "64:ff9b:1:a01:2:300::", { "10.1.2.3", "1.2.3.0", "2.3.0.0", "0.0.0.0" } },
	{ "64:ff9b:1:a:1:203::", { "0.10.1.2", "10.1.2.3", "1.2.3.0", "0.0.0.0" } },
	{ "64:ff9b:1:0:a:102:300:0", { "0.0.10.1", "0.10.1.2", "10.1.2.3", "3.0.0.0" } },
	{ "64:ff9b:1::10.1.2.3", { "0.0.0.0", "0.0.0.0", "0.0.0.10", "10.1.2.3" } },
	{ "2002:a01:203::1", { "10.1.2.3" } },
	{ "2001:0:a01:203::f5fe:fdfc", { "10.1.2.3", "10.1.2.3" } },
	{ "::", { NULL } },
	{ "::1", { NULL } },
	{ "10.1.2.3", { NULL } },
	{ "2001:db8::a01:203", { NULL } },
	{ "2606:4700::1111", { NULL } },
};

START_TEST(finds_every_address_inside_another)
{
	struct addr addr = address(carriers[_i].text), carried[ADDR_EMBEDDED_MAX];
	size_t count = addr_embedded(&addr, carried), want = 0;
	char out[ADDR_TEXT_MAX];

	while (want < ADDR_EMBEDDED_MAX && carriers[_i].carried[want])
		want++;
	ck_assert_uint_eq(count, want);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(addr_format(&carried[i], out), carriers[_i].carried[i]);
}
END_TEST

START_TEST(equal_means_family_and_bytes)
{
	struct addr a = address("1.2.3.4"), b = address("::ffff:1.2.3.4");
	struct addr c = address("1.2.3.5"), d = address("102:304::");

	ck_assert(addr_equal(&a, &b));
	ck_assert(!addr_equal(&a, &c));
	ck_assert(!addr_equal(&a, &d));
	a.bytes[15] = 1; /* past an IPv4 address: means nothing */
	ck_assert(addr_equal(&a, &b));
}
END_TEST

START_TEST(socket_addresses_there_and_back)
{
	static const char *const addresses[] = { "192.0.2.1", "2001:db8::1" };

	for (int i = 0; i < ROWS(addresses); i++) {
		struct addr addr = address(addresses[i]), back;
		struct sockaddr_storage socket_address;
		socklen_t length = addr_to_sockaddr(&addr, 8443, &socket_address);
		uint16_t port = 0;

		ck_assert_uint_eq(length, i == 0 ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
		ck_assert_int_eq(addr_from_sockaddr(&socket_address, &back, &port), 0);
		ck_assert(addr_equal(&addr, &back));
		ck_assert_uint_eq(port, 8443);
		ck_assert_int_eq(addr_from_sockaddr(&socket_address, &back, NULL), 0);
	}
}
END_TEST

START_TEST(mapped_socket_addresses_are_unwrapped)
{
	struct sockaddr_storage socket_address = { 0 };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&socket_address;
	char out[ADDR_TEXT_MAX];
	struct addr addr;

	in6->sin6_family = AF_INET6;
	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:198.51.100.7", &in6->sin6_addr), 1);
	ck_assert_int_eq(addr_from_sockaddr(&socket_address, &addr, NULL), 0);
	ck_assert_str_eq(addr_format(&addr, out), "198.51.100.7");
	socket_address.ss_family = AF_UNIX;
	ck_assert_int_eq(addr_from_sockaddr(&socket_address, &addr, NULL), -EAFNOSUPPORT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/addr");
	TCase *tcase = tcase_create("addr");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, classes_have_sharp_edges, 0, ROWS(edges));
	tcase_add_test(tcase, the_open_internet_is_public);
	tcase_add_test(tcase, what_is_no_address_is_never_public);
	tcase_add_test(tcase, every_class_has_its_own_word);
	tcase_add_loop_test(tcase, reads_strictly_and_writes_canonically, 0, ROWS(texts));
	tcase_add_loop_test(tcase, blocks_are_whole_or_refused, 0, ROWS(blocks));
	tcase_add_loop_test(tcase, a_block_holds_what_shares_its_prefix, 0, ROWS(insides));
	tcase_add_loop_test(tcase, finds_every_address_inside_another, 0, ROWS(carriers));
	tcase_add_test(tcase, equal_means_family_and_bytes);
	tcase_add_test(tcase, socket_addresses_there_and_back);
	tcase_add_test(tcase, mapped_socket_addresses_are_unwrapped);
	return suite_run(suite);
}

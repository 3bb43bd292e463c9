/* Refused packets: what is read from messages that a kernel has sent, and from packets that lie. */
#include "proxy/packet.h"

#include <check.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

#define MESSAGE_MAX 512

/* Recorded from Linux 6.18, one message each. */
static const struct {
	const char *file;
	uint8_t protocol;
	const char *to;
	uint16_t port;
	bool is_syn;
} recorded[] = {
	{ "udp4", IPPROTO_UDP, "198.51.100.7", 443, false },
	{ "udp4-options", IPPROTO_UDP, "198.51.100.7", 53, false },
	{ "udp6", IPPROTO_UDP, "2001:db8::1", 123, false },
	{ "udp6-extensions", IPPROTO_UDP, "2001:db8::1", 4433, false },
	{ "icmp4", IPPROTO_ICMP, "198.51.100.7", 0, false },
	{ "icmp6", IPPROTO_ICMPV6, "2001:db8::1", 0, false },
	{ "sctp4", IPPROTO_SCTP, "198.51.100.7", 9899, false },
	{ "gre4", IPPROTO_GRE, "198.51.100.7", 0, false },
	{ "syn4", IPPROTO_TCP, "198.51.100.7", 15001, true },
};

static size_t load(const char *name, uint8_t bytes[MESSAGE_MAX])
{
	char path[256];
	FILE *file AUTO(file_release) = NULL;
	size_t length;

	(void)snprintf(path, sizeof(path), SOURCES "/tests/fuzz/corpus/packet/%s", name);
	file = fopen(path, "rbe");
	ck_assert_msg(file != NULL, "%s", path);
	length = fread(bytes, 1, MESSAGE_MAX, file);
	ck_assert_uint_gt(length, 0);
	return length;
}

/* From a copy of the exact size: the sanitizer sees one byte too far. */
static bool read_exactly(const uint8_t *bytes, size_t length, struct packet *packet_out)
{
	uint8_t *copy AUTO(heap_release) = malloc(length ? length : 1);
	const uint8_t *at = copy;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, length);
	return packet_next(&at, &length, packet_out);
}

START_TEST(reads_what_a_kernel_has_sent)
{
	uint8_t bytes[MESSAGE_MAX];
	size_t length = load(recorded[_i].file, bytes);
	char text[ADDR_TEXT_MAX];
	struct packet packet;

	ck_assert(read_exactly(bytes, length, &packet));
	ck_assert_uint_eq(packet.protocol, recorded[_i].protocol);
	ck_assert_str_eq(addr_format(&packet.to, text), recorded[_i].to);
	ck_assert_uint_eq(packet.port, recorded[_i].port);
	ck_assert_int_eq(packet.is_syn, recorded[_i].is_syn);
}
END_TEST

START_TEST(takes_no_message_that_was_cut)
{
	uint8_t bytes[MESSAGE_MAX];
	size_t length = load(recorded[_i].file, bytes);
	struct packet packet;

	for (size_t cut = 0; cut < length; cut++)
		ck_assert_msg(!read_exactly(bytes, cut, &packet), "%s: %zu bytes",
			      recorded[_i].file, cut);
}
END_TEST

START_TEST(reads_several_messages_and_passes_over_others)
{
	uint8_t bytes[3 * MESSAGE_MAX];
	size_t first = load("udp4", bytes), second, left;
	const uint8_t *at = bytes;
	struct packet packet;

	bytes[first + 4] = 3; /* NLMSG_DONE, of 16 bytes */
	memset(bytes + first, 0, 16);
	bytes[first] = 16;
	second = load("udp6", bytes + first + 16);
	left = first + 16 + second;
	ck_assert(packet_next(&at, &left, &packet));
	ck_assert_uint_eq(packet.port, 443);
	ck_assert(packet_next(&at, &left, &packet));
	ck_assert_uint_eq(packet.port, 123);
	ck_assert(!packet_next(&at, &left, &packet));
	ck_assert_uint_eq(left, 0);
}
END_TEST

/* The attribute with the packet is the last one; @length_out: how long it says that it is. */
static uint8_t *payload_of(uint8_t *bytes, size_t length, uint16_t *length_out)
{
	size_t at = 20; /* the two headers */

	for (;;) {
		uint16_t words[2];

		ck_assert_uint_le(at + sizeof(words), length);
		memcpy(words, bytes + at, sizeof(words));
		*length_out = words[0];
		if (words[1] == NFULA_PAYLOAD)
			return bytes + at;
		at += (words[0] + 3u) & ~3u;
	}
}

START_TEST(believes_no_length_of_an_attribute)
{
	uint8_t bytes[MESSAGE_MAX];
	size_t length = load(recorded[_i].file, bytes);
	struct packet packet;
	uint16_t said;
	uint8_t *payload = payload_of(bytes, length, &said);
	const uint16_t wrong[] = { 0, 3, (uint16_t)(said + 4), UINT16_MAX };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(payload, &wrong[i], sizeof(wrong[i]));
		ck_assert_msg(!read_exactly(bytes, length, &packet), "%s: %u", recorded[_i].file,
			      wrong[i]);
	}
	memcpy(payload, &said, sizeof(said));
	ck_assert(read_exactly(bytes, length, &packet));
}
END_TEST

/* ---- packets that lie ---- */

#define IPV4(length, fragment, protocol)                                                           \
	0x45, 0, 0, (length), 0, 0, (fragment), 0, 64, (protocol), 0, 0, 10, 0, 0, 1, 192, 0, 2, 9
#define IPV6(next)                                                                                 \
	0x60, 0, 0, 0, 0, 8, (next), 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x20,  \
		0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9

static const struct {
	const char *what;
	uint8_t bytes[96];
	size_t length;
	bool is_packet;
	uint8_t protocol;
	uint16_t port;
} lies[] = {
	{ "nothing", { 0 }, 0, false, 0, 0 },
	{ "no IP", { 0x55, 1, 2, 3 }, 20, false, 0, 0 },
	{ "half an IPv4 header", { IPV4(20, 0, 17) }, 19, false, 0, 0 },
	{ "a header shorter than one", { 0x44, 0, 0, 20 }, 20, false, 0, 0 },
	{ "no ports there", { IPV4(28, 0, 17), 1, 2, 0, 80 }, 23, true, 17, 0 },
	{ "ports there", { IPV4(28, 0, 17), 1, 2, 0, 80 }, 24, true, 17, 80 },
	{ "a later fragment", { IPV4(28, 1, 17), 1, 2, 0, 80 }, 24, true, 17, 0 },
	{ "options past the end", { 0x4f, 0, 0, 20, 0, 0, 0, 0, 0, 17 }, 40, true, 17, 0 },
	{ "half an IPv6 header", { IPV6(17) }, 39, false, 0, 0 },
	{ "no ports in IPv6", { IPV6(17), 1, 2, 0 }, 43, true, 17, 0 },
	{ "ports in IPv6", { IPV6(17), 1, 2, 0, 80 }, 44, true, 17, 80 },
	{ "an extension past the end",
	  { IPV6(0), 17, 255, 0, 0, 0, 0, 0, 0, 1, 2, 0, 80 },
	  52,
	  true,
	  17,
	  0 },
	{ "an extension that was cut", { IPV6(60), 17, 0 }, 42, true, 60, 0 },
	{ "a fragment's first",
	  { IPV6(44), 17, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 80 },
	  52,
	  true,
	  17,
	  80 },
	{ "a fragment's next",
	  { IPV6(44), 17, 0, 0, 9, 0, 0, 0, 0, 1, 2, 0, 80 },
	  52,
	  true,
	  44,
	  0 },
	{ "authentication",
	  { IPV6(51), 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 80 },
	  56,
	  true,
	  17,
	  80 },
	{ "a chain without end",
	  { IPV6(60), 60, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0 },
	  56,
	  true,
	  60,
	  0 },
	{ "nothing behind", { IPV6(59) }, 48, true, 59, 0 },
};

START_TEST(believes_no_length)
{
	uint8_t *copy AUTO(heap_release) = malloc(lies[_i].length + 1);
	struct packet packet;

	ck_assert_ptr_nonnull(copy);
	copy = realloc(copy, lies[_i].length ? lies[_i].length : 1);
	memcpy(copy, lies[_i].bytes, lies[_i].length);
	ck_assert_msg(packet_read(copy, lies[_i].length, &packet) == lies[_i].is_packet, "%s",
		      lies[_i].what);
	if (!lies[_i].is_packet)
		return;
	ck_assert_msg(packet.protocol == lies[_i].protocol, "%s: protocol %u", lies[_i].what,
		      packet.protocol);
	ck_assert_msg(packet.port == lies[_i].port, "%s: port %u", lies[_i].what, packet.port);
}
END_TEST

static const struct {
	uint8_t protocol;
	const char *name;
} names[] = {
	{ IPPROTO_UDP, "udp" },
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_ICMP, "icmp" },
	{ IPPROTO_ICMPV6, "icmp" },
	{ IPPROTO_SCTP, "sctp" },
	{ IPPROTO_DCCP, "dccp" },
	{ 0, "ip-0" },
	{ 255, "ip-255" },
};

START_TEST(names_protocols)
{
	char out[PACKET_PROTOCOL_MAX];

	ck_assert_str_eq(packet_protocol_name(names[_i].protocol, out), names[_i].name);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("proxy/packet");
	TCase *all = tcase_create("all");

	suite_add_tcase(suite, all);
	tcase_add_loop_test(all, reads_what_a_kernel_has_sent, 0, COUNT(recorded));
	tcase_add_loop_test(all, takes_no_message_that_was_cut, 0, COUNT(recorded));
	tcase_add_test(all, reads_several_messages_and_passes_over_others);
	tcase_add_loop_test(all, believes_no_length_of_an_attribute, 0, COUNT(recorded));
	tcase_add_loop_test(all, believes_no_length, 0, COUNT(lies));
	tcase_add_loop_test(all, names_protocols, 0, COUNT(names));
	return suite_run(suite);
}

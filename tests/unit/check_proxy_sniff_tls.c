/* The ClientHello parser: which name it reads, what it refuses, and that segments change nothing. */
#include "proxy/sniff/sniff.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "tests/unit/recorded_hellos.h"
#include "tests/unit/suite.h"

#define NAME "a.example.org"

/* ---- a small builder ------------------------------------------------------------------------ */

struct bytes {
	uint8_t *at;
	size_t length;
};

static void bytes_done(struct bytes *bytes)
{
	free(bytes->at);
}

static void put(struct bytes *bytes, const void *more, size_t count)
{
	bytes->at = realloc(bytes->at, bytes->length + count + 1);
	ck_assert_ptr_nonnull(bytes->at);
	if (count)
		memcpy(bytes->at + bytes->length, more, count);
	bytes->length += count;
}

static void put_number(struct bytes *bytes, size_t width, size_t value)
{
	while (width-- > 0) {
		uint8_t byte = (uint8_t)(value >> 8 * width);

		put(bytes, &byte, 1);
	}
}

static void put_vector(struct bytes *bytes, size_t width, const struct bytes *body)
{
	put_number(bytes, width, body->length);
	put(bytes, body->at, body->length);
}

/* Cuts @message into records of @size bytes. */
static void put_records(struct bytes *bytes, const struct bytes *message, size_t size)
{
	for (size_t at = 0; at < message->length; at += size) {
		size_t step = message->length - at < size ? message->length - at : size;

		put(bytes, "\x16\x03\x01", 3);
		put_number(bytes, 2, step);
		put(bytes, message->at + at, step);
	}
}

struct extension {
	size_t type;
	const char *body;
	size_t length;
};
#define EXTENSION(type, body)                                                                      \
	{                                                                                          \
		type, body, sizeof(body) - 1                                                       \
	}
/* lengths by hand: a fault in the list must be possible */
#define SNI(body)  EXTENSION(0, body)
#define SNI_A	   SNI("\0\x10\0\0\x0d" NAME)
#define GROUPS	   EXTENSION(10, "\0\2\0\x1d")
#define TICKET	   EXTENSION(35, "")
#define EXTENSIONS 6

static const char fixed_part[] = "\x03\x03"
				 "0123456789abcdef0123456789abcdef"
				 "\x04"
				 "sess"
				 "\0\2\x13\x01"
				 "\x01\0";

static void put_message(struct bytes *message, const struct bytes *body)
{
	put_number(message, 1, 1);
	put_vector(message, 3, body);
}

/* A ClientHello with these extensions (a row without length and type ends them). */
static void put_hello(struct bytes *message, const struct extension *extensions)
{
	struct bytes list AUTO(bytes_done) = { 0 };
	struct bytes body AUTO(bytes_done) = { 0 };

	for (size_t i = 0; i < EXTENSIONS && extensions[i].body; i++) {
		put_number(&list, 2, extensions[i].type);
		put_number(&list, 2, extensions[i].length);
		put(&list, extensions[i].body, extensions[i].length);
	}
	put(&body, fixed_part, sizeof(fixed_part) - 1);
	put_vector(&body, 2, &list);
	put_message(message, &body);
}

/* An exact-size copy: the sanitizer sees one byte too far. */
static enum sniff_state sniff_copy(const uint8_t *bytes, size_t length, struct sniff_result *result)
{
	uint8_t *copy AUTO(heap_release) = malloc(length);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, length);
	return sniff(copy, length, result);
}

static void assert_same(enum sniff_state state, const struct sniff_result *result,
			enum sniff_state want, const struct sniff_result *want_result)
{
	ck_assert_int_eq(state, want);
	ck_assert_int_eq(result->protocol, want_result->protocol);
	ck_assert_int_eq(result->reason, want_result->reason);
	ck_assert_int_eq(result->has_name, want_result->has_name);
	ck_assert_str_eq(result->name, want_result->name);
}

/* Byte by byte: "more" until the verdict, which then stays. */
static void assert_steady(const struct bytes *stream)
{
	struct sniff_result last, now;
	enum sniff_state want = sniff_copy(stream->at, stream->length, &last);
	bool is_sure = false;

	for (size_t length = 1; length < stream->length; length++) {
		enum sniff_state state = sniff_copy(stream->at, length, &now);

		if (state == SNIFF_MORE) {
			ck_assert(!is_sure);
			ck_assert(!now.has_name);
			continue;
		}
		is_sure = true;
		assert_same(state, &now, want, &last);
	}
}

/* ---- what is read --------------------------------------------------------------------------- */

/* name NULL and reason 0: well-formed, without a name. */
static const struct {
	const char *what;
	struct extension extensions[EXTENSIONS];
	const char *name;
	enum reason reason;
} hellos[] = {
	{ "a name", { SNI_A }, NAME, 0 },
	{ "a name between others", { GROUPS, SNI_A, TICKET }, NAME, 0 },
	{ "upper case, trailing dot",
	  { SNI("\0\x09\0\0\x06"
		"eX.Oz.") },
	  "ex.oz",
	  0 },
	{ "no extension", { { 0 } }, NULL, 0 },
	{ "no name", { GROUPS, TICKET }, NULL, 0 },
	{ "empty extension", { SNI("") }, NULL, REASON_BAD_TLS },
	{ "empty list", { SNI("\0\0") }, NULL, REASON_BAD_TLS },
	{ "empty name", { SNI("\0\3\0\0\0") }, NULL, REASON_BAD_TLS },
	{ "a lone dot", { SNI("\0\4\0\0\1.") }, NULL, REASON_BAD_TLS },
	{ "two names", { SNI("\0\x0c\0\0\3a.b\0\0\3c.d") }, NULL, REASON_BAD_TLS },
	{ "a name and another type", { SNI("\0\x0c\0\0\3a.b\1\0\3c.d") }, NULL, REASON_BAD_TLS },
	{ "another type alone", { SNI("\0\6\1\0\3a.b") }, NULL, REASON_BAD_TLS },
	{ "another type and a name", { SNI("\0\x0c\1\0\3c.d\0\0\3a.b") }, NULL, REASON_BAD_TLS },
	{ "name shorter than the list", { SNI("\0\7\0\0\3a.bx") }, NULL, REASON_BAD_TLS },
	{ "name longer than the list", { SNI("\0\6\0\0\4a.bx") }, NULL, REASON_BAD_TLS },
	{ "list shorter than the body", { SNI("\0\6\0\0\3a.bx") }, NULL, REASON_BAD_TLS },
	{ "list longer than the body", { SNI("\0\7\0\0\3a.b") }, NULL, REASON_BAD_TLS },
	{ "IPv4 literal",
	  { SNI("\0\x0c\0\0\x09"
		"192.0.2.1") },
	  NULL,
	  REASON_BAD_TLS },
	{ "IPv4 in hexadecimal",
	  { SNI("\0\7\0\0\4"
		"0x7f") },
	  NULL,
	  REASON_BAD_TLS },
	{ "IPv6 literal", { SNI("\0\6\0\0\3::1") }, NULL, REASON_BAD_TLS },
	{ "NUL in the name", { SNI("\0\6\0\0\3a\0b") }, NULL, REASON_BAD_TLS },
	{ "NUL behind the name", { SNI("\0\7\0\0\4a.b\0") }, NULL, REASON_BAD_TLS },
	{ "blank in the name", { SNI("\0\6\0\0\3a b") }, NULL, REASON_BAD_TLS },
	{ "newline in the name", { SNI("\0\6\0\0\3a\nb") }, NULL, REASON_BAD_TLS },
	{ "non-ASCII in the name",
	  { SNI("\0\6\0\0\3\xc3\xa9"
		"b") },
	  NULL,
	  REASON_BAD_TLS },
	{ "the name twice", { SNI_A, SNI_A }, NULL, REASON_BAD_TLS },
	{ "another twice", { SNI_A, TICKET, GROUPS, TICKET }, NULL, REASON_BAD_TLS },
	{ "ECH", { SNI_A, EXTENSION(0xfe0d, "\1") }, NULL, REASON_ECH },
	{ "ECH before the name", { EXTENSION(0xfe0d, ""), SNI_A }, NULL, REASON_ECH },
	{ "ESNI", { GROUPS, EXTENSION(0xffce, "x") }, NULL, REASON_ECH },
	{ "GREASE", { EXTENSION(0x0a0a, ""), SNI_A, EXTENSION(0xfafa, "\0") }, NAME, 0 },
};
#define HELLOS (int)(sizeof(hellos) / sizeof(hellos[0]))

static void assert_read(const struct bytes *stream, const char *name, enum reason reason)
{
	struct sniff_result result;
	enum sniff_state state = sniff_copy(stream->at, stream->length, &result);

	ck_assert_int_eq(state, reason ? SNIFF_BAD : SNIFF_YES);
	ck_assert_int_eq(result.protocol, SNIFF_TLS);
	ck_assert_int_eq(result.reason, reason);
	ck_assert_int_eq(result.has_name, name != NULL);
	ck_assert_str_eq(result.name, name ? name : "");
}

START_TEST(reads_the_name_whatever_the_records)
{
	static const size_t sizes[] = { 16384, 100, 7, 3, 2, 1 };
	struct bytes message AUTO(bytes_done) = { 0 };

	put_hello(&message, hellos[_i].extensions);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes stream AUTO(bytes_done) = { 0 };

		put_records(&stream, &message, sizes[i]);
		assert_read(&stream, hellos[_i].name, hellos[_i].reason);
		assert_steady(&stream);
		put(&stream, "\x17\x03\x03\0\4data", 9); /* early data */
		assert_read(&stream, hellos[_i].name, hellos[_i].reason);
		assert_steady(&stream);
	}
}
END_TEST

START_TEST(reads_what_real_clients_sent)
{
	struct bytes stream AUTO(bytes_done) = { 0 };
	const char *hex = recorded_hellos[_i].hex;

	for (; *hex; hex += 2) {
		unsigned int byte;

		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		put_number(&stream, 1, byte);
	}
	assert_read(&stream, recorded_hellos[_i].name, 0);
	assert_steady(&stream);
}
END_TEST

/* ---- what is refused, below the extensions -------------------------------------------------- */

#define RANDOM "0123456789abcdef0123456789abcdef"
#define HELLO(body)                                                                                \
	{                                                                                          \
		body, sizeof(body) - 1                                                             \
	}

/* Bodies of a ClientHello. */
static const struct {
	const char *what;
	struct {
		const char *bytes;
		size_t length;
	} body;
	bool is_fine;
} bodies[] = {
	{ "no extensions at all", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0"), true },
	{ "SSL 3.0", HELLO("\x03\0" RANDOM "\0\0\2\x13\x01\1\0"), true },
	{ "SSL 2.0", HELLO("\x02\0" RANDOM "\0\0\2\x13\x01\1\0"), false },
	{ "nothing", HELLO(""), false },
	{ "only a version", HELLO("\x03\x03"), false },
	{ "short random",
	  HELLO("\x03\x03"
		"0123"),
	  false },
	{ "session of 33 bytes", HELLO("\x03\x03" RANDOM "\x21" RANDOM "x\0\2\x13\x01\1\0"),
	  false },
	{ "session past the end", HELLO("\x03\x03" RANDOM "\x20\0\2\x13\x01\1\0"), false },
	{ "no cipher suite", HELLO("\x03\x03" RANDOM "\0\0\0\1\0"), false },
	{ "half a cipher suite", HELLO("\x03\x03" RANDOM "\0\0\3\x13\x01\x13\1\0"), false },
	{ "suites past the end", HELLO("\x03\x03" RANDOM "\0\0\x20\x13\x01\1\0"), false },
	{ "no compression", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\0"), false },
	{ "compression past the end", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\2\0"), false },
	{ "half a list length", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0\0"), false },
	{ "list too long", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0\0\1"), false },
	{ "list too short", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0\0\0x"), false },
	{ "half an extension", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0\0\3\0\x0a\0"), false },
	{ "extension past the end", HELLO("\x03\x03" RANDOM "\0\0\2\x13\x01\1\0\0\4\0\x0a\0\1"),
	  false },
};
#define BODIES (int)(sizeof(bodies) / sizeof(bodies[0]))

START_TEST(every_length_must_add_up)
{
	struct bytes body = { .length = bodies[_i].body.length };
	struct bytes message AUTO(bytes_done) = { 0 };

	put_number(&message, 1, 1);
	put_number(&message, 3, body.length);
	put(&message, bodies[_i].body.bytes, body.length);
	/* with records of one byte, the end of a record hides no missing byte */
	for (size_t size = 1; size <= message.length; size++) {
		struct bytes stream AUTO(bytes_done) = { 0 };

		put_records(&stream, &message, size);
		assert_read(&stream, NULL, bodies[_i].is_fine ? 0 : REASON_BAD_TLS);
		assert_steady(&stream);
	}
}
END_TEST

/* Streams that are refused at the latest at their last byte. */
static const struct {
	const char *what;
	const char *bytes;
	size_t length;
} streams[] = {
#define STREAM(what, bytes)                                                                        \
	{                                                                                          \
		what, bytes, sizeof(bytes) - 1                                                     \
	}
	STREAM("record version 4", "\x16\x03\x04"),
	STREAM("empty record", "\x16\x03\x01\0\0"),
	STREAM("record of 16385 bytes", "\x16\x03\x01\x40\x01"),
	STREAM("a ServerHello", "\x16\x03\x01\0\x40\x02"),
	STREAM("a message larger than we look at", "\x16\x03\x01\0\x40\x01\x01\0\0"),
	STREAM("an alert in the middle", "\x16\x03\x01\0\x04\x01\0\0\x40\x15"),
	STREAM("application data in the middle", "\x16\x03\x01\0\x01\x01\x17"),
	STREAM("another version in the middle", "\x16\x03\x01\0\x01\x01\x16\x02"),
	STREAM("an empty record in the middle", "\x16\x03\x01\0\x01\x01\x16\x03\x01\0\0"),
};
#define STREAMS (int)(sizeof(streams) / sizeof(streams[0]))

START_TEST(refuses_as_soon_as_it_is_certain)
{
	struct sniff_result result;
	const uint8_t *bytes = (const uint8_t *)streams[_i].bytes;

	ck_assert_int_eq(sniff_copy(bytes, streams[_i].length - 1, &result), SNIFF_MORE);
	ck_assert_int_eq(result.protocol, SNIFF_TLS);
	ck_assert_int_eq(sniff_copy(bytes, streams[_i].length, &result), SNIFF_BAD);
	ck_assert_int_eq(result.reason, REASON_BAD_TLS);
}
END_TEST

START_TEST(nothing_may_follow_in_the_record)
{
	struct bytes message AUTO(bytes_done) = { 0 };
	struct bytes stream AUTO(bytes_done) = { 0 };

	put_hello(&message, hellos[0].extensions);
	put(&message, "\x01", 1);
	put_records(&stream, &message, 16384);
	assert_read(&stream, NULL, REASON_BAD_TLS);
	assert_steady(&stream);
}
END_TEST

/* A second byte other than 3 is some other protocol, and so is an SSLv2 hello. */
START_TEST(another_protocol_is_not_tls)
{
	struct sniff_result result;

	ck_assert_int_eq(sniff_copy((const uint8_t *)"\x16\x02", 2, &result), SNIFF_YES);
	ck_assert_int_eq(result.protocol, SNIFF_OPAQUE);
	ck_assert_int_eq(sniff_copy((const uint8_t *)"\x80\x2e\x01\x03\x01", 5, &result),
			 SNIFF_YES);
	ck_assert_int_eq(result.protocol, SNIFF_OPAQUE);
}
END_TEST

/* ---- size ----------------------------------------------------------------------------------- */

/* A hello whose stream is @stream_length bytes in records of 16384, by padding. */
static void put_padded(struct bytes *stream, size_t stream_length)
{
	static char padding[SNIFF_BYTES_MAX];
	struct extension extensions[EXTENSIONS] = { SNI_A, { 21, padding, 0 } };
	struct bytes bare AUTO(bytes_done) = { 0 };
	struct bytes message AUTO(bytes_done) = { 0 };
	size_t records = (stream_length + 16384 + 4) / (16384 + 5);

	put_hello(&bare, extensions);
	extensions[1].length = stream_length - 5 * records - bare.length;
	put_hello(&message, extensions);
	put_records(stream, &message, 16384);
	ck_assert_uint_eq(stream->length, stream_length);
}

START_TEST(reads_as_much_as_it_says)
{
	struct bytes stream AUTO(bytes_done) = { 0 };
	struct sniff_result result;

	put_padded(&stream, SNIFF_BYTES_MAX);
	assert_read(&stream, NAME, 0);
	ck_assert_int_eq(sniff_copy(stream.at, stream.length - 1, &result), SNIFF_MORE);
	put(&stream, "more", 4);
	assert_read(&stream, NAME, 0);
}
END_TEST

START_TEST(refuses_one_byte_more)
{
	struct bytes stream AUTO(bytes_done) = { 0 };
	struct sniff_result result;

	put_padded(&stream, SNIFF_BYTES_MAX + 1);
	assert_read(&stream, NULL, REASON_BAD_TLS);
	ck_assert_int_eq(sniff_copy(stream.at, SNIFF_BYTES_MAX, &result), SNIFF_BAD);
	ck_assert_int_eq(sniff_copy(stream.at, SNIFF_BYTES_MAX - 1, &result), SNIFF_MORE);
}
END_TEST

/* 253 bytes is the longest name; 254 is too, with a trailing dot. */
START_TEST(knows_the_longest_name)
{
	for (size_t length = 252; length <= 256; length++) {
		struct bytes message AUTO(bytes_done) = { 0 };
		struct bytes stream AUTO(bytes_done) = { 0 };
		char body[300] = { (char)((length + 3) >> 8), (char)(length + 3), 0,
				   (char)(length >> 8), (char)length };
		struct extension extensions[EXTENSIONS] = { { 0, body, length + 5 } };

		for (size_t i = 0; i < length; i++)
			body[5 + i] = i % 50 == 49 ? '.' : 'n';
		if (length == 254)
			body[5 + 253] = '.';
		put_hello(&message, extensions);
		put_records(&stream, &message, 200);
		body[5 + (length < 253 ? length : 253)] = '\0';
		assert_read(&stream, length <= 254 ? body + 5 : NULL,
			    length <= 254 ? 0 : REASON_BAD_TLS);
	}
}
END_TEST

/* ---- any byte, any value -------------------------------------------------------------------- */

/* Whatever byte changes, the name is the one that stands in the bytes, or there is none. */
static void assert_never_wrong(const struct bytes *stream, size_t changed, size_t name_at)
{
	bool is_in_name = changed >= name_at && changed < name_at + strlen(NAME);
	struct sniff_result result;
	char want[NAME_SIZE] = NAME;

	if (sniff_copy(stream->at, stream->length, &result) != SNIFF_YES || !result.has_name)
		return;
	if (is_in_name)
		ck_assert_int_eq(name_canonical((char *)stream->at + name_at, strlen(NAME), want),
				 0);
	ck_assert_str_eq(result.name, want);
}

START_TEST(a_changed_byte_never_gives_a_wrong_name)
{
	static const struct extension extensions[EXTENSIONS] = { GROUPS, SNI_A, TICKET };
	struct bytes message AUTO(bytes_done) = { 0 };
	struct bytes stream AUTO(bytes_done) = { 0 };
	size_t name_at;

	put_hello(&message, extensions);
	put_records(&stream, &message, 16384);
	name_at = (size_t)((uint8_t *)memmem(stream.at, stream.length, NAME, strlen(NAME)) -
			   stream.at);
	for (size_t at = 0; at < stream.length; at++) {
		uint8_t right = stream.at[at];

		for (int value = 0; value < 256; value++) {
			stream.at[at] = (uint8_t)value;
			assert_never_wrong(&stream, at, name_at);
		}
		stream.at[at] = right;
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("proxy/sniff/tls");
	TCase *tcase = tcase_create("ClientHello");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, reads_the_name_whatever_the_records, 0, HELLOS);
	tcase_add_loop_test(tcase, reads_what_real_clients_sent, 0,
			    sizeof(recorded_hellos) / sizeof(recorded_hellos[0]));
	tcase_add_loop_test(tcase, every_length_must_add_up, 0, BODIES);
	tcase_add_loop_test(tcase, refuses_as_soon_as_it_is_certain, 0, STREAMS);
	tcase_add_test(tcase, nothing_may_follow_in_the_record);
	tcase_add_test(tcase, another_protocol_is_not_tls);
	tcase_add_test(tcase, reads_as_much_as_it_says);
	tcase_add_test(tcase, refuses_one_byte_more);
	tcase_add_test(tcase, knows_the_longest_name);
	tcase_add_test(tcase, a_changed_byte_never_gives_a_wrong_name);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(suite());
}

/*
 * TLS: the ClientHello, for the name it asks for (RFC 8446 section 4.1.2, RFC 6066 section 3).
 *
 * The server must not read another name in these bytes than we do, so the parser is strict: every
 * length adds up exactly, and what real clients never send is refused rather than guessed. A
 * handshake message may be spread over records at any byte; a cursor steps over the record headers,
 * so nothing is copied together and the verdict cannot depend on the segmentation. It reads from
 * left to right and stops at the first fault, which makes every verdict final.
 */
#include "proxy/sniff/sniff.h"

#include <string.h>

#define RECORD_HEADER	    5
#define RECORD_MAX	    16384 /* RFC 8446 section 5.1, plaintext */
#define CONTENT_HANDSHAKE   22
#define MESSAGE_CLIENTHELLO 1
#define VERSION_MAJOR	    3
#define RANDOM_LENGTH	    32
#define SESSION_ID_MAX	    32
#define EXTENSION_TYPES	    65536

enum {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ECH = 0xfe0d, /* encrypted ClientHello, draft-ietf-tls-esni-13 and newer */
	EXTENSION_ESNI = 0xffce /* the same before it had an outer hello, draft 06 and older */
};
#define NAME_TYPE_HOST 0

struct cursor {
	const uint8_t *bytes;
	size_t length;
	size_t at; /* the next byte of the stream */
	size_t in_record; /* payload of the current record that is still ahead */
	enum sniff_state state; /* SNIFF_YES until something stops us */
	enum reason reason;
};

static bool stop(struct cursor *cursor, enum reason reason)
{
	cursor->state = SNIFF_BAD;
	cursor->reason = reason;
	return false;
}

static bool bad(struct cursor *cursor)
{
	return stop(cursor, REASON_BAD_TLS);
}

static bool run_dry(struct cursor *cursor)
{
	if (cursor->length >= SNIFF_BYTES_MAX)
		return bad(cursor); /* no more will be looked at */
	cursor->state = SNIFF_MORE;
	return false;
}

static bool open_record(struct cursor *cursor)
{
	const uint8_t *header = cursor->bytes + cursor->at;
	size_t have = cursor->length - cursor->at;

	if ((have > 0 && header[0] != CONTENT_HANDSHAKE) ||
	    (have > 1 && header[1] != VERSION_MAJOR) || (have > 2 && header[2] > 3))
		return bad(cursor);
	if (have < RECORD_HEADER)
		return run_dry(cursor);
	cursor->in_record = (size_t)header[3] << 8 | header[4];
	if (cursor->in_record == 0 || cursor->in_record > RECORD_MAX)
		return bad(cursor);
	cursor->at += RECORD_HEADER;
	return true;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Takes @count bytes out of a vector with *@left bytes; @out NULL skips them. */
static bool take(struct cursor *cursor, size_t *left, uint8_t *out, size_t count)
{
	if (count > *left)
		return bad(cursor);
	*left -= count;
	while (count > 0) {
		size_t step;

		if (cursor->in_record == 0 && !open_record(cursor))
			return false;
		step = least(count, least(cursor->in_record, cursor->length - cursor->at));
		if (step == 0)
			return run_dry(cursor);
		if (out) {
			memcpy(out, cursor->bytes + cursor->at, step);
			out += step;
		}
		cursor->at += step;
		cursor->in_record -= step;
		count -= step;
	}
	return true;
}

static bool take_number(struct cursor *cursor, size_t *left, size_t width, size_t *value_out)
{
	uint8_t raw[3];

	if (!take(cursor, left, raw, width))
		return false;
	*value_out = 0;
	for (size_t i = 0; i < width; i++)
		*value_out = *value_out << 8 | raw[i];
	return true;
}

/* Opens a vector inside one with *@left bytes: its bytes now belong to *@inner_out. */
static bool take_vector(struct cursor *cursor, size_t *left, size_t width, size_t *inner_out)
{
	if (!take_number(cursor, left, width, inner_out))
		return false;
	if (*inner_out > *left)
		return bad(cursor);
	*left -= *inner_out;
	return true;
}

static bool skip(struct cursor *cursor, size_t *left)
{
	return take(cursor, left, NULL, *left);
}

static bool read_server_name(struct cursor *cursor, size_t *left, struct sniff_result *result)
{
	char name[NAME_SIZE]; /* room for a trailing dot */
	size_t list, type, length;

	if (!take_vector(cursor, left, 2, &list))
		return false;
	if (*left != 0)
		return bad(cursor);
	if (!take_number(cursor, &list, 1, &type))
		return false;
	if (type != NAME_TYPE_HOST)
		return bad(cursor);
	if (!take_vector(cursor, &list, 2, &length))
		return false;
	if (list != 0 || length > sizeof(name)) /* a second entry, or no name is that long */
		return bad(cursor);
	*left = length;
	if (!take(cursor, left, (uint8_t *)name, length))
		return false;
	if (name_canonical(name, length, result->name) < 0)
		return bad(cursor);
	result->has_name = true;
	return true;
}

static bool read_extension(struct cursor *cursor, size_t *left, uint64_t *seen,
			   struct sniff_result *result)
{
	size_t type, body;

	if (!take_number(cursor, left, 2, &type))
		return false;
	if (type == EXTENSION_ECH || type == EXTENSION_ESNI)
		return stop(cursor, REASON_ECH);
	if (seen[type / 64] & UINT64_C(1) << type % 64)
		return bad(cursor);
	seen[type / 64] |= UINT64_C(1) << type % 64;
	if (!take_vector(cursor, left, 2, &body))
		return false;
	if (type == EXTENSION_SERVER_NAME)
		return read_server_name(cursor, &body, result);
	return skip(cursor, &body);
}

static bool read_extensions(struct cursor *cursor, size_t *left, struct sniff_result *result)
{
	uint64_t seen[EXTENSION_TYPES / 64] = { 0 };
	size_t list;

	if (!take_vector(cursor, left, 2, &list))
		return false;
	if (*left != 0)
		return bad(cursor);
	while (list > 0) {
		if (!read_extension(cursor, &list, seen, result))
			return false;
	}
	return true;
}

/* Everything before the extensions: nothing in it matters, but it must add up. */
static bool read_fixed_part(struct cursor *cursor, size_t *left)
{
	size_t version, inner;

	if (!take_number(cursor, left, 2, &version))
		return false;
	if (version >> 8 != VERSION_MAJOR)
		return bad(cursor);
	if (!take(cursor, left, NULL, RANDOM_LENGTH) || !take_vector(cursor, left, 1, &inner))
		return false;
	if (inner > SESSION_ID_MAX)
		return bad(cursor);
	if (!skip(cursor, &inner) || !take_vector(cursor, left, 2, &inner))
		return false;
	if (inner == 0 || inner % 2 != 0) /* cipher suites */
		return bad(cursor);
	if (!skip(cursor, &inner) || !take_vector(cursor, left, 1, &inner))
		return false;
	if (inner == 0) /* compression methods */
		return bad(cursor);
	return skip(cursor, &inner);
}

static bool read_hello(struct cursor *cursor, struct sniff_result *result)
{
	size_t message = SNIFF_BYTES_MAX; /* what does not fit in there is bad at once */
	size_t type, left;

	if (!take_number(cursor, &message, 1, &type))
		return false;
	if (type != MESSAGE_CLIENTHELLO)
		return bad(cursor);
	if (!take_vector(cursor, &message, 3, &left) || !read_fixed_part(cursor, &left))
		return false;
	if (left > 0 && !read_extensions(cursor, &left, result))
		return false;
	if (cursor->in_record > 0) /* keys change here, so the record ends here: section 5.1 */
		return bad(cursor);
	return true;
}

enum sniff_state sniff_tls(const uint8_t *bytes, size_t length, struct sniff_result *result_out)
{
	struct cursor cursor = { .bytes = bytes, .state = SNIFF_YES };

	cursor.length = least(length, SNIFF_BYTES_MAX);
	/* The two bytes that make it TLS; from there on a fault is a fault, not another protocol. */
	if ((length > 0 && bytes[0] != CONTENT_HANDSHAKE) ||
	    (length > 1 && bytes[1] != VERSION_MAJOR))
		return SNIFF_NO;
	if (!read_hello(&cursor, result_out)) {
		result_out->has_name = false; /* half a hello names nobody */
		result_out->name[0] = '\0';
		result_out->reason = cursor.reason;
	}
	return cursor.state;
}

/*
 * Sniffers. What holds for every stream:
 * - once sure, never another verdict, whatever follows; and no row of the table says otherwise;
 * - SNIFF_NO never leaves the table, and what is larger than we look at is decided;
 * - a name comes only with a ClientHello that is whole, is canonical, and stands in its bytes;
 * - whom an HTTP/1 request is for: the same, and a name stands in its bytes;
 * - for TLS the records are only an envelope: cut anew, the same message gives the same verdict.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/auto.h"
#include "proxy/sniff/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIXES_MAX  600 /* beyond it, prefixes are only tried here and there */
#define RECORD_HEADER 5

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static bool same(const struct sniff_result *a, const struct sniff_result *b)
{
	return a->protocol == b->protocol && a->reason == b->reason && a->has_name == b->has_name &&
	       strcmp(a->name, b->name) == 0;
}

/* From a copy of the exact size: the sanitizer sees one byte too far. */
static enum sniff_state sniff_copy(const uint8_t *data, size_t size, struct sniff_result *result)
{
	uint8_t *copy AUTO(heap_release) = malloc(size);

	must(copy != NULL, "memory for the stream");
	memcpy(copy, data, size);
	return sniff(copy, size, result);
}

static void check_prefixes(const uint8_t *data, size_t size, enum sniff_state state,
			   const struct sniff_result *result)
{
	size_t step = size > PREFIXES_MAX ? size / PREFIXES_MAX + 1 : 1;

	for (size_t length = 1; length < size; length += step) {
		struct sniff_result early;
		enum sniff_state early_state = sniff_copy(data, length, &early);

		must(early_state != SNIFF_NO, "the table always has an answer");
		must(early_state == SNIFF_MORE || (early_state == state && same(&early, result)),
		     "a verdict does not change when bytes are appended");
		must(early_state != SNIFF_MORE || !early.has_name, "half a hello has no name");
	}
}

static void check_appended(const uint8_t *data, size_t size, enum sniff_state state,
			   const struct sniff_result *result)
{
	static const char tail[] = "\x16\x03\x01\0\1\0\0GET / HTTP/1.1\r\n";
	uint8_t *longer AUTO(heap_release) = malloc(size + sizeof(tail));
	struct sniff_result later;

	if (state == SNIFF_MORE)
		return;
	must(longer != NULL, "memory for the stream");
	memcpy(longer, data, size);
	memcpy(longer + size, tail, sizeof(tail));
	must(sniff_copy(longer, size + sizeof(tail), &later) == state && same(&later, result),
	     "a verdict does not change when bytes are appended");
}

/* A word that holds in every case: the name's bytes, in any case, without record headers. */
static void check_name(const uint8_t *data, size_t size, const struct sniff_result *result)
{
	char canonical[NAME_SIZE];

	if (!result->has_name) {
		must(result->name[0] == '\0', "no name, no text");
		return;
	}
	must(result->protocol == SNIFF_TLS, "only TLS names its destination");
	must(name_canonical(result->name, strlen(result->name), canonical) == 0 &&
		     strcmp(canonical, result->name) == 0,
	     "a name is canonical");
	for (size_t at = 0; at + strlen(result->name) <= size; at++) {
		if (strncasecmp((const char *)data + at, result->name, strlen(result->name)) == 0)
			return;
	}
	must(false, "a name stands in the message");
}

/* The records' payload in one piece. Returns its length, 0 when the records do not add up. */
static size_t unwrap(const uint8_t *data, size_t size, uint8_t *message)
{
	size_t used = 0, at = 0;

	while (at < size) {
		size_t length;

		if (size - at < RECORD_HEADER || data[at] != 0x16)
			return used; /* what follows the hello */
		length = (size_t)data[at + 3] << 8 | data[at + 4];
		at += RECORD_HEADER;
		if (length > size - at)
			return used;
		memcpy(message + used, data + at, length);
		used += length;
		at += length;
	}
	return used;
}

static size_t wrap(const uint8_t *message, size_t length, size_t record, uint8_t *stream)
{
	size_t used = 0;

	for (size_t at = 0; at < length; at += record) {
		size_t step = length - at < record ? length - at : record;
		uint8_t header[RECORD_HEADER] = { 0x16, 3, 1, (uint8_t)(step >> 8), (uint8_t)step };

		memcpy(stream + used, header, sizeof(header));
		memcpy(stream + used + sizeof(header), message + at, step);
		used += sizeof(header) + step;
	}
	return used;
}

/* Only a hello that was read: it says itself where it ends, other bytes do not. */
static void check_records(const uint8_t *data, size_t size, const struct sniff_result *result)
{
	static const size_t records[] = { 1, 2, 7, 255, 16384 };
	uint8_t *message AUTO(heap_release) = malloc(size);
	uint8_t *stream AUTO(heap_release) = malloc(size * (RECORD_HEADER + 1));
	size_t length;

	must(message && stream, "memory for the stream");
	length = unwrap(data, size, message);
	must(length >= 4, "a hello has a header");
	length = 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
	check_name(message, length, result);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		size_t used = wrap(message, length, records[i], stream);
		struct sniff_result again;

		if (used > SNIFF_BYTES_MAX)
			continue;
		must(sniff_copy(stream, used, &again) == SNIFF_YES && same(&again, result),
		     "records are only an envelope");
		must(sniff_copy(stream, used - 1, &again) == SNIFF_MORE,
		     "a hello is whole with its last byte");
	}
}

static enum sniff_state host_copy(const uint8_t *data, size_t size, struct sniff_result *result)
{
	uint8_t *copy AUTO(heap_release) = malloc(size);

	must(copy != NULL, "memory for the stream");
	memcpy(copy, data, size);
	return sniff_http1_host(copy, size, result);
}

static bool contains(const uint8_t *data, size_t size, const char *name)
{
	for (size_t at = 0; at + strlen(name) <= size; at++) {
		if (strncasecmp((const char *)data + at, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

/* Only of what sniff() takes for a request. */
static void check_host(const uint8_t *data, size_t size)
{
	size_t step = size > PREFIXES_MAX ? size / PREFIXES_MAX + 1 : 1;
	struct sniff_result result, early;
	enum sniff_state state = host_copy(data, size, &result);

	must(state != SNIFF_NO, "it is a request");
	must(result.has_name == (result.name[0] != '\0'), "no name, no text");
	must(!result.has_name || state == SNIFF_YES, "a name needs a whole head");
	must(!result.has_name || contains(data, size, result.name), "a name stands in the request");
	for (size_t length = size; length > 1; length -= length > step ? step : 1) {
		enum sniff_state early_state;

		if (sniff_copy(data, length, &early) != SNIFF_YES || early.protocol != SNIFF_HTTP1)
			return;
		early_state = host_copy(data, length, &early);
		must(early_state == SNIFF_MORE || (early_state == state && same(&early, &result)),
		     "a verdict does not change when bytes are appended");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sniff_result result;
	enum sniff_state state;

	if (size == 0)
		return 0;
	state = sniff_copy(data, size, &result);
	must(state != SNIFF_NO, "the table always has an answer");
	must(state != SNIFF_MORE || size < SNIFF_BYTES_MAX, "there is an end to waiting");
	must(state != SNIFF_BAD || result.reason == REASON_BAD_TLS || result.reason == REASON_ECH,
	     "a refusal has a reason of its own");
	must(state == SNIFF_YES || !result.has_name, "a name needs a whole hello");
	check_prefixes(data, size, state, &result);
	check_appended(data, size, state, &result);
	if (state == SNIFF_YES && result.protocol == SNIFF_TLS)
		check_records(data, size, &result);
	else
		must(!result.has_name, "only TLS names its destination");
	if (state == SNIFF_YES && result.protocol == SNIFF_HTTP1)
		check_host(data, size);
	return 0;
}

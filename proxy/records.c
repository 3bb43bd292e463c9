/*
 * Records of an upstream's answer. See records.h.
 *
 * c-ares has a parser for each type, but none that tells the aliases which led to a record, and
 * the policy has a say in those. Its function for names is used: they may be compressed.
 */
#include "proxy/records.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdbool.h>
#include <string.h>

#define HEADER_BYTES 12

struct reader {
	const uint8_t *message, *at, *end;
};

/* A record's fixed part; @at stands on its data. */
struct head {
	char owner[NAME_SIZE]; /* "" when it is no host name */
	uint16_t type, class, length;
	uint32_t ttl_s;
	const uint8_t *data;
};

static bool read_16(struct reader *reader, uint16_t *value_out)
{
	if (reader->end - reader->at < 2)
		return false;
	*value_out = (uint16_t)(reader->at[0] << 8 | reader->at[1]);
	reader->at += 2;
	return true;
}

static bool read_32(struct reader *reader, uint32_t *value_out)
{
	uint16_t high, low;

	if (!read_16(reader, &high) || !read_16(reader, &low))
		return false;
	*value_out = (uint32_t)high << 16 | low;
	return true;
}

/* @is_root_out may be NULL. The name is "" when it is none that a host can have, or the root. */
static bool read_name(struct reader *reader, char name_out[NAME_SIZE], bool *is_root_out)
{
	char *text = NULL;
	long used = 0;

	name_out[0] = '\0';
	if (reader->at >= reader->end ||
	    ares_expand_name(reader->at, reader->message, (int)(reader->end - reader->message),
			     &text, &used) != ARES_SUCCESS)
		return false;
	if (is_root_out)
		*is_root_out = text[0] == '\0';
	(void)name_canonical(text, strlen(text), name_out); /* else it stays "" */
	ares_free_string(text);
	reader->at += used;
	return true;
}

static bool read_head(struct reader *reader, struct head *head)
{
	if (!read_name(reader, head->owner, NULL) || !read_16(reader, &head->type) ||
	    !read_16(reader, &head->class) || !read_32(reader, &head->ttl_s) ||
	    !read_16(reader, &head->length) || head->length > reader->end - reader->at)
		return false;
	head->data = reader->at;
	reader->at += head->length;
	return true;
}

/* One or more strings, each behind its length, that add up. */
static bool is_text(const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (at < length)
		at += 1u + bytes[at];
	return length > 0 && at == length;
}

static bool read_text(const struct head *head, struct record *record)
{
	record->text = head->data;
	record->text_length = head->length;
	return is_text(head->data, head->length);
}

/* Returns false when the message is malformed; *@is_usable_out: the target is a name. */
static bool read_target(const struct reader *reader, const struct head *head, size_t number_count,
			struct record *record, bool *is_usable_out)
{
	struct reader data = { reader->message, head->data, reader->end };
	bool is_root;

	record->number_count = number_count;
	for (size_t i = 0; i < number_count; i++) {
		if (!read_16(&data, &record->numbers[i]))
			return false;
	}
	if (!read_name(&data, record->target, &is_root) || data.at != head->data + head->length)
		return false;
	*is_usable_out = is_root || record->target[0] != '\0';
	return true;
}

static bool take_record(const struct reader *reader, const struct head *head,
			struct records *records)
{
	struct record *record = &records->list[records->count];
	bool is_usable = true;
	bool is_read;

	if (records->count == RECORDS_MAX)
		return true;
	memset(record, 0, sizeof(*record));
	if (head->type == ns_t_txt)
		is_read = read_text(head, record);
	else
		is_read = read_target(reader, head, head->type == ns_t_srv ? 3 : 1, record,
				      &is_usable);
	if (!is_read || !is_usable)
		return is_read;
	if (records->count++ == 0 || head->ttl_s < records->ttl_s)
		records->ttl_s = head->ttl_s;
	return true;
}

/* The chain goes on at the alias's target; NULL when there is no use in going on. */
static const char *take_alias(const struct reader *reader, const struct head *head,
			      struct records *records)
{
	struct reader data = { reader->message, head->data, reader->end };
	char *name;

	if (records->alias_count == RECORDS_ALIASES_MAX)
		return NULL;
	name = records->aliases[records->alias_count++];
	if (!read_name(&data, name, NULL) || data.at != head->data + head->length)
		return NULL;
	return name[0] ? name : NULL; /* no rule could speak of what is no host name */
}

static bool skip_question(struct reader *reader)
{
	char name[NAME_SIZE];
	uint16_t unused;

	return read_name(reader, name, NULL) && read_16(reader, &unused) &&
	       read_16(reader, &unused);
}

static bool read_answers(struct reader *reader, unsigned count, const char *name, uint16_t type,
			 struct records *records)
{
	struct head head;

	for (unsigned i = 0; i < count; i++) {
		bool is_taken = true;

		if (!read_head(reader, &head))
			return false;
		if (head.class != ns_c_in || strcmp(head.owner, name) != 0)
			continue;
		if (head.type == ns_t_cname) {
			name = take_alias(reader, &head, records);
			is_taken = name != NULL;
		} else if (head.type == type) {
			is_taken = take_record(reader, &head, records);
		}
		if (!is_taken)
			return false;
	}
	return true;
}

void records_parse(const uint8_t *message, size_t length, const char *name, uint16_t type,
		   struct records *records_out)
{
	struct reader reader = { message, message + HEADER_BYTES, message + length };

	records_out->status = LOOKUP_FAILED;
	records_out->error = "the answer cannot be used";
	records_out->ttl_s = 0;
	records_out->count = 0;
	records_out->alias_count = 0;
	if (length < HEADER_BYTES || message[4] != 0 || message[5] != 1 ||
	    !skip_question(&reader) ||
	    !read_answers(&reader, (unsigned)message[6] << 8 | message[7], name, type, records_out))
		return;
	records_out->status = records_out->count > 0 ? LOOKUP_OK : LOOKUP_NO_DATA;
	records_out->error = records_out->count > 0 ? NULL : "no such record";
}

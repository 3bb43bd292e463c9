/*
 * DNS messages. See wire.h.
 *
 * Not libc's ns_initparse(): it is made for answers of a trusted server, follows compression
 * pointers, and takes what we want to refuse.
 */
#include "proxy/dns/wire.h"

#include <arpa/nameser.h>
#include <string.h>

#include "policy/base/text.h"

#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_CD 0x0010

#define OPCODE(flags) ((flags) >> 11 & 15)
#define OPCODE_MASK   0x7800

#define QUESTION_AT	  DNS_HEADER_SIZE
#define NAME_POINTER	  (0xc000 | QUESTION_AT) /* compression, RFC 1035 section 4.1.4 */
#define LABEL_MAX	  63
#define NAME_WIRE_MAX	  255
#define EDNS_VERSION(ttl) ((ttl) >> 16 & 0xff)
#define EDNS_DO		  0x8000u
#define EDNS_SIZE	  1232 /* what we would take; queries are far smaller */
#define OPTION_EDE	  15

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *at;
	size_t left;
};

static bool skip(struct reader *reader, size_t count)
{
	if (count > reader->left)
		return false;
	reader->at += count;
	reader->left -= count;
	return true;
}

static bool read_byte(struct reader *reader, uint8_t *value_out)
{
	if (reader->left == 0)
		return false;
	*value_out = *reader->at;
	return skip(reader, 1);
}

static bool read_16(struct reader *reader, uint16_t *value_out)
{
	if (reader->left < 2)
		return false;
	*value_out = (uint16_t)(reader->at[0] << 8 | reader->at[1]);
	return skip(reader, 2);
}

static bool read_32(struct reader *reader, uint32_t *value_out)
{
	uint16_t high, low;

	if (!read_16(reader, &high) || !read_16(reader, &low))
		return false;
	*value_out = (uint32_t)high << 16 | low;
	return true;
}

/* Appends to the name as text, and to the name as people may see it. */
static void add_text(struct dns_query *query, const char *text, size_t length, bool is_label)
{
	size_t shown = strlen(query->asked);

	memcpy(query->name + query->name_length, text, length);
	query->name_length += length;
	for (size_t i = 0; i < length; i++) {
		char *to = query->asked + shown;

		if (is_label && text[i] == '.') {
			query->has_dotted_label = true;
			memcpy(to, "\\x2e", sizeof("\\x2e"));
		} else {
			(void)text_escape(text + i, 1, to, sizeof(query->asked) - shown);
		}
		shown += strlen(to);
	}
}

/* No compression: in a query there is nothing to point to but itself. */
static bool read_name(struct reader *reader, struct dns_query *query)
{
	size_t wire_length = 0;

	for (;;) {
		const char *label;
		uint8_t length;

		if (!read_byte(reader, &length))
			return false;
		wire_length += 1u + length;
		if (length > LABEL_MAX || wire_length > NAME_WIRE_MAX)
			return false;
		if (length == 0)
			break;
		label = (const char *)reader->at;
		if (!skip(reader, length))
			return false;
		if (query->name_length > 0)
			add_text(query, ".", 1, false);
		add_text(query, label, length, true);
	}
	if (query->name_length == 0)
		memcpy(query->asked, ".", sizeof("."));
	return true;
}

static bool read_question(struct reader *reader, struct dns_query *query)
{
	const uint8_t *start = reader->at;

	if (!read_name(reader, query) || !read_16(reader, &query->type) ||
	    !read_16(reader, &query->class))
		return false;
	query->question = start;
	query->question_length = (size_t)(reader->at - start);
	return true;
}

/* Options only have to add up; none of them changes our answer. */
static bool read_options(struct reader *reader, uint16_t length)
{
	struct reader options = { .at = reader->at, .left = length };

	if (!skip(reader, length))
		return false;
	while (options.left > 0) {
		uint16_t code, size;

		if (!read_16(&options, &code) || !read_16(&options, &size) || !skip(&options, size))
			return false;
	}
	return true;
}

/* RFC 6891 section 6.1.2. Another record (TSIG, SIG(0)) asks for what we do not do. */
static bool read_opt(struct reader *reader, struct dns_query *query, uint32_t *version_out)
{
	uint8_t root;
	uint16_t type, length;
	uint32_t ttl;

	if (!read_byte(reader, &root) || root != 0 || !read_16(reader, &type) || type != ns_t_opt ||
	    !read_16(reader, &query->edns_size) || !read_32(reader, &ttl) ||
	    !read_16(reader, &length) || !read_options(reader, length))
		return false;
	query->has_edns = true;
	query->want_dnssec = ttl & EDNS_DO;
	*version_out = EDNS_VERSION(ttl);
	return true;
}

uint8_t dns_query_parse(const uint8_t *bytes, size_t length, struct dns_query *query_out)
{
	struct reader reader = { .at = bytes, .left = length };
	uint16_t questions, answers, authorities, additionals;
	uint32_t version = 0;

	memset(query_out, 0, sizeof(*query_out));
	if (!read_16(&reader, &query_out->id) || !read_16(&reader, &query_out->flags) ||
	    !read_16(&reader, &questions) || !read_16(&reader, &answers) ||
	    !read_16(&reader, &authorities) || !read_16(&reader, &additionals))
		return ns_r_formerr;
	if (OPCODE(query_out->flags) != ns_o_query)
		return ns_r_notimpl;
	if (questions != 1 || answers != 0 || authorities != 0 || additionals > 1)
		return ns_r_formerr;
	if (!read_question(&reader, query_out))
		return ns_r_formerr;
	if (additionals == 1 && !read_opt(&reader, query_out, &version))
		return ns_r_formerr;
	if (reader.left != 0)
		return ns_r_formerr;
	if (version != 0)
		return DNS_RCODE_BADVERS;
	return query_out->class == ns_c_in ? ns_r_noerror : ns_r_refused;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_bytes(struct dns_reply *reply, const void *bytes, size_t count)
{
	if (reply->is_truncated || count > reply->limit - reply->used) {
		reply->is_truncated = true;
		return;
	}
	memcpy(reply->bytes + reply->used, bytes, count);
	reply->used += count;
}

static void write_8(struct dns_reply *reply, uint8_t value)
{
	write_bytes(reply, &value, 1);
}

static void write_16(struct dns_reply *reply, uint16_t value)
{
	uint8_t raw[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	write_bytes(reply, raw, sizeof(raw));
}

static void write_32(struct dns_reply *reply, uint32_t value)
{
	write_16(reply, (uint16_t)(value >> 16));
	write_16(reply, (uint16_t)value);
}

/* Counts a record that was written whole, and drops one that was cut. */
static void commit(struct dns_reply *reply, size_t started_at, size_t count_at)
{
	if (reply->is_truncated)
		reply->used = started_at;
	else
		reply->bytes[count_at + 1]++; /* there are never more than a few */
}

#define ANSWER_COUNT_AT	    6
#define AUTHORITY_COUNT_AT  8
#define ADDITIONAL_COUNT_AT 10

void dns_reply_begin(struct dns_reply *reply, const struct dns_query *query, uint8_t *bytes,
		     size_t limit)
{
	*reply = (struct dns_reply) {
		.query = query, .bytes = bytes, .limit = limit, .ttl_s = DNS_TTL_S
	};
	memset(bytes, 0, DNS_HEADER_SIZE);
	reply->used = DNS_HEADER_SIZE;
	if (query->question)
		write_bytes(reply, query->question, query->question_length);
	if (query->question && !reply->is_truncated)
		bytes[5] = 1;
	reply->question_end = reply->used;
}

static void write_answer_head(struct dns_reply *reply, uint16_t type, size_t length)
{
	write_16(reply, NAME_POINTER);
	write_16(reply, type);
	write_16(reply, ns_c_in);
	write_32(reply, reply->ttl_s);
	write_16(reply, (uint16_t)length);
}

void dns_reply_address(struct dns_reply *reply, const struct addr *addr)
{
	size_t start = reply->used;
	bool is_v4 = addr->family == AF_INET;
	uint16_t length = is_v4 ? 4 : 16;

	write_answer_head(reply, is_v4 ? ns_t_a : ns_t_aaaa, length);
	write_bytes(reply, addr->bytes, length);
	commit(reply, start, ANSWER_COUNT_AT);
}

/* Each dot becomes a length; one more for the first label, one for the root, which is "". */
static size_t name_length(const char *name)
{
	return *name ? strlen(name) + 2 : 1;
}

static void write_name(struct dns_reply *reply, const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");

		write_8(reply, (uint8_t)label);
		write_bytes(reply, name, label);
		name += label;
		name += *name == '.';
	}
	write_8(reply, 0);
}

void dns_reply_pointer(struct dns_reply *reply, const char *name)
{
	size_t start = reply->used;

	write_answer_head(reply, ns_t_ptr, name_length(name));
	write_name(reply, name);
	commit(reply, start, ANSWER_COUNT_AT);
}

/* Numbers, then a name or a text: a record that has none of them writes nothing there. */
void dns_reply_record(struct dns_reply *reply, uint16_t type, const struct record *record)
{
	size_t start = reply->used;
	size_t length = 2 * record->number_count;

	length += record->text ? record->text_length : name_length(record->target);
	write_answer_head(reply, type, length);
	for (size_t i = 0; i < record->number_count; i++)
		write_16(reply, record->numbers[i]);
	if (record->text)
		write_bytes(reply, record->text, record->text_length);
	else
		write_name(reply, record->target);
	commit(reply, start, ANSWER_COUNT_AT);
}

bool dns_reply_is_empty(const struct dns_reply *reply)
{
	return reply->used == reply->question_end && !reply->is_truncated;
}

/* Of the root, an ancestor of whatever was asked, and without names of its own to look up. */
void dns_reply_soa(struct dns_reply *reply)
{
	size_t start = reply->used;

	write_8(reply, 0);
	write_16(reply, ns_t_soa);
	write_16(reply, ns_c_in);
	write_32(reply, reply->ttl_s);
	write_16(reply, 2 + 5 * 4);
	write_16(reply, 0); /* server and mailbox: the root */
	write_32(reply, 1); /* serial: nobody transfers this zone */
	write_32(reply, reply->ttl_s); /* refresh, retry, expire: there is no secondary */
	write_32(reply, reply->ttl_s);
	write_32(reply, reply->ttl_s);
	write_32(reply, reply->ttl_s); /* how long "no" may be kept */
	commit(reply, start, AUTHORITY_COUNT_AT);
}

static void write_opt(struct dns_reply *reply, uint8_t rcode, uint16_t ede_code,
		      const char *ede_text)
{
	size_t start = reply->used;
	uint16_t text_length = ede_text ? (uint16_t)strlen(ede_text) : 0;

	write_8(reply, 0);
	write_16(reply, ns_t_opt);
	write_16(reply, EDNS_SIZE);
	write_8(reply, rcode >> 4);
	write_8(reply, 0); /* version */
	write_16(reply, reply->query->want_dnssec ? EDNS_DO : 0); /* copied, RFC 3225 */
	write_16(reply, ede_text ? (uint16_t)(2 + 2 + 2 + text_length) : 0);
	if (ede_text) {
		write_16(reply, OPTION_EDE);
		write_16(reply, (uint16_t)(2 + text_length));
		write_16(reply, ede_code);
		write_bytes(reply, ede_text, text_length);
	}
	commit(reply, start, ADDITIONAL_COUNT_AT);
}

void dns_reply_clear(struct dns_reply *reply)
{
	reply->used = reply->question_end;
	reply->bytes[ANSWER_COUNT_AT + 1] = 0;
	reply->bytes[AUTHORITY_COUNT_AT + 1] = 0;
	reply->is_truncated = false;
}

/*
 * AA stays clear (but for dummy answers) and RA is set: we pose as the recursive resolver that the program believes it
 * asks. AD stays clear, nothing was validated. RD and CD are copied (RFC 1035, RFC 4035).
 */
size_t dns_reply_end(struct dns_reply *reply, uint8_t rcode, uint16_t ede_code,
		     const char *ede_text)
{
	uint16_t flags = FLAG_QR | FLAG_RA | (rcode & 15);

	if (reply->query->has_edns)
		write_opt(reply, rcode, ede_code, ede_text);
	if (reply->is_truncated) {
		flags |= FLAG_TC; /* the client asks again over TCP */
		dns_reply_clear(reply);
		if (reply->query->has_edns)
			write_opt(reply, rcode, ede_code, ede_text);
	}
	flags |= reply->query->flags & (OPCODE_MASK | FLAG_RD | FLAG_CD);
	if (reply->is_authoritative)
		flags |= FLAG_AA;
	reply->bytes[0] = (uint8_t)(reply->query->id >> 8);
	reply->bytes[1] = (uint8_t)reply->query->id;
	reply->bytes[2] = (uint8_t)(flags >> 8);
	reply->bytes[3] = (uint8_t)flags;
	return reply->used;
}

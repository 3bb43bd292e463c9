/* Reads an audit log back. See audit_reader.h. */
#include "jail/command/audit_reader.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base/caps.h"
#include "policy/base/text.h"
#include "policy/path.h"

int audit_reader_open(struct audit_reader *reader, const char *path, struct err *err)
{
	*reader = (struct audit_reader) { .path = path, .file = fopen(path, "re") };
	if (!reader->file)
		return err_set(err, errno, "open %s", path);
	return caps_drop_all(err);
}

int audit_reader_rewind(struct audit_reader *reader, struct err *err)
{
	reader->foreign_count = 0;
	return fseek(reader->file, 0, SEEK_SET) == 0
		       ? 0
		       : err_set(err, errno, "read %s a second time", reader->path);
}

void audit_reader_close(struct audit_reader *reader)
{
	json_decref(reader->object);
	free(reader->line);
	if (reader->file)
		(void)fclose(reader->file); /* it was only read */
	*reader = (struct audit_reader) { 0 };
}

static const char *get_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void get_address(const json_t *object, const char *key, struct addr *addr_out)
{
	const char *text = get_text(object, key);

	if (text)
		(void)addr_parse(text, addr_out); /* what is no address stays none */
}

static void get_port(const json_t *object, struct audit_entry *entry)
{
	json_int_t port = json_integer_value(json_object_get(object, "port"));

	if (port > 0 && port <= UINT16_MAX)
		entry->port = (uint16_t)port;
}

/* Returns 0, or -EINVAL when it is no record of a decision. */
static int read_entry(const json_t *object, struct audit_entry *entry)
{
	const char *verdict = get_text(object, "verdict");
	const json_t *sequence = json_object_get(object, "seq");

	*entry = (struct audit_entry) {
		.time = get_text(object, "time"),
		.jail = get_text(object, "jail"),
		.protocol = get_text(object, "protocol"),
		.reason = get_text(object, "reason"),
		.sequence = (uint64_t)json_integer_value(sequence),
		.name = get_text(object, "name"),
		.sni = get_text(object, "sni"),
		.qtype = get_text(object, "qtype"),
		.method = get_text(object, "method"),
		.url = get_text(object, "url"),
		.rule = get_text(object, "rule"),
		.rule_origin = get_text(object, "rule_origin"),
		.error = get_text(object, "error"),
	};
	if (!entry->time || !entry->jail || !entry->protocol || !entry->reason || !verdict ||
	    strlen(entry->jail) >= AUDIT_JAIL_SIZE || !json_is_integer(sequence) ||
	    json_integer_value(sequence) < 0)
		return -EINVAL;
	entry->is_allowed = strcmp(verdict, "allow") == 0;
	if (!entry->is_allowed && strcmp(verdict, "deny") != 0)
		return -EINVAL;
	entry->is_query = strcmp(entry->protocol, "dns") == 0;
	get_address(object, "address", &entry->address);
	get_address(object, "dialed", &entry->dialed);
	get_address(object, "refused", &entry->refused);
	get_port(object, entry);
	return 0;
}

int audit_reader_next(struct audit_reader *reader, struct audit_entry *entry_out, struct err *err)
{
	ssize_t length;

	errno = 0;
	while ((length = getline(&reader->line, &reader->size, reader->file)) >= 0) {
		json_decref(reader->object);
		reader->object = json_loadb(reader->line, (size_t)length, 0, NULL);
		if (read_entry(reader->object, entry_out) == 0)
			return 1;
		reader->foreign_count++;
		errno = 0;
	}
	if (feof(reader->file))
		return 0;
	return err_set(err, errno ? errno : EIO, "read %s", reader->path);
}

enum reason audit_entry_reason(const struct audit_entry *entry)
{
	int reason = 0;

	while (reason < REASONS && strcmp(reason_code((enum reason)reason), entry->reason) != 0)
		reason++;
	return (enum reason)reason;
}

const char *audit_text(const char *text, char *out, size_t size)
{
	for (const char *at = text; *at; at++) {
		if (*at < 0x20 || *at > 0x7e)
			return text_escape(text, strlen(text), out, size);
	}
	return text;
}

bool audit_entry_path(const struct audit_entry *entry, char *out, size_t size)
{
	const char *path;

	if (!entry->method || !entry->url || strlen(entry->url) >= size)
		return false;
	path = strstr(entry->url, "://");
	if (!path)
		return false;
	path += strlen("://");
	path += strcspn(path, "/?#");
	return path_normalize(path, strcspn(path, "?#"), out) == 0;
}

const char *audit_entry_target(const struct audit_entry *entry, char *out, size_t size)
{
	char address[ADDR_TEXT_MAX], bracketed[ADDR_TEXT_MAX + 2];
	char protocol[64], name[1100], type[64], port[16] = "";
	const char *host = "?";

	if (entry->name) {
		host = audit_text(entry->name, name, sizeof(name));
	} else if (entry->address.family) {
		(void)snprintf(bracketed, sizeof(bracketed),
			       entry->address.family == AF_INET6 ? "[%s]" : "%s",
			       addr_format(&entry->address, address));
		host = bracketed;
	}
	if (entry->port)
		(void)snprintf(port, sizeof(port), ":%u", (unsigned)entry->port);
	if (entry->method && entry->url) {
		(void)snprintf(out, size, "%s %s %s",
			       audit_text(entry->protocol, protocol, sizeof(protocol)),
			       audit_text(entry->method, type, sizeof(type)),
			       audit_text(entry->url, name, sizeof(name)));
		return out;
	}
	(void)snprintf(out, size, "%s %s%s%s%s",
		       audit_text(entry->protocol, protocol, sizeof(protocol)), host, port,
		       entry->qtype ? " " : "",
		       entry->qtype ? audit_text(entry->qtype, type, sizeof(type)) : "");
	return out;
}

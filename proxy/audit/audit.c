/*
 * The audit log. See audit.h.
 *
 * Each line is one write(2) to a descriptor opened for appending, so several writers may share a file,
 * and on a pipe no line is longer than what the kernel takes whole or not at all (PIPE_BUF).
 *
 * A line that a full disk cuts stays as it is: to cut it off could take away what another writer
 * has appended meanwhile. The next line begins with a newline then, so only one is spoilt; also
 * when an earlier run has left such an end.
 *
 * A reader that stops reading must not hang the proxy: the descriptor never blocks. It gets a second
 * to make room where a lost record closes the network, and none where records may be lost.
 */
#include "proxy/audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "policy/base/text.h"

#define TEXT_SIZE	1024 /* of any one text in a record */
#define SHORT_TEXT_SIZE 256 /* where the line would be too long */
#define LINE_MAX_BYTES	(PIPE_BUF - 1)
#define STALL_MS	1000

/* Has an earlier run left half a line there? False where that cannot be read. */
static bool ends_in_half_a_line(int fd)
{
	char path[32], last = '\n';
	int file AUTO(fd_release) = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* which is only for writing */
	file = open(path, O_RDONLY | O_CLOEXEC);
	return file >= 0 && lseek(file, -1, SEEK_END) >= 0 && read(file, &last, 1) == 1 &&
	       last != '\n';
}

/* A file is never waited for by poll(); all else may have a reader who stops reading. */
static int take_descriptor(struct audit *audit, int fd)
{
	struct stat status;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (S_ISREG(status.st_mode))
		audit->is_torn = status.st_size > 0 && (audit->is_torn || ends_in_half_a_line(fd));
	audit->fd = fd;
	return 0;
}

void audit_init(struct audit *audit, int fd, enum audit_failure on_failure, const char *jail_id)
{
	*audit = (struct audit) { .fd = fd, .on_failure = on_failure, .jail_id = jail_id };
	json_object_seed(0); /* reads /dev/urandom, while the proxy still may */
	if (fd >= 0)
		(void)take_descriptor(audit, fd); /* what is wrong with it, the first write says */
}

int audit_reopen(struct audit *audit, int fd)
{
	int before = audit->fd;
	int rc = take_descriptor(audit, fd);

	if (rc < 0)
		return rc;
	fd_release(&before);
	audit->has_failed = false;
	return 0;
}

void audit_done(struct audit *audit)
{
	if (audit->lost > 0 && audit->on_failure == AUDIT_COUNT)
		log_error("audit: %llu record%s could not be written",
			  (unsigned long long)audit->lost, audit->lost == 1 ? "" : "s");
	fd_release(&audit->fd);
}

static void format_time(const struct timespec *now, char out[40])
{
	char seconds[32];
	struct tm parts;

	(void)gmtime_r(&now->tv_sec, &parts); /* cannot fail before the year 2^31 */
	(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(out, 40, "%s.%06ldZ", seconds, now->tv_nsec / 1000);
}

/* A record that is being made. */
struct fields {
	json_t *json; /* owned */
	size_t text_size; /* a text is cut to fit */
};

static void fields_release(struct fields *fields)
{
	json_decref(fields->json);
	fields->json = NULL;
}

/* Any bytes become valid UTF-8; NULL is left out. Returns 0 or -1, as jansson does. */
static int put_text(const struct fields *fields, const char *key, const char *text)
{
	char escaped[TEXT_SIZE];

	if (!text)
		return 0;
	text_escape(text, strlen(text), escaped, fields->text_size);
	return json_object_set_new(fields->json, key, json_string(escaped));
}

static int put_address(const struct fields *fields, const char *key, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return addr ? put_text(fields, key, addr_format(addr, text)) : 0;
}

static int put_number(const struct fields *fields, const char *key, uint64_t number)
{
	return json_object_set_new(fields->json, key, json_integer((json_int_t)number));
}

static int put_stamp(const struct fields *fields, const struct audit_stamp *stamp)
{
	char time_text[40];

	format_time(&stamp->now, time_text);
	return put_text(fields, "time", time_text) | put_text(fields, "jail", stamp->jail_id) |
	       put_number(fields, "seq", stamp->sequence) |
	       (stamp->lost ? put_number(fields, "lost", stamp->lost) : 0);
}

static int put_verdict(const struct fields *fields, const struct verdict *verdict)
{
	int failed = put_text(fields, "verdict", verdict->is_allowed ? "allow" : "deny") |
		     put_text(fields, "reason", reason_code(verdict->reason));

	if (verdict->rule)
		failed |= put_text(fields, "rule", verdict->rule->text) |
			  put_text(fields, "rule_origin", verdict->rule->origin);
	return failed;
}

static int put_destination(const struct fields *fields, const struct audit_record *record)
{
	int failed = put_text(fields, "name", record->name) | put_text(fields, "sni", record->sni) |
		     put_address(fields, "address", record->address) |
		     put_address(fields, "dialed", record->dialed) |
		     put_address(fields, "refused", record->refused) |
		     put_text(fields, "qtype", record->qtype) |
		     put_text(fields, "method", record->method) |
		     put_text(fields, "url", record->url) |
		     put_text(fields, "published", record->published) |
		     put_address(fields, "client", record->client);

	if (record->port)
		failed |= put_number(fields, "port", record->port);
	return failed;
}

static int put_traffic(const struct fields *fields, const struct audit_record *record)
{
	if (record->qtype)
		return 0;
	if (record->packets)
		return put_number(fields, "packets", record->packets);
	return (record->requests ? put_number(fields, "requests", record->requests) : 0) |
	       put_number(fields, "bytes_sent", record->bytes_sent) |
	       put_number(fields, "bytes_received", record->bytes_received) |
	       put_number(fields, "duration_ms", record->duration_ms);
}

/* As audit_format(); NULL without memory. */
static char *format_line(const struct audit_record *record, const struct audit_stamp *stamp,
			 size_t text_size)
{
	struct fields fields AUTO(fields_release) = { json_object(), text_size };
	char *line;
	size_t length;

	if (put_stamp(&fields, stamp) | put_text(&fields, "protocol", record->protocol) |
	    put_destination(&fields, record) | put_verdict(&fields, &record->verdict) |
	    put_text(&fields, "error", record->error) | put_traffic(&fields, record))
		return NULL;
	length = json_dumpb(fields.json, NULL, 0, JSON_COMPACT);
	line = length ? malloc(length + 2) : NULL;
	if (!line)
		return NULL;
	(void)json_dumpb(fields.json, line, length, JSON_COMPACT); /* asked for its length */
	line[length] = '\n';
	line[length + 1] = '\0';
	return line;
}

char *audit_format(const struct audit_record *record, const struct audit_stamp *stamp)
{
	char *line = format_line(record, stamp, TEXT_SIZE);

	if (!line || strlen(line) <= LINE_MAX_BYTES)
		return line;
	free(line);
	return format_line(record, stamp, SHORT_TEXT_SIZE);
}

/* Returns how much was written, or -errno. */
static ssize_t write_patiently(const struct audit *audit, const struct iovec parts[2])
{
	struct pollfd poll_fd = { .fd = audit->fd, .events = POLLOUT };
	int patience_ms = audit->on_failure == AUDIT_STOP ? STALL_MS : 0;

	for (;;) {
		ssize_t written = writev(audit->fd, parts, 2);

		if (written >= 0)
			return written;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || poll(&poll_fd, 1, patience_ms) != 1)
			return -errno;
	}
}

/* Half a line is no record. Returns -errno: what is in the way of the rest. */
static int end_half_a_line(struct audit *audit)
{
	audit->is_torn = write(audit->fd, "\n", 1) != 1;
	return audit->is_torn ? -errno : -ENOSPC;
}

static int write_line(struct audit *audit, char *line)
{
	char newline[] = "\n";
	size_t before = audit->is_torn ? 1 : 0;
	size_t length = strlen(line);
	const struct iovec parts[2] = { { newline, before }, { line, length } };
	ssize_t written = write_patiently(audit, parts);

	if (written < 0)
		return (int)written;
	audit->is_torn = false;
	if ((size_t)written == before + length)
		return 0;
	return (size_t)written > before ? end_half_a_line(audit) : -ENOSPC;
}

static int lose(struct audit *audit, int rc)
{
	bool is_first = audit->lost == 0;

	audit_skip(audit);
	if (audit->on_failure == AUDIT_STOP)
		audit->has_failed = true;
	if (is_first || audit->has_failed)
		log_error("audit: cannot write the record: %s; %s",
			  rc == -EAGAIN ? "its reader does not read" : strerrordesc_np(-rc),
			  audit->has_failed ? "the network is closed from now on"
					    : "records that are lost are counted");
	if (audit->has_failed && audit->stopped)
		audit->stopped(audit->owner);
	return rc;
}

void audit_skip(struct audit *audit)
{
	if (audit->fd < 0)
		return;
	audit->sequence++;
	audit->lost++;
	audit->lost_unsaid++;
}

int audit_write(struct audit *audit, const struct audit_record *record)
{
	struct audit_stamp stamp = {
		.jail_id = audit->jail_id,
		.sequence = audit->sequence,
		.lost = audit->lost_unsaid,
	};
	char *line AUTO(heap_release) = NULL;
	int rc;

	if (audit->fd < 0)
		return 0;
	if (audit->has_failed) {
		audit_skip(audit);
		return -EIO;
	}
	(void)clock_gettime(CLOCK_REALTIME, &stamp.now); /* cannot fail for this clock */
	line = audit_format(record, &stamp);
	rc = line ? write_line(audit, line) : -ENOMEM;
	if (rc < 0) {
		rc = lose(audit, rc);
		return audit->has_failed ? rc : 0;
	}
	audit->sequence++;
	audit->lost_unsaid = 0;
	return 0;
}

/*
 * The audit log. See audit.h.
 *
 * A reader that stops reading must not hang the proxy for ever: a pipe gets a second to make
 * room. The descriptor is shared with the caller, so it is not made non-blocking.
 */
#include "proxy/audit/audit.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "policy/base/text.h"

#define TEXT_SIZE 1024 /* of any one text in a record */
#define STALL_MS  1000

static bool can_stall(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 &&
	       (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

void audit_init(struct audit *audit, int fd, const char *jail_id)
{
	*audit = (struct audit) { .fd = fd, .jail_id = jail_id, .can_stall = can_stall(fd) };
	json_object_seed(0); /* reads /dev/urandom, while the proxy still may */
}

void audit_reopen(struct audit *audit, int fd)
{
	fd_release(&audit->fd);
	audit->fd = fd;
	audit->can_stall = can_stall(fd);
}

void audit_done(struct audit *audit)
{
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

/* Any bytes become valid UTF-8; NULL is left out. Returns 0 or -1, as jansson does. */
static int put_text(json_t *object, const char *key, const char *text)
{
	char escaped[TEXT_SIZE];

	if (!text)
		return 0;
	text_escape(text, strlen(text), escaped, sizeof(escaped));
	return json_object_set_new(object, key, json_string(escaped));
}

static int put_address(json_t *object, const char *key, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return addr ? put_text(object, key, addr_format(addr, text)) : 0;
}

static int put_number(json_t *object, const char *key, uint64_t number)
{
	return json_object_set_new(object, key, json_integer((json_int_t)number));
}

static int put_verdict(json_t *object, const struct verdict *verdict)
{
	int failed = put_text(object, "verdict", verdict->is_allowed ? "allow" : "deny") |
		     put_text(object, "reason", reason_code(verdict->reason));

	if (verdict->rule)
		failed |= put_text(object, "rule", verdict->rule->text) |
			  put_text(object, "rule_origin", verdict->rule->origin);
	return failed;
}

static int put_destination(json_t *object, const struct audit_record *record)
{
	int failed = put_text(object, "name", record->name) | put_text(object, "sni", record->sni) |
		     put_address(object, "address", record->address) |
		     put_address(object, "dialed", record->dialed) |
		     put_address(object, "refused", record->refused) |
		     put_text(object, "qtype", record->qtype);

	if (record->port)
		failed |= put_number(object, "port", record->port);
	return failed;
}

static int put_traffic(json_t *object, const struct audit_record *record)
{
	if (record->qtype)
		return 0;
	return put_number(object, "bytes_sent", record->bytes_sent) |
	       put_number(object, "bytes_received", record->bytes_received) |
	       put_number(object, "duration_ms", record->duration_ms);
}

static void json_release(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

char *audit_format(const struct audit_record *record, const char *jail_id, uint64_t sequence,
		   const struct timespec *now)
{
	json_t *object AUTO(json_release) = json_object();
	char time_text[40];
	char *line;
	size_t length;

	format_time(now, time_text);
	if (put_text(object, "time", time_text) | put_text(object, "jail", jail_id) |
	    put_number(object, "seq", sequence) | put_text(object, "protocol", record->protocol) |
	    put_destination(object, record) | put_verdict(object, &record->verdict) |
	    put_text(object, "error", record->error) | put_traffic(object, record))
		return NULL;
	length = json_dumpb(object, NULL, 0, JSON_COMPACT);
	line = length ? malloc(length + 2) : NULL;
	if (!line)
		return NULL;
	(void)json_dumpb(object, line, length, JSON_COMPACT); /* it was asked for its length */
	line[length] = '\n';
	line[length + 1] = '\0';
	return line;
}

static int write_line(const struct audit *audit, const char *line)
{
	size_t length = strlen(line);
	ssize_t written;

	if (audit->can_stall) {
		struct pollfd poll_fd = { .fd = audit->fd, .events = POLLOUT };

		if (poll(&poll_fd, 1, STALL_MS) != 1)
			return -EAGAIN;
	}
	do
		written = write(audit->fd, line, length);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	return (size_t)written == length ? 0 : -ENOSPC; /* half a line is no record */
}

int audit_write(struct audit *audit, const struct audit_record *record)
{
	char *line AUTO(heap_release) = NULL;
	struct timespec now;
	int rc;

	if (audit->fd < 0)
		return 0;
	if (audit->has_failed)
		return -EIO;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	line = audit_format(record, audit->jail_id, audit->sequence, &now);
	rc = line ? write_line(audit, line) : -ENOMEM;
	if (rc == 0) {
		audit->sequence++;
		return 0;
	}
	audit->has_failed = true;
	log_error("audit: cannot write the record: %s; the network is closed from now on",
		  strerrordesc_np(-rc));
	return rc;
}

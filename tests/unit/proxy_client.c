/* What a program in the jail does. See proxy_client.h. */
#include "tests/unit/proxy_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/settings.h"
#include "proxy/update.h"

#define TIMEOUT_S 10

struct world_proxy proxy;
json_int_t first_sequence;

const char *const usual_rules[USUAL_RULES_MAX] = {
	"allow domain=ok.test",
	"allow domain=six.test",
	"allow domain=slow.test",
	"allow domain=dns.test",
	"allow domain=alias.test",
	"allow domain=loop.test",
	"allow domain=nowhere.test",
	RAW_RULE,
	RAW_RULE6,
	"deny domain=secret.test",
	NULL,
};

void start(void)
{
	proxy_start(&proxy, usual_rules, -1, 0);
}

static void start_with(const char *mode)
{
	const char *rules[USUAL_RULES_MAX + 2] = { mode, "dns-types MX" };

	memcpy(rules + 2, usual_rules, sizeof(usual_rules));
	proxy_start(&proxy, rules, -1, 0);
}

void start_dummy(void)
{
	start_with("dns dummy");
}

void start_real(void)
{
	start_with("dns real");
}

void stop(void)
{
	if (proxy.control_fd >= 0)
		(void)proxy_stop(&proxy);
	proxy.control_fd = -1;
}

json_t *records(void)
{
	json_t *list = json_array();
	int status = proxy_stop(&proxy);
	FILE *file;
	char line[8192];

	proxy.control_fd = -1;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "proxy status %x", status);
	ck_assert_int_ge(lseek(proxy.audit_fd, 0, SEEK_SET), 0);
	file = fdopen(proxy.audit_fd, "r");
	while (fgets(line, sizeof(line), file)) {
		json_t *record = json_loads(line, 0, NULL);

		ck_assert_msg(record != NULL, "no JSON: %s", line);
		ck_assert_int_eq(json_integer_value(json_object_get(record, "seq")),
				 first_sequence + (json_int_t)json_array_size(list));
		json_array_append_new(list, record);
	}
	(void)fclose(file);
	return list;
}

const char *text_of(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

const json_t *connection(const json_t *list)
{
	size_t i;
	json_t *record;

	json_array_foreach(list, i, record)
	{
		if (strcmp(text_of(record, "protocol"), "dns") != 0)
			return record;
	}
	ck_abort_msg("no record of a connection");
	return NULL;
}

void expect_verdict(const char *verdict, const char *reason)
{
	json_t *list = records();
	const json_t *record = connection(list);

	ck_assert_str_eq(text_of(record, "verdict"), verdict);
	ck_assert_str_eq(text_of(record, "reason"), reason);
	json_decref(list);
}

size_t make_query(const char *name, uint16_t type, uint8_t *out)
{
	static const uint8_t header[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	size_t at = sizeof(header);

	memcpy(out, header, sizeof(header));
	while (*name) {
		size_t label = strcspn(name, ".");

		out[at++] = (uint8_t)label;
		memcpy(out + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	out[at++] = 0;
	out[at++] = (uint8_t)(type >> 8);
	out[at++] = (uint8_t)type;
	out[at++] = 0;
	out[at++] = 1;
	return at;
}

int read_answer(const uint8_t *answer, size_t length, size_t query_length, uint16_t type,
		struct addr *addr_out)
{
	size_t size = type == 1 ? 4 : 16;

	ck_assert_uint_ge(length, 12);
	memset(addr_out, 0, sizeof(*addr_out));
	if (answer[7] == 1) {
		ck_assert_uint_ge(length, query_length + 12 + size);
		addr_out->family = type == 1 ? AF_INET : AF_INET6;
		memcpy(addr_out->bytes, answer + query_length + 12, size);
	}
	return answer[3] & 15;
}

static void set_timeout(int fd)
{
	const struct timeval patience = { .tv_sec = TIMEOUT_S };

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
}

int connect_to(const struct addr *addr, uint16_t port, int type)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(addr, port, &storage);
	int fd = socket(addr->family, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	set_timeout(fd);
	ck_assert_msg(connect(fd, (struct sockaddr *)&storage, length) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

struct addr address(const char *text)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse(text, &addr), 0);
	return addr;
}

int lookup(const char *name, uint16_t type, struct addr *addr_out)
{
	const struct addr server = address(type == 1 ? "9.9.9.9" : "2620:fe::fe");
	uint8_t query[512], answer[1500];
	size_t length = make_query(name, type, query);
	int fd = connect_to(&server, 53, SOCK_DGRAM);
	ssize_t got;

	ck_assert_int_eq(send(fd, query, length, 0), (ssize_t)length);
	got = recv(fd, answer, sizeof(answer), 0);
	ck_assert_msg(got > 0, "no DNS answer: %s", strerror(errno));
	(void)close(fd);
	return read_answer(answer, (size_t)got, length, type, addr_out);
}

int dial(const char *name, uint16_t port)
{
	struct addr addr;

	ck_assert_int_eq(lookup(name, 1, &addr), 0);
	ck_assert_int_eq(addr.family, AF_INET);
	return connect_to(&addr, port, SOCK_STREAM);
}

void put(int fd, const void *bytes, size_t length)
{
	ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

void expect(int fd, const void *bytes, size_t length)
{
	char got[4096];

	ck_assert_uint_le(length, sizeof(got));
	ck_assert_int_eq(recv(fd, got, length, MSG_WAITALL), (ssize_t)length);
	ck_assert_int_eq(memcmp(got, bytes, length), 0);
}

void expect_end(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

void expect_reset(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, 0);

	ck_assert_msg(got < 0 && errno == ECONNRESET, "%zd %s instead of a reset", got,
		      got < 0 ? strerror(errno) : "bytes");
}

void wait_for(const atomic_uint *counter, unsigned value)
{
	for (int i = 0; i < 1000 && *counter < value; i++)
		(void)poll(NULL, 0, 5);
	ck_assert_uint_ge(*counter, value);
}

size_t make_hello(const char *sni, uint8_t *out)
{
	const uint8_t name = (uint8_t)strlen(sni);
	const uint8_t fixed[] = {
		0x16, 3, 1, 0, (uint8_t)(name + 56), 1, 0, 0, (uint8_t)(name + 52), 3, 3
	};
	const uint8_t rest[] = { 0,
				 0,
				 2,
				 0x13,
				 1,
				 1,
				 0,
				 0,
				 (uint8_t)(name + 9),
				 0,
				 0,
				 0,
				 (uint8_t)(name + 5),
				 0,
				 (uint8_t)(name + 3),
				 0,
				 0,
				 name };
	size_t at = sizeof(fixed);

	memcpy(out, fixed, sizeof(fixed));
	memset(out + at, 7, 32); /* random */
	at += 32;
	memcpy(out + at, rest, sizeof(rest));
	at += sizeof(rest);
	memcpy(out + at, sni, name);
	return at + name;
}

unsigned update_to(const char *const *rules, int audit_fd)
{
	struct settings settings;
	unsigned closed = UINT32_MAX;
	struct err err;

	settings_init(&settings);
	world_add_settings(&settings, rules);
	ck_assert_msg(update_send(&(struct update_link) { proxy.control_fd, 0 }, &settings.policy,
				  audit_fd, &closed, &err) == 0,
		      "%s", err.text);
	settings_done(&settings);
	return closed;
}

unsigned update(const char *const *rules)
{
	return update_to(rules, proxy.audit_fd);
}

void expect_alive(int fd)
{
	put(fd, "still", 5);
	expect(fd, "still", 5);
}

const json_t *nth_connection(const json_t *list, size_t number)
{
	size_t i, seen = 0;
	json_t *record;

	json_array_foreach(list, i, record)
	{
		if (strcmp(text_of(record, "protocol"), "dns") != 0 && seen++ == number)
			return record;
	}
	ck_abort_msg("no record %zu of a connection", number);
	return NULL;
}

int client_suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	const char *missing = world_start();
	int failed;

	if (missing) {
		(void)printf("skipped: %s\n", missing);
		srunner_free(runner);
		return getenv("JAIL_TESTS_MUST_RUN") ? 1 : 77;
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	world_stop();
	return failed == 0 ? 0 : 1;
}

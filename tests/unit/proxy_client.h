/*
 * What a program in the jail does, for the tests of the whole proxy: it looks names up, connects,
 * sends, and expects an end. Each test has a proxy of its own, in a small world (proxy_world.h).
 */
#ifndef NSGATE_TEST_PROXY_CLIENT_H
#define NSGATE_TEST_PROXY_CLIENT_H

#include <check.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "tests/unit/proxy_world.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

extern struct world_proxy proxy; /* of the test that runs */
extern json_int_t first_sequence; /* of the audit file that records() reads */

#define USUAL_RULES_MAX 16
extern const char *const usual_rules[USUAL_RULES_MAX]; /* NULL-terminated */

/* Runs @suite in a world, or says why it cannot be. Returns what main() returns. */
int client_suite_run(Suite *suite);

/* Fixtures: a proxy with usual_rules, which answers names as by default, or so. */
void start(void);
void start_dummy(void);
void start_real(void);
void stop(void);

/* Ends the proxy and reads its audit records: an array, to be json_decref()ed. */
json_t *records(void);
const char *text_of(const json_t *record, const char *key);
/* The first record that is not about DNS. */
const json_t *connection(const json_t *list);
void expect_verdict(const char *verdict, const char *reason);
int connect_to(const struct addr *addr, uint16_t port, int type);
struct addr address(const char *text);
/* A DNS query; @out has 512 bytes. Returns its length. */
size_t make_query(const char *name, uint16_t type, uint8_t *out);
/* The address is what stands at the end of the answer. Returns the rcode. */
int read_answer(const uint8_t *answer, size_t length, size_t query_length, uint16_t type,
		struct addr *addr_out);
/* Asks a resolver somewhere; the gate answers. Returns the rcode. */
int lookup(const char *name, uint16_t type, struct addr *addr_out);
int dial(const char *name, uint16_t port);
void put(int fd, const void *bytes, size_t length);
void expect(int fd, const void *bytes, size_t length);
void expect_end(int fd);
void expect_reset(int fd);
void wait_for(const atomic_uint *counter, unsigned value);
/* A minimal ClientHello that names @sni. */
size_t make_hello(const char *sni, uint8_t *out);
/* Returns how many connections it closed. The audit goes on at @audit_fd. */
unsigned update_to(const char *const *rules, int audit_fd);
unsigned update(const char *const *rules);
void expect_alive(int fd);
/* Record number @number of those that are not about DNS. */
const json_t *nth_connection(const json_t *list, size_t number);

#endif

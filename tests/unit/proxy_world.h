/*
 * A small world for the proxy's program test: a namespace for the outside, with servers and a DNS
 * server in it, and one for the jail, whose rules redirect every connection to the listeners.
 */
#ifndef NSGATE_TEST_PROXY_WORLD_H
#define NSGATE_TEST_PROXY_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/addr.h"

/* Servers of the outside, on every address of it. */
enum {
	PORT_ECHO = 7001, /* until the end of stream */
	PORT_BANNER = 7002, /* speaks first, then echoes */
	PORT_SOURCE = 7003, /* sends BULK_BYTES, then ends */
	PORT_SINK = 7004, /* reads all, then answers with the checksum */
	PORT_RESET = 7005, /* reads one byte, then resets */
	PORT_HALF = 7006, /* ends its own side at once, then counts what it reads */
	PORT_WAIT_RESET = 7007, /* counts resets that it receives */
	PORT_NOBODY = 7099
};

#define BULK_BYTES	(64u * 1024 * 1024)
#define SERVER_ADDRESS	"192.0.2.1" /* reserved, so a literal rule and the hosts file suffice */
#define SERVER_ADDRESS6 "2001:db8::1"
#define RAW_ADDRESS	"192.0.2.2" /* no name leads there */
#define RAW_ADDRESS6	"2001:db8::2"
#define RAW_RULE	"allow cidr=192.0.2.2"
#define RAW_RULE6	"allow cidr=2001:db8::2"
#define PUBLIC_ADDRESS	"93.184.216.34" /* what dns.test resolves to */

/* Written by the servers, read by the tests. */
struct world_counters {
	atomic_uint accepted;
	atomic_uint half_bytes;
	atomic_uint resets;
	atomic_uint dns_queries;
	atomic_uint wrong_bytes;
};

extern struct world_counters *world;

/* Returns NULL, or why this host cannot give such a world (a reason to skip). */
const char *world_start(void);
void world_stop(void);

struct settings;

/*
 * Adds "KEY VALUE" for keys of network ("allow …", "deny …", "dns …"), NULL-terminated, and compiles;
 * ends the process when one is refused.
 */
void world_add_settings(struct settings *settings, const char *const *lines);

/* A proxy of its own for one test. */
struct world_proxy {
	pid_t pid;
	int control_fd;
	int audit_fd;
};

/* @rules: "allow …", "deny …", "dns real" …, NULL-terminated: keys below network. @max_files 0 = no own limit. */
void proxy_start(struct world_proxy *proxy, const char *const *rules, int audit_fd,
		 unsigned long max_files);
/* Starts one in the jail's own namespace, which it must refuse. Returns the wait status. */
int proxy_start_inside(const char *const *rules);
/* Closes the control socket; returns the wait status. */
int proxy_stop(struct world_proxy *proxy);

/* The byte at @offset of the bulk stream. */
uint8_t bulk_byte(uint64_t offset);

#endif

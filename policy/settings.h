/*
 * Everything a policy says: rules, and what stands beside them. A policy file and the command line
 * fill the same fields through the same rows (setting_keys.c).
 */
#ifndef NSGATE_SETTINGS_H
#define NSGATE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/addr.h"
#include "policy/base/err.h"
#include "policy/place.h"
#include "policy/policy.h"

/* How the gate answers queries for names. */
enum dns_mode {
	DNS_SYNTHETIC, /* an allowed name gets an address of our own */
	DNS_DUMMY, /* every name gets the same address; a connection is judged by what it says */
	DNS_REAL, /* an allowed name gets its real addresses, and only those may be dialled */
	DNS_MODES
};

/* Record types that are resolved for allowed names, a bit each. */
enum {
	DNS_TYPE_SRV = 1 << 0,
	DNS_TYPE_MX = 1 << 1,
	DNS_TYPE_TXT = 1 << 2,
};

/* What is done when an audit record cannot be written. */
enum audit_failure {
	AUDIT_STOP, /* the network closes */
	AUDIT_COUNT, /* it is lost, and counted */
	AUDIT_FAILURES
};

/* A port of the caller's that leads into the jail. */
struct publish {
	struct addr address; /* where it listens */
	uint16_t port;
	uint16_t jail_port; /* on the jail's loopback */
	const char *origin;
};

enum upstream_kind {
	UPSTREAM_NONE, /* connections are dialled directly */
	UPSTREAM_HTTP, /* CONNECT */
	UPSTREAM_SOCKS5
};

/* The proxy behind which the outside lies, in a corporate network. */
struct upstream {
	enum upstream_kind kind;
	const char *name; /* canonical; NULL: @addr */
	struct addr addr;
	uint16_t port;
	const char *credentials_path; /* a file with "user:password"; NULL = none */
};

/* Files must not contradict each other; the command line has the last word. */
enum setting_source { SETTING_FROM_FILE, SETTING_FROM_COMMAND_LINE };

enum path_kind {
	PATH_WRITE, /* writable, changes are real */
	PATH_OVERLAY, /* writable, changes are thrown away */
	PATH_HIDE, /* empty */
	PATH_BIND, /* "SOURCE[:TARGET]", writable */
	PATH_RO_BIND, /* the same, read-only */
	PATH_TMPFS, /* "PATH[:SIZE]", in memory */
	PATH_KINDS
};

struct path_setting {
	enum path_kind kind;
	const char *path; /* as written: the reader of the settings knows what is there */
	const char *origin;
	enum setting_source source;
};

/* What can be said once. */
struct setting_values {
	enum dns_mode dns;
	unsigned dns_types; /* DNS_TYPE_… */
	struct upstream upstream;
	const char *audit_path; /* NULL = no audit */
	enum audit_failure audit_failure;
	unsigned long time_limit_ms; /* 0 = none */
	unsigned long open_files; /* 0 = the caller's limit */
};

/* A file that settings were read from. */
struct settings_file {
	const char *path; /* as it was opened, from the current directory */
	dev_t device;
	ino_t inode;
};

/* An item of a list, as it was said; rules are kept by the policy. */
struct setting_item {
	const struct setting_key *key;
	const char *text, *origin;
};

#define SETTING_KEYS_MAX 32

/* Who said a single value. */
struct setting_said {
	const char *text, *origin; /* of a file; NULL = none did */
	bool is_final; /* the command line did */
};

/* Texts are kept in policy.arena. */
struct settings {
	struct policy policy;
	struct setting_values values;
	struct publish *publishes; /* owned */
	size_t publish_count;
	struct path_setting *paths; /* owned; in the order given */
	size_t path_count;
	struct settings_file *files; /* owned; in the order they were read */
	size_t file_count;
	struct setting_item *items; /* owned; in the order given */
	size_t item_count;
	struct setting_said said[SETTING_KEYS_MAX]; /* by row of setting_keys */
};

void settings_init(struct settings *settings);
void settings_done(struct settings *settings);

/* A value, or each item of a list, is one text. */
struct setting_key {
	const char *path; /* "network.dns" */
	const char *value; /* what a text looks like, for people: "synthetic|dummy|real" */
	const char *help;
	/* Returns 0, -EINVAL, -ENOMEM. */
	int (*put)(struct settings *settings, const char *text, struct place place,
		   struct err *err);
	const char *instead; /* without put: why it is not available, and what to do */
	bool is_list;
	bool is_rule; /* the policy keeps it */
};

extern const struct setting_key setting_keys[]; /* ends with a NULL path */

const struct setting_key *setting_key_find(const char *path);

/*
 * Puts one text. A single value that is said twice with different texts by files is refused; the
 * command line beats files, whichever comes first. Returns 0, -EINVAL, -ENOMEM.
 */
int setting_put(struct settings *settings, const struct setting_key *key, const char *text,
		struct place place, enum setting_source source, struct err *err);

/*
 * Is there a difference beside the rules? Returns the path of the first key that differs, or NULL.
 */
const char *settings_other_difference(const struct settings *a, const struct settings *b);

/*
 * Refuses what contradicts itself where an upstream proxy is said. Returns 0 or -EINVAL.
 */
int settings_check_upstream(const struct settings *settings, struct err *err);

/* Does an upstream proxy look @name up? Then the address that it leads to is never known. */
bool settings_is_proxied(const struct settings *settings, const char *name);

/* "127.0.0.1:3000" or "[::1]:3000". Returns @out. */
const char *publish_format(const struct publish *publish, char *out, size_t size);

/* A copy of @text that lives as long as @settings; NULL without memory. */
const char *settings_keep(struct settings *settings, const char *text);

#endif

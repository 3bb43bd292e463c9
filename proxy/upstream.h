/*
 * The way out through somebody's proxy: HTTP CONNECT, or SOCKS5 (RFC 1928, RFC 1929).
 *
 * A handshake is what has to be said on a fresh connection to that proxy before bytes of the
 * connection itself may flow. It reads exactly its answer: what follows stays in the socket.
 */
#ifndef NSGATE_UPSTREAM_H
#define NSGATE_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/addr.h"
#include "policy/settings.h"
#include "proxy/loop.h"

#define UPSTREAM_CREDENTIAL_SIZE 256 /* SOCKS5 has one byte for the length */

struct upstream_credentials {
	char user[UPSTREAM_CREDENTIAL_SIZE]; /* "" = there are none */
	char password[UPSTREAM_CREDENTIAL_SIZE];
};

/* Where to. */
struct upstream_target {
	const char *name; /* NULL: @addr */
	struct addr addr;
	uint16_t port;
};

enum upstream_result {
	UPSTREAM_AGAIN, /* wait for an event of the socket */
	UPSTREAM_READY, /* it is open */
	UPSTREAM_FAILED /* error says why */
};

struct upstream_handshake;

/* Judges the answer so far; sets *@taken_out to the bytes that it used up. */
typedef enum upstream_result upstream_judge_fn(struct upstream_handshake *handshake,
					       const uint8_t *bytes, size_t length,
					       size_t *taken_out);

struct upstream_handshake {
	const struct upstream_credentials *credentials; /* the caller's */
	struct upstream_target target; /* the name is the caller's */
	upstream_judge_fn *judge; /* of the answer that is due */
	uint8_t out[2048]; /* to be sent; has credentials in it */
	size_t out_length, out_sent;
	size_t heard; /* bytes of all its answers */
	char error[160]; /* for people, escaped */
	struct timer deadline; /* the caller's to use, with @owner */
	void *owner;
};

/*
 * A handshake with a proxy of @kind. Heap, for upstream_handshake_free(); NULL without memory.
 * @target's name and @credentials have to live as long.
 */
struct upstream_handshake *upstream_handshake_new(enum upstream_kind kind,
						  const struct upstream_credentials *credentials,
						  const struct upstream_target *target);

/* Wipes, frees and empties; NULL is fine. */
void upstream_handshake_free(struct upstream_handshake **handshake);

/* Goes on as far as @fd, connected and non-blocking, lets it. @has_hangup: no more will come. */
enum upstream_result upstream_step(struct upstream_handshake *handshake, int fd, bool has_hangup);

/* Notes why the way is not open. */
void upstream_fail(struct upstream_handshake *handshake, const char *why);

#endif

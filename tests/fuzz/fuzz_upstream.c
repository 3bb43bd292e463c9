/*
 * What an upstream proxy answers, the first byte of the input choosing how it was asked. For every
 * input:
 * - the end is the same, however the answer was cut on its way;
 * - where the way is open, the bytes that remain in the socket are the end of the input;
 * - where it is not, the error is printable.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/upstream.h"

#define INPUT_MAX                                                                                  \
	16384 /* fits in the socket's buffer; an answer must not be longer than half of it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	enum upstream_result result;
	char error[sizeof(((struct upstream_handshake *)0)->error)];
	uint8_t left[INPUT_MAX];
	ssize_t left_length;
};

static void must(bool holds, const char *property)
{
	if (holds)
		return;
	(void)fprintf(stderr, "broken property: %s\n", property);
	abort();
}

static struct upstream_handshake *begin(uint8_t how)
{
	static const struct upstream_credentials nobody, somebody = { "user", "password" };
	const struct upstream_target target = {
		.name = how & 4 ? "ok.test" : NULL,
		.addr = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } },
		.port = 443,
	};

	return upstream_handshake_new(how & 1 ? UPSTREAM_SOCKS5 : UPSTREAM_HTTP,
				      how & 2 ? &somebody : &nobody, &target);
}

/* Feeds @bytes in pieces of @step. */
static void run(uint8_t how, const uint8_t *bytes, size_t length, size_t step, struct end *end)
{
	struct upstream_handshake *handshake = begin(how);
	int ends[2];

	must(handshake && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0,
	     "memory and sockets");
	memset(end, 0, sizeof(*end));
	for (size_t at = 0; at < length; at += step) {
		size_t piece = length - at < step ? length - at : step;

		must(send(ends[1], bytes + at, piece, 0) == (ssize_t)piece, "it fits");
		if (end->result == UPSTREAM_AGAIN)
			end->result = upstream_step(handshake, ends[0], false);
	}
	(void)shutdown(ends[1], SHUT_WR);
	if (end->result == UPSTREAM_AGAIN)
		end->result = upstream_step(handshake, ends[0], true);
	must(end->result != UPSTREAM_AGAIN, "a proxy that has hung up ends it");
	(void)strcpy(end->error, handshake->error);
	end->left_length = recv(ends[0], end->left, sizeof(end->left), 0);
	upstream_handshake_free(&handshake);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct end whole, cut;

	/* a long one is cut nowhere, but by us: its length alone could end it */
	if (size < 2 || size > INPUT_MAX / 4)
		return 0;
	run(data[0], data + 1, size - 1, size, &whole);
	/* each piece takes room of its own in the socket, which has some for two hundred */
	run(data[0], data + 1, size - 1, 1 + size / 200, &cut);
	must(whole.result == cut.result, "it does not matter how the answer was cut");
	if (whole.result == UPSTREAM_READY) {
		must(whole.left_length == cut.left_length && whole.left_length >= 0 &&
			     memcmp(data + size - whole.left_length, whole.left,
				    (size_t)whole.left_length) == 0,
		     "what follows the answer is the client's");
		return 0;
	}
	must(strncmp(whole.error, "upstream proxy: ", 16) == 0, "an error has words");
	for (const char *byte = whole.error; *byte; byte++)
		must(*byte >= 0x20 && *byte < 0x7f, "an error is printable");
	return 0;
}

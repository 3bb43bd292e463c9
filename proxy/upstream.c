/* The way out through somebody's proxy. See upstream.h. */
#include "proxy/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/base/text.h"

#define ANSWER_MAX  8192 /* all that is meant well is shorter */
#define BASE64_SIZE (4 * ((2 * UPSTREAM_CREDENTIAL_SIZE + 2) / 3) + 1)
#define TARGET_SIZE (NAME_SIZE + 8)
#define SHOWN_BYTES 80 /* of somebody else's words */

static upstream_judge_fn judge_http, judge_method, judge_login, judge_socks;

void upstream_fail(struct upstream_handshake *handshake, const char *why)
{
	(void)snprintf(handshake->error, sizeof(handshake->error), "upstream proxy: %s", why);
}

static enum upstream_result fail(struct upstream_handshake *handshake, const char *why)
{
	upstream_fail(handshake, why);
	return UPSTREAM_FAILED;
}

static bool has_credentials(const struct upstream_handshake *handshake)
{
	return handshake->credentials->user[0] != '\0';
}

/* ---- HTTP ---- */

/* RFC 4648. */
static void encode_base64(const uint8_t *bytes, size_t length, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t count = length - i < 3 ? length - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= count > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= count > 2 ? bytes[i + 2] : 0;
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = count > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = count > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
}

/* "name:443", "[2001:db8::1]:443" */
static const char *format_target(const struct upstream_target *target, char out[TARGET_SIZE])
{
	char address[ADDR_TEXT_MAX];
	const char *host = target->name ? target->name : addr_format(&target->addr, address);

	(void)snprintf(out, TARGET_SIZE, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		       (unsigned)target->port);
	return out;
}

static void say_connect(struct upstream_handshake *handshake)
{
	char where[TARGET_SIZE], login[2 * UPSTREAM_CREDENTIAL_SIZE], encoded[BASE64_SIZE] = "";
	bool is_known = has_credentials(handshake);

	format_target(&handshake->target, where);
	if (is_known) {
		int length = snprintf(login, sizeof(login), "%s:%s", handshake->credentials->user,
				      handshake->credentials->password);

		encode_base64((const uint8_t *)login, (size_t)length, encoded);
	}
	handshake->out_length = (size_t)snprintf(
		(char *)handshake->out, sizeof(handshake->out),
		"CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", where, where,
		is_known ? "Proxy-Authorization: Basic " : "", encoded, is_known ? "\r\n" : "");
	explicit_bzero(login, sizeof(login));
	explicit_bzero(encoded, sizeof(encoded));
	handshake->judge = judge_http;
}

/* Where the header ends: behind its empty line. 0: not yet. */
static size_t find_header_end(const uint8_t *bytes, size_t length)
{
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] != '\n')
			continue;
		if (bytes[i - 1] == '\n' ||
		    (i >= 2 && bytes[i - 1] == '\r' && bytes[i - 2] == '\n'))
			return i + 1;
	}
	return 0;
}

/* "407 Proxy Authentication Required", from "HTTP/1.1 407 Proxy …". */
static enum upstream_result fail_with_status(struct upstream_handshake *handshake,
					     const char *status, size_t length)
{
	char shown[SHOWN_BYTES];
	size_t end = 0;

	while (end < length && status[end] != '\r' && status[end] != '\n')
		end++;
	return fail(handshake, text_escape(status, end, shown, sizeof(shown)));
}

static enum upstream_result judge_http(struct upstream_handshake *handshake, const uint8_t *bytes,
				       size_t length, size_t *taken_out)
{
	static const char version[] = "HTTP/1.";
	const size_t status = sizeof("HTTP/1.1 ") - 1, fixed = sizeof(version) - 1;
	size_t end;

	if (memcmp(bytes, version, length < fixed ? length : fixed) != 0)
		return fail(handshake, "its answer is not HTTP");
	end = find_header_end(bytes, length);
	if (end == 0)
		return UPSTREAM_AGAIN;
	if (end < status + 3 || bytes[status - 1] != ' ')
		return fail(handshake, "its answer is not HTTP");
	if (bytes[status] != '1' && bytes[status] != '2')
		return fail_with_status(handshake, (const char *)bytes + status, end - status);
	*taken_out = end;
	return bytes[status] == '2' ? UPSTREAM_READY : UPSTREAM_AGAIN; /* 1xx: another follows */
}

/* ---- SOCKS5 ---- */

enum {
	SOCKS_VERSION = 5,
	SOCKS_LOGIN_VERSION = 1,
	SOCKS_CONNECT = 1,
	SOCKS_NO_LOGIN = 0,
	SOCKS_LOGIN = 2,
	SOCKS_NO_METHOD = 0xff,
	SOCKS_IPV4 = 1,
	SOCKS_NAME = 3,
	SOCKS_IPV6 = 4,
};

static void put(struct upstream_handshake *handshake, const void *bytes, size_t length)
{
	memcpy(handshake->out + handshake->out_length, bytes, length); /* at most 3 * 256 bytes */
	handshake->out_length += length;
}

static void put_byte(struct upstream_handshake *handshake, size_t byte)
{
	handshake->out[handshake->out_length++] = (uint8_t)byte;
}

static void begin(struct upstream_handshake *handshake, size_t version)
{
	handshake->out_length = handshake->out_sent = 0;
	put_byte(handshake, version);
}

static void say_methods(struct upstream_handshake *handshake)
{
	begin(handshake, SOCKS_VERSION);
	put_byte(handshake, has_credentials(handshake) ? 2 : 1);
	put_byte(handshake, SOCKS_NO_LOGIN);
	if (has_credentials(handshake))
		put_byte(handshake, SOCKS_LOGIN);
	handshake->judge = judge_method;
}

static void say_login(struct upstream_handshake *handshake)
{
	const struct upstream_credentials *credentials = handshake->credentials;

	begin(handshake, SOCKS_LOGIN_VERSION);
	put_byte(handshake, strlen(credentials->user));
	put(handshake, credentials->user, strlen(credentials->user));
	put_byte(handshake, strlen(credentials->password));
	put(handshake, credentials->password, strlen(credentials->password));
	handshake->judge = judge_login;
}

static void say_socks(struct upstream_handshake *handshake)
{
	const struct upstream_target *target = &handshake->target;
	bool is_v4 = target->addr.family == AF_INET;

	begin(handshake, SOCKS_VERSION);
	put_byte(handshake, SOCKS_CONNECT);
	put_byte(handshake, 0);
	if (target->name) {
		put_byte(handshake, SOCKS_NAME);
		put_byte(handshake, strlen(target->name)); /* at most NAME_MAX_LENGTH */
		put(handshake, target->name, strlen(target->name));
	} else {
		put_byte(handshake, is_v4 ? SOCKS_IPV4 : SOCKS_IPV6);
		put(handshake, target->addr.bytes, is_v4 ? 4 : 16);
	}
	put_byte(handshake, target->port >> 8);
	put_byte(handshake, target->port & 0xff);
	handshake->judge = judge_socks;
}

static enum upstream_result judge_method(struct upstream_handshake *handshake, const uint8_t *bytes,
					 size_t length, size_t *taken_out)
{
	if (bytes[0] != SOCKS_VERSION)
		return fail(handshake, "its answer is not SOCKS5");
	if (length < 2)
		return UPSTREAM_AGAIN;
	*taken_out = 2;
	if (bytes[1] == SOCKS_NO_LOGIN)
		say_socks(handshake);
	else if (bytes[1] == SOCKS_LOGIN && has_credentials(handshake))
		say_login(handshake);
	else if (bytes[1] == SOCKS_NO_METHOD && !has_credentials(handshake))
		return fail(handshake, "it wants a user and a password");
	else
		return fail(handshake, "it wants another kind of authentication");
	return UPSTREAM_AGAIN;
}

static enum upstream_result judge_login(struct upstream_handshake *handshake, const uint8_t *bytes,
					size_t length, size_t *taken_out)
{
	if (length < 2)
		return UPSTREAM_AGAIN;
	if (bytes[1] != 0)
		return fail(handshake, "it does not accept the user and password");
	*taken_out = 2;
	say_socks(handshake);
	return UPSTREAM_AGAIN;
}

static const char *socks_error(uint8_t code)
{
	static const char *const texts[] = {
		[1] = "general failure",       [2] = "connection not allowed",
		[3] = "network unreachable",   [4] = "host unreachable",
		[5] = "connection refused",    [6] = "TTL expired",
		[7] = "command not supported", [8] = "address type not supported",
	};

	return code < sizeof(texts) / sizeof(texts[0]) && texts[code] ? texts[code]
								      : "unknown failure";
}

/* The address in the answer is where the proxy dials from: skipped. */
static enum upstream_result judge_socks(struct upstream_handshake *handshake, const uint8_t *bytes,
					size_t length, size_t *taken_out)
{
	size_t address = 16;

	if (bytes[0] != SOCKS_VERSION)
		return fail(handshake, "its answer is not SOCKS5");
	if (length >= 2 && bytes[1] != 0)
		return fail(handshake, socks_error(bytes[1]));
	if (length < 5)
		return UPSTREAM_AGAIN;
	if (bytes[3] == SOCKS_IPV4)
		address = 4;
	else if (bytes[3] == SOCKS_NAME)
		address = 1u + bytes[4];
	else if (bytes[3] != SOCKS_IPV6)
		return fail(handshake, "its answer is not SOCKS5");
	if (length < 4 + address + 2)
		return UPSTREAM_AGAIN;
	*taken_out = 4 + address + 2;
	return UPSTREAM_READY;
}

/* ---- both ---- */

struct upstream_handshake *upstream_handshake_new(enum upstream_kind kind,
						  const struct upstream_credentials *credentials,
						  const struct upstream_target *target)
{
	struct upstream_handshake *handshake = calloc(1, sizeof(*handshake));

	if (!handshake)
		return NULL;
	handshake->credentials = credentials;
	handshake->target = *target;
	if (kind == UPSTREAM_SOCKS5)
		say_methods(handshake);
	else
		say_connect(handshake);
	return handshake;
}

void upstream_handshake_free(struct upstream_handshake **handshake)
{
	if (!*handshake)
		return;
	timer_stop(&(*handshake)->deadline);
	explicit_bzero((*handshake)->out, sizeof((*handshake)->out));
	free(*handshake);
	*handshake = NULL;
}

/* Sends what is to be said. UPSTREAM_READY: all of it. */
static enum upstream_result speak(struct upstream_handshake *handshake, int fd)
{
	while (handshake->out_sent < handshake->out_length) {
		ssize_t put_bytes = send(fd, handshake->out + handshake->out_sent,
					 handshake->out_length - handshake->out_sent,
					 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put_bytes < 0 && errno == EAGAIN)
			return UPSTREAM_AGAIN;
		if (put_bytes < 0)
			return fail(handshake, strerrordesc_np(errno));
		handshake->out_sent += (size_t)put_bytes;
	}
	return UPSTREAM_READY;
}

/* Looks at the answer, and takes out of the socket what belongs to it. */
static enum upstream_result listen_to(struct upstream_handshake *handshake, int fd, bool has_hangup,
				      bool *has_moved_out)
{
	static uint8_t bytes[ANSWER_MAX]; /* during this call only */
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	enum upstream_result result;
	size_t taken = 0;

	if (got < 0 && errno == EAGAIN)
		return UPSTREAM_AGAIN;
	if (got <= 0)
		return fail(handshake, got < 0 ? strerrordesc_np(errno) : "it hung up");
	result = handshake->judge(handshake, bytes, (size_t)got, &taken);
	handshake->heard += taken;
	if (result == UPSTREAM_AGAIN &&
	    ((taken == 0 && (size_t)got == sizeof(bytes)) || handshake->heard > ANSWER_MAX))
		return fail(handshake, "its answer is too long");
	if (result == UPSTREAM_AGAIN && taken == 0 && has_hangup)
		return fail(handshake, "it hung up");
	if (taken > 0 && recv(fd, bytes, taken, MSG_DONTWAIT) != (ssize_t)taken)
		return fail(handshake, "its answer changed");
	*has_moved_out = taken > 0;
	return result;
}

enum upstream_result upstream_step(struct upstream_handshake *handshake, int fd, bool has_hangup)
{
	for (;;) {
		enum upstream_result result = speak(handshake, fd);
		bool has_moved = false;

		if (result != UPSTREAM_READY)
			return result;
		result = listen_to(handshake, fd, has_hangup, &has_moved);
		if (result != UPSTREAM_AGAIN || !has_moved)
			return result;
	}
}

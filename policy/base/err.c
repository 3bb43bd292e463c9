/* Errors as values. See err.h. */
#include "policy/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void fill(struct err *err, int code, bool show_code, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

static void fill(struct err *err, int code, bool show_code, const char *format, va_list args)
{
	err->code = code;
	err->show_code = show_code;
	(void)vsnprintf(err->text, sizeof(err->text), format, args); /* cut is fine */
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, true, format, args);
	va_end(args);
	return -code;
}

int err_bad(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, EINVAL, false, format, args);
	va_end(args);
	return -EINVAL;
}

int err_wrap(struct err *err, const char *format, ...)
{
	char context[sizeof(err->text)];
	char old[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	memcpy(old, err->text, sizeof(old));
	(void)snprintf(err->text, sizeof(err->text), "%.*s: %s", (int)sizeof(context) / 2, context,
		       old);
	return -err->code;
}

int err_hint(struct err *err, const char *format, ...)
{
	size_t used = strlen(err->text);
	va_list args;

	if (used + 2 >= sizeof(err->text))
		return -err->code;
	err->text[used++] = '\n';
	va_start(args, format);
	(void)vsnprintf(err->text + used, sizeof(err->text) - used, format, args);
	va_end(args);
	return -err->code;
}

const char *err_format(const struct err *err, char *out, size_t size)
{
	const char *hint = strchr(err->text, '\n');
	int main_length = hint ? (int)(hint - err->text) : (int)strlen(err->text);
	const char *name = strerrorname_np(err->code);
	const char *description = strerrordesc_np(err->code);

	if (err->show_code && name && description)
		(void)snprintf(out, size, "%.*s: %s (%s)%s", main_length, err->text, description,
			       name, hint ? hint : "");
	else
		(void)snprintf(out, size, "%s", err->text);
	return out;
}

int err_send(const struct err *err, int fd)
{
	ssize_t written;

	do
		written = write(fd, err, sizeof(*err));
	while (written < 0 && errno == EINTR);
	return written == (ssize_t)sizeof(*err) ? 0 : -(written < 0 ? errno : EIO);
}

int err_receive(struct err *err, int fd)
{
	struct err received;
	ssize_t got;

	do
		got = read(fd, &received, sizeof(received));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	if (got < 0)
		return err_set(err, errno, "read the report of a set-up process");
	if (got != (ssize_t)sizeof(received))
		return err_set(err, EPROTO, "read the report of a set-up process");
	received.text[sizeof(received.text) - 1] = '\0';
	*err = received;
	return -err->code;
}

/* Errors as values. See err.h. */
#include "policy/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Diagnostics for people. See log.h. */
#include "policy/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static enum log_level threshold = LOG_WARN;

void log_level_set(enum log_level level)
{
	threshold = level;
}

enum log_level log_level_get(void)
{
	return threshold;
}

int log_level_parse(const char *text, enum log_level *level_out)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == LOG_LEVELS, "a name for each level");
	for (size_t i = 0; i < LOG_LEVELS; i++) {
		if (strcasecmp(text, names[i]) == 0) {
			*level_out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * Whatever a message quotes, a terminal shall not take orders from it: control characters, those of two
 * bytes too (U+0080 to U+009F), and what is no UTF-8 become '?'. Lines and columns stay.
 */
static void disarm(char *text)
{
	unsigned wanted = 0; /* bytes that a character still lacks */

	for (unsigned char *byte = (unsigned char *)text; *byte; byte++) {
		if ((*byte & 0xc0) != 0x80) {
			wanted = *byte >= 0xf0 ? 3 : *byte >= 0xe0 ? 2 : *byte >= 0xc0 ? 1 : 0;
			if ((*byte < 0x20 && *byte != '\n' && *byte != '\t') || *byte == 0x7f)
				*byte = '?';
		} else if (wanted == 0) {
			*byte = '?';
		} else if (byte[-1] == 0xc2 && *byte < 0xa0) {
			byte[-1] = *byte = '?';
			wanted = 0;
		} else {
			wanted--;
		}
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[2048];
	size_t used;
	va_list args;

	if (level > threshold)
		return;
	used = (size_t)snprintf(line, sizeof(line), "nsgate: ");
	va_start(args, format);
	(void)vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	disarm(line);
	used = strlen(line);
	line[used++] = '\n';
	(void)!write(STDERR_FILENO, line, used); /* nowhere left to tell about a failure */
}

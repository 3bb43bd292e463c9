/* Diagnostics for people: one line a message, on stderr, never through stdio buffers. */
#ifndef NSGATE_LOG_H
#define NSGATE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

/* The highest level that is written; LOG_WARN at start. Inherited by fork. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* "error", "warn", "info", "debug"; any case. Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level_out);

/*
 * Writes "nsgate: text" and a newline with one write(2), cut at 2 KiB. Text that comes from
 * the jail must have passed text_escape() before. Safe after fork and under seccomp.
 */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif

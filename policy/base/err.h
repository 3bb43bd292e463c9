/* Errors as values: what failed, in words, with the errno that says why. */
#ifndef NSGATE_ERR_H
#define NSGATE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A value without pointers: it works after clone() and under seccomp, and crosses
 * a pipe in one write. Filled only by the function that fails.
 */
struct err {
	int code; /* errno, positive; 0 = no error */
	bool show_code; /* the errno explains the text and is printed after it */
	char text[1019];
};

/* A system or library call failed with @code (positive errno). Returns -code. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The input is wrong and the text says all there is to say. Returns -EINVAL. */
int err_bad(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text. Returns -code, so that it can end a function. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds what the user can do about it, on a line of its own. Returns -code. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Writes "text: Description (ENAME)" into @out, cut to @size, the hint last. Allocates
 * nothing. Returns @out.
 */
const char *err_format(const struct err *err, char *out, size_t size);

#endif

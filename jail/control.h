/*
 * Orders to a run that is under way: an abstract unix socket in the caller's network namespace, which
 * leaves no file behind and which no jail with a network of its own can reach. Only the same user and
 * root are heard.
 */
#ifndef NSGATE_CONTROL_H
#define NSGATE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/err.h"

#define CONTROL_TEXT_MAX 2048 /* of an answer */
#define CONTROL_NAME_MAX 64

/* The socket of run @jail_id, whose supervisor is this process. The caller owns the descriptor. */
int control_listen(const char *jail_id, int *fd_out, struct err *err);

/* Answers an order: fills @answer (CONTROL_TEXT_MAX bytes). Returns 0, or -errno when it was not done. */
typedef int control_order_fn(void *context, char *answer);

/*
 * Takes one caller of the listening @fd: "reload" is answered by @reload. Never waits longer than a
 * second for the caller. What goes wrong is the caller's loss.
 */
void control_serve(int fd, control_order_fn *reload, void *context);

/*
 * The runs of this user in this network namespace, or with @want_others whatever calls itself a run:
 * calls @visit with each one's name, "nsgate/ID/PID". Returns 0 or -errno.
 */
int control_each(bool want_others, void (*visit)(const char *name, void *context), void *context,
		 struct err *err);

/*
 * Orders run @name to reload. @answer has CONTROL_TEXT_MAX bytes. Returns 0; -EREMOTEIO with its own
 * words in @answer when it did not; or -errno with @err when it could not be asked.
 */
int control_reload(const char *name, char *answer, struct err *err);

#endif

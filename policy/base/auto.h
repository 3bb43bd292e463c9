/* Scope-owned locals: AUTO(fd_release), AUTO(text_release) … release at the end of the scope. */
#ifndef NSGATE_AUTO_H
#define NSGATE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(release) __attribute__((cleanup(release)))

/* Closes and empties; an empty one (-1) is fine. */
static inline void fd_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing useful can be done about a failed close here */
	*fd = -1;
}

/* Hands the descriptor on: the caller owns it now, the variable is empty. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* For any pointer from malloc(): `char *x AUTO(heap_release) = NULL`. */
static inline void heap_release(void *pointer_to_pointer)
{
	void **pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

static inline void file_release(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* read-only use; writers check fclose() themselves */
	*file = NULL;
}

#endif

/* How a run ended. See status.h. */
#include "jail/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"

void status_from_wait(struct status *status, int wait_status)
{
	if (WIFEXITED(wait_status)) {
		status->outcome = STATUS_EXITED;
		status->exit_status = WEXITSTATUS(wait_status);
	} else {
		status->outcome = STATUS_SIGNALED;
		status->signal = WTERMSIG(wait_status);
		status->exit_status = 128 + status->signal;
	}
}

void status_failed(struct status *status, int exit_status)
{
	status->outcome = exit_status == EXIT_NSGATE ? STATUS_FAILED : STATUS_NOT_RUN;
	status->exit_status = exit_status;
}

static const char *outcome_name(enum status_outcome outcome)
{
	switch (outcome) {
	case STATUS_UNKNOWN:
		return "unknown";
	case STATUS_EXITED:
		return "exited";
	case STATUS_SIGNALED:
		return "signaled";
	case STATUS_TIME_LIMIT:
		return "time-limit";
	case STATUS_FAILED:
		return "failed";
	case STATUS_NOT_RUN:
		return "not-run";
	case STATUS_OUTCOMES:
		break;
	}
	return "unknown";
}

int status_write(const struct status *status, int fd, struct err *err)
{
	char line[128], signal[32] = "";
	size_t length;

	if (fd < 0)
		return 0;
	if (status->outcome == STATUS_SIGNALED) {
		const char *name = sigabbrev_np(status->signal);

		/* real-time signals have a number only */
		if (name)
			(void)snprintf(signal, sizeof(signal), ",\"signal\":\"SIG%s\"", name);
		else
			(void)snprintf(signal, sizeof(signal), ",\"signal\":\"%d\"",
				       status->signal);
	}
	length = (size_t)snprintf(line, sizeof(line), "{\"outcome\":\"%s\",\"exit_status\":%d%s}\n",
				  outcome_name(status->outcome), status->exit_status, signal);
	if (write(fd, line, length) != (ssize_t)length)
		return err_set(err, errno, "write the status to descriptor %d", fd);
	return 0;
}

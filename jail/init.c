/*
 * Pid 1 of the jail: reaps orphans, passes on signals, and ends when the payload ends, with which
 * the kernel ends everybody else. It never runs foreign code and has no capability.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/fds.h"
#include "jail/jail.h"
#include "jail/start.h"

void start_forwarded_signals(sigset_t *set_out)
{
	static const int signals[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH
	};

	sigemptyset(set_out);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set_out, signals[i]);
}

_Noreturn static void end(int report_fd, int wait_status)
{
	struct report report = { .kind = REPORT_ENDED, .status = wait_status };

	/* without a report the supervisor goes by our own exit status */
	(void)!write(report_fd, &report, sizeof(report));
	_exit(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status));
}

static void reap(pid_t payload, int report_fd)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == payload)
			end(report_fd, status);
	}
}

static void take_signal(const struct signalfd_siginfo *info, pid_t payload, int report_fd)
{
	if (info->ssi_signo == SIGCHLD) {
		reap(payload, report_fd);
		return;
	}
	/*
	 * Only what the supervisor sends (from outside of our pid namespace: sender 0). What the
	 * terminal sends has reached the payload too, and the payload has no say here.
	 */
	if (info->ssi_code == SI_USER && info->ssi_pid == 0)
		(void)kill(payload, (int)info->ssi_signo); /* it may have ended meanwhile */
}

_Noreturn void init_main(pid_t payload, int lifeline_fd, int report_fd)
{
	enum { SIGNALS, LIFELINE, WATCHED };
	struct pollfd watched[WATCHED] = { [LIFELINE] = { .fd = lifeline_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	sigset_t signals;

	start_forwarded_signals(&signals);
	sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL); /* cannot fail with these arguments */
	watched[SIGNALS].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	watched[SIGNALS].events = POLLIN;
	if (watched[SIGNALS].fd < 0)
		_exit(EXIT_NSGATE);
	fds_let_go(STDERR_FILENO); /* whoever reads them waits for the payload, not for us */
	reap(payload, report_fd); /* it may have ended before we listened */
	for (;;) {
		if (poll(watched, WATCHED, -1) < 0 && errno != EINTR)
			_exit(EXIT_NSGATE);
		if (watched[LIFELINE].revents)
			_exit(EXIT_NSGATE); /* the supervisor is gone */
		while (read(watched[SIGNALS].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			take_signal(&info, payload, report_fd);
	}
}

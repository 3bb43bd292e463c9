/*
 * Pid 1 of the jail: reaps orphans, passes on signals, and ends when the payload ends, with which
 * the kernel ends everybody else. It never runs foreign code and has no capability. Where ports are
 * published, it makes sockets in the jail's network for the proxy, which connects them from outside.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/fds.h"
#include "jail/jail.h"
#include "jail/start.h"
#include "policy/base/auto.h"
#include "policy/base/fdpass.h"

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

/* A message with a TCP socket of the jail's network, or without one when there is none to be had. */
static int answer_inbound(int inbound_fd, int family)
{
	int made AUTO(fd_release) =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	struct err ignored; /* nobody here to tell */

	if (made >= 0 && fdpass_send(inbound_fd, &made, 1, &ignored) == 0)
		return 0;
	return send(inbound_fd, "E", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/*
 * The proxy asks for a socket: '4' or '6', and that is all that is ever read. Anything else, or a
 * proxy that takes no answers, ends the service.
 */
static void serve_inbound(int *inbound_fd)
{
	char family = 0;
	ssize_t got = recv(*inbound_fd, &family, 1, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got != 1 || (family != '4' && family != '6') ||
	    answer_inbound(*inbound_fd, family == '4' ? AF_INET : AF_INET6) < 0)
		fd_release(inbound_fd);
}

/*
 * Nobody is to wait for us to close what the payload was passed. At worst it stays open: the payload
 * runs already, and cannot look at what we hold.
 */
static void leave(const struct jail_start *start, int signal_fd)
{
	int keep[] = { signal_fd, start->lifeline_fd, start->inbound_fd, start->report_fd };
	struct err ignored;

	(void)fds_keep_only(keep, sizeof(keep) / sizeof(keep[0]), &ignored);
}

_Noreturn void init_main(pid_t payload, const struct jail_start *start)
{
	enum { SIGNALS, LIFELINE, INBOUND, WATCHED };
	struct pollfd watched[WATCHED] = {
		[LIFELINE] = { .fd = start->lifeline_fd, .events = POLLIN },
		[INBOUND] = { .fd = start->inbound_fd, .events = POLLIN }, /* -1 is not watched */
	};
	struct signalfd_siginfo info;
	sigset_t signals;

	start_forwarded_signals(&signals);
	sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL); /* cannot fail with these arguments */
	watched[SIGNALS].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	watched[SIGNALS].events = POLLIN;
	if (watched[SIGNALS].fd < 0)
		_exit(EXIT_NSGATE);
	leave(start, watched[SIGNALS].fd);
	fds_let_go(STDERR_FILENO); /* whoever reads them waits for the payload, not for us */
	reap(payload, start->report_fd); /* it may have ended before we listened */
	for (;;) {
		if (poll(watched, WATCHED, -1) < 0 && errno != EINTR)
			_exit(EXIT_NSGATE);
		if (watched[LIFELINE].revents)
			_exit(EXIT_NSGATE); /* the supervisor is gone */
		while (read(watched[SIGNALS].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			take_signal(&info, payload, start->report_fd);
		if (watched[INBOUND].revents)
			serve_inbound(&watched[INBOUND].fd);
	}
}

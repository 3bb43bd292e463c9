/*
 * The process the user started: it makes the proxy and the jail's first process, then waits.
 *
 * Both follow it into death: the jail's first process through its parent-death signal and the
 * lifeline, the proxy through its control socket. If one of them dies, the supervisor ends
 * the other. So kill -9 of any of the three ends all of them, and everything the run made, since
 * namespaces, links, rules and mounts die with their last process.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/control.h"
#include "jail/credentials.h"
#include "jail/env.h"
#include "jail/fds.h"
#include "jail/ids.h"
#include "jail/jail.h"
#include "jail/mount/mount.h"
#include "jail/publish.h"
#include "jail/reload.h"
#include "jail/start.h"
#include "jail/status.h"
#include "netsetup/net.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "proxy/proxy.h"
#include "proxy/update.h"

#define SNIFF_TIMEOUT_MS   10000
#define CONNECT_TIMEOUT_MS 30000
#define PROXY_FLUSH_MS	   5000 /* the last audit records; a disk may be slow, not dead */

struct run {
	struct jail_spec *spec;
	struct jail_start start;
	struct mount_list mounts;
	struct net_plan plan;
	char **environment; /* owned */
	char *resolv_conf; /* owned */
	char *hosts; /* owned */
	char directory[PATH_MAX];
	char home[PATH_MAX];
	sigset_t signals; /* blocked and read from signal_fd */
	int signal_fd; /* owned */
	int timer_fd; /* owned; -1 without time limit */
	int control_fd; /* owned; the proxy ends when it closes */
	int lifeline_fd; /* owned; the jail ends when it closes */
	int report_fd; /* owned; reports of the jail */
	int orders_fd; /* owned; see control.h; -1 without gate */
	bool want_reload; /* SIGHUP said so */
	struct update_link updates; /* over control_fd */
	char jail_id[17]; /* 16 hex digits */
	int audit_fd; /* owned until the proxy has it */
	struct upstream_credentials credentials; /* wiped once the proxy has them */
	int *publish_fds; /* owned, the descriptors until the proxy has them */
	int inbound_fd; /* owned until the proxy has it; to init; -1 = nothing is published */
	pid_t proxy, init; /* 0 = not there (any more) */
	int proxy_fd, init_fd; /* owned pidfds */
	struct status status; /* how it ended */
};

/* ---- before anything is created ------------------------------------------------------------ */

static int find_directory(struct run *run, struct err *err)
{
	if (!getcwd(run->directory, sizeof(run->directory)) || run->directory[0] != '/') {
		err_set(err, errno ? errno : ENOENT, "find the current directory");
		return err_hint(err, "Start nsgate in a directory that exists.");
	}
	return 0;
}

/* Without symlinks, as the current directory is: the two are compared. NULL = there is none. */
static const char *find_home(struct run *run)
{
	const char *home = getenv("HOME");
	struct stat status;

	if (!home || home[0] != '/' || !realpath(home, run->home) || stat(run->home, &status) < 0 ||
	    !S_ISDIR(status.st_mode))
		return NULL;
	return run->home;
}

/* The jail asks the gate for every name; the caller's own tables would lead around it. */
static int write_name_files(struct run *run, struct err *err)
{
	char gate4[ADDR_TEXT_MAX], jail4[ADDR_TEXT_MAX], jail6[ADDR_TEXT_MAX];
	const char *name = run->spec->hostname;

	addr_format(&run->plan.gate4, gate4);
	addr_format(&run->plan.jail4, jail4);
	addr_format(&run->plan.jail6, jail6);
	if (asprintf(&run->resolv_conf, "nameserver %s\noptions ndots:1\n", gate4) < 0 ||
	    asprintf(
		    &run->hosts,
		    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n%s %s\n%s %s\n",
		    jail4, name, jail6, name) < 0)
		return err_set(err, ENOMEM, "write the jail's /etc/hosts");
	return 0;
}

static int plan_view(struct run *run, struct err *err)
{
	struct mount_view view = {
		.home = find_home(run),
		.own_network = run->spec->net != NET_HOST,
		.use_gate = run->spec->net == NET_GATE,
	};

	net_plan_init(&run->plan);
	if (find_directory(run, err) < 0 || write_name_files(run, err) < 0)
		return -err->code;
	view.cwd = run->directory;
	view.resolv_conf = run->resolv_conf;
	view.hosts = run->hosts;
	if (mount_default_view(&run->mounts, &view, err) < 0)
		return -err->code;
	if (mount_add_paths(&run->mounts, &run->spec->settings, view.home, err) < 0)
		return -err->code;
	return credentials_hide(&run->spec->settings, &run->mounts, err);
}

/* Names the run in audit records and for orders. */
static int make_id(struct run *run, struct err *err)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return err_set(err, errno, "get a random number");
	(void)snprintf(run->jail_id, sizeof(run->jail_id), "%016llx", (unsigned long long)id);
	return 0;
}

/* Only a gate's policy can be reloaded. */
static int listen_for_orders(struct run *run, struct err *err)
{
	if (run->spec->net != NET_GATE)
		return 0;
	return control_listen(run->jail_id, &run->orders_fd, err);
}

static int prepare(struct run *run, struct err *err)
{
	(void)signal(SIGPIPE, SIG_IGN); /* whoever read our messages may be gone before we are */
	if (fds_check(run->spec->pass_fds, run->spec->pass_fd_count, err) < 0 ||
	    plan_view(run, err) < 0 ||
	    spec_accept_policy(run->spec, &run->mounts, run->directory, err) < 0 ||
	    make_id(run, err) < 0 || spec_open_audit(run->spec, true, &run->audit_fd, err) < 0 ||
	    listen_for_orders(run, err) < 0 ||
	    credentials_read(&run->spec->settings, &run->credentials, err) < 0 ||
	    publish_listen(run->spec, &run->publish_fds, err) < 0 ||
	    net_namespace_inode(&run->start.caller_netns, err) < 0)
		return -err->code;
	run->environment = env_build(run->spec, environ);
	if (!run->environment)
		return err_set(err, ENOMEM, "build the environment");
	start_forwarded_signals(&run->signals);
	sigaddset(&run->signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &run->signals, NULL) < 0)
		return err_set(err, errno, "block signals");
	run->signal_fd = signalfd(-1, &run->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signal_fd < 0)
		return err_set(err, errno, "make a signal descriptor");
	return 0;
}

/* ---- the two children ---------------------------------------------------------------------- */

/* Of what we have open, the proxy gets what it works with. */
static int leave_to_proxy(const struct run *run, int control_fd, struct err *err)
{
	size_t count = run->publish_fds ? run->spec->settings.publish_count : 0;
	int *keep AUTO(heap_release) = malloc((count + 3) * sizeof(*keep));

	if (!keep)
		return err_set(err, ENOMEM, "close descriptors");
	if (count)
		memcpy(keep, run->publish_fds, count * sizeof(*keep));
	keep[count++] = control_fd;
	keep[count++] = run->audit_fd;
	keep[count++] = run->inbound_fd;
	return fds_keep_only(keep, count, err);
}

_Noreturn static void proxy_main(struct run *run, int control_fd)
{
	struct proxy_config config = {
		.settings = &run->spec->settings,
		.plan = &run->plan,
		.audit_fd = run->audit_fd,
		.credentials = &run->credentials,
		.publish_fds = run->publish_fds,
		.inbound_fd = run->inbound_fd,
		.sniff_timeout_ms = SNIFF_TIMEOUT_MS,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
	};
	char text[sizeof(struct err) + 128];
	struct err err;

	(void)prctl(PR_SET_NAME, "nsgate-proxy", 0, 0, 0); /* for ps; cannot fail */
	(void)setsid(); /* the terminal's signals are for the payload */
	fds_let_go(STDOUT_FILENO);
	memcpy(config.jail_id, run->jail_id, sizeof(config.jail_id));
	if (leave_to_proxy(run, control_fd, &err) == 0 && proxy_run(&config, control_fd, &err) == 0)
		_exit(0);
	/* the jail that was to be served gave up first, and has said why */
	if (err.code == ECONNRESET || err.code == EPIPE)
		_exit(1);
	log_error("%s", err_format(&err, text, sizeof(text)));
	_exit(1);
}

/* Before init: it confines itself while the kernel makes init's namespaces. */
static int start_proxy(struct run *run, int proxy_end, struct err *err)
{
	run->proxy = fork();
	if (run->proxy == 0)
		proxy_main(run, proxy_end);
	if (run->proxy < 0) {
		run->proxy = 0;
		return err_set(err, errno, "fork");
	}
	fd_release(&run->audit_fd);
	explicit_bzero(&run->credentials, sizeof(run->credentials)); /* none of these is for init */
	fd_release(&run->inbound_fd);
	publish_release(run->spec, &run->publish_fds);
	run->proxy_fd = pidfd_open(run->proxy, 0);
	if (run->proxy_fd < 0) {
		err_set(err, errno, "watch it");
		(void)kill(run->proxy, SIGKILL); /* nobody would see its end otherwise */
		(void)waitpid(run->proxy, NULL, 0);
		run->proxy = 0;
		return -err->code;
	}
	return 0;
}

static int explain_clone(struct err *err, int code)
{
	err_set(err, code, "make user, pid, mount and other namespaces");
	switch (code) {
	case EPERM:
		return err_hint(err,
				"This host forbids namespaces. Debian and hardened kernels: sysctl "
				"kernel.unprivileged_userns_clone=1. Docker: --security-opt "
				"seccomp=PROFILE with clone, unshare, mount and setns allowed.");
	case ENOSPC:
	case EUSERS:
		return err_hint(err, "Raise the limits: sysctl user.max_user_namespaces and its "
				     "siblings; or this is nested too deep.");
	case EINVAL:
		return err_hint(err, "The kernel is built without one of CONFIG_USER_NS, PID_NS, "
				     "NET_NS, IPC_NS, UTS_NS.");
	default:
		return -err->code;
	}
}

/* Like fork(), into new namespaces and with a pidfd. */
static pid_t clone_init(int *pidfd_out)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd_out,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	/* container filters answer ENOSYS to clone3, whose flags they cannot read */
	if (pid < 0 && errno == ENOSYS)
		pid = (pid_t)syscall(SYS_clone, (unsigned long)args.flags | SIGCHLD, NULL,
				     pidfd_out, NULL, 0);
	return pid;
}

static int start_init(struct run *run, int *proxy_end, struct err *err)
{
	int lifeline[2] = { -1, -1 }, reports[2] = { -1, -1 };

	if (pipe2(lifeline, O_CLOEXEC) < 0 || pipe2(reports, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	run->lifeline_fd = lifeline[1];
	run->report_fd = reports[0];
	run->start.spec = run->spec;
	run->start.mounts = &run->mounts;
	run->start.environment = run->environment;
	run->start.directory = run->spec->chdir ? run->spec->chdir : run->directory;
	run->start.plan = &run->plan;
	run->start.lifeline_fd = lifeline[0];
	run->start.report_fd = reports[1];
	run->start.started_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run->start.started_fd < 0)
		return err_set(err, errno, "make an event descriptor");
	run->start.proxy_fd = run->control_fd; /* it inherits our end, and closes it */
	run->init = clone_init(&run->init_fd);
	if (run->init == 0) {
		fd_release(&run->lifeline_fd);
		fd_release(&run->report_fd);
		fd_release(&run->signal_fd);
		fd_release(&run->proxy_fd);
		fd_release(&run->orders_fd);
		fd_release(proxy_end); /* or the builder would not see the proxy's death */
		child_main(&run->start);
	}
	fd_release(&run->start.inbound_fd);
	(void)close(lifeline[0]); /* the jail's */
	(void)close(reports[1]);
	if (run->init < 0) {
		run->init = 0;
		return explain_clone(err, errno);
	}
	if (ids_write_maps(run->init, err) < 0)
		return -err->code;
	if (write(run->lifeline_fd, "M", 1) != 1)
		return err_set(err, errno, "wake the jail's first process");
	return 0;
}

static int start_timer(struct run *run, struct err *err)
{
	unsigned long limit = run->spec->settings.values.time_limit_ms;
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(limit / 1000),
			      .tv_nsec = (long)(limit % 1000) * 1000000 },
	};

	if (limit == 0)
		return 0;
	run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->timer_fd < 0 || timerfd_settime(run->timer_fd, 0, &when, NULL) < 0)
		return err_set(err, errno, "start the time limit");
	return 0;
}

/* Between the proxy and init, which makes sockets for it in the jail's network. */
static int connect_inbound(struct run *run, struct err *err)
{
	int ends[2];

	if (run->spec->settings.publish_count == 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_set(err, errno, "make a socket pair");
	run->inbound_fd = ends[0];
	run->start.inbound_fd = ends[1];
	return 0;
}

static int start(struct run *run, struct err *err)
{
	int control[2] = { -1, -1 };
	int proxy_end AUTO(fd_release) = -1;

	if (run->spec->net == NET_GATE) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
			return err_set(err, errno, "make a socket pair");
		run->control_fd = control[0];
		proxy_end = control[1];
		if (connect_inbound(run, err) < 0)
			return -err->code;
	}
	if (run->spec->net == NET_GATE && start_proxy(run, proxy_end, err) < 0)
		return err_wrap(err, "proxy");
	if (start_init(run, &proxy_end, err) < 0)
		return err_wrap(err, "jail");
	fds_let_go(STDOUT_FILENO);
	return start_timer(run, err);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void kill_init(const struct run *run)
{
	if (run->init > 0)
		(void)kill(run->init, SIGKILL); /* takes its whole pid namespace along */
}

/*
 * The terminal sends to the whole foreground group, the payload included: only pass on others'. But
 * that it goes away it tells nobody but its session's leader.
 */
static bool is_to_pass_on(const struct signalfd_siginfo *info)
{
	if (info->ssi_signo == SIGCHLD)
		return false;
	return info->ssi_code <= 0 || (info->ssi_signo == SIGHUP && getsid(0) == getpid());
}

/* Is the payload under way? Only then the control socket is between the proxy and us alone. */
static bool has_started(const struct run *run)
{
	struct pollfd started = { .fd = run->start.started_fd, .events = POLLIN };

	return run->control_fd >= 0 && poll(&started, 1, 0) == 1;
}

static int reload_now(void *context, char *told)
{
	struct run *run = context;
	char text[sizeof(struct err) + 128];
	struct err err;
	int rc;

	run->want_reload = false;
	run->updates.control_fd = run->control_fd;
	if (!has_started(run))
		rc = err_bad(&err, "the run is starting or ending");
	else
		rc = reload(
			&(struct reload) { run->spec, &run->mounts, run->directory, &run->updates },
			told, CONTROL_TEXT_MAX, &err);
	if (rc < 0) {
		(void)snprintf(told, CONTROL_TEXT_MAX, "%s", err_format(&err, text, sizeof(text)));
		log_error("reload: %s", told);
		return rc;
	}
	log_info("reload: %s", told);
	return 0;
}

/* From somebody who is not the terminal, to a run that has something to read again. */
static bool is_to_reload(const struct run *run, const struct signalfd_siginfo *info)
{
	return info->ssi_signo == SIGHUP && info->ssi_code <= 0 && run->orders_fd >= 0 &&
	       (run->spec->settings.file_count > 0 || run->spec->settings.values.audit_path);
}

static void take_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (is_to_reload(run, &info))
			run->want_reload = true;
		else if (is_to_pass_on(&info) && run->init > 0)
			(void)kill(run->init, (int)info.ssi_signo); /* it may be gone */
	}
}

static void take_report(struct run *run)
{
	struct report report;
	char text[sizeof(struct err) + 128];
	ssize_t got = read(run->report_fd, &report, sizeof(report));

	if (got != (ssize_t)sizeof(report)) {
		fd_release(&run->report_fd);
		return;
	}
	if (run->status.outcome != STATUS_UNKNOWN)
		return; /* the first cause counts */
	if (report.kind == REPORT_ENDED) {
		status_from_wait(&run->status, report.status);
	} else {
		status_failed(&run->status, report.status);
		log_error("%s", err_format(&report.err, text, sizeof(text)));
	}
	fd_release(&run->control_fd); /* the proxy may finish while the jail is taken down */
}

static void take_time_limit(struct run *run)
{
	if (run->status.outcome == STATUS_UNKNOWN) {
		run->status.outcome = STATUS_TIME_LIMIT;
		run->status.exit_status = EXIT_TIME_LIMIT;
		log_warn("time limit of %lu ms reached, everything in the jail is killed",
			 run->spec->settings.values.time_limit_ms);
	}
	fd_release(&run->timer_fd);
	kill_init(run);
}

static void take_proxy_end(struct run *run)
{
	eventfd_t started;
	int status = 0;

	(void)waitpid(run->proxy, &status, 0); /* its pidfd said that it ended */
	run->proxy = 0;
	fd_release(&run->proxy_fd);
	if (run->control_fd < 0 && (status == 0 || run->status.outcome == STATUS_FAILED))
		return; /* as we asked it to, or cut off while it started */
	log_error("the proxy ended %s %d: %s", WIFSIGNALED(status) ? "by signal" : "with status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		  run->control_fd < 0 ? "audit records may be missing" : "the jail is killed");
	if (run->status.outcome == STATUS_UNKNOWN &&
	    eventfd_read(run->start.started_fd, &started) < 0)
		status_failed(&run->status, EXIT_NSGATE); /* else it is killed, like its payload */
	kill_init(run);
}

static void take_init_end(struct run *run)
{
	int status = 0;

	(void)waitpid(run->init, &status, 0); /* its pidfd said that it ended */
	run->init = 0;
	fd_release(&run->init_fd);
	if (run->report_fd >= 0)
		take_report(run); /* written before it ended; there is no other writer left */
	if (run->status.outcome == STATUS_UNKNOWN)
		status_from_wait(&run->status, status);
	fd_release(&run->control_fd);
}

/* Waits until the jail is gone, then until the proxy is. */
static void wait_for_end(struct run *run)
{
	enum { SIGNALS, TIMER, REPORT, INIT, PROXY, ORDERS, STARTED, WATCHED };

	char told[CONTROL_TEXT_MAX];

	while (run->init > 0 || run->proxy > 0) {
		struct pollfd watched[WATCHED] = {
			[SIGNALS] = { .fd = run->signal_fd, .events = POLLIN },
			[TIMER] = { .fd = run->timer_fd, .events = POLLIN },
			[REPORT] = { .fd = run->report_fd, .events = POLLIN },
			[INIT] = { .fd = run->init_fd, .events = POLLIN },
			[PROXY] = { .fd = run->proxy_fd, .events = POLLIN },
			[ORDERS] = { .fd = run->orders_fd, .events = POLLIN },
			/* a reload that came too early waits for it; too late, it is dropped */
			[STARTED] = { .fd = run->want_reload && run->control_fd >= 0
						    ? run->start.started_fd
						    : -1,
				      .events = POLLIN },
		};
		int ready = poll(watched, WATCHED, run->init > 0 ? -1 : PROXY_FLUSH_MS);

		if (ready == 0) {
			log_error(
				"the proxy does not finish: killed, audit records may be missing");
			(void)kill(run->proxy, SIGKILL);
		}
		if (watched[SIGNALS].revents)
			take_signals(run);
		if (watched[ORDERS].revents)
			control_serve(run->orders_fd, reload_now, run);
		if (watched[STARTED].revents)
			(void)reload_now(run, told);
		if (watched[REPORT].revents)
			take_report(run);
		if (watched[TIMER].revents)
			take_time_limit(run);
		if (watched[PROXY].revents)
			take_proxy_end(run);
		if (watched[INIT].revents)
			take_init_end(run);
	}
}

static void run_done(struct run *run)
{
	fd_release(&run->start.started_fd);
	mount_list_done(&run->mounts);
	free(run->environment);
	free(run->resolv_conf);
	free(run->hosts);
	fd_release(&run->signal_fd);
	fd_release(&run->timer_fd);
	fd_release(&run->control_fd);
	fd_release(&run->lifeline_fd);
	fd_release(&run->report_fd);
	fd_release(&run->orders_fd);
	fd_release(&run->audit_fd);
	publish_release(run->spec, &run->publish_fds);
	fd_release(&run->inbound_fd);
	fd_release(&run->start.inbound_fd);
	fd_release(&run->proxy_fd);
	fd_release(&run->init_fd);
}

int jail_run(struct jail_spec *spec)
{
	struct run run AUTO(run_done) = {
		.spec = spec,
		.start.started_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
		.control_fd = -1,
		.lifeline_fd = -1,
		.report_fd = -1,
		.orders_fd = -1,
		.audit_fd = -1,
		.inbound_fd = -1,
		.start.inbound_fd = -1,
		.proxy_fd = -1,
		.init_fd = -1,
	};
	char text[sizeof(struct err) + 128];
	struct err err;

	if (prepare(&run, &err) < 0 || start(&run, &err) < 0) {
		status_failed(&run.status, EXIT_NSGATE);
		log_error("%s", err_format(&err, text, sizeof(text)));
		kill_init(&run);
		fd_release(&run.control_fd);
	}
	wait_for_end(&run);
	if (status_write(&run.status, spec->status_fd, &err) < 0)
		log_error("%s", err_format(&err, text, sizeof(text)));
	return run.status.exit_status;
}

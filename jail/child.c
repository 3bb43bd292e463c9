/*
 * The jail's first process: two lists of steps, whose order is the security argument.
 *
 * `jail_steps` make the jail, as pid 1 with all capabilities in the run's user namespace.
 * `payload_steps` run in its child and end in exec. Any failure is reported and ends the process,
 * so the payload never runs in half a jail.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail/fds.h"
#include "jail/ids.h"
#include "jail/jail.h"
#include "jail/seccomp/filter.h"
#include "jail/start.h"
#include "netsetup/net.h"
#include "policy/base/auto.h"
#include "policy/base/caps.h"

#define BUILDER_STACK_BYTES (256 * 1024) /* netlink buffers; measured: under 64 KiB */

/* Shared with the thread that builds the gate. */
struct builder {
	pthread_t thread;
	bool is_running; /* from pthread_create() to its end in join_network() */
	struct net_config config;
	sem_t jail_is_there; /* jail_netns_fd has been set */
	int jail_netns_fd; /* owned */
	int rc; /* its result; @err goes with it */
	struct err err;
};

struct child {
	const struct jail_start *start;
	struct builder builder;
	int root_fd; /* owned; the new root between "mounts" and "enter" */
	int exec_status; /* what a failed exec means for nsgate's exit status */
};

typedef int step_fn(struct child *child, struct err *err);

struct step {
	const char *name;
	step_fn *run;
};

static int run_steps(const struct step *steps, size_t count, struct child *child, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (steps[i].run(child, err) < 0)
			return err_wrap(err, "%s", steps[i].name);
	}
	return 0;
}

_Noreturn static void give_up(const struct child *child, int status, struct err *err)
{
	struct report report = { .kind = REPORT_FAILED, .status = status };

	err_wrap(err, "jail");
	report.err = *err;
	/* if the supervisor cannot be told, it sees us end without a report */
	(void)!write(child->start->report_fd, &report, sizeof(report));
	_exit(status);
}

/* ---- the jail ------------------------------------------------------------------------------ */

static int await_maps(struct child *child, struct err *err)
{
	char byte;
	ssize_t got;

	do
		got = read(child->start->lifeline_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		return err_set(err, got < 0 ? errno : ECONNRESET, "wait for the supervisor");
	return ids_drop_groups(err);
}

/* From here on the kernel ends us, and with us the whole pid namespace, with the supervisor. */
static int follow_supervisor(struct child *child, struct err *err)
{
	(void)child;
	(void)prctl(PR_SET_NAME, "nsgate-init", 0, 0, 0); /* for ps; cannot fail */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_set(err, errno, "ask for the supervisor's death");
	/* nobody in the jail may read our memory or steer us */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, errno, "become unreadable");
	return 0;
}

/* The gate's builder. Its errors are read after it has been joined. */
static void *build_gate(void *argument)
{
	struct builder *builder = argument;
	struct net_gate *gate = NULL;

	(void)prctl(PR_SET_NAME, "nsgate-net", 0, 0, 0); /* for ps; cannot fail */
	builder->rc = net_gate_new(&builder->config, &gate, &builder->err);
	while (sem_wait(&builder->jail_is_there) < 0)
		; /* EINTR only */
	if (builder->rc == 0)
		builder->rc = net_gate_connect(gate, builder->jail_netns_fd, &builder->err);
	net_gate_free(gate);
	return NULL;
}

/*
 * The gate is built by a thread, while we make the jail's namespace and the mounts: two processors,
 * half the time. A thread may live in another network namespace than its process.
 */
static int describe_builder(pthread_attr_t *attributes)
{
	cpu_set_t others;
	int rc = pthread_attr_setstacksize(attributes, BUILDER_STACK_BYTES);

	if (rc != 0 || sched_getaffinity(0, sizeof(others), &others) < 0)
		return rc;
	/* left alone, it is often queued behind us, and starts when we wait for it */
	CPU_CLR((size_t)sched_getcpu(), &others);
	if (CPU_COUNT(&others) > 0)
		rc = pthread_attr_setaffinity_np(attributes, sizeof(others), &others);
	return rc;
}

static int start_builder(struct child *child, struct err *err)
{
	struct builder *builder = &child->builder;
	pthread_attr_t attributes;
	int rc;

	builder->config = (struct net_config) {
		.plan = child->start->plan,
		.proxy_fd = child->start->proxy_fd,
		.wants_denied = child->start->spec->settings.values.audit_path != NULL,
		.caller_netns = child->start->caller_netns,
	};
	builder->jail_netns_fd = -1;
	if (sem_init(&builder->jail_is_there, 0, 0) < 0)
		return err_set(err, errno, "make a semaphore");
	rc = pthread_attr_init(&attributes);
	if (rc == 0)
		rc = describe_builder(&attributes);
	if (rc == 0)
		rc = pthread_create(&builder->thread, &attributes, build_gate, builder);
	if (rc != 0)
		return err_set(err, rc, "start its builder");
	builder->is_running = true;
	return 0;
}

static int start_network(struct child *child, struct err *err)
{
	int netns AUTO(fd_release) = -1;

	if (child->start->spec->net == NET_HOST)
		return 0;
	if (child->start->spec->net == NET_GATE && start_builder(child, err) < 0)
		return -err->code;
	if (net_jail_new(&netns, err) < 0)
		return -err->code; /* the process ends, and the builder with it */
	if (child->builder.is_running) {
		child->builder.jail_netns_fd = fd_take(&netns);
		(void)sem_post(&child->builder.jail_is_there); /* cannot overflow */
	}
	return 0;
}

static int set_hostname(struct child *child, struct err *err)
{
	const char *name = child->start->spec->hostname;

	if (sethostname(name, strlen(name)) < 0)
		return err_set(err, errno, "call it %s", name);
	return 0;
}

static int build_mounts(struct child *child, struct err *err)
{
	return mount_build(child->start->mounts, &child->root_fd, err);
}

static int join_network(struct child *child, struct err *err)
{
	struct builder *builder = &child->builder;
	int rc;

	if (!builder->is_running)
		return 0;
	rc = pthread_join(builder->thread, NULL);
	if (rc != 0)
		return err_set(err, rc, "wait for its builder");
	fd_release(&builder->jail_netns_fd);
	(void)close(child->start->proxy_fd); /* open here it would outlive the supervisor */
	if (builder->rc < 0)
		*err = builder->err;
	return builder->rc;
}

static int enter_root(struct child *child, struct err *err)
{
	int rc = mount_enter(child->root_fd, err);

	fd_release(&child->root_fd);
	return rc;
}

/* Inherited by the payload: no core file leaves the jail through the machine's core handler. */
static int limit(struct child *child, struct err *err)
{
	unsigned long files = child->start->spec->settings.values.open_files;
	const struct rlimit none = { 0, 0 }, open_files = { files, files };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set(err, errno, "forbid core dumps");
	if (files && setrlimit(RLIMIT_NOFILE, &open_files) < 0)
		return err_set(err, errno, "%lu open files", files);
	return 0;
}

/* Inherited by the payload: neither it nor pid 1 holds a capability from here on. */
static int drop_capabilities(struct child *child, struct err *err)
{
	(void)child;
	return caps_drop_all(err);
}

/* Whatever goes wrong from here on, nobody may say that the payload never ran. */
static int announce_payload(struct child *child, struct err *err)
{
	if (eventfd_write(child->start->started_fd, 1) < 0)
		return err_set(err, errno, "tell the supervisor");
	return 0;
}

static const struct step jail_steps[] = {
	{ "identity", await_maps }, /* without maps no id is ours, and no file either */
	{ "supervisor", follow_supervisor }, /* after the ids: changing them would forget it */
	{ "network", start_network }, /* needs the caller's /proc: before "enter" */
	{ "hostname", set_hostname },
	{ "mounts", build_mounts }, /* meanwhile the network is built */
	{ "network", join_network }, /* its builder uses the caller's /proc until it is done */
	{ "root", enter_root }, /* from here on the caller's files are out of reach */
	{ "limits", limit },
	{ "privileges", drop_capabilities }, /* all others need some; sets no_new_privs */
	{ "announcement", announce_payload }, /* last */
};

/* ---- the payload --------------------------------------------------------------------------- */

/* Ignored signals and blocked ones outlive exec: the payload starts with neither. */
static int reset_signals(struct child *child, struct err *err)
{
	sigset_t none;

	(void)child;
	for (int number = 1; number < NSIG; number++) {
		if (number != SIGKILL && number != SIGSTOP)
			(void)signal(number, SIG_DFL); /* glibc keeps two for itself: EINVAL */
	}
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_set(err, errno, "unblock all");
	return 0;
}

static int enter_directory(struct child *child, struct err *err)
{
	const char *directory = child->start->directory;
	char actual[PATH_MAX];

	if (chdir(directory) < 0) {
		err_set(err, errno, "change to %s inside the jail", directory);
		return err_hint(err, "Choose another one with --chdir, or show it with --ro-bind.");
	}
	if (!getcwd(actual, sizeof(actual)) || actual[0] != '/')
		return err_set(err, ENOENT, "%s is outside of the jail's root", directory);
	return 0;
}

static int seal_descriptors(struct child *child, struct err *err)
{
	return fds_seal(child->start->spec->pass_fds, child->start->spec->pass_fd_count, err);
}

static int install_filter(struct child *child, struct err *err)
{
	(void)child;
	return seccomp_filter_install(err);
}

/*
 * Does a directory of PATH hold @name? execvp() says EACCES when it may not even look into one of
 * them, which shells, and so users, call "not found".
 */
static bool is_on_path(const char *name)
{
	const char *path = getenv("PATH");
	char candidate[PATH_MAX];

	while (path && *path) {
		size_t length = strcspn(path, ":");

		(void)snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, name);
		if (faccessat(AT_FDCWD, candidate, F_OK, AT_EACCESS) == 0)
			return true;
		path += length;
		path += *path == ':';
	}
	return false;
}

static int become_program(struct child *child, struct err *err)
{
	char **command = child->start->spec->command;
	int code;

	environ = child->start->environment;
	execvp(command[0], command);
	code = errno;
	if (code == EACCES && !strchr(command[0], '/') && !is_on_path(command[0]))
		code = ENOENT;
	if (code != ENOENT) {
		child->exec_status = EXIT_NOT_EXECUTED;
		return err_set(err, code, "execute %s", command[0]);
	}
	child->exec_status = EXIT_NOT_FOUND;
	err_set(err, code, "find %s", command[0]);
	return err_hint(err,
			"The jail has a private /tmp and /run; what lies there outside is shown "
			"with --ro-bind PATH.");
}

static const struct step payload_steps[] = {
	{ "signals", reset_signals },
	{ "working directory", enter_directory },
	{ "descriptors", seal_descriptors },
	{ "seccomp", install_filter }, /* last but one: exec is the only call after it */
	{ "payload", become_program }, /* only returns on failure */
};

_Noreturn static void payload_main(struct child *child)
{
	struct err err;

	(void)run_steps(payload_steps, sizeof(payload_steps) / sizeof(payload_steps[0]), child,
			&err); /* it returned, so it failed */
	give_up(child, child->exec_status, &err);
}

_Noreturn void child_main(const struct jail_start *start)
{
	struct child child = {
		.start = start,
		.root_fd = -1,
		.exec_status = EXIT_NSGATE,
	};
	struct err err;
	pid_t payload;

	if (run_steps(jail_steps, sizeof(jail_steps) / sizeof(jail_steps[0]), &child, &err) < 0)
		give_up(&child, EXIT_NSGATE, &err);
	/*
	 * vfork(): the payload borrows our memory until it executes, which spares copying it. What it
	 * sets up is its own (signals, directory, descriptors, filter); `environ` is not used here.
	 */
	payload = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork): see above
	if (payload == 0)
		payload_main(&child); // NOLINT(clang-analyzer-unix.Vfork): see above
	if (payload < 0) {
		err_set(&err, errno, "fork the payload");
		give_up(&child, EXIT_NSGATE, &err);
	}
	init_main(payload, start);
}

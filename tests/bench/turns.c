/*
 * turns COUNT COMMAND... --- COMMAND... [--- COMMAND...]... - times command lines in turn
 *
 * Runs each command line COUNT times, one after the other in every round, so that whatever else the
 * machine does meanwhile hits all of them alike. Prints "MEDIAN P90" in milliseconds, a line each in
 * the order given. A round before the first warms the caches and is not counted. Standard output of the
 * commands is dropped; one that fails ends the measurement: a quick failure is not a quick start.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX 8

struct line {
	char **argv;
	double *ms;
};

static void die(const char *what)
{
	fprintf(stderr, "turns: %s\n", what);
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double run_once(char **argv, const posix_spawn_file_actions_t *actions)
{
	double start = now_ms();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], actions, NULL, argv, environ) != 0)
		die("cannot start the command");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "turns: %s failed, wait status 0x%x\n", argv[0], (unsigned)status);
		exit(1);
	}
	return now_ms() - start;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Cuts argv at each "---"; returns how many lines there are. */
static int split(char **argv, struct line *lines)
{
	int count = 0;

	while (*argv) {
		if (count == LINES_MAX)
			die("too many command lines");
		lines[count++].argv = argv;
		while (*argv && strcmp(*argv, "---") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return count;
}

int main(int argc, char **argv)
{
	struct line lines[LINES_MAX] = { 0 };
	posix_spawn_file_actions_t actions;
	long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	int count;

	if (rounds < 1 || rounds > 100000)
		die("usage: turns COUNT COMMAND... --- COMMAND...");
	count = split(argv + 2, lines);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count; i++) {
		lines[i].ms = calloc((size_t)rounds, sizeof(*lines[i].ms));
		if (!lines[i].ms || !lines[i].argv[0])
			die("an empty command line");
	}
	for (long round = -1; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			double ms = run_once(lines[i].argv, &actions);

			if (round >= 0)
				lines[i].ms[round] = ms;
		}
	}
	for (int i = 0; i < count; i++) {
		qsort(lines[i].ms, (size_t)rounds, sizeof(*lines[i].ms), compare);
		printf("%.3f %.3f\n", lines[i].ms[rounds / 2], lines[i].ms[rounds * 9 / 10]);
		free(lines[i].ms);
	}
	posix_spawn_file_actions_destroy(&actions);
	return 0;
}

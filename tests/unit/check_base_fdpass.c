/* Descriptors over a socket: they arrive, close on exec, and nothing is kept of a bad message. */
#include "policy/base/fdpass.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/base/auto.h"
#include "tests/unit/suite.h"

static int ends[2];

static void open_pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void close_pair(void)
{
	fd_release(&ends[0]);
	fd_release(&ends[1]);
}

static int count_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}

static void assert_same_file(int a, int b)
{
	struct stat status_a, status_b;

	ck_assert_int_eq(fstat(a, &status_a), 0);
	ck_assert_int_eq(fstat(b, &status_b), 0);
	ck_assert(status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino);
}

START_TEST(arrive_in_order_and_close_on_exec)
{
	int null AUTO(fd_release) = open("/dev/null", O_RDWR); /* on purpose not close-on-exec */
	int root AUTO(fd_release) = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sent[FDPASS_MAX], got[FDPASS_MAX];
	struct err err = { 0 };

	for (int i = 0; i < FDPASS_MAX; i++)
		sent[i] = i % 2 ? root : null;
	ck_assert_int_eq(fdpass_send(ends[0], sent, FDPASS_MAX, &err), 0);
	ck_assert_int_eq(fdpass_receive(ends[1], got, FDPASS_MAX, &err), 0);
	for (int i = 0; i < FDPASS_MAX; i++) {
		assert_same_file(sent[i], got[i]);
		ck_assert_int_ne(fcntl(got[i], F_GETFD) & FD_CLOEXEC, 0);
		fd_release(&got[i]);
	}
	ck_assert_int_ge(fcntl(null, F_GETFD), 0); /* still the sender's */
}
END_TEST

START_TEST(another_number_keeps_none)
{
	int sent[3] = { STDIN_FILENO, STDIN_FILENO, STDIN_FILENO };
	int got[4] = { -1, -1, -1, -1 };
	int before = count_open();
	struct err err = { 0 };

	ck_assert_int_eq(fdpass_send(ends[0], sent, 3, &err), 0);
	ck_assert_int_eq(fdpass_receive(ends[1], got, 2, &err), -EPROTO);
	ck_assert_str_eq(err.text, "receive descriptors: 3 instead of 2");
	ck_assert_int_eq(fdpass_send(ends[0], sent, 3, &err), 0);
	ck_assert_int_eq(fdpass_receive(ends[1], got, 4, &err), -EPROTO);
	ck_assert_str_eq(err.text, "receive descriptors: 3 instead of 4");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(got[i], -1);
	ck_assert_int_eq(count_open(), before);
}
END_TEST

/* More than fits: the kernel cuts the message and says so. */
START_TEST(a_cut_message_keeps_none)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * (FDPASS_MAX + 1))];
	} control = { 0 };
	struct iovec data = { .iov_base = (char[]) { 'L' }, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int got[FDPASS_MAX], before = count_open();
	struct err err = { 0 };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int) * (FDPASS_MAX + 1));
	ck_assert_int_eq(sendmsg(ends[0], &message, 0), 1); /* nine times descriptor 0 */
	ck_assert_int_eq(fdpass_receive(ends[1], got, FDPASS_MAX, &err), -EPROTO);
	ck_assert_int_eq(count_open(), before);
}
END_TEST

START_TEST(a_message_without_descriptors_is_refused)
{
	struct err err = { 0 };
	int got[1];

	ck_assert_int_eq(send(ends[0], "L", 1, 0), 1);
	ck_assert_int_eq(fdpass_receive(ends[1], got, 1, &err), -EPROTO);
	ck_assert_str_eq(err.text, "receive descriptors: none in the message");
}
END_TEST

START_TEST(a_peer_that_is_gone_is_told_apart)
{
	int sent[1] = { STDIN_FILENO }, got[1];
	struct err err = { 0 };

	fd_release(&ends[0]);
	ck_assert_int_eq(fdpass_receive(ends[1], got, 1, &err), -ECONNRESET);
	ck_assert_int_eq(fdpass_send(ends[1], sent, 1, &err), -EPIPE); /* and no SIGPIPE */
	ck_assert_int_eq(fdpass_receive(-1, got, 1, &err), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/fdpass");
	TCase *tcase = tcase_create("fdpass");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, open_pair, close_pair);
	tcase_add_test(tcase, arrive_in_order_and_close_on_exec);
	tcase_add_test(tcase, another_number_keeps_none);
	tcase_add_test(tcase, a_cut_message_keeps_none);
	tcase_add_test(tcase, a_message_without_descriptors_is_refused);
	tcase_add_test(tcase, a_peer_that_is_gone_is_told_apart);
	return suite_run(suite);
}

/*
 * A policy as bytes. See snapshot.h.
 *
 * Rules travel as their texts and are parsed again at the other end: one parser, no format of its
 * own that could disagree with it. The first byte is the dialect. A rule is a byte that says which
 * list it belongs to, its origin and its text, the two of them ended by a NUL.
 */
#include "policy/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/base/auto.h"

#define ALLOW 'A'
#define DENY  'D'

static bool write_list(FILE *file, char kind, const struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		if (fprintf(file, "%c%s%c%s%c", kind, rule->origin, '\0', rule->text, '\0') < 0)
			return false;
	}
	return true;
}

int snapshot_write(const struct policy *policy, int *fd_out, struct err *err)
{
	int fd AUTO(fd_release) = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy AUTO(fd_release) = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	bool is_written;

	if (!file)
		return err_set(err, errno, "make an anonymous file");
	(void)fd_take(&copy); /* the stream's */
	is_written = fputc((int)policy->dialect, file) != EOF &&
		     write_list(file, ALLOW, &policy->allow) &&
		     write_list(file, DENY, &policy->deny);
	if (fclose(file) != 0 || !is_written)
		return err_set(err, errno ? errno : EIO, "write the policy");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_set(err, errno, "seal the policy");
	*fd_out = fd_take(&fd);
	return 0;
}

/* The whole file with a NUL behind it, heap; NULL with errno. */
static char *read_all(int fd, size_t *size_out)
{
	struct stat status;
	size_t done = 0;
	char *bytes;

	if (fstat(fd, &status) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return NULL;
	*size_out = (size_t)status.st_size;
	bytes = calloc(1, *size_out + 1);
	while (bytes && done < *size_out) {
		ssize_t got = read(fd, bytes + done, *size_out - done);

		if (got <= 0) {
			errno = got < 0 ? errno : EIO;
			free(bytes);
			return NULL;
		}
		done += (size_t)got;
	}
	return bytes;
}

static int read_rules(const char *bytes, size_t size, struct policy *policy, struct err *err)
{
	const char *end = bytes + size;

	if (size == 0 || bytes[0] < RULE_NSGATE || bytes[0] > RULE_BOUNDARY ||
	    (size > 1 && end[-1] != '\0'))
		return err_bad(err, "the policy is cut off");
	policy->dialect = (enum rule_dialect)bytes[0];
	for (const char *at = bytes + 1; at < end;) {
		const char *origin = at + 1, *text = origin + strlen(origin) + 1;
		int rc;

		if ((*at != ALLOW && *at != DENY) || text >= end)
			return err_bad(err, "the policy is cut off");
		rc = (*at == ALLOW ? policy_allow : policy_deny)(policy, text, place_of(origin),
								 err);
		if (rc < 0)
			return rc;
		at = text + strlen(text) + 1;
	}
	return policy_compile(policy, err);
}

int snapshot_read(int fd, struct policy *policy, struct err *err)
{
	size_t size;
	char *bytes AUTO(heap_release) = read_all(fd, &size);
	int rc;

	policy_init(policy);
	if (!bytes)
		return err_set(err, errno, "read the policy");
	rc = read_rules(bytes, size, policy, err);
	if (rc < 0)
		policy_done(policy);
	return rc;
}

/*
 * Runs a fuzz target over files instead of libFuzzer: replay FILE|DIRECTORY...
 * Each input is copied to a heap buffer of its exact size, so that AddressSanitizer sees one byte
 * too far. Replaying nothing is a failure: an empty corpus must not look like a passed test.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/base/auto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns whether the file could be read. */
static bool replay_file(const char *path, size_t size)
{
	FILE *file AUTO(file_release) = fopen(path, "rbe");
	uint8_t *data AUTO(heap_release) = malloc(size ? size : 1);

	if (!file || !data || fread(data, 1, size, file) != size) {
		(void)fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return false;
	}
	if (size == 0) { /* malloc(0) may be NULL, malloc(1) is a byte too much */
		(void)LLVMFuzzerTestOneInput(data + 1, 0);
		return true;
	}
	(void)LLVMFuzzerTestOneInput(data, size);
	return true;
}

static bool replay(const char *path, size_t *replayed);

static bool replay_directory(const char *path, size_t *replayed)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, NULL, alphasort);
	bool is_fine = count >= 0;

	for (int i = 0; i < count; i++) {
		char entry[PATH_MAX];

		(void)snprintf(entry, sizeof(entry), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			is_fine = replay(entry, replayed) && is_fine;
		free(entries[i]);
	}
	free(entries);
	return is_fine;
}

static bool replay(const char *path, size_t *replayed)
{
	struct stat status;

	if (stat(path, &status) < 0) {
		(void)fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return false;
	}
	if (S_ISDIR(status.st_mode))
		return replay_directory(path, replayed);
	(*replayed)++;
	return replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
	size_t replayed = 0;
	bool is_fine = true;

	for (int i = 1; i < argc; i++)
		is_fine = replay(argv[i], &replayed) && is_fine;
	(void)printf("replayed %zu inputs\n", replayed);
	return is_fine && replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

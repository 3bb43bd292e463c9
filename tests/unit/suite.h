/* The frame of every unit test. */
#ifndef NSGATE_SUITE_H
#define NSGATE_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs @suite and frees it. Returns what main() returns. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV); /* CK_VERBOSITY, CK_FORK, CK_RUN_CASE … */
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

/* The payload's seccomp filter. See filter.h. */
#include "jail/seccomp/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "payload_filter.h"

int seccomp_filter_install(struct err *err)
{
	struct sock_fprog program = {
		.len = sizeof(payload_filter) / sizeof(payload_filter[0]),
		.filter = (struct sock_filter *)(uintptr_t)
			payload_filter, /* the kernel only reads it */
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return err_set(err, errno, "install the seccomp filter");
	return 0;
}

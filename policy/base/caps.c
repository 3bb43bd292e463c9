/* Giving up every capability. See caps.h. */
#include "policy/base/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BITS                                                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

bool caps_has(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[capability / 32].effective & 1u << capability % 32);
}

/* Both need CAP_SETPCAP; a process without it has nothing to lose by exec either. */
static int drop_bounds(struct err *err)
{
	if (!caps_has(CAP_SETPCAP))
		return 0;
	/* up to the first that this kernel does not know */
	for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;
	     capability++)
		;
	if (errno != EINVAL)
		return err_set(err, errno, "empty the bounding set");
	if (prctl(PR_SET_SECUREBITS, BITS, 0, 0, 0) < 0)
		return err_set(err, errno, "lock the securebits");
	return 0;
}

int caps_drop_all(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "set no_new_privs");
	if (drop_bounds(err) < 0)
		return -err->code;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(err, errno, "clear the ambient capabilities");
	if (syscall(SYS_capset, &header, none) < 0)
		return err_set(err, errno, "drop all capabilities");
	return 0;
}

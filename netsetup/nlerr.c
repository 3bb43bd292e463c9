/* libnl-3 errors become struct err. */
#include <errno.h>
#include <netlink/errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "netsetup/steps.h"

/* Source: nl_syserr2nlerr() in libnl-3's lib/error.c, read backwards. */
static int to_errno(int code)
{
	switch (code < 0 ? -code : code) {
	case NLE_BAD_SOCK:
		return EBADF;
	case NLE_EXIST:
		return EEXIST;
	case NLE_OBJ_NOTFOUND:
		return ENOENT;
	case NLE_NOATTR:
	case NLE_MISSING_ATTR:
	case NLE_MSGTYPE_NOSUPPORT:
	case NLE_INVAL:
		return EINVAL;
	case NLE_AF_NOSUPPORT:
		return EAFNOSUPPORT;
	case NLE_OPNOTSUPP:
		return EOPNOTSUPP;
	case NLE_AGAIN:
		return EAGAIN;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_NOACCESS:
		return EACCES;
	case NLE_PERM:
		return EPERM;
	case NLE_BUSY:
		return EBUSY;
	case NLE_RANGE:
		return ERANGE;
	case NLE_NODEV:
		return ENODEV;
	case NLE_NOADDR:
		return EADDRNOTAVAIL;
	default:
		return EPROTO;
	}
}

int nlerr_set(struct err *err, int code, const char *format, ...)
{
	char action[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(action, sizeof(action), format, args); /* cut is fine */
	va_end(args);
	return err_set(err, to_errno(code), "%s: %s", action, nl_geterror(code));
}

/* International labels of host names (RFC 5891, UTS #46). */
#ifndef NSGATE_IDNA_H
#define NSGATE_IDNA_H

#include <stddef.h>

#define LABEL_MAX_LENGTH 63 /* RFC 1035 */

/*
 * The A-label (xn--...) of one label in UTF-8. Refuses what maps to an ASCII label (full-width
 * letters) or to several: such a label only looks like what it would become. Returns 0, -EINVAL,
 * or -ENOMEM.
 */
int idna_label(const char *label, size_t length, char out[LABEL_MAX_LENGTH + 1]);

#endif

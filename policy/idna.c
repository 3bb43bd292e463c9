/* International labels. See idna.h. */
#include "policy/idna.h"

#include <errno.h>
#include <idn2.h>
#include <string.h>

#define UTF8_MAX 1024 /* of a label; none this long fits into 63 bytes */

int idna_label(const char *label, size_t length, char out[LABEL_MAX_LENGTH + 1])
{
	char text[UTF8_MAX], *ascii = NULL;
	int rc;

	if (length >= sizeof(text) || memchr(label, '\0', length))
		return -EINVAL;
	memcpy(text, label, length);
	text[length] = '\0';
	rc = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return rc == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	rc = -EINVAL;
	if (strncmp(ascii, "xn--", 4) == 0 && strlen(ascii) <= LABEL_MAX_LENGTH &&
	    !strchr(ascii, '.')) {
		(void)strcpy(out, ascii);
		rc = 0;
	}
	idn2_free(ascii);
	return rc;
}

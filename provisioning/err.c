/*
 * err.c - see err.h.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>

size_t err_printable(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t len = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 :
		     c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

	if (c[0] < ' ' || c[0] == 0x7f) {
		return 0;
	}
	/* U+0080 to 9F are control characters, too; then what would be longer
	 * than it must be, surrogates, and what is beyond U+10FFFF. */
	low = c[0] == 0xc2 || c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : low;
	high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : high;
	for (size_t i = 1; i < len; i++) {
		if (c[i] < low || c[i] > high) {
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

int err_set(struct err *err, int rc, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!err) {
		return rc;
	}
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	for (char *c = err->text; *c; c += len) {
		len = err_printable(c);
		if (!len) {
			*c = '?';
			len = 1;
		}
	}
	return rc;
}

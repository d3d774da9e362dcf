/*
 * format.h - printf's formatting, for the image.
 *
 * Conversions: %s %c %d %i %u %x %X %p %%, lengths h hh l ll z, width, `0`
 * and `-` flags, precision for strings, `*` for either.  Nothing else.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Write at most n bytes, the closing NUL among them (n >= 1).
 * Returns the length the whole text would have had.
 */
size_t format_args(char *buf, size_t n, const char *fmt, va_list ap);
size_t format(char *buf, size_t n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

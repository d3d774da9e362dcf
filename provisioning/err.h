/*
 * err.h - one line that tells the operator what went wrong.
 *
 * Functions that can fail for a reason worth telling take a struct err and
 * fill it when, and only when, they return a negative errno value.  The text
 * is one line, without a final newline, names the field or thing at fault and
 * says what is allowed.  May be NULL everywhere.
 */
#ifndef SERAI_ERR_H
#define SERAI_ERR_H

#include <stddef.h>

struct err {
	char text[256];
};

/**
 * Format @err's text (may be NULL) and return @rc, so that a failing function
 * can end in "return err_set(err, -EINVAL, ...)".  What is no printable UTF-8
 * in the result becomes '?': a text may quote a customer's bytes, and goes out
 * as JSON.
 */
int err_set(struct err *err, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Bytes of the printable UTF-8 character (RFC 3629) at @text; 0: none. */
size_t err_printable(const char *text);

#endif

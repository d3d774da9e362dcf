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

struct err {
	char text[256];
};

/**
 * Format @err's text (may be NULL) and return @rc, so that a failing function
 * can end in "return err_set(err, -EINVAL, ...)".  Newlines and control
 * characters in the result become '?': a text may quote a customer's bytes.
 */
int err_set(struct err *err, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

/*
 * secret.h - the shared secret of http-post, and the signature made with it.
 */
#ifndef HOOKS_SECRET_H
#define HOOKS_SECRET_H

#include <stddef.h>

#define SECRET_MIN	16
#define SECRET_MAX	1024
#define SECRET_HEX	65	/* HMAC-SHA256 in hexadecimal, and a 0 */

struct secret {
	unsigned char bytes[SECRET_MAX + 2];
	size_t length;
};

/**
 * Read the secret from file @path: its bytes without one final line end.
 * Refused, with *why: a file that is no regular file, that belongs to
 * somebody else, that group or others can touch, that is too short or long.
 */
int secret_read(struct secret *secret, const char *path, const char **why);

/**
 * Write the lowercase hexadecimal HMAC-SHA256 of "@time.@body" to @hex.
 * The time is signed too, so that a recorded request cannot be sent again
 * next month.  Returns 0 or -EIO.
 */
int secret_sign(const struct secret *secret, long long time, const char *body,
		size_t length, char hex[SECRET_HEX]);

/** Overwrite the secret in memory. */
void secret_wipe(struct secret *secret);

#endif

/*
 * secret.c - reads the secret of http-post; signs with OpenSSL's HMAC.
 */
#define _GNU_SOURCE
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(int fd, const char **why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		*why = strerror(errno);
		return -EIO;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = "not a regular file";
		return -EINVAL;
	}
	if (st.st_uid != geteuid()) {
		*why = "belongs to another user";
		return -EPERM;
	}
	if (st.st_mode & 077) {
		*why = "others can read it; chmod 600 it";
		return -EPERM;
	}
	return 0;
}

int secret_read(struct secret *secret, const char *path, const char **why)
{
	ssize_t r;
	int rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	memset(secret, 0, sizeof(*secret));
	if (fd < 0) {
		rc = -errno;
		*why = strerror(errno);
		return rc;
	}
	rc = check_file(fd, why);
	if (rc != 0) {
		goto out;
	}
	r = read(fd, secret->bytes, sizeof(secret->bytes));
	if (r > 0 && secret->bytes[r - 1] == '\n') {
		r--;
	}
	if (r < SECRET_MIN || r > SECRET_MAX) {
		*why = "must hold 16 to 1024 bytes";
		rc = -EINVAL;
		secret_wipe(secret);
		goto out;
	}
	secret->length = (size_t)r;
out:
	close(fd);
	return rc;
}

int secret_sign(const struct secret *secret, long long time, const char *body,
		size_t length, char hex[SECRET_HEX])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_length = 0;
	char stamp[32];
	size_t stamp_length =
	    (size_t)snprintf(stamp, sizeof(stamp), "%lld.", time);
	unsigned char *text = malloc(stamp_length + length);
	unsigned int i;

	if (!text) {
		return -EIO;
	}
	memcpy(text, stamp, stamp_length);
	memcpy(text + stamp_length, body, length);
	if (!HMAC(EVP_sha256(), secret->bytes, (int)secret->length, text,
		  stamp_length + length, mac, &mac_length) ||
	    mac_length != 32) {
		free(text);
		return -EIO;
	}
	free(text);
	for (i = 0; i < mac_length; i++) {
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	}
	return 0;
}

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

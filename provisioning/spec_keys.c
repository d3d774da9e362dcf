/*
 * spec_keys.c - SSH public keys as customers send them (see spec.h).
 *
 * The key ends up in a file that grants a login, so a line is accepted only
 * when sshd would use it as nothing but a key: no options before the type,
 * and the base64 must begin with the same type (RFC 4253, section 6.6).
 */
#include "spec.h"

#include <errno.h>
#include <string.h>

static const char *const key_types[] = {
	"ssh-ed25519",
	"ssh-rsa",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
};

static int base64_value(char c)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(set, c) : NULL;

	return at ? (int)(at - set) : -1;
}

/* Decode at most @size bytes of the @len characters; bytes or -EINVAL. */
static int base64_decode(const char *text, size_t len, uint8_t *out,
			 size_t size)
{
	unsigned int bits = 0;
	uint32_t hold = 0;
	size_t got = 0;

	if (len % 4 != 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i]);

		if (value < 0) {
			/* Padding: only at the very end, at most two. */
			if (text[i] != '=' || i + 2 < len ||
			    text[len - 1] != '=') {
				return -EINVAL;
			}
			continue;
		}
		hold = hold << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (got < size) {
				out[got] = (uint8_t)(hold >> bits);
			}
			got++;
		}
	}
	return (int)got;
}

/* Does the blob start with its length-prefixed type name? */
static bool blob_is(const char *type, const char *text, size_t len)
{
	size_t type_len = strlen(type);
	uint8_t head[64];
	int got = base64_decode(text, len, head, sizeof(head));

	/* The smallest real key, Ed25519, has 51 bytes. */
	return got >= 51 && head[0] == 0 && head[1] == 0 && head[2] == 0 &&
	       head[3] == type_len && memcmp(head + 4, type, type_len) == 0;
}

static bool line_valid(const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof(key_types) / sizeof(*key_types); i++) {
		size_t type_len = strlen(key_types[i]);
		size_t blob_len = 0;
		const char *blob;

		if (len <= type_len + 1 || line[type_len] != ' ' ||
		    memcmp(line, key_types[i], type_len) != 0) {
			continue;
		}
		blob = line + type_len + 1;
		while (blob + blob_len < line + len && blob[blob_len] != ' ') {
			blob_len++;
		}
		return blob_is(key_types[i], blob, blob_len);
	}
	return false;
}

int spec_keys_check(const char *text, struct err *err)
{
	unsigned int count = 0, number = 0;
	size_t len;

	if (strlen(text) > SPEC_KEYS_MAX) {
		return err_set(err, -EINVAL,
			       "key: more than %d bytes of keys",
			       SPEC_KEYS_MAX);
	}
	if (strstr(text, "PRIVATE KEY")) {
		return err_set(err, -EINVAL, "key: this is a private key; "
			       "give the public one (the .pub file)");
	}
	for (; *text; text += len + (text[len] == '\n')) {
		size_t end;

		len = strcspn(text, "\n");
		end = len;
		number++;
		if (end == 0 || text[0] == '#') {
			continue;
		}
		for (size_t i = 0; i < end; i++) {
			if ((unsigned char)text[i] < ' ') {
				end = 0;
			}
		}
		if (!line_valid(text, end)) {
			return err_set(err, -EINVAL, "key: line %u is no "
				       "OpenSSH public key (ssh-ed25519, "
				       "ssh-rsa, ecdsa-sha2-*, sk-*)", number);
		}
		count++;
	}
	if (count == 0) {
		return err_set(err, -EINVAL, "key: holds no public key");
	}
	return 0;
}

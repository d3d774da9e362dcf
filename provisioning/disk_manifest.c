/*
 * disk_manifest.c - a template's manifest: "key=value" lines.
 *
 *	format=1		first line, always
 *	name=debian-12
 *	version=1.0
 *	description=Debian 12 with systemd
 *	arch=amd64
 *	min_disk_mib=1024
 *	min_ram_mib=128
 *	kernel=kernel		member of the archive
 *	initrd=initrd		optional
 *	cmdline=root=/dev/xvda ro console=hvc0
 *	default_user=root
 *	test_banner=Debian	what the template's test looks for
 *	own_kernel=yes		optional: /boot/grub/grub.cfg boots one from its disk
 *
 * Empty lines and lines that begin with # are skipped.  Unknown keys and keys
 * given twice are refused: a misspelt key must not silently mean a default.
 * The text may come from anywhere; this file is a fuzz target.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_int.h"

#define LINE_MAX_LEN 1024
#define DISK_MIB_MAX (64u << 20)	/* 64 TiB */
#define RAM_MIB_MAX  (4u << 20)		/* 4 TiB */

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* Lower-case letters, digits and inner hyphens; only digits would be an id. */
static bool name_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 32 || s[0] == '-' || s[len - 1] == '-' ||
	    strspn(s, "0123456789") == len) {
		return false;
	}
	for (; *s; s++) {
		if (!is_lower(*s) && *s != '-') {
			return false;
		}
	}
	return true;
}

/*
 * Letters, digits, dots and pluses: no hyphen, so that NAME-VERSION splits at
 * its last one, and nothing that an LVM name may not hold.
 */
static bool version_ok(const char *s)
{
	if (!is_word(s[0]) || strlen(s) > 32) {
		return false;
	}
	for (; *s; s++) {
		if (!is_word(*s) && *s != '.' && *s != '+') {
			return false;
		}
	}
	return true;
}

bool disk_manifest_names_ok(const char *name, const char *version)
{
	return name_ok(name) && version_ok(version);
}

/* As useradd(8) has it; empty is not a user. */
static bool user_ok(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') && *s != '_') {
		return false;
	}
	for (; *s; s++) {
		if (!is_lower(*s) && *s != '_' && *s != '-') {
			return false;
		}
	}
	return true;
}

static bool text_ok(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~') {
			return false;
		}
	}
	return true;
}

enum kind { TEXT, NUMBER, FIXED };

#define MEMBER(f) offsetof(struct disk_template, f)
#define SIZE(f)	  sizeof(((struct disk_template *)0)->f)

static const struct key {
	const char *name;
	enum kind kind;
	bool required;
	size_t at, size;		/* TEXT, NUMBER */
	uint64_t min, max;		/* NUMBER */
	bool (*ok)(const char *s);	/* TEXT */
	const char *allowed;		/* FIXED: the one value; else for err */
} keys[] = {
	{"format", FIXED, true, 0, 0, 0, 0, NULL, "1"},
	{"name", TEXT, true, MEMBER(name), SIZE(name), 0, 0, name_ok,
	 "lower-case letters, digits and inner hyphens, at most 32, not only "
	 "digits"},
	{"version", TEXT, true, MEMBER(version), SIZE(version), 0, 0,
	 version_ok, "letters, digits, '.' and '+', at most 32"},
	{"description", TEXT, false, MEMBER(description), SIZE(description), 0,
	 0, text_ok, "printable ASCII, at most 127"},
	{"arch", FIXED, true, 0, 0, 0, 0, NULL, "amd64"},
	{"min_disk_mib", NUMBER, true, MEMBER(min_disk_mib), 0, 8,
	 DISK_MIB_MAX, NULL, "MiB, 8 to 67108864"},
	{"min_ram_mib", NUMBER, true, MEMBER(min_ram_mib), 0, 8, RAM_MIB_MAX,
	 NULL, "MiB, 8 to 4194304"},
	{"kernel", FIXED, true, 0, 0, 0, 0, NULL, "kernel"},
	{"initrd", FIXED, false, 0, 0, 0, 0, NULL, "initrd"},
	{"cmdline", TEXT, true, MEMBER(cmdline), SIZE(cmdline), 0, 0, text_ok,
	 "printable ASCII, at most 511"},
	{"default_user", TEXT, false, MEMBER(default_user), SIZE(default_user),
	 0, 0, user_ok, "a user name, at most 32"},
	{"test_banner", TEXT, false, MEMBER(test_banner), SIZE(test_banner), 0,
	 0, text_ok, "printable ASCII, at most 127"},
	{"own_kernel", FIXED, false, 0, 0, 0, 0, NULL, "yes"},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))
#define KEY_INITRD 8
#define KEY_OWN_KERNEL 12

static int refuse(const struct key *key, struct err *err)
{
	return err_set(err, -EINVAL, "manifest: %s must be %s", key->name,
		       key->allowed);
}

static int set_value(struct disk_template *tpl, const struct key *key,
		     const char *value, struct err *err)
{
	char *field = (char *)tpl + key->at;
	unsigned long long number;
	char *end;

	switch (key->kind) {
	case FIXED:
		return strcmp(value, key->allowed) ? refuse(key, err) : 0;
	case TEXT:
		if (strlen(value) >= key->size || !key->ok(value)) {
			return refuse(key, err);
		}
		memcpy(field, value, strlen(value) + 1);
		return 0;
	case NUMBER:
		break;
	}
	/* strtoull() takes signs and blanks; a manifest does not. */
	if (value[0] < '0' || value[0] > '9') {
		return refuse(key, err);
	}
	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || *end || number < key->min || number > key->max) {
		return refuse(key, err);
	}
	*(uint64_t *)(void *)field = number;
	return 0;
}

static int parse_line(struct disk_template *tpl, char *line, unsigned int *seen,
		      struct err *err)
{
	char *value = strchr(line, '=');

	if (!value) {
		return err_set(err, -EINVAL,
			       "manifest: '%.40s' is not key=value", line);
	}
	*value++ = '\0';
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].name, line)) {
			continue;
		}
		if (*seen & 1u << i) {
			return err_set(err, -EINVAL, "manifest: %s given twice",
				       line);
		}
		*seen |= 1u << i;
		return set_value(tpl, &keys[i], value, err);
	}
	return err_set(err, -EINVAL, "manifest: unknown key '%.40s'", line);
}

int disk_manifest_parse(struct disk_template *tpl, const char *text,
			size_t len, struct err *err)
{
	char line[LINE_MAX_LEN];
	unsigned int seen = 0;
	size_t at = 0, n;
	int rc;

	memset(tpl, 0, sizeof(*tpl));
	if (memchr(text, '\0', len)) {
		return err_set(err, -EINVAL, "manifest: holds a NUL byte");
	}
	while (at < len) {
		const char *nl = memchr(text + at, '\n', len - at);

		n = nl ? (size_t)(nl - (text + at)) : len - at;
		if (n >= sizeof(line)) {
			return err_set(err, -EINVAL,
				       "manifest: a line is longer than %d",
				       LINE_MAX_LEN - 1);
		}
		memcpy(line, text + at, n);
		line[n] = '\0';
		at += n + 1;
		if (line[0] == '\0' || line[0] == '#') {
			continue;
		}
		rc = parse_line(tpl, line, &seen, err);
		if (rc) {
			return rc;
		}
	}
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (keys[i].required && !(seen & 1u << i)) {
			return err_set(err, -EINVAL, "manifest: no %s",
				       keys[i].name);
		}
	}
	tpl->has_initrd = seen & 1u << KEY_INITRD;
	tpl->has_own_kernel = seen & 1u << KEY_OWN_KERNEL;
	if (!tpl->default_user[0]) {
		strcpy(tpl->default_user, "root");
	}
	return 0;
}

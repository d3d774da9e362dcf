/*
 * disk_customize.c - makes a copy of a template one customer's own.
 *
 * Written before the first start, and never after: from then on the file
 * system is the customer's and dom0 does not look at it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "disk_int.h"
#include "ext.h"

#define PASSWD_MAX (256u << 10)
#define HOME_MAX   256

/* A login of the image, from its own /etc/passwd. */
struct user {
	uint32_t uid, gid;
	char home[HOME_MAX];
};

static int write_text(struct ext *ext, const char *path, uint32_t mode,
		      const char *text, struct err *err)
{
	const struct ext_meta meta = {
		.mode = mode, .mtime = (uint32_t)time(NULL),
	};

	return ext_write_file(ext, path, &meta, text, strlen(text), err);
}

static int write_names(struct ext *ext, const struct guest_config *cfg,
		       struct err *err)
{
	char text[512];
	int rc;

	snprintf(text, sizeof(text), "%s\n", cfg->hostname);
	rc = write_text(ext, "/etc/hostname", 0644, text, err);
	if (rc) {
		return rc;
	}
	snprintf(text, sizeof(text),
		 "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n"
		 "::1\t\tlocalhost ip6-localhost ip6-loopback\n"
		 "ff02::1\t\tip6-allnodes\nff02::2\t\tip6-allrouters\n",
		 cfg->hostname);
	return write_text(ext, "/etc/hosts", 0644, text, err);
}

static int write_resolv(struct ext *ext, const struct guest_config *cfg,
			struct err *err)
{
	char text[sizeof(cfg->dns) * 12], list[sizeof(cfg->dns)];
	char *word, *save = NULL;
	size_t at = 0;

	if (!cfg->dns[0]) {
		return 0;
	}
	strcpy(list, cfg->dns);
	for (word = strtok_r(list, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "nameserver %s\n", word);
	}
	return write_text(ext, "/etc/resolv.conf", 0644, text, err);
}

static int write_network(struct ext *ext, const struct guest_config *cfg,
			 struct err *err)
{
	static const struct ext_meta dir = {.mode = 0755};
	char text[1024];
	int rc = ext_make_dir(ext, "/etc/serai", &dir, err);

	if (rc) {
		return rc;
	}
	/* DNS holds blanks, and guests read this file with sh. */
	snprintf(text, sizeof(text),
		 "ADDRESS4=%s\nPREFIX4=%u\nGATEWAY4=%s\n"
		 "ADDRESS6=%s\nPREFIX6=%u\nGATEWAY6=%s\n"
		 "DNS=\"%s\"\nMAC=%s\n",
		 cfg->address4, cfg->prefix4, cfg->gateway4, cfg->address6,
		 cfg->prefix6, cfg->gateway6, cfg->dns, cfg->mac);
	return write_text(ext, "/etc/serai/network", 0644, text, err);
}

/* Field @n of a colon-separated line, as a new string end in place. */
static char *field(char *line, int n)
{
	char *at = line;

	while (n-- > 0) {
		at = strchr(at, ':');
		if (!at) {
			return NULL;
		}
		*at++ = '\0';
	}
	at[strcspn(at, ":")] = '\0';
	return at;
}

static bool parse_passwd(char *text, const char *name, struct user *user)
{
	char *line, *save = NULL, *rest, *uid, *gid, *home;
	size_t len = strlen(name);

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, name, len) || line[len] != ':') {
			continue;
		}
		/* name:password:uid:gid:comment:home:shell */
		rest = line + len + 1;
		uid = strchr(rest, ':');
		gid = uid ? strchr(uid + 1, ':') : NULL;
		home = gid ? field(gid + 1, 2) : NULL;
		if (!home || home[0] != '/' || strlen(home) >= HOME_MAX) {
			return false;
		}
		user->uid = (uint32_t)strtoul(uid + 1, NULL, 10);
		user->gid = (uint32_t)strtoul(gid + 1, NULL, 10);
		strcpy(user->home, home);
		return true;
	}
	return false;
}

static int find_user(struct ext *ext, const char *name, struct user *user,
		     struct err *err)
{
	char *text;
	int rc;

	*user = (struct user){.home = "/root"};
	if (!strcmp(name, "root") || !name[0]) {
		return 0;
	}
	text = malloc(PASSWD_MAX);
	if (!text) {
		return err_set(err, -ENOMEM, "no memory");
	}
	rc = ext_read_file(ext, "/etc/passwd", text, PASSWD_MAX, err);
	if (!rc && !parse_passwd(text, name, user)) {
		rc = err_set(err, -EINVAL, "template has no user %s with a home",
			     name);
	}
	free(text);
	return rc;
}

/* sshd refuses keys in directories that others may write. */
static int write_keys(struct ext *ext, const char *name, const char *keys,
		      struct err *err)
{
	char path[HOME_MAX + 32];
	struct user user;
	struct ext_meta meta = {.mode = 0700, .mtime = (uint32_t)time(NULL)};
	int rc = find_user(ext, name, &user, err);

	if (rc) {
		return rc;
	}
	meta.uid = user.uid;
	meta.gid = user.gid;
	rc = ext_make_dir(ext, user.home, &meta, err);
	if (rc) {
		return rc;
	}
	snprintf(path, sizeof(path), "%s/.ssh", user.home);
	rc = ext_make_dir(ext, path, &meta, err);
	if (rc) {
		return rc;
	}
	meta.mode = 0600;
	snprintf(path, sizeof(path), "%s/.ssh/authorized_keys", user.home);
	return ext_write_file(ext, path, &meta, keys, strlen(keys), err);
}

/*
 * Checked by spec.c before, and here again because these bytes end up in files
 * that the guest's root shell reads.
 */
static bool plain(const char *s, const char *also)
{
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr(also, *s)) {
			return false;
		}
	}
	return true;
}

static int check_config(const struct guest_config *cfg, struct err *err)
{
	if (!cfg->hostname[0] || !plain(cfg->hostname, "-.")) {
		return err_set(err, -EINVAL, "hostname: bad characters");
	}
	if (!plain(cfg->mac, ":") || !plain(cfg->address4, ".") ||
	    !plain(cfg->gateway4, ".") || !plain(cfg->address6, ":.") ||
	    !plain(cfg->gateway6, ":.") || !plain(cfg->dns, ":. ")) {
		return err_set(err, -EINVAL, "network: bad characters");
	}
	if (!plain(cfg->default_user, "-_")) {
		return err_set(err, -EINVAL, "default_user: bad characters");
	}
	return 0;
}

static int write_all(struct ext *ext, const struct guest_config *cfg,
		     struct err *err)
{
	const char *keys = cfg->ssh_keys ? cfg->ssh_keys : "";
	int rc = write_names(ext, cfg, err);

	if (!rc) {
		rc = write_resolv(ext, cfg, err);
	}
	if (!rc) {
		rc = write_network(ext, cfg, err);
	}
	if (!rc) {
		rc = write_keys(ext, "root", keys, err);
	}
	if (!rc && cfg->default_user[0] && strcmp(cfg->default_user, "root")) {
		rc = write_keys(ext, cfg->default_user, keys, err);
	}
	return rc;
}

int disk_customize(const struct disk_backend *be, uint64_t id,
		   const struct guest_config *cfg, struct err *err)
{
	char path[DISK_PATH_MAX];
	struct ext *ext;
	bool is_phy;
	int rc = check_config(cfg, err);

	if (!rc) {
		rc = disk_path(be, id, path, &is_phy, err);
	}
	if (!rc) {
		rc = ext_open(&ext, path, err);
	}
	if (rc) {
		return rc;
	}
	rc = write_all(ext, cfg, err);
	if (rc) {
		ext_abandon(ext);
		return rc;
	}
	return ext_close(ext, err);
}

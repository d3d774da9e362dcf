/*
 * boot.c - what happens before the first client is served (brain.h).
 *
 * Each question is asked alone and its answer awaited, so nothing can be
 * under way while half-made volumes are cleaned up and left-overs counted.
 */
#include "brain.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Ask and wait; the reply is valid until the next call. */
static struct hands_reply *ask(struct brain *b, struct hands_request *req,
			       struct err *err)
{
	static _Alignas(16) char buffer[HANDS_REPLY_MAX];
	struct hands_reply *reply = (struct hands_reply *)buffer;
	uint32_t tag = brain_ask(b, req, NULL);

	for (;;) {
		ssize_t len = recv(b->hands_fd, buffer, sizeof(buffer), 0);

		if (len < 0 && errno == EINTR) {
			continue;
		}
		if (len < (ssize_t)sizeof(*reply)) {
			b->quit = true;
			err_set(err, -EPIPE, "the privileged process is gone");
			return NULL;
		}
		if (reply->tag == tag) {
			break;
		}
	}
	if (reply->rc) {
		*err = reply->err;
	}
	return reply;
}

static int boot_id(struct brain *b, struct err *err)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char id[64] = "unknown";

	if (file) {
		if (fgets(id, sizeof(id), file)) {
			id[strcspn(id, "\n")] = '\0';
		}
		fclose(file);
	}
	return store_boot(b->store, id, brain_now(), err);
}

/*
 * Have something removed.  What cannot be now is left for the next start, since
 * no VPS depends on it.
 */
static int clean_up(struct brain *b, struct hands_request *req, bool *done,
		    struct err *err)
{
	struct hands_reply *reply = ask(b, req, err);

	*done = reply && reply->rc == 0;
	if (reply && reply->rc) {
		brain_log("left for the next start: %s", err->text);
	}
	return reply ? 0 : -EPIPE;
}

/*
 * What has no row is removed in a moment, which is right for what a sale left
 * behind.  Disks with ids that this database never gave are something else:
 * customers', and this is not their database.  (The state partition was
 * damaged and is a new one now, or an old copy was put back.)
 */
static int check_disks(struct brain *b, uint64_t last_disk, struct err *err)
{
	uint64_t last_id;
	int rc = store_vps_last_id(b->store, &last_id, err);

	if (rc || last_disk <= last_id) {
		return rc;
	}
	return err_set(err, -EIO, "here are disks of VPSs that this database "
		       "never had (up to v-%llu): nothing is touched; see "
		       "FOREIGN DISKS in vpsd(8)",
		       (unsigned long long)last_disk);
}

/* Volumes whose import was cut short, and removals that were. */
static int clean_templates(struct brain *b, struct err *err)
{
	struct hands_request req = { .op = HANDS_TEMPLATES };
	struct hands_reply *reply = ask(b, &req, err);
	struct hands_template *list;
	uint32_t count;
	int rc = 0;
	bool done;

	if (!reply || reply->rc) {
		return reply ? reply->rc : -EPIPE;
	}
	rc = check_disks(b, reply->u.last_disk, err);
	if (rc) {
		return rc;
	}
	count = reply->count;
	list = calloc(count + 1, sizeof(*list));
	if (!list) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	memcpy(list, reply + 1, count * sizeof(*list));
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		if (store_template_known(b->store, list[i].name,
					 list[i].version)) {
			continue;
		}
		brain_log("removing unfinished template %s %s", list[i].name,
			  list[i].version);
		req = (struct hands_request){ .op = HANDS_TEMPLATE_REMOVE };
		memcpy(req.template, list[i].name, sizeof(req.template));
		memcpy(req.version, list[i].version, sizeof(req.version));
		rc = clean_up(b, &req, &done, err);
	}
	free(list);
	return rc;
}

/* The first that cannot be removed leaves the rest for the next start, too. */
static int finish_removals(struct brain *b, struct err *err)
{
	bool done;

	for (;;) {
		struct hands_request req = { .op = HANDS_TEMPLATE_REMOVE };
		int rc = store_template_removing(b->store, req.template,
						 req.version);

		if (rc) {
			return rc == -ENOENT ? 0 : rc;
		}
		rc = clean_up(b, &req, &done, err);
		if (rc || !done) {
			return rc;
		}
		rc = store_template_forget(b->store, req.template,
					   req.version, err);
		if (rc) {
			return rc;
		}
	}
}

/* NAME of "NAME-VERSION.tar.zst"; false when it is not that. */
static bool package_name(const char *file, char name[DISK_NAME_MAX])
{
	const char *end = strstr(file, ".tar.zst"), *dash = NULL;

	if (!end || end[8]) {
		return false;
	}
	for (const char *c = file; c < end; c++) {
		dash = *c == '-' ? c : dash;
	}
	if (!dash || dash - file >= DISK_NAME_MAX) {
		return false;
	}
	memcpy(name, file, (size_t)(dash - file));
	name[dash - file] = '\0';
	return true;
}

static void import_one(struct brain *b, const char *file)
{
	struct hands_request req = { .op = HANDS_TEMPLATE_IMPORT };
	struct hands_reply *reply;
	struct err err = { "" };
	int len = snprintf(req.path, sizeof(req.path), "%s/%s",
			   b->templates_dir, file);

	if (len < 0 || len >= (int)sizeof(req.path)) {
		return;
	}
	reply = ask(b, &req, &err);
	if (reply && reply->rc == 0 &&
	    store_template_add(b->store, &reply->u.tpl, brain_now(),
			       &err) == 0) {
		brain_log("template %s %s is ready", reply->u.tpl.name,
			  reply->u.tpl.version);
		return;
	}
	brain_log("%s: %s", req.path, err.text);
}

/* Templates in the image, for those the database has no version of. */
static void import_shipped(struct brain *b)
{
	DIR *dir = opendir(b->templates_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char name[DISK_NAME_MAX];

		if (package_name(entry->d_name, name) &&
		    !store_template_known(b->store, name, NULL)) {
			import_one(b, entry->d_name);
		}
	}
	if (dir) {
		closedir(dir);
	}
}

static int look_around(struct brain *b, struct err *err)
{
	struct hands_request req = { .op = HANDS_WORLD, .full = true };
	struct hands_reply *reply;

	b->world_sequence = b->sequence;
	reply = ask(b, &req, err);
	if (!reply || reply->rc) {
		return reply ? reply->rc : -EPIPE;
	}
	recon_world(b, reply, (const struct hands_world *)(reply + 1), true);
	return 0;
}

int boot_run(struct brain *b, struct err *err)
{
	struct hands_request clean = { .op = HANDS_CLEAN };
	struct hands_request host = { .op = HANDS_HOST };
	struct hands_reply *reply;
	bool done;
	int rc = boot_id(b, err);

	if (rc) {
		return rc;
	}
	reply = ask(b, &host, err);
	if (!reply || reply->rc) {
		return reply ? reply->rc : -EPIPE;
	}
	brain_set_host(b, &reply->u.host);
	rc = store_storage(b->store, b->host.disk_is_lvm ? "lvm" : "files",
			   err);
	if (rc == 0) {
		rc = clean_templates(b, err);
	}
	if (rc == 0) {
		rc = finish_removals(b, err);
	}
	if (rc == 0) {
		rc = clean_up(b, &clean, &done, err);
	}
	if (rc) {
		return rc;
	}
	import_shipped(b);
	return look_around(b, err);
}

/*
 * disk.c - volumes of VPSs, whatever the backend.
 *
 *	(none) --copy of template--> tmp-v-N --grow fs, publish--> v-N
 *
 * A power cut leaves either nothing, a tmp-v-N that disk_remove_stale() or
 * the next attempt removes, or a whole v-N.  No locks: vpsd runs one operation
 * per VPS at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_int.h"
#include "ext.h"

const struct disk_ops *disk_ops(const struct disk_backend *be)
{
	return be->kind == DISK_LVM ? &disk_lvm_ops : &disk_file_ops;
}

int disk_make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0755) && errno != EEXIST) {
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	return 0;
}

int disk_sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd)) {
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int disk_backend_probe(struct disk_backend *be, const char *state_dir,
		       const char *vg, struct err *err)
{
	int rc;

	memset(be, 0, sizeof(*be));
	be->kind = DISK_FILE;
	snprintf(be->dir, sizeof(be->dir), "%s/disks", state_dir);
	snprintf(be->templates, sizeof(be->templates), "%s/templates",
		 state_dir);
	rc = disk_make_dir(be->templates, err);
	if (rc) {
		return rc;
	}
	if (vg && strlen(vg) < sizeof(be->vg) && disk_lvm_probe(vg, "pool")) {
		be->kind = DISK_LVM;
		strcpy(be->vg, vg);
		strcpy(be->pool, "pool");
		return 0;
	}
	return disk_make_dir(be->dir, err);
}

static void vps_volume(char volume[DISK_VOLUME_MAX], uint64_t id)
{
	snprintf(volume, DISK_VOLUME_MAX, "v-%" PRIu64, id);
}

static void tmp_volume(char tmp[DISK_VOLUME_MAX], const char *volume)
{
	snprintf(tmp, DISK_VOLUME_MAX, DISK_TMP "%.120s", volume);
}

/* -ENOENT, with a line, unless @volume is there. */
static int must_exist(const struct disk_backend *be, const char *volume,
		      struct err *err)
{
	int rc = disk_ops(be)->exists(be, volume, err);

	if (rc == 0) {
		return err_set(err, -ENOENT, "no volume %s", volume);
	}
	return rc < 0 ? rc : 0;
}

int disk_template_volume(char volume[DISK_VOLUME_MAX], const char *name,
			 const char *version, struct err *err)
{
	if (!disk_manifest_names_ok(name, version)) {
		return err_set(err, -EINVAL, "template: bad name or version");
	}
	snprintf(volume, DISK_VOLUME_MAX, "t-%.50s-%.50s", name, version);
	return 0;
}

/* Give tmp-@volume its size on the inside, then its name. */
static int finish_copy(const struct disk_backend *be, const char *volume,
		       const char *tmp, bool larger, struct err *err)
{
	const struct disk_ops *ops = disk_ops(be);
	char path[DISK_PATH_MAX];
	int rc = 0;

	if (larger) {
		ops->path(be, tmp, path);
		rc = ext_grow(path, err);
	}
	return rc ? rc : ops->publish(be, volume, false, err);
}

int disk_create(const struct disk_backend *be, uint64_t id, const char *name,
		const char *version, uint64_t size_mib, struct err *err)
{
	const struct disk_ops *ops = disk_ops(be);
	char volume[DISK_VOLUME_MAX], tmp[DISK_VOLUME_MAX];
	char origin[DISK_VOLUME_MAX];
	uint64_t origin_mib;
	int rc = disk_template_volume(origin, name, version, err);

	if (rc) {
		return rc;
	}
	vps_volume(volume, id);
	tmp_volume(tmp, volume);
	rc = ops->exists(be, volume, err);
	if (rc) {
		return rc < 0 ? rc : 0;
	}
	rc = must_exist(be, origin, err);
	if (!rc) {
		rc = ops->size(be, origin, &origin_mib, err);
	}
	if (rc) {
		return rc;
	}
	if (size_mib < origin_mib) {
		return err_set(err, -EINVAL,
			       "disk: %s needs at least %" PRIu64 " MiB", name,
			       origin_mib);
	}
	rc = ops->remove(be, tmp, err);
	if (!rc) {
		rc = ops->copy(be, tmp, origin, size_mib, err);
	}
	if (!rc) {
		rc = finish_copy(be, volume, tmp, size_mib > origin_mib, err);
	}
	if (rc) {
		/* The first error is the one worth telling. */
		ops->remove(be, tmp, NULL);
	}
	return rc;
}

/*
 * The volume only: its file system is the customer's by now, and is grown by
 * the guest itself.
 */
int disk_grow(const struct disk_backend *be, uint64_t id, uint64_t size_mib,
	      struct err *err)
{
	const struct disk_ops *ops = disk_ops(be);
	char volume[DISK_VOLUME_MAX];
	uint64_t old_mib;
	int rc;

	vps_volume(volume, id);
	rc = must_exist(be, volume, err);
	if (!rc) {
		rc = ops->size(be, volume, &old_mib, err);
	}
	if (rc) {
		return rc;
	}
	if (size_mib < old_mib) {
		return err_set(err, -EINVAL,
			       "disk: cannot shrink from %" PRIu64 " MiB",
			       old_mib);
	}
	return size_mib == old_mib ? 0 : ops->grow(be, volume, size_mib, err);
}

int disk_remove(const struct disk_backend *be, uint64_t id, struct err *err)
{
	const struct disk_ops *ops = disk_ops(be);
	char volume[DISK_VOLUME_MAX], tmp[DISK_VOLUME_MAX];
	int rc;

	vps_volume(volume, id);
	tmp_volume(tmp, volume);
	rc = ops->remove(be, tmp, err);
	return rc ? rc : ops->remove(be, volume, err);
}

int disk_path(const struct disk_backend *be, uint64_t id,
	      char path[DISK_PATH_MAX], bool *is_phy, struct err *err)
{
	char volume[DISK_VOLUME_MAX];
	int rc;

	vps_volume(volume, id);
	disk_ops(be)->path(be, volume, path);
	*is_phy = be->kind == DISK_LVM;
	rc = access(path, F_OK) ? -errno : 0;
	return rc ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

int disk_capacity(const struct disk_backend *be, uint64_t *total_mib,
		  uint64_t *used_mib, uint64_t *free_mib, struct err *err)
{
	return disk_ops(be)->capacity(be, total_mib, used_mib, free_mib, err);
}

struct listing {
	const struct disk_backend *be;
	struct disk_entry *entries;
	size_t count, room;
};

/* "v-12" or "t-NAME-VERSION" as we make them; false for anything else. */
static bool parse_volume(const char *volume, struct disk_entry *entry)
{
	char again[DISK_VOLUME_MAX];
	const char *dash;
	size_t len;

	memset(entry, 0, sizeof(*entry));
	if (!strncmp(volume, "v-", 2)) {
		entry->vps_id = strtoull(volume + 2, NULL, 10);
		vps_volume(again, entry->vps_id);
		return !strcmp(again, volume);
	}
	dash = strrchr(volume, '-');
	if (strncmp(volume, "t-", 2) || dash < volume + 3) {
		return false;
	}
	len = (size_t)(dash - (volume + 2));
	if (len >= sizeof(entry->name) ||
	    strlen(dash + 1) >= sizeof(entry->version)) {
		return false;
	}
	entry->is_template = true;
	memcpy(entry->name, volume + 2, len);
	strcpy(entry->version, dash + 1);
	return disk_manifest_names_ok(entry->name, entry->version);
}

/* A template without its directory is an import that was cut short. */
static bool is_whole(const struct disk_backend *be,
		     const struct disk_entry *entry)
{
	char path[DISK_PATH_MAX + 2 * DISK_NAME_MAX];

	if (!entry->is_template) {
		return true;
	}
	snprintf(path, sizeof(path), "%s/%s-%s", be->templates, entry->name,
		 entry->version);
	return access(path, F_OK) == 0;
}

static int add_volume(void *arg, const char *volume, uint64_t size_mib)
{
	struct listing *l = arg;
	struct disk_entry entry, *more;

	if (!parse_volume(volume, &entry) || !is_whole(l->be, &entry)) {
		return 0;
	}
	entry.size_mib = size_mib;
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		more = realloc(l->entries, l->room * sizeof(*more));
		if (!more) {
			return -ENOMEM;
		}
		l->entries = more;
	}
	l->entries[l->count++] = entry;
	return 0;
}

int disk_list(const struct disk_backend *be, struct disk_entry **entries,
	      size_t *count, struct err *err)
{
	struct listing l = {.be = be};
	int rc = disk_ops(be)->each(be, add_volume, &l, err);

	if (rc) {
		free(l.entries);
		l.entries = NULL;
		l.count = 0;
		if (rc == -ENOMEM) {
			err_set(err, rc, "no memory");
		}
	}
	*entries = l.entries;
	*count = l.count;
	return rc;
}

struct stale {
	const struct disk_backend *be;
	char names[64][DISK_VOLUME_MAX];
	size_t count;
};

static int note_stale(void *arg, const char *volume, uint64_t size_mib)
{
	struct stale *s = arg;
	struct disk_entry entry;
	bool stale = !strncmp(volume, DISK_TMP, strlen(DISK_TMP)) ||
		     (parse_volume(volume, &entry) && !is_whole(s->be, &entry));

	(void)size_mib;
	/* More than fit are found the next time. */
	if (stale && s->count < 64) {
		snprintf(s->names[s->count++], DISK_VOLUME_MAX, "%s", volume);
	}
	return 0;
}

int disk_remove_stale(const struct disk_backend *be, struct err *err)
{
	struct stale *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		return err_set(err, -ENOMEM, "no memory");
	}
	s->be = be;
	rc = disk_ops(be)->each(be, note_stale, s, err);
	for (size_t i = 0; i < s->count && !rc; i++) {
		rc = disk_ops(be)->remove(be, s->names[i], err);
	}
	free(s);
	return rc ? rc : disk_import_remove_stale(be, err);
}

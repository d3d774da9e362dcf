/*
 * disk_template.c - templates after their import: look up, remove.
 *
 * A template is the directory TEMPLATES/NAME-VERSION (manifest, kernel,
 * initrd) and the volume t-NAME-VERSION.  The directory is what counts: it
 * appears last and goes first.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk_int.h"

void disk_template_remove_dir(const char *dir)
{
	static const char *const files[] = {"manifest", "kernel", "initrd"};
	char path[DISK_TPL_PATH_MAX + 16];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%.680s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* TEMPLATES/NAME-VERSION[/FILE], after checking both names. */
static int template_path(const struct disk_backend *be, const char *name,
			 const char *version, const char *file,
			 char path[DISK_TPL_PATH_MAX], struct err *err)
{
	char volume[DISK_VOLUME_MAX];
	int rc = disk_template_volume(volume, name, version, err);

	if (!rc) {
		snprintf(path, DISK_TPL_PATH_MAX, "%s/%.110s%s%s", be->templates,
			 volume + 2, file[0] ? "/" : "", file);
	}
	return rc;
}

int disk_template_load(const struct disk_backend *be, const char *name,
		       const char *version, struct disk_template *tpl,
		       struct err *err)
{
	char path[DISK_TPL_PATH_MAX], text[DISK_MANIFEST_MAX];
	size_t len;
	FILE *f;
	int rc = template_path(be, name, version, "manifest", path, err);

	if (rc) {
		return rc;
	}
	f = fopen(path, "re");
	if (!f) {
		return err_set(err, -errno, "no template %s version %s", name,
			       version);
	}
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	return disk_manifest_parse(tpl, text, len, err);
}

/* Directory first, under a name that does not count: then it is gone. */
int disk_template_remove(const struct disk_backend *be, const char *name,
			 const char *version, struct err *err)
{
	char dir[DISK_TPL_PATH_MAX], tmp[DISK_TPL_PATH_MAX], volume[DISK_VOLUME_MAX];
	int rc = template_path(be, name, version, "", dir, err);

	if (!rc) {
		rc = disk_template_volume(volume, name, version, err);
	}
	if (rc) {
		return rc;
	}
	snprintf(tmp, sizeof(tmp), "%s/.tmp-%.110s", be->templates, volume + 2);
	disk_template_remove_dir(tmp);
	if (rename(dir, tmp) && errno != ENOENT) {
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	}
	rc = disk_sync_dir(be->templates, err);
	disk_template_remove_dir(tmp);
	return rc ? rc : disk_ops(be)->remove(be, volume, err);
}

int disk_template_boot(const struct disk_backend *be, const char *name,
		       const char *version, char kernel[DISK_PATH_MAX],
		       char initrd[DISK_PATH_MAX], struct err *err)
{
	char path[DISK_TPL_PATH_MAX];
	int rc = template_path(be, name, version, "kernel", path, err);

	if (rc) {
		return rc;
	}
	if (access(path, R_OK) || strlen(path) >= DISK_PATH_MAX) {
		return err_set(err, -ENOENT, "no template %s version %s", name,
			       version);
	}
	memcpy(kernel, path, strlen(path) + 1);
	template_path(be, name, version, "initrd", path, err);
	initrd[0] = '\0';
	if (access(path, R_OK) == 0 && strlen(path) < DISK_PATH_MAX) {
		memcpy(initrd, path, strlen(path) + 1);
	}
	return 0;
}

int disk_import_remove_stale(const struct disk_backend *be, struct err *err)
{
	char path[DISK_TPL_PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(be->templates);

	if (!dir) {
		return err_set(err, -errno, "%s: %s", be->templates,
			       strerror(errno));
	}
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, ".tmp-", 5)) {
			snprintf(path, sizeof(path), "%s/%.110s", be->templates,
				 entry->d_name);
			disk_template_remove_dir(path);
		}
	}
	closedir(dir);
	return 0;
}

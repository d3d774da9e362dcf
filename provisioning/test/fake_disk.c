/*
 * fake_disk.c - disk.h on small files (fake.h).  A package is a manifest.
 */
#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

int disk_backend_probe(struct disk_backend *be, const char *state_dir,
		       const char *vg, struct err *err)
{
	(void)vg;
	(void)err;
	*be = (struct disk_backend){ .kind = DISK_FILE };
	snprintf(be->dir, sizeof(be->dir), "%s/disks", state_dir);
	return 0;
}

static void volume_path(char path[512], const char *name, const char *version)
{
	fake_path(path, 512, "disk/t-%s-%s", name, version);
}

static void vps_path(char path[512], uint64_t id)
{
	fake_path(path, 512, "disk/v-%llu", (unsigned long long)id);
}

int disk_template_import(const struct disk_backend *be, const char *archive,
			 struct disk_template *tpl, struct err *err)
{
	char text[4096], path[512];
	int rc = fake_enter("import", 0, err);

	(void)be;
	if (rc) {
		return rc;
	}
	if (fake_read(archive, text, sizeof(text)) != 0) {
		return err_set(err, -EINVAL, "file: cannot be read");
	}
	rc = disk_manifest_parse(tpl, text, strlen(text), err);
	if (rc) {
		return rc;
	}
	volume_path(path, tpl->name, tpl->version);
	if (access(path, F_OK) == 0) {
		return err_set(err, -EEXIST, "template: exists already");
	}
	return fake_write(path, "%s", text);
}

int disk_template_remove(const struct disk_backend *be, const char *name,
			 const char *version, struct err *err)
{
	char path[512];
	int rc = fake_enter("template-remove", 0, err);

	(void)be;
	volume_path(path, name, version);
	if (rc == 0) {
		unlink(path);
	}
	return rc;
}

int disk_template_boot(const struct disk_backend *be, const char *name,
		       const char *version, char kernel[DISK_PATH_MAX],
		       char initrd[DISK_PATH_MAX], struct err *err)
{
	(void)be;
	(void)err;
	snprintf(kernel, DISK_PATH_MAX, "/%s-%s/kernel", name, version);
	initrd[0] = '\0';
	return 0;
}

int disk_create(const struct disk_backend *be, uint64_t id, const char *name,
		const char *version, uint64_t size_mib, struct err *err)
{
	char path[512];
	int rc = fake_enter("copy", id, err);

	(void)be;
	if (rc) {
		return rc;
	}
	volume_path(path, name, version);
	if (access(path, F_OK)) {
		return err_set(err, -ENOENT, "template: has no volume");
	}
	vps_path(path, id);
	return access(path, F_OK) == 0 ? 0 :
		fake_write(path, "%llu plain\n", (unsigned long long)size_mib);
}

int disk_customize(const struct disk_backend *be, uint64_t id,
		   const struct guest_config *cfg, struct err *err)
{
	char path[512];
	int rc = fake_enter("customize", id, err);

	(void)be;
	if (rc) {
		return rc;
	}
	vps_path(path, id);
	if (access(path, F_OK)) {
		return err_set(err, -ENOENT, "disk: is not there");
	}
	return fake_write(path, "custom %s %s %s %s\n%s", cfg->hostname,
			  cfg->mac, cfg->address4, cfg->address6,
			  cfg->ssh_keys);
}

int disk_grow(const struct disk_backend *be, uint64_t id, uint64_t size_mib,
	      struct err *err)
{
	(void)be;
	(void)size_mib;
	return fake_enter("grow", id, err);
}

int disk_remove(const struct disk_backend *be, uint64_t id, struct err *err)
{
	char path[512];
	int rc = fake_enter("remove", id, err);

	(void)be;
	vps_path(path, id);
	if (rc == 0) {
		unlink(path);
	}
	return rc;
}

int disk_remove_stale(const struct disk_backend *be, struct err *err)
{
	(void)be;
	return fake_enter("clean", 0, err);
}

int disk_list(const struct disk_backend *be, struct disk_entry **entries,
	      size_t *count, struct err *err)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;

	(void)be;
	(void)err;
	fake_path(path, sizeof(path), "disk");
	dir = opendir(path);
	*count = 0;
	*entries = calloc(4096, sizeof(**entries));
	while (dir && *entries && (entry = readdir(dir))) {
		struct disk_entry *e = &(*entries)[*count];
		unsigned long long id;

		if (sscanf(entry->d_name, "v-%llu", &id) == 1) {
			e->vps_id = id;
			(*count)++;
		} else if (sscanf(entry->d_name, "t-%63[a-z0-9]-%63s", e->name,
				  e->version) == 2) {
			e->is_template = true;
			(*count)++;
		}
	}
	closedir(dir);
	return 0;
}

int disk_path(const struct disk_backend *be, uint64_t id,
	      char path[DISK_PATH_MAX], bool *is_phy, struct err *err)
{
	(void)be;
	(void)err;
	vps_path(path, id);
	*is_phy = false;
	return 0;
}

int disk_capacity(const struct disk_backend *be, uint64_t *total_mib,
		  uint64_t *used_mib, uint64_t *free_mib, struct err *err)
{
	(void)be;
	(void)err;
	*total_mib = 100000;
	*used_mib = 1;
	*free_mib = 99999;
	return 0;
}

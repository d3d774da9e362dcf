/*
 * disk_lvm.c - volumes as LVM thin volumes.
 *
 * lvm is run as a program, without a shell.  There is no udev in dom0, so lvm
 * is told to make device nodes itself.  Thin snapshots are made without the
 * "skip activation" flag (-kn): they come up with the volume group at boot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_int.h"
#include "tool.h"

#define CONFIG                                                                 \
	"activation{udev_sync=0 udev_rules=0 monitoring=0 "                    \
	"reserved_memory=1024} "                                               \
	"global{use_lvmpolld=0 event_activation=0} "                           \
	"backup{backup=0 archive=0}"
#define ARGS_MAX 24
#define LIST_MAX (1u << 20)	/* bytes of lvs output: ten thousand volumes */

/* Run "lvm VERB --config ... ARGS"; @out may be NULL. */
static int lvm(const char *const *args, char *out, size_t size,
	       struct err *err)
{
	const char *argv[ARGS_MAX] = {"lvm", args[0], "--config", CONFIG};
	const struct tool tool = {
		.argv = argv, .output = out, .output_size = size,
		.timeout_s = 300,
	};
	size_t n = 4;

	for (size_t i = 1; args[i] && n + 1 < ARGS_MAX; i++) {
		argv[n++] = args[i];
	}
	argv[n] = NULL;
	return tool_must(&tool, err);
}

#define LVM(err, ...)                                                          \
	lvm((const char *const[]){__VA_ARGS__, NULL}, NULL, 0, err)

static void full_name(const struct disk_backend *be, const char *volume,
		      char name[DISK_PATH_MAX])
{
	snprintf(name, DISK_PATH_MAX, "%.60s/%.120s", be->vg, volume);
}

static void lvm_path(const struct disk_backend *be, const char *volume,
		     char path[DISK_PATH_MAX])
{
	snprintf(path, DISK_PATH_MAX, "/dev/%.60s/%.120s", be->vg, volume);
}

bool disk_lvm_probe(const char *vg, const char *pool)
{
	char name[DISK_PATH_MAX], out[64];
	const char *const args[] = {"lvs", "--noheadings", "-o", "lv_layout",
				    name, NULL};

	snprintf(name, sizeof(name), "%s/%s", vg, pool);
	return lvm(args, out, sizeof(out), NULL) == 0 &&
	       strstr(out, "thin,pool");
}

struct find {
	const char *volume;
	bool found;
	uint64_t size_mib;
};

static int find_one(void *arg, const char *volume, uint64_t size_mib)
{
	struct find *find = arg;

	if (!strcmp(find->volume, volume)) {
		find->found = true;
		find->size_mib = size_mib;
	}
	return 0;
}

static int lvm_each(const struct disk_backend *be,
		    int (*each)(void *arg, const char *volume,
				uint64_t size_mib),
		    void *arg, struct err *err)
{
	const char *const args[] = {
		"lvs", "--noheadings", "--units", "m", "--nosuffix",
		"-o", "lv_name,lv_size", be->vg, NULL,
	};
	char *text = malloc(LIST_MAX), *line, *save = NULL;
	char name[DISK_VOLUME_MAX];
	double size;
	int rc;

	if (!text) {
		return err_set(err, -ENOMEM, "no memory");
	}
	rc = lvm(args, text, LIST_MAX, err);
	for (line = strtok_r(text, "\n", &save); line && !rc;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, " %127s %lf", name, &size) == 2) {
			rc = each(arg, name, (uint64_t)size);
		}
	}
	free(text);
	return rc;
}

static int lvm_exists(const struct disk_backend *be, const char *volume,
		      struct err *err)
{
	struct find find = {.volume = volume};
	int rc = lvm_each(be, find_one, &find, err);

	return rc ? rc : find.found;
}

static int lvm_size(const struct disk_backend *be, const char *volume,
		    uint64_t *size_mib, struct err *err)
{
	struct find find = {.volume = volume};
	int rc = lvm_each(be, find_one, &find, err);

	if (!rc && !find.found) {
		rc = err_set(err, -ENOENT, "no volume %s", volume);
	}
	*size_mib = find.size_mib;
	return rc;
}

static int lvm_make(const struct disk_backend *be, const char *volume,
		    uint64_t size_mib, struct err *err)
{
	char pool[DISK_PATH_MAX], size[32];

	full_name(be, be->pool, pool);
	snprintf(size, sizeof(size), "%" PRIu64 "m", size_mib);
	return LVM(err, "lvcreate", "-y", "-qq", "--type", "thin", "-V", size,
		   "-kn", "-n", volume, "--thinpool", pool);
}

static int lvm_grow(const struct disk_backend *be, const char *volume,
		    uint64_t size_mib, struct err *err)
{
	char name[DISK_PATH_MAX], size[32];

	full_name(be, volume, name);
	snprintf(size, sizeof(size), "%" PRIu64 "m", size_mib);
	return LVM(err, "lvextend", "-qq", "-L", size, name);
}

static int lvm_copy(const struct disk_backend *be, const char *volume,
		    const char *origin, uint64_t size_mib, struct err *err)
{
	char from[DISK_PATH_MAX];
	uint64_t old_mib;
	int rc = lvm_size(be, origin, &old_mib, err);

	if (rc) {
		return rc;
	}
	full_name(be, origin, from);
	rc = LVM(err, "lvcreate", "-y", "-qq", "-s", "-kn", "-ay", "-p", "rw",
		 "-n", volume, from);
	return rc || old_mib >= size_mib ? rc
					 : lvm_grow(be, volume, size_mib, err);
}

static int lvm_publish(const struct disk_backend *be, const char *volume,
		       bool read_only, struct err *err)
{
	char tmp[DISK_VOLUME_MAX], name[DISK_PATH_MAX];
	int rc = 0;

	snprintf(tmp, sizeof(tmp), DISK_TMP "%.120s", volume);
	if (read_only) {
		full_name(be, tmp, name);
		rc = LVM(err, "lvchange", "-qq", "-p", "r", name);
	}
	return rc ? rc : LVM(err, "lvrename", "-qq", be->vg, tmp, volume);
}

static int lvm_remove(const struct disk_backend *be, const char *volume,
		      struct err *err)
{
	char name[DISK_PATH_MAX];
	struct err said = {""};
	int rc;

	full_name(be, volume, name);
	rc = LVM(&said, "lvremove", "-qq", "-f", name);
	if (rc && strstr(said.text, "Failed to find logical volume")) {
		return 0;
	}
	if (rc && strstr(said.text, "in use")) {
		rc = -EBUSY;
	}
	return rc ? err_set(err, rc, "%s", said.text) : 0;
}

/* What is written in the volume of one line; all of it where lvs is silent. */
static double written_mib(const char *line, char name[DISK_VOLUME_MAX],
			  double *size)
{
	double percent;

	switch (sscanf(line, " %127s %lf %lf", name, size, &percent)) {
	case 3:
		return *size * percent / 100;
	case 2:
		return *size;
	default:
		name[0] = '\0';
		return 0;
	}
}

static int lvm_capacity(const struct disk_backend *be, uint64_t *total_mib,
			uint64_t *used_mib, uint64_t *free_mib,
			struct err *err)
{
	const char *const args[] = {
		"lvs", "--noheadings", "--units", "m", "--nosuffix",
		"-o", "lv_name,lv_size,data_percent", be->vg, NULL,
	};
	double size, written, templates = 0, pool = -1, used = 0;
	char *text = malloc(LIST_MAX), *line, *save = NULL;
	char name[DISK_VOLUME_MAX];
	int rc;

	if (!text) {
		return err_set(err, -ENOMEM, "no memory");
	}
	rc = lvm(args, text, LIST_MAX, err);
	for (line = strtok_r(text, "\n", &save); line && !rc;
	     line = strtok_r(NULL, "\n", &save)) {
		written = written_mib(line, name, &size);
		if (!strcmp(name, be->pool)) {
			pool = size;
			used = written;
		} else if (!strncmp(name, "t-", 2)) {
			templates += written;
		}
	}
	free(text);
	if (!rc && pool < 0) {
		rc = err_set(err, -EIO, "lvs does not tell the size of %s/%s",
			     be->vg, be->pool);
	}
	if (rc) {
		return rc;
	}
	*total_mib = pool > templates ? (uint64_t)(pool - templates) : 0;
	*used_mib = (uint64_t)(used + 0.5);
	*free_mib = (uint64_t)(pool - used);
	return 0;
}

const struct disk_ops disk_lvm_ops = {
	.path = lvm_path,
	.exists = lvm_exists,
	.make = lvm_make,
	.copy = lvm_copy,
	.grow = lvm_grow,
	.publish = lvm_publish,
	.remove = lvm_remove,
	.each = lvm_each,
	.size = lvm_size,
	.capacity = lvm_capacity,
};

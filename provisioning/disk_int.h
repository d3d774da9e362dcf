/*
 * disk_int.h - what the two disk backends offer to disk.c and disk_import.c.
 *
 * A volume is named as in LVM: "v-12", "t-busybox-1.0"; files add ".img".  A
 * volume that is being made is called "tmp-" and its name, and gets its own
 * name by publish(), the one step that makes it visible to disk_list().
 */
#ifndef SERAI_DISK_INT_H
#define SERAI_DISK_INT_H

#include "disk.h"

#define DISK_VOLUME_MAX 128	/* "tmp-t-NAME-VERSION", with NUL */
#define DISK_TMP	"tmp-"
#define DISK_MANIFEST_MAX (64u << 10)		/* bytes of a manifest */
#define DISK_TPL_PATH_MAX (DISK_PATH_MAX + 160)	/* TEMPLATES/NAME-VERSION/X */

struct disk_ops {
	/** Path of @volume's file or device node. */
	void (*path)(const struct disk_backend *be, const char *volume,
		     char path[DISK_PATH_MAX]);
	/** 1 there, 0 not, or -errno. */
	int (*exists)(const struct disk_backend *be, const char *volume,
		      struct err *err);
	/** Make @volume, all holes. */
	int (*make)(const struct disk_backend *be, const char *volume,
		    uint64_t size_mib, struct err *err);
	/** Make @volume a writable copy of @origin, at least @size_mib long. */
	int (*copy)(const struct disk_backend *be, const char *volume,
		    const char *origin, uint64_t size_mib, struct err *err);
	int (*grow)(const struct disk_backend *be, const char *volume,
		    uint64_t size_mib, struct err *err);
	/** Rename from DISK_TMP + @volume, on stable storage when it returns;
	 * read-only from now on if @read_only. */
	int (*publish)(const struct disk_backend *be, const char *volume,
		       bool read_only, struct err *err);
	/** Gone already is success; -EBUSY in use. */
	int (*remove)(const struct disk_backend *be, const char *volume,
		      struct err *err);
	/** Call @each for every volume, whatever its name; stops at rc != 0. */
	int (*each)(const struct disk_backend *be,
		    int (*each)(void *arg, const char *volume,
				uint64_t size_mib),
		    void *arg, struct err *err);
	int (*size)(const struct disk_backend *be, const char *volume,
		    uint64_t *size_mib, struct err *err);
	int (*capacity)(const struct disk_backend *be, uint64_t *total_mib,
			uint64_t *used_mib, uint64_t *free_mib,
			struct err *err);
};

extern const struct disk_ops disk_file_ops, disk_lvm_ops;

const struct disk_ops *disk_ops(const struct disk_backend *be);

/** "t-NAME-VERSION", after checking both as the manifest does; -EINVAL. */
int disk_template_volume(char volume[DISK_VOLUME_MAX], const char *name,
			 const char *version, struct err *err);

/** Are these a template's name and version as a manifest may give them? */
bool disk_manifest_names_ok(const char *name, const char *version);

/** Remove a template's directory with the files that imports make in it. */
void disk_template_remove_dir(const char *dir);

/** Remove what imports that were cut short left in TEMPLATES. */
int disk_import_remove_stale(const struct disk_backend *be, struct err *err);

/** mkdir -p of one level; -errno with a line. */
int disk_make_dir(const char *path, struct err *err);

/** fsync() of a directory, so that renames in it survive a power cut. */
int disk_sync_dir(const char *path, struct err *err);

/** Is there a VG @vg with thin pool @pool?  Works without LVM installed. */
bool disk_lvm_probe(const char *vg, const char *pool);

#endif

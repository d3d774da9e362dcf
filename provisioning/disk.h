/*
 * disk.h - volumes: one per template, one per VPS.
 *
 * Two backends with one behaviour: LVM thin volumes when the volume group
 * `serai` with thin pool `serai/pool` exists (t-NAME-VERSION read-only,
 * v-ID a thin snapshot of it), sparse files otherwise (DIR/t-NAME-VERSION.img,
 * DIR/v-ID.img).  dom0's kernel never mounts any of them.
 *
 * Who may call: the privileged process only (hands_*.c), one child process
 * per operation; calls block.  Everything here is idempotent: doing it a
 * second time after a crash at any point ends in the same state.  Never
 * leaves a half-made volume under its final name where the backend can avoid
 * it (make under a temporary name, then rename), so that disk_list() only
 * shows whole ones; disk_list() callers may remove temporaries by
 * disk_remove_stale().
 *
 * Units: MiB.  Errors: 0 or -errno, with a line in @err:
 * -EINVAL bad argument or archive, -ENOSPC no room, -ENOENT no such template
 * or volume, -EBUSY in use, -EIO a tool failed.
 */
#ifndef SERAI_DISK_H
#define SERAI_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define DISK_NAME_MAX	64	/* template name or version, with NUL */
#define DISK_PATH_MAX	512

enum disk_kind {
	DISK_FILE,
	DISK_LVM,
};

/* Where volumes live.  Filled by disk_backend_probe(); plain data. */
struct disk_backend {
	enum disk_kind kind;
	char vg[DISK_NAME_MAX];		/* DISK_LVM: "serai" */
	char pool[DISK_NAME_MAX];	/* DISK_LVM: "pool" */
	char dir[DISK_PATH_MAX];	/* DISK_FILE: "/state/disks" */
	char templates[DISK_PATH_MAX];	/* "/state/templates": kernel, initrd */
};

/* A template's manifest, checked; lengths are limits of the format. */
struct disk_template {
	char name[DISK_NAME_MAX];	/* [a-z0-9][a-z0-9-]* */
	char version[DISK_NAME_MAX];	/* [0-9A-Za-z][0-9A-Za-z.+~_]* */
	char description[128];
	char cmdline[512];
	char default_user[33];		/* "root" when absent */
	char test_banner[128];
	uint64_t min_disk_mib;
	uint64_t min_ram_mib;
	bool has_initrd;
	bool has_own_kernel;		/* its root can be booted by pvgrub */
};

/* What is written into a VPS's file system before its first start. */
struct guest_config {
	char hostname[64];
	char mac[18];		/* "00:16:3e:xx:xx:xx" */
	char address4[16];	/* "" when the VPS has none */
	unsigned int prefix4;
	char gateway4[16];
	char address6[46];
	unsigned int prefix6;
	char gateway6[46];
	char dns[128];		/* addresses separated by one blank; or "" */
	char default_user[33];
	const char *ssh_keys;	/* authorized_keys lines, each ends in \n */
};

/* One volume found by disk_list(). */
struct disk_entry {
	bool is_template;
	uint64_t vps_id;		/* !is_template */
	char name[DISK_NAME_MAX];	/* is_template */
	char version[DISK_NAME_MAX];
	uint64_t size_mib;
};

/**
 * Look whether VG @vg with thin pool "pool" exists; otherwise use files in
 * @state_dir/disks (made if missing).  @vg NULL means: files only.
 */
int disk_backend_probe(struct disk_backend *be, const char *state_dir,
		       const char *vg, struct err *err);

/** Parse and check @text (a manifest, @len bytes); -EINVAL names the key. */
int disk_manifest_parse(struct disk_template *tpl, const char *text,
			size_t len, struct err *err);

/**
 * Import package @archive (NAME-VERSION.tar.zst): check it whole, make the
 * template volume and TEMPLATES/NAME-VERSION/{manifest,kernel,initrd}.
 * Fills @tpl.  Importing the same name and version again is -EEXIST and
 * changes nothing, unless an earlier attempt was cut short.
 */
int disk_template_import(const struct disk_backend *be, const char *archive,
			 struct disk_template *tpl, struct err *err);

/** Read back the manifest of an imported template; -ENOENT. */
int disk_template_load(const struct disk_backend *be, const char *name,
		       const char *version, struct disk_template *tpl,
		       struct err *err);

/** Remove volume and files.  Gone already is success. */
int disk_template_remove(const struct disk_backend *be, const char *name,
			 const char *version, struct err *err);

/** Paths of kernel and initrd ("" when the template has none). */
int disk_template_boot(const struct disk_backend *be, const char *name,
		       const char *version, char kernel[DISK_PATH_MAX],
		       char initrd[DISK_PATH_MAX], struct err *err);

/**
 * Make volume v-@id from template @name-@version, @size_mib long, with its
 * file system grown to fill it.  A whole volume that is already there is
 * success and is left alone.
 */
int disk_create(const struct disk_backend *be, uint64_t id, const char *name,
		const char *version, uint64_t size_mib, struct err *err);

/** Write @cfg into v-@id, which must never have been started. */
int disk_customize(const struct disk_backend *be, uint64_t id,
		   const struct guest_config *cfg, struct err *err);

/** Grow v-@id to @size_mib (never shrinks: -EINVAL); the VPS is stopped. */
int disk_grow(const struct disk_backend *be, uint64_t id, uint64_t size_mib,
	      struct err *err);

/** Remove v-@id.  Gone already is success; -EBUSY while a domain has it. */
int disk_remove(const struct disk_backend *be, uint64_t id, struct err *err);

/** Remove left-overs of operations cut short (temporary names). */
int disk_remove_stale(const struct disk_backend *be, struct err *err);

/** All whole volumes; *entries is malloc()ed, free() it. */
int disk_list(const struct disk_backend *be, struct disk_entry **entries,
	      size_t *count, struct err *err);

/**
 * Device or file of v-@id.  *is_phy: a block device for libxl's phy backend;
 * otherwise a file, which libxl hands to the block script (loop).
 */
int disk_path(const struct disk_backend *be, uint64_t id,
	      char path[DISK_PATH_MAX], bool *is_phy, struct err *err);

/**
 * Of the pool or file system: @total_mib is what may be sold at most (all that
 * templates, and everything else that is no VPS's, leave);
 * @used_mib what is really written; @free_mib what could still be written.
 */
int disk_capacity(const struct disk_backend *be, uint64_t *total_mib,
		  uint64_t *used_mib, uint64_t *free_mib, struct err *err);

#endif

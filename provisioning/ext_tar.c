/*
 * ext_tar.c - fill a fresh ext4 file system from a tar stream.
 *
 * Entries come in the archive's order, straight from the decompressor: nothing
 * is unpacked to disk or memory first, because dom0 has little of either.
 * Checks come before each change; a refused archive leaves a volume that the
 * caller throws away.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "ext_int.h"

#define CHUNK	    (1u << 20)
#define PATH_LEN    4096
#define ENTRIES_MAX 2000000u	/* no tree of a root file system is larger */

struct fill {
	struct ext *ext;
	struct archive *tar;
	char *buf;			/* CHUNK bytes */
	char parent[PATH_LEN];		/* last directory looked up... */
	ext2_ino_t parent_ino;		/* ...and its inode; 0 = none */
	struct err *err;
};

static int refuse(struct fill *f, const char *path, const char *why)
{
	return err_set(f->err, -EINVAL, "root.tar: %.120s: %s", path, why);
}

static int tar_error(struct fill *f)
{
	const char *text = archive_error_string(f->tar);

	return err_set(f->err, -EINVAL, "root.tar: %s",
		       text ? text : "damaged");
}

/*
 * "./usr/bin/x/" -> "usr/bin/x"; "" is the root directory itself.
 * Absolute paths and ".." could only be meant badly.
 */
static int clean_path(struct fill *f, const char *raw, char out[PATH_LEN])
{
	size_t len = 0, n;
	const char *at = raw;

	if (!raw || raw[0] == '/') {
		return refuse(f, raw ? raw : "", "path is absolute or none");
	}
	while (*(at += strspn(at, "/"))) {
		n = strcspn(at, "/");
		if (n == 2 && !strncmp(at, "..", 2)) {
			return refuse(f, raw, "path leaves the tree");
		}
		if (n > EXT2_NAME_LEN || len + n + 2 > PATH_LEN) {
			return refuse(f, raw, "path is too long");
		}
		if (n != 1 || at[0] != '.') {
			if (len) {
				out[len++] = '/';
			}
			memcpy(out + len, at, n);
			len += n;
		}
		at += n;
	}
	out[len] = '\0';
	return 0;
}

/* Host keys must differ between VPSs, so a template cannot hold any. */
static bool is_host_key(const char *path)
{
	return fnmatch("etc/ssh/ssh_host_*_key*", path, 0) == 0 ||
	       fnmatch("etc/dropbear/dropbear_*_host_key", path, 0) == 0;
}

static struct ext_meta meta_of(struct archive_entry *e)
{
	int64_t mtime = archive_entry_mtime(e);

	return (struct ext_meta){
		.uid = (uint32_t)archive_entry_uid(e),
		.gid = (uint32_t)archive_entry_gid(e),
		.mode = archive_entry_perm(e) & 07777,
		.mtime = mtime > 0 && mtime < INT32_MAX ? (uint32_t)mtime : 0,
	};
}

/* Directory of @path and its last part; the same directory as last time is
 * the common case and costs nothing. */
static int find_parent(struct fill *f, const char *path, ext2_ino_t *dir,
		       char leaf[EXT2_NAME_LEN + 1])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int rc;

	if (f->parent_ino && strlen(f->parent) == len &&
	    !strncmp(f->parent, path, len)) {
		*dir = f->parent_ino;
		snprintf(leaf, EXT2_NAME_LEN + 1, "%.255s",
			 slash ? slash + 1 : path);
		return 0;
	}
	rc = ext_walk(f->ext, path, dir, leaf, f->err);
	if (rc) {
		return refuse(f, path,
			      rc == -ELOOP    ? "leads through a link"
			      : rc == -ENOENT ? "comes before its directory"
					      : "bad path");
	}
	memcpy(f->parent, path, len);
	f->parent[len] = '\0';
	f->parent_ino = *dir;
	return 0;
}

static int write_contents(struct fill *f, struct archive_entry *e,
			  ext2_ino_t ino, const char *path)
{
	ext2_file_t file;
	unsigned int done;
	errcode_t code, closed;
	la_ssize_t n = 0;

	if (archive_entry_size(e) == 0) {
		return 0;
	}
	code = ext2fs_file_open(f->ext->fs, ino, EXT2_FILE_WRITE, &file);
	if (code) {
		return ext_error(code, path, f->err);
	}
	while (!code && (n = archive_read_data(f->tar, f->buf, CHUNK)) > 0) {
		code = ext2fs_file_write(file, f->buf, (unsigned int)n, &done);
	}
	closed = ext2fs_file_close(file);
	code = code ? code : closed;
	if (code) {
		return ext_error(code, path, f->err);
	}
	return n < 0 ? tar_error(f) : 0;
}

/* File capabilities and the like ("security.capability" of ping). */
static int set_xattrs(struct fill *f, struct archive_entry *e, ext2_ino_t ino,
		      const char *path)
{
	struct ext2_xattr_handle *handle;
	const char *name;
	const void *value;
	size_t size;
	errcode_t code, closed;

	if (archive_entry_xattr_reset(e) == 0) {
		return 0;
	}
	code = ext2fs_xattrs_open(f->ext->fs, ino, &handle);
	if (code) {
		return ext_error(code, path, f->err);
	}
	code = ext2fs_xattrs_read(handle);
	while (!code &&
	       archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		code = ext2fs_xattr_set(handle, name, value, size);
	}
	closed = ext2fs_xattrs_close(&handle);
	code = code ? code : closed;
	return code ? ext_error(code, path, f->err) : 0;
}

static int add_dir(struct fill *f, ext2_ino_t dir, const char *leaf,
		   const struct ext_meta *meta, const char *path)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	int rc = ext_lookup(f->ext, dir, leaf, &ino, f->err);

	if (rc == -ENOENT) {
		return ext_new_dir(f->ext, dir, leaf, meta, NULL, f->err);
	}
	if (rc) {
		return rc;
	}
	if (ext2fs_read_inode(f->ext->fs, ino, &inode) ||
	    !LINUX_S_ISDIR(inode.i_mode)) {
		return refuse(f, path, "is there already");
	}
	return ext_set_meta(f->ext, ino, meta, f->err);
}

static int add_hardlink(struct fill *f, struct archive_entry *e,
			ext2_ino_t dir, const char *leaf, const char *path)
{
	char target[PATH_LEN], name[EXT2_NAME_LEN + 1];
	struct ext2_inode inode;
	ext2_ino_t tdir, ino;
	errcode_t code;
	int rc = clean_path(f, archive_entry_hardlink(e), target);

	if (!rc) {
		rc = ext_walk(f->ext, target, &tdir, name, f->err);
	}
	if (!rc) {
		rc = ext_lookup(f->ext, tdir, name, &ino, f->err);
	}
	if (rc || ext2fs_read_inode(f->ext->fs, ino, &inode) ||
	    LINUX_S_ISDIR(inode.i_mode) || inode.i_links_count > 60000) {
		return refuse(f, path, "is a link to nothing in the archive");
	}
	inode.i_links_count++;
	code = ext2fs_write_inode(f->ext->fs, ino, &inode);
	if (code) {
		return ext_error(code, path, f->err);
	}
	return ext_enter(f->ext, dir, leaf, ino, EXT2_FT_REG_FILE, f->err);
}

static int add_symlink(struct fill *f, struct archive_entry *e, ext2_ino_t dir,
		       const char *leaf, const struct ext_meta *meta)
{
	const char *target = archive_entry_symlink(e);
	ext2_ino_t ino;
	errcode_t code;
	int rc;

	if (!target || !target[0] || strlen(target) >= PATH_LEN) {
		return refuse(f, leaf, "is a link to nothing");
	}
	code = ext2fs_symlink(f->ext->fs, dir, 0, leaf, target);
	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(f->ext->fs, dir);
		if (!code) {
			code = ext2fs_symlink(f->ext->fs, dir, 0, leaf, target);
		}
	}
	if (code) {
		return ext_error(code, leaf, f->err);
	}
	rc = ext_lookup(f->ext, dir, leaf, &ino, f->err);
	return rc ? rc : ext_set_meta(f->ext, ino, meta, f->err);
}

static int add_device(struct fill *f, struct archive_entry *e, ext2_ino_t dir,
		      const char *leaf, const struct ext_meta *meta)
{
	uint32_t major = (uint32_t)archive_entry_rdevmajor(e);
	uint32_t minor = (uint32_t)archive_entry_rdevminor(e);
	struct ext2_inode inode = {0};
	ext2_ino_t ino;

	/* The kernel's two encodings: old in word 0, else new in word 1. */
	if (major < 256 && minor < 256) {
		inode.i_block[0] = major << 8 | minor;
	} else {
		inode.i_block[1] = (minor & 0xff) | major << 8 |
				   (minor & ~0xffu) << 12;
	}
	return ext_new_inode(f->ext, dir, leaf, meta, archive_entry_filetype(e),
			     &inode, &ino, f->err);
}

static int add_file(struct fill *f, struct archive_entry *e, ext2_ino_t dir,
		    const char *leaf, const struct ext_meta *meta,
		    const char *path)
{
	struct ext2_inode inode = {0};
	ext2_ino_t ino;
	int rc = ext_new_inode(f->ext, dir, leaf, meta, LINUX_S_IFREG, &inode,
			       &ino, f->err);

	if (!rc) {
		rc = write_contents(f, e, ino, path);
	}
	return rc ? rc : set_xattrs(f, e, ino, path);
}

static int add_entry(struct fill *f, struct archive_entry *e)
{
	char path[PATH_LEN], leaf[EXT2_NAME_LEN + 1];
	struct ext_meta meta = meta_of(e);
	ext2_ino_t dir, ino;
	int rc = clean_path(f, archive_entry_pathname(e), path);

	if (rc) {
		return rc;
	}
	if (!path[0]) {
		return ext_set_meta(f->ext, EXT2_ROOT_INO, &meta, f->err);
	}
	if (is_host_key(path)) {
		return refuse(f, path, "a template must not hold host keys");
	}
	rc = find_parent(f, path, &dir, leaf);
	if (rc) {
		return rc;
	}
	if (!archive_entry_hardlink(e) && archive_entry_filetype(e) == AE_IFDIR) {
		return add_dir(f, dir, leaf, &meta, path);
	}
	rc = ext_lookup(f->ext, dir, leaf, &ino, f->err);
	if (rc != -ENOENT) {
		return rc ? rc : refuse(f, path, "is there already");
	}
	if (archive_entry_hardlink(e)) {
		return add_hardlink(f, e, dir, leaf, path);
	}
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return add_file(f, e, dir, leaf, &meta, path);
	case AE_IFLNK:
		return add_symlink(f, e, dir, leaf, &meta);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return add_device(f, e, dir, leaf, &meta);
	default:
		return refuse(f, path, "is of an unknown kind");
	}
}

int ext_fill_from_tar(struct ext *ext, struct archive *tar, struct err *err)
{
	struct fill f = {.ext = ext, .tar = tar, .err = err};
	struct archive_entry *entry;
	unsigned int count = 0;
	int rc = 0, r;

	f.buf = malloc(CHUNK);
	if (!f.buf) {
		return err_set(err, -ENOMEM, "no memory");
	}
	while (!rc && (r = archive_read_next_header(tar, &entry)) !=
			      ARCHIVE_EOF) {
		/* ARCHIVE_WARN (an odd character set, say) is harmless here. */
		if (r < ARCHIVE_WARN) {
			rc = tar_error(&f);
		} else if (++count > ENTRIES_MAX) {
			rc = refuse(&f, "archive", "has too many entries");
		} else {
			rc = add_entry(&f, entry);
		}
	}
	if (!rc && count == 0) {
		rc = refuse(&f, "archive", "is empty");
	}
	free(f.buf);
	return rc;
}

/*
 * ext.c - write into an ext4 file system from user space.
 *
 * No locks: one process works on a volume, and nobody has it mounted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ext2fs/ext2_fs.h>
#include <et/com_err.h>

#include "ext_int.h"
#include "tool.h"

int ext_error(errcode_t code, const char *what, struct err *err)
{
	int rc = -EIO;

	if (code == EXT2_ET_BLOCK_ALLOC_FAIL ||
	    code == EXT2_ET_INODE_ALLOC_FAIL || code == ENOSPC) {
		return err_set(err, -ENOSPC, "%s: file system is full", what);
	}
	if (code == EXT2_ET_NO_MEMORY || code == ENOMEM) {
		rc = -ENOMEM;
	} else if (code == ENOENT || code == EBUSY || code == EACCES) {
		rc = -(int)code;
	}
	return err_set(err, rc, "%s: %s", what, error_message(code));
}

/*
 * Everything is said explicitly, so that an mke2fs.conf, or its absence in
 * the appliance, changes nothing.  4 KiB blocks because the file system grows
 * with the disk that is sold; storage_prezeroed because volumes start as
 * holes, which spares every guest the background zeroing of inode tables.
 */
int ext_format(const char *path, struct err *err)
{
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256",
		"-i", "16384", "-m", "1", "-L", "root", "-O",
		"none,has_journal,ext_attr,resize_inode,dir_index,filetype,"
		"extent,64bit,flex_bg,sparse_super,large_file,huge_file,"
		"dir_nlink,extra_isize,metadata_csum",
		"-E", "lazy_itable_init=1,lazy_journal_init=1,"
		"assume_storage_prezeroed=1,nodiscard,root_owner=0:0",
		path, NULL,
	};
	const struct tool tool = {.argv = argv, .timeout_s = 600};

	return tool_must(&tool, err);
}

int ext_grow(const char *path, struct err *err)
{
	const char *const argv[] = {"resize2fs", path, NULL};
	const struct tool tool = {.argv = argv, .timeout_s = 600};

	return tool_must(&tool, err);
}

static int check_unclean(const char *path, struct err *err)
{
	const char *const argv[] = {"e2fsck", "-f", "-y", path, NULL};
	const struct tool tool = {.argv = argv, .timeout_s = 600};
	int rc = tool_run(&tool, err);

	/* 1 and 2: errors were there and are corrected. */
	return rc > 2 ? -EIO : rc < 0 ? rc : 0;
}

static int open_fs(const char *path, ext2_filsys *fs, struct err *err)
{
	errcode_t code = ext2fs_open(path,
				     EXT2_FLAG_RW | EXT2_FLAG_64BITS |
					     EXT2_FLAG_EXCLUSIVE,
				     0, 0, unix_io_manager, fs);

	return code ? ext_error(code, path, err) : 0;
}

int ext_open(struct ext **out, const char *path, struct err *err)
{
	struct ext *ext;
	errcode_t code;
	int rc;

	*out = NULL;
	ext = calloc(1, sizeof(*ext));
	if (!ext) {
		return err_set(err, -ENOMEM, "no memory");
	}
	snprintf(ext->path, sizeof(ext->path), "%s", path);
	rc = open_fs(path, &ext->fs, err);
	if (!rc && ext->fs->super->s_mtime) {
		rc = err_set(err, -EBUSY, "%s: was mounted before", path);
		goto out_fs;
	}
	if (!rc && !(ext->fs->super->s_state & EXT2_VALID_FS)) {
		ext2fs_free(ext->fs);
		ext->fs = NULL;
		rc = check_unclean(path, err);
		if (!rc) {
			rc = open_fs(path, &ext->fs, err);
		}
	}
	if (rc) {
		goto out_free;
	}
	code = ext2fs_read_bitmaps(ext->fs);
	if (code) {
		rc = ext_error(code, path, err);
		goto out_fs;
	}
	ext->fs->super->s_state &= (uint16_t)~EXT2_VALID_FS;
	ext2fs_mark_super_dirty(ext->fs);
	code = ext2fs_flush(ext->fs);
	if (code) {
		rc = ext_error(code, path, err);
		goto out_fs;
	}
	*out = ext;
	return 0;

out_fs:
	ext2fs_free(ext->fs);
out_free:
	free(ext);
	return rc;
}

int ext_close(struct ext *ext, struct err *err)
{
	errcode_t code = ext2fs_flush(ext->fs);

	if (!code) {
		ext->fs->super->s_state |= EXT2_VALID_FS;
		ext2fs_mark_super_dirty(ext->fs);
		code = ext2fs_close_free(&ext->fs);
	}
	if (code) {
		int rc = ext_error(code, ext->path, err);

		ext_abandon(ext);
		return rc;
	}
	free(ext);
	return 0;
}

void ext_abandon(struct ext *ext)
{
	if (ext->fs) {
		ext2fs_free(ext->fs);
	}
	free(ext);
}

int ext_lookup(struct ext *ext, ext2_ino_t dir, const char *name,
	       ext2_ino_t *ino, struct err *err)
{
	errcode_t code = ext2fs_lookup(ext->fs, dir, name, (int)strlen(name),
				       NULL, ino);

	if (code == EXT2_ET_FILE_NOT_FOUND) {
		return -ENOENT;
	}
	return code ? ext_error(code, name, err) : 0;
}

int ext_forget_mounts(const char *path, struct err *err)
{
	ext2_filsys fs;
	errcode_t code;
	int rc = open_fs(path, &fs, err);

	if (rc) {
		return rc;
	}
	fs->super->s_mtime = 0;
	fs->super->s_mnt_count = 0;
	ext2fs_mark_super_dirty(fs);
	code = ext2fs_close_free(&fs);
	return code ? ext_error(code, path, err) : 0;
}

static int inode_of(struct ext *ext, ext2_ino_t ino, struct ext2_inode *inode,
		    struct err *err)
{
	errcode_t code = ext2fs_read_inode(ext->fs, ino, inode);

	return code ? ext_error(code, "inode", err) : 0;
}

/* Step from *dir into its subdirectory @part. */
static int step(struct ext *ext, const char *path, const char *part,
		ext2_ino_t *dir, struct err *err)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	int rc = ext_lookup(ext, *dir, part, &ino, err);

	if (rc == -ENOENT) {
		return err_set(err, rc, "%s: no directory %s", path, part);
	}
	if (!rc) {
		rc = inode_of(ext, ino, &inode, err);
	}
	if (rc) {
		return rc;
	}
	if (LINUX_S_ISLNK(inode.i_mode)) {
		return err_set(err, -ELOOP, "%s: %s is a symbolic link", path,
			       part);
	}
	if (!LINUX_S_ISDIR(inode.i_mode)) {
		return err_set(err, -ENOTDIR, "%s: %s is not a directory", path,
			       part);
	}
	*dir = ino;
	return 0;
}

int ext_walk(struct ext *ext, const char *path, ext2_ino_t *dir,
	     char leaf[EXT2_NAME_LEN + 1], struct err *err)
{
	const char *at = path;
	size_t n;
	int rc;

	*dir = EXT2_ROOT_INO;
	leaf[0] = '\0';
	while (*(at += strspn(at, "/"))) {
		if (leaf[0]) {
			rc = step(ext, path, leaf, dir, err);
			if (rc) {
				return rc;
			}
		}
		n = strcspn(at, "/");
		if (n > EXT2_NAME_LEN || (n == 1 && at[0] == '.') ||
		    (n == 2 && at[0] == '.' && at[1] == '.')) {
			return err_set(err, -EINVAL, "%.100s: bad path", path);
		}
		memcpy(leaf, at, n);
		leaf[n] = '\0';
		at += n;
	}
	return leaf[0] ? 0 : err_set(err, -EINVAL, "%.100s: bad path", path);
}

int ext_enter(struct ext *ext, ext2_ino_t dir, const char *name,
	      ext2_ino_t ino, int type, struct err *err)
{
	errcode_t code = ext2fs_link(ext->fs, dir, name, ino, type);

	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(ext->fs, dir);
		if (!code) {
			code = ext2fs_link(ext->fs, dir, name, ino, type);
		}
	}
	return code ? ext_error(code, name, err) : 0;
}

static void fill_meta(struct ext2_inode *inode, const struct ext_meta *meta)
{
	inode->i_mode = (uint16_t)((inode->i_mode & LINUX_S_IFMT) |
				   (meta->mode & 07777));
	inode->i_uid = (uint16_t)meta->uid;
	ext2fs_set_i_uid_high(*inode, (uint16_t)(meta->uid >> 16));
	inode->i_gid = (uint16_t)meta->gid;
	ext2fs_set_i_gid_high(*inode, (uint16_t)(meta->gid >> 16));
	inode->i_atime = meta->mtime;
	inode->i_ctime = meta->mtime;
	inode->i_mtime = meta->mtime;
}

int ext_set_meta(struct ext *ext, ext2_ino_t ino, const struct ext_meta *meta,
		 struct err *err)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(ext->fs, ino, &inode);

	if (!code) {
		fill_meta(&inode, meta);
		code = ext2fs_write_inode(ext->fs, ino, &inode);
	}
	return code ? ext_error(code, "inode", err) : 0;
}

static int entry_type(uint32_t type)
{
	switch (type) {
	case LINUX_S_IFCHR:
		return EXT2_FT_CHRDEV;
	case LINUX_S_IFBLK:
		return EXT2_FT_BLKDEV;
	case LINUX_S_IFIFO:
		return EXT2_FT_FIFO;
	default:
		return EXT2_FT_REG_FILE;
	}
}

int ext_new_inode(struct ext *ext, ext2_ino_t dir, const char *name,
		  const struct ext_meta *meta, uint32_t type,
		  struct ext2_inode *inode, ext2_ino_t *ino, struct err *err)
{
	ext2_extent_handle_t handle;
	errcode_t code = ext2fs_new_inode(ext->fs, dir, (int)type, NULL, ino);

	if (code) {
		return ext_error(code, name, err);
	}
	inode->i_mode = (uint16_t)type;
	inode->i_links_count = 1;
	fill_meta(inode, meta);
	if (type == LINUX_S_IFREG) {
		code = ext2fs_extent_open2(ext->fs, *ino, inode, &handle);
		if (code) {
			return ext_error(code, name, err);
		}
		ext2fs_extent_free(handle);
	}
	code = ext2fs_write_new_inode(ext->fs, *ino, inode);
	if (code) {
		return ext_error(code, name, err);
	}
	ext2fs_inode_alloc_stats2(ext->fs, *ino, +1, 0);
	return ext_enter(ext, dir, name, *ino, entry_type(type), err);
}

int ext_new_dir(struct ext *ext, ext2_ino_t dir, const char *name,
		const struct ext_meta *meta, ext2_ino_t *ino, struct err *err)
{
	errcode_t code = ext2fs_mkdir(ext->fs, dir, 0, name);
	ext2_ino_t made;
	int rc;

	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(ext->fs, dir);
		if (!code) {
			code = ext2fs_mkdir(ext->fs, dir, 0, name);
		}
	}
	if (code) {
		return ext_error(code, name, err);
	}
	rc = ext_lookup(ext, dir, name, &made, err);
	if (!rc) {
		rc = ext_set_meta(ext, made, meta, err);
	}
	if (!rc && ino) {
		*ino = made;
	}
	return rc;
}

int ext_make_dir(struct ext *ext, const char *path,
		 const struct ext_meta *meta, struct err *err)
{
	char leaf[EXT2_NAME_LEN + 1];
	ext2_ino_t dir, ino;
	int rc = ext_walk(ext, path, &dir, leaf, err);

	if (rc) {
		return rc;
	}
	rc = ext_lookup(ext, dir, leaf, &ino, err);
	if (rc == -ENOENT) {
		return ext_new_dir(ext, dir, leaf, meta, NULL, err);
	}
	return rc ? rc : step(ext, path, leaf, &dir, err);
}

/* Take @name out of @dir and free the file if that was its last name. */
static int remove_entry(struct ext *ext, ext2_ino_t dir, const char *name,
			ext2_ino_t ino, struct err *err)
{
	struct ext2_inode inode;
	errcode_t code;
	int rc = inode_of(ext, ino, &inode, err);

	if (rc) {
		return rc;
	}
	if (LINUX_S_ISDIR(inode.i_mode)) {
		return err_set(err, -EISDIR, "%s is a directory", name);
	}
	code = ext2fs_unlink(ext->fs, dir, name, ino, 0);
	if (code) {
		return ext_error(code, name, err);
	}
	if (inode.i_links_count > 1) {
		inode.i_links_count--;
		code = ext2fs_write_inode(ext->fs, ino, &inode);
		return code ? ext_error(code, name, err) : 0;
	}
	if (ext2fs_inode_has_valid_blocks2(ext->fs, &inode)) {
		code = ext2fs_punch(ext->fs, ino, &inode, NULL, 0, ~0ULL);
		if (code) {
			return ext_error(code, name, err);
		}
	}
	inode.i_links_count = 0;
	inode.i_dtime = (uint32_t)time(NULL);
	code = ext2fs_write_inode(ext->fs, ino, &inode);
	if (code) {
		return ext_error(code, name, err);
	}
	ext2fs_inode_alloc_stats2(ext->fs, ino, -1, 0);
	return 0;
}

static int write_data(struct ext *ext, ext2_ino_t ino, const char *data,
		      size_t len, const char *path, struct err *err)
{
	ext2_file_t file;
	unsigned int written;
	errcode_t code, closed;

	code = ext2fs_file_open(ext->fs, ino, EXT2_FILE_WRITE, &file);
	if (code) {
		return ext_error(code, path, err);
	}
	if (len) {
		code = ext2fs_file_write(file, data, (unsigned int)len,
					 &written);
	}
	closed = ext2fs_file_close(file);
	code = code ? code : closed;
	return code ? ext_error(code, path, err) : 0;
}

int ext_write_file(struct ext *ext, const char *path,
		   const struct ext_meta *meta, const char *data, size_t len,
		   struct err *err)
{
	char leaf[EXT2_NAME_LEN + 1];
	struct ext2_inode inode = {0};
	ext2_ino_t dir, ino;
	int rc = ext_walk(ext, path, &dir, leaf, err);

	if (rc) {
		return rc;
	}
	rc = ext_lookup(ext, dir, leaf, &ino, err);
	if (!rc) {
		rc = remove_entry(ext, dir, leaf, ino, err);
	}
	if (rc && rc != -ENOENT) {
		return rc;
	}
	rc = ext_new_inode(ext, dir, leaf, meta, LINUX_S_IFREG, &inode, &ino,
			   err);
	return rc ? rc : write_data(ext, ino, data, len, path, err);
}

int ext_read_file(struct ext *ext, const char *path, char *buf, size_t size,
		  struct err *err)
{
	char leaf[EXT2_NAME_LEN + 1];
	struct ext2_inode inode;
	ext2_ino_t dir, ino;
	ext2_file_t file;
	unsigned int got = 0;
	errcode_t code;
	int rc = ext_walk(ext, path, &dir, leaf, err);

	if (!rc) {
		rc = ext_lookup(ext, dir, leaf, &ino, err);
		if (rc == -ENOENT) {
			err_set(err, rc, "%s: not there", path);
		}
	}
	if (!rc) {
		rc = inode_of(ext, ino, &inode, err);
	}
	if (rc) {
		return rc;
	}
	if (!LINUX_S_ISREG(inode.i_mode)) {
		return err_set(err, -EINVAL, "%s: not a file", path);
	}
	if (EXT2_I_SIZE(&inode) >= size) {
		return err_set(err, -EFBIG, "%s: larger than %zu", path,
			       size - 1);
	}
	code = ext2fs_file_open(ext->fs, ino, 0, &file);
	if (!code) {
		code = ext2fs_file_read(file, buf, (unsigned int)size - 1,
					&got);
		ext2fs_file_close(file);
	}
	buf[code ? 0 : got] = '\0';
	return code ? ext_error(code, path, err) : 0;
}

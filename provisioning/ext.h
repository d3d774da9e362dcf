/*
 * ext.h - write into an ext4 file system from user space (libext2fs).
 *
 * dom0's kernel never sees these file systems, so a hostile one can at worst
 * make one of these calls fail.  A path never goes through a symbolic link:
 * what the image calls /etc/hostname is written there or not at all.
 *
 * State: opening clears the superblock's "clean" flag on disk, closing sets
 * it; ext_open() of one that was left unclean (a power cut in between) runs
 * e2fsck first.  So a second attempt at the same changes always ends well.
 *
 * Who may call: the privileged process, on volumes no domain has used yet.
 * Errors: -ENOSPC full, -ELOOP a symbolic link on the way, -ENOTDIR, -EINVAL,
 * -EIO damaged file system or failed disk; a line in err.
 */
#ifndef SERAI_EXT_H
#define SERAI_EXT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct ext;

/* Owner, permission bits and time (seconds since 1970) of a new object. */
struct ext_meta {
	uint32_t uid, gid;
	uint32_t mode;		/* 07777 */
	uint32_t mtime;
};

/** Make an empty ext4 of the whole of @path (file or block device). */
int ext_format(const char *path, struct err *err);

/** Grow the file system in @path to fill it. */
int ext_grow(const char *path, struct err *err);

/**
 * Open for writing.  -EBUSY: a kernel has mounted it before, so its contents
 * are somebody's, and none of ours.
 */
int ext_open(struct ext **out, const char *path, struct err *err);

/** Make @path (a template's image) count as never mounted. */
int ext_forget_mounts(const char *path, struct err *err);

/** Write everything out, mark clean and free; errors are real losses. */
int ext_close(struct ext *ext, struct err *err);

/** Give up: free without marking clean. */
void ext_abandon(struct ext *ext);

/** Make directory @path unless it is there; parents must exist. */
int ext_make_dir(struct ext *ext, const char *path,
		 const struct ext_meta *meta, struct err *err);

/** Make or replace file @path; a link of that name is replaced, not followed. */
int ext_write_file(struct ext *ext, const char *path,
		   const struct ext_meta *meta, const char *data, size_t len,
		   struct err *err);

/**
 * Read file @path, at most @size - 1 bytes, into @buf and end it with NUL.
 * Longer is -EFBIG; -ENOENT.
 */
int ext_read_file(struct ext *ext, const char *path, char *buf, size_t size,
		  struct err *err);

struct archive;

/**
 * Fill @ext, fresh from ext_format(), with the entries of @tar, an opened
 * libarchive reader.  Refuses (-EINVAL) paths that are absolute, hold "..",
 * or lead through a link, duplicates, and SSH host keys.
 */
int ext_fill_from_tar(struct ext *ext, struct archive *tar, struct err *err);

#endif

/*
 * ext_int.h - shared by ext.c and ext_tar.c only.
 */
#ifndef SERAI_EXT_INT_H
#define SERAI_EXT_INT_H

#include <ext2fs/ext2fs.h>

#include "ext.h"

struct ext {
	ext2_filsys fs;
	char path[512];
};

/** errno for a libext2fs error, with "@what: ..." in @err. */
int ext_error(errcode_t code, const char *what, struct err *err);

/** Inode of @name in directory @dir; -ENOENT without a line in @err. */
int ext_lookup(struct ext *ext, ext2_ino_t dir, const char *name,
	       ext2_ino_t *ino, struct err *err);

/**
 * Directory that holds the last part of @path, and that part in @leaf.
 * -ELOOP, -ENOTDIR, -ENOENT (a parent is missing), -EINVAL ("..", empty).
 */
int ext_walk(struct ext *ext, const char *path, ext2_ino_t *dir,
	     char leaf[EXT2_NAME_LEN + 1], struct err *err);

/** Enter @ino into @dir; grows the directory when it is full. */
int ext_enter(struct ext *ext, ext2_ino_t dir, const char *name,
	      ext2_ino_t ino, int type, struct err *err);

/** New inode for a non-directory, entered as @name; *inode is written. */
int ext_new_inode(struct ext *ext, ext2_ino_t dir, const char *name,
		  const struct ext_meta *meta, uint32_t type,
		  struct ext2_inode *inode, ext2_ino_t *ino, struct err *err);

/** New directory; *ino may be NULL. */
int ext_new_dir(struct ext *ext, ext2_ino_t dir, const char *name,
		const struct ext_meta *meta, ext2_ino_t *ino, struct err *err);

/** Set owner, mode and times of what is there. */
int ext_set_meta(struct ext *ext, ext2_ino_t ino, const struct ext_meta *meta,
		 struct err *err);

#endif

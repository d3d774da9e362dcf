/*
 * disk_import.c - takes a template package apart into volume and boot files.
 *
 * A package is NAME-VERSION.tar.zst with the members manifest, kernel, initrd
 * (if the manifest says so) and root.tar or root.img, in any order.
 *
 *	pass 1: the whole stream is decompressed once and every member checked
 *	        (name, kind, size, manifest, kernel's magic); nothing is made
 *	pass 2: TEMPLATES/.tmp-NAME-VERSION/ and volume tmp-t-NAME-VERSION
 *	commit: volume gets its name, then the directory does; the directory is
 *	        what makes a template exist (disk_list())
 *
 * A failure removes what pass 2 made; a power cut leaves names that start
 * with "tmp-" or ".tmp-", which the next attempt or disk_remove_stale()
 * removes.  One process imports at a time (vpsd's worker).
 */
#include <archive.h>
#include <archive_entry.h>
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

#define CHUNK	     (1u << 20)
#define MIB	     (UINT64_C(1) << 20)
#define IMAGE_BLOCK  65536u

enum member { MANIFEST, KERNEL, INITRD, ROOT_TAR, ROOT_IMG, MEMBERS };

static const struct {
	const char *name;
	uint64_t max;	/* bytes; a bomb must not fill the state partition */
} members[MEMBERS] = {
	[MANIFEST] = {"manifest", DISK_MANIFEST_MAX},
	[KERNEL] = {"kernel", 128 * MIB},
	[INITRD] = {"initrd", 512 * MIB},
	[ROOT_TAR] = {"root.tar", 65536 * MIB},
	[ROOT_IMG] = {"root.img", 65536 * MIB},
};

/*
 * Two readers in a row: @raw undoes zstd, @tar reads what comes out.  Apart,
 * so that the stream can be read to its very end, where its checksum is; a tar
 * reader alone stops at the end mark.
 */
struct package {
	int fd;
	struct archive *raw, *tar;
	char *raw_buf;		/* CHUNK bytes: between @raw and @tar */
	char *buf;		/* CHUNK bytes: a member's contents */
	struct err *err;
};

struct import {
	const struct disk_backend *be;
	const struct disk_ops *ops;
	struct disk_template *tpl;
	bool seen[MEMBERS];
	char manifest[DISK_MANIFEST_MAX + 1];
	size_t manifest_len;
	uint64_t image_bytes;		/* root.img */
	char volume[DISK_VOLUME_MAX];	/* t-NAME-VERSION */
	char tmp[DISK_VOLUME_MAX];	/* tmp-t-NAME-VERSION */
	char dir[DISK_TPL_PATH_MAX];		/* TEMPLATES/NAME-VERSION */
	char tmp_dir[DISK_TPL_PATH_MAX];		/* TEMPLATES/.tmp-NAME-VERSION */
	struct package pkg;
	struct err *err;
};

static int corrupt(struct archive *a, struct err *err)
{
	const char *text = a ? archive_error_string(a) : NULL;

	return err_set(err, -EINVAL, "template: corrupt archive: %s",
		       text ? text : "not a tar.zst");
}

static la_ssize_t read_raw(struct archive *tar, void *arg, const void **out)
{
	struct package *p = arg;
	la_ssize_t n = archive_read_data(p->raw, p->raw_buf, CHUNK);

	if (n < 0) {
		archive_set_error(tar, EINVAL, "%s",
				  archive_error_string(p->raw));
		return -1;
	}
	*out = p->raw_buf;
	return n;
}

static void package_close(struct package *p)
{
	archive_read_free(p->tar);
	archive_read_free(p->raw);
	p->tar = NULL;
	p->raw = NULL;
}

/* (Re)start at the first byte. */
static int package_rewind(struct package *p)
{
	struct archive_entry *entry;

	package_close(p);
	p->raw = archive_read_new();
	p->tar = archive_read_new();
	if (!p->raw || !p->tar) {
		return err_set(p->err, -ENOMEM, "no memory");
	}
	archive_read_support_filter_zstd(p->raw);
	archive_read_support_format_raw(p->raw);
	archive_read_support_format_tar(p->tar);
	if (lseek(p->fd, 0, SEEK_SET) < 0) {
		return err_set(p->err, -errno, "template: %s", strerror(errno));
	}
	if (archive_read_open_fd(p->raw, p->fd, CHUNK) ||
	    archive_read_next_header(p->raw, &entry)) {
		return corrupt(p->raw, p->err);
	}
	/* Plain bytes would pass as "raw" too; only zstd is a package. */
	if (archive_filter_code(p->raw, 0) != ARCHIVE_FILTER_ZSTD) {
		return err_set(p->err, -EINVAL,
			       "template: corrupt archive: not zstd");
	}
	if (archive_read_open(p->tar, p, NULL, read_raw, NULL)) {
		return corrupt(p->tar, p->err);
	}
	return 0;
}

/* Everything behind the tar's end mark, for zstd's checksum. */
static int package_drain(struct package *p)
{
	la_ssize_t n;

	do {
		n = archive_read_data(p->raw, p->raw_buf, CHUNK);
	} while (n > 0);
	return n < 0 ? corrupt(p->raw, p->err) : 0;
}

static int member_of(struct import *im, struct archive_entry *e,
		     enum member *member)
{
	const char *name = archive_entry_pathname(e);

	if (name && !strncmp(name, "./", 2)) {
		name += 2;
	}
	for (int i = 0; i < MEMBERS && name; i++) {
		if (strcmp(name, members[i].name)) {
			continue;
		}
		if (archive_entry_filetype(e) != AE_IFREG ||
		    archive_entry_hardlink(e)) {
			return err_set(im->err, -EINVAL,
				       "template: %s is not a plain file", name);
		}
		if (archive_entry_size(e) < 0 ||
		    (uint64_t)archive_entry_size(e) > members[i].max) {
			return err_set(im->err, -EINVAL,
				       "template: %s is larger than %" PRIu64
				       " MiB", name, members[i].max / MIB);
		}
		*member = (enum member)i;
		return 0;
	}
	return err_set(im->err, -EINVAL, "template: unexpected member '%.60s'",
		       name ? name : "");
}

/* ELF, or a bzImage with its "HdrS" at 0x202. */
static bool is_kernel(const char *head, size_t len)
{
	return len > 0x206 && (!memcmp(head, "\177ELF", 4) ||
			       !memcmp(head + 0x202, "HdrS", 4));
}

static int check_contents(struct import *im, enum member m, size_t first)
{
	const char *head = im->pkg.buf;

	if (m == MANIFEST) {
		memcpy(im->manifest, head, first);
		im->manifest_len = first;
	}
	if (m == KERNEL && !is_kernel(head, first)) {
		return err_set(im->err, -EINVAL,
			       "template: kernel is neither ELF nor bzImage");
	}
	return 0;
}

/* Read a member to its end, looking at its first bytes. */
static int check_member(struct import *im, struct archive_entry *e)
{
	struct package *p = &im->pkg;
	enum member m;
	size_t first;
	la_ssize_t n;
	int rc = member_of(im, e, &m);

	if (rc) {
		return rc;
	}
	if (im->seen[m]) {
		return err_set(im->err, -EINVAL, "template: two members %s",
			       members[m].name);
	}
	im->seen[m] = true;
	if (m == ROOT_IMG) {
		im->image_bytes = (uint64_t)archive_entry_size(e);
	}
	n = archive_read_data(p->tar, p->buf,
			      m == MANIFEST ? DISK_MANIFEST_MAX : CHUNK);
	first = n > 0 ? (size_t)n : 0;
	while (n > 0) {
		if (first) {
			rc = check_contents(im, m, first);
			first = 0;
		}
		if (rc) {
			return rc;
		}
		n = archive_read_data(p->tar, p->buf, CHUNK);
	}
	return n < 0 ? corrupt(p->tar, im->err) : 0;
}

static int check_complete(struct import *im)
{
	const char *missing = NULL;

	if (!im->seen[MANIFEST]) {
		missing = "manifest";
	} else if (!im->seen[KERNEL]) {
		missing = "kernel";
	} else if (!im->seen[ROOT_TAR] && !im->seen[ROOT_IMG]) {
		missing = "root.tar";
	}
	if (missing) {
		return err_set(im->err, -EINVAL, "template: no member %s",
			       missing);
	}
	if (im->seen[ROOT_TAR] && im->seen[ROOT_IMG]) {
		return err_set(im->err, -EINVAL,
			       "template: both root.tar and root.img");
	}
	return 0;
}

static int pass_one(struct import *im)
{
	struct package *p = &im->pkg;
	struct archive_entry *e;
	int r, rc = package_rewind(p);

	while (!rc && (r = archive_read_next_header(p->tar, &e)) !=
			      ARCHIVE_EOF) {
		const char *name = r < ARCHIVE_WARN ? NULL
						    : archive_entry_pathname(e);

		if (r < ARCHIVE_WARN) {
			rc = corrupt(p->tar, im->err);
		} else if (!name || strcmp(name, "./")) {
			rc = check_member(im, e);
		}
	}
	if (!rc) {
		rc = package_drain(p);
	}
	if (!rc) {
		rc = check_complete(im);
	}
	if (!rc) {
		rc = disk_manifest_parse(im->tpl, im->manifest,
					 im->manifest_len, im->err);
	}
	if (!rc && im->tpl->has_initrd != im->seen[INITRD]) {
		rc = err_set(im->err, -EINVAL,
			     "template: initrd in %s but not in %s",
			     im->seen[INITRD] ? "archive" : "manifest",
			     im->seen[INITRD] ? "manifest" : "archive");
	}
	if (!rc && im->image_bytes > im->tpl->min_disk_mib * MIB) {
		rc = err_set(im->err, -EINVAL,
			     "template: root.img is larger than min_disk_mib");
	}
	return rc;
}

static int write_all(int fd, const char *buf, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, buf + done, len - done,
				   at + (off_t)done);

		if (n < 0) {
			return -errno;
		}
		done += (size_t)n;
	}
	return 0;
}

/* Copy the current member into @path, made anew. */
static int save_member(struct import *im, const char *name)
{
	struct package *p = &im->pkg;
	char path[DISK_TPL_PATH_MAX + 16];
	off_t at = 0;
	la_ssize_t n;
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/%s", im->tmp_dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		return err_set(im->err, -errno, "%s: %s", path,
			       strerror(errno));
	}
	while (!rc && (n = archive_read_data(p->tar, p->buf, CHUNK)) != 0) {
		if (n < 0) {
			close(fd);
			return corrupt(p->tar, im->err);
		}
		rc = write_all(fd, p->buf, (size_t)n, at);
		at += n;
	}
	if (!rc && fsync(fd)) {
		rc = -errno;
	}
	close(fd);
	return rc ? err_set(im->err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

static la_ssize_t read_member(struct archive *inner, void *arg,
			      const void **out)
{
	struct package *p = arg;
	la_ssize_t n = archive_read_data(p->tar, p->buf, CHUNK);

	if (n < 0) {
		archive_set_error(inner, EINVAL, "%s",
				  archive_error_string(p->tar));
		return -1;
	}
	*out = p->buf;
	return n;
}

static int fill_from_tar(struct import *im, const char *path)
{
	struct archive *inner = archive_read_new();
	struct ext *ext = NULL;
	int rc;

	if (!inner) {
		return err_set(im->err, -ENOMEM, "no memory");
	}
	rc = ext_format(path, im->err);
	if (!rc) {
		rc = ext_open(&ext, path, im->err);
	}
	if (rc) {
		goto out;
	}
	archive_read_support_format_tar(inner);
	if (archive_read_open(inner, &im->pkg, NULL, read_member, NULL)) {
		rc = corrupt(inner, im->err);
	} else {
		rc = ext_fill_from_tar(ext, inner, im->err);
	}
	if (rc) {
		ext_abandon(ext);
	} else {
		rc = ext_close(ext, im->err);
	}
out:
	archive_read_free(inner);
	return rc;
}

/* Pieces that hold only zeros stay holes: the volume is fresh. */
static int write_image(struct import *im, int fd)
{
	static const char zeros[IMAGE_BLOCK];
	struct package *p = &im->pkg;
	off_t at = 0;
	la_ssize_t n;
	int rc = 0;

	while (!rc && (n = archive_read_data(p->tar, p->buf, IMAGE_BLOCK)) != 0) {
		if (n < 0) {
			return corrupt(p->tar, im->err);
		}
		if (memcmp(p->buf, zeros, (size_t)n)) {
			rc = write_all(fd, p->buf, (size_t)n, at);
		}
		at += n;
	}
	if (!rc && fsync(fd)) {
		rc = -errno;
	}
	return rc ? err_set(im->err, rc, "%s: %s", im->tmp, strerror(-rc)) : 0;
}

static int fill_from_image(struct import *im, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct ext *ext;
	int rc;

	if (fd < 0) {
		return err_set(im->err, -errno, "%s: %s", path,
			       strerror(errno));
	}
	rc = write_image(im, fd);
	close(fd);
	if (!rc) {
		rc = ext_forget_mounts(path, im->err);
	}
	/* Opening and closing checks an image that was left unclean. */
	if (!rc) {
		rc = ext_open(&ext, path, im->err);
	}
	if (!rc) {
		rc = ext_close(ext, im->err);
	}
	return rc ? rc : ext_grow(path, im->err);
}

static int fill_volume(struct import *im, enum member m)
{
	char path[DISK_PATH_MAX];
	int rc = im->ops->make(im->be, im->tmp, im->tpl->min_disk_mib, im->err);

	if (rc) {
		return rc;
	}
	im->ops->path(im->be, im->tmp, path);
	return m == ROOT_TAR ? fill_from_tar(im, path)
			     : fill_from_image(im, path);
}

static int pass_two(struct import *im)
{
	struct package *p = &im->pkg;
	struct archive_entry *e;
	enum member m;
	int r, rc = package_rewind(p);

	while (!rc && (r = archive_read_next_header(p->tar, &e)) !=
			      ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN) {
			return corrupt(p->tar, im->err);
		}
		if (!strcmp(archive_entry_pathname(e), "./")) {
			continue;
		}
		rc = member_of(im, e, &m);
		if (rc) {
			return rc;
		}
		rc = m == ROOT_TAR || m == ROOT_IMG
			     ? fill_volume(im, m)
			     : save_member(im, members[m].name);
	}
	return rc;
}

static int name_parts(struct import *im)
{
	int rc = disk_template_volume(im->volume, im->tpl->name,
				      im->tpl->version, im->err);

	if (rc) {
		return rc;
	}
	snprintf(im->tmp, sizeof(im->tmp), DISK_TMP "%.120s", im->volume);
	snprintf(im->dir, sizeof(im->dir), "%s/%.110s", im->be->templates,
		 im->volume + 2);
	snprintf(im->tmp_dir, sizeof(im->tmp_dir), "%s/.tmp-%.110s",
		 im->be->templates, im->volume + 2);
	if (access(im->dir, F_OK) == 0) {
		return err_set(im->err, -EEXIST,
			       "template: %s version %s is there already",
			       im->tpl->name, im->tpl->version);
	}
	return 0;
}

static int make_all(struct import *im)
{
	int rc;

	/* What an attempt that was cut short may have left. */
	disk_template_remove_dir(im->tmp_dir);
	rc = im->ops->remove(im->be, im->tmp, im->err);
	if (!rc) {
		rc = im->ops->remove(im->be, im->volume, im->err);
	}
	if (!rc) {
		rc = disk_make_dir(im->tmp_dir, im->err);
	}
	if (!rc) {
		rc = pass_two(im);
	}
	if (!rc) {
		rc = disk_sync_dir(im->tmp_dir, im->err);
	}
	if (!rc) {
		rc = im->ops->publish(im->be, im->volume, true, im->err);
	}
	if (!rc && rename(im->tmp_dir, im->dir)) {
		rc = err_set(im->err, -errno, "%s: %s", im->dir,
			     strerror(errno));
		im->ops->remove(im->be, im->volume, NULL);
	}
	if (rc) {
		im->ops->remove(im->be, im->tmp, NULL);
		disk_template_remove_dir(im->tmp_dir);
		return rc;
	}
	return disk_sync_dir(im->be->templates, im->err);
}

/* Opened, or -E... A pipe must not keep the import waiting for a writer. */
static int open_package(const char *archive, struct err *err)
{
	int fd = open(archive, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		rc = err_set(err, -errno, "file: %s: %s", archive,
			     strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, -EINVAL, "file: %s is no file; give the "
			     "package, NAME-VERSION.tar.zst", archive);
	}
	if (rc && fd >= 0) {
		close(fd);
	}
	return rc ? rc : fd;
}

int disk_template_import(const struct disk_backend *be, const char *archive,
			 struct disk_template *tpl, struct err *err)
{
	struct import *im = calloc(1, sizeof(*im));
	int rc = -ENOMEM;

	if (!im) {
		return err_set(err, rc, "no memory");
	}
	*im = (struct import){.be = be, .ops = disk_ops(be), .tpl = tpl,
			      .err = err};
	im->pkg.err = err;
	im->pkg.raw_buf = malloc(CHUNK);
	im->pkg.buf = malloc(CHUNK);
	im->pkg.fd = open_package(archive, err);
	if (!im->pkg.raw_buf || !im->pkg.buf) {
		rc = err_set(err, -ENOMEM, "no memory");
	} else if (im->pkg.fd < 0) {
		rc = im->pkg.fd;
	} else {
		rc = pass_one(im);
		if (!rc) {
			rc = name_parts(im);
		}
		if (!rc) {
			rc = make_all(im);
		}
	}
	package_close(&im->pkg);
	if (im->pkg.fd >= 0) {
		close(im->pkg.fd);
	}
	free(im->pkg.buf);
	free(im->pkg.raw_buf);
	free(im);
	return rc;
}

/*
 * disk_file.c - volumes as sparse files, for machines without a volume group.
 *
 * Holes are kept when copying, so a small template in a large disk costs what
 * it holds.  Publishing is fsync, rename, fsync of the directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk_int.h"

#define MIB   (UINT64_C(1) << 20)
#define CHUNK (1u << 20)

static void file_path(const struct disk_backend *be, const char *volume,
		      char path[DISK_PATH_MAX])
{
	snprintf(path, DISK_PATH_MAX, "%.300s/%.120s.img", be->dir, volume);
}

static int file_error(const char *path, struct err *err)
{
	int rc = -errno;

	return err_set(err, rc, "%s: %s", path, strerror(-rc));
}

static int file_exists(const struct disk_backend *be, const char *volume,
		       struct err *err)
{
	char path[DISK_PATH_MAX];

	file_path(be, volume, path);
	if (access(path, F_OK) == 0) {
		return 1;
	}
	return errno == ENOENT ? 0 : file_error(path, err);
}

static int make_file(const char *path, uint64_t size_mib, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		return file_error(path, err);
	}
	if (ftruncate(fd, (off_t)(size_mib * MIB))) {
		int rc = file_error(path, err);

		close(fd);
		unlink(path);
		return rc;
	}
	return fd;
}

static int file_make(const struct disk_backend *be, const char *volume,
		     uint64_t size_mib, struct err *err)
{
	char path[DISK_PATH_MAX];
	int fd;

	file_path(be, volume, path);
	fd = make_file(path, size_mib, err);
	if (fd < 0) {
		return fd;
	}
	close(fd);
	return 0;
}

/* [@from, @end) of @in to the same place in @out.  0 or -1 with errno. */
static int copy_range(int in, int out, off_t from, off_t end, char *buf)
{
	while (from < end) {
		size_t want = end - from < CHUNK ? (size_t)(end - from) : CHUNK;
		ssize_t n = pread(in, buf, want, from);
		ssize_t done = 0;

		if (n == 0) {
			errno = EIO;
		}
		if (n <= 0) {
			return -1;
		}
		while (done < n) {
			ssize_t w = pwrite(out, buf + done, (size_t)(n - done),
					   from + done);

			if (w < 0) {
				return -1;
			}
			done += w;
		}
		from += n;
	}
	return 0;
}

static int copy_data(int in, int out)
{
	char *buf = malloc(CHUNK);
	off_t data, hole = 0;
	int rc = buf ? 0 : -1;

	while (rc == 0) {
		data = lseek(in, hole, SEEK_DATA);
		if (data < 0) {
			rc = errno == ENXIO ? 0 : -1;
			break;
		}
		hole = lseek(in, data, SEEK_HOLE);
		rc = hole < 0 ? -1 : copy_range(in, out, data, hole, buf);
	}
	free(buf);
	return rc;
}

static int file_copy(const struct disk_backend *be, const char *volume,
		     const char *origin, uint64_t size_mib, struct err *err)
{
	char from[DISK_PATH_MAX], to[DISK_PATH_MAX];
	int in, out, rc = 0;

	file_path(be, origin, from);
	file_path(be, volume, to);
	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0) {
		return file_error(from, err);
	}
	out = make_file(to, size_mib, err);
	if (out < 0) {
		close(in);
		return out;
	}
	if (copy_data(in, out)) {
		rc = file_error(to, err);
		unlink(to);
	}
	close(out);
	close(in);
	return rc;
}

static int file_grow(const struct disk_backend *be, const char *volume,
		     uint64_t size_mib, struct err *err)
{
	char path[DISK_PATH_MAX];

	file_path(be, volume, path);
	return truncate(path, (off_t)(size_mib * MIB)) ? file_error(path, err)
						       : 0;
}

static int file_publish(const struct disk_backend *be, const char *volume,
			bool read_only, struct err *err)
{
	char name[DISK_VOLUME_MAX], tmp[DISK_PATH_MAX], path[DISK_PATH_MAX];
	int fd, rc = 0;

	snprintf(name, sizeof(name), DISK_TMP "%.120s", volume);
	file_path(be, name, tmp);
	file_path(be, volume, path);
	fd = open(tmp, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return file_error(tmp, err);
	}
	if (fsync(fd) || (read_only && fchmod(fd, 0400)) ||
	    rename(tmp, path)) {
		rc = file_error(tmp, err);
	}
	close(fd);
	return rc ? rc : disk_sync_dir(be->dir, err);
}

/* Is @path behind a loop device, and so perhaps some domain's disk? */
static bool in_use(const char *path)
{
	char real[PATH_MAX], node[300], backing[PATH_MAX];
	bool found = false;
	struct dirent *entry;
	DIR *dir;
	FILE *f;

	dir = opendir("/sys/block");
	if (!dir || !realpath(path, real)) {
		strcpy(real, "");
	}
	while (dir && !found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "loop", 4)) {
			continue;
		}
		snprintf(node, sizeof(node), "/sys/block/%.32s/loop/backing_file",
			 entry->d_name);
		f = fopen(node, "re");
		if (!f) {
			continue;
		}
		if (fgets(backing, sizeof(backing), f)) {
			backing[strcspn(backing, "\n")] = '\0';
			found = !strcmp(backing, real);
		}
		fclose(f);
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}

static int file_remove(const struct disk_backend *be, const char *volume,
		       struct err *err)
{
	char path[DISK_PATH_MAX];

	file_path(be, volume, path);
	if (in_use(path)) {
		return err_set(err, -EBUSY, "%s: in use by a loop device",
			       path);
	}
	if (unlink(path) && errno != ENOENT) {
		return file_error(path, err);
	}
	return disk_sync_dir(be->dir, err);
}

static int file_each(const struct disk_backend *be,
		     int (*each)(void *arg, const char *volume,
				 uint64_t size_mib),
		     void *arg, struct err *err)
{
	DIR *dir = opendir(be->dir);
	struct dirent *entry;
	struct stat st;
	char *dot;
	int rc = 0;

	if (!dir) {
		return file_error(be->dir, err);
	}
	while (!rc && (entry = readdir(dir))) {
		dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".img") ||
		    fstatat(dirfd(dir), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode)) {
			continue;
		}
		*dot = '\0';
		rc = each(arg, entry->d_name, (uint64_t)st.st_size / MIB);
	}
	closedir(dir);
	return rc;
}

static int file_size(const struct disk_backend *be, const char *volume,
		     uint64_t *size_mib, struct err *err)
{
	char path[DISK_PATH_MAX];
	struct stat st;

	file_path(be, volume, path);
	if (stat(path, &st)) {
		return file_error(path, err);
	}
	*size_mib = (uint64_t)st.st_size / MIB;
	return 0;
}

static int file_capacity(const struct disk_backend *be, uint64_t *total_mib,
			 uint64_t *used_mib, uint64_t *free_mib,
			 struct err *err)
{
	DIR *dir = opendir(be->dir);
	uint64_t written = 0;
	struct dirent *entry;
	struct statvfs vfs;
	struct stat st;

	if (!dir || statvfs(be->dir, &vfs)) {
		int rc = file_error(be->dir, err);

		if (dir) {
			closedir(dir);
		}
		return rc;
	}
	while ((entry = readdir(dir))) {
		/* Of VPSs; a copy being made will be called v-ID. */
		if ((!strncmp(entry->d_name, "v-", 2) ||
		     !strncmp(entry->d_name, DISK_TMP "v-", 6)) &&
		    !fstatat(dirfd(dir), entry->d_name, &st,
			     AT_SYMLINK_NOFOLLOW)) {
			written += (uint64_t)st.st_blocks * 512;
		}
	}
	closedir(dir);
	*free_mib = (uint64_t)vfs.f_bavail * vfs.f_frsize / MIB;
	*used_mib = (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize /
		    MIB;
	*total_mib = ((uint64_t)vfs.f_bavail * vfs.f_frsize + written) / MIB;
	return 0;
}

const struct disk_ops disk_file_ops = {
	.path = file_path,
	.exists = file_exists,
	.make = file_make,
	.copy = file_copy,
	.grow = file_grow,
	.publish = file_publish,
	.remove = file_remove,
	.each = file_each,
	.size = file_size,
	.capacity = file_capacity,
};

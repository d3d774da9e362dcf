/*
 * fuzz_tar.c - any bytes as root.tar, into a real small file system.
 *
 * Whatever the bytes are, the file system must still be one that libext2fs can
 * open when they were accepted.
 */
#include <archive.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ext.h"

#define IMAGE_SIZE (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *fresh;	/* a formatted image, in memory */
static char path[64];

static void die(const char *what)
{
	perror(what);
	abort();
}

static void make_fresh(void)
{
	struct err err;
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/serai-fuzz-tar.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, IMAGE_SIZE) || ext_format(path, &err)) {
		die("format");
	}
	fresh = malloc(IMAGE_SIZE);
	if (!fresh || pread(fd, fresh, IMAGE_SIZE, 0) != IMAGE_SIZE) {
		die("read");
	}
	close(fd);
}

static void reset_image(void)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || pwrite(fd, fresh, IMAGE_SIZE, 0) != IMAGE_SIZE) {
		die("reset");
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive *tar = archive_read_new();
	struct ext *ext;
	struct err err;

	if (!fresh) {
		make_fresh();
	}
	reset_image();
	if (!tar || ext_open(&ext, path, &err)) {
		die("open");
	}
	archive_read_support_format_tar(tar);
	if (archive_read_open_memory(tar, data, size) ||
	    ext_fill_from_tar(ext, tar, &err)) {
		ext_abandon(ext);
	} else if (ext_close(ext, &err) || ext_open(&ext, path, &err)) {
		die(err.text);
	} else {
		ext_abandon(ext);
	}
	archive_read_free(tar);
	return 0;
}

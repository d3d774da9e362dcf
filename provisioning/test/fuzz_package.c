/*
 * fuzz_package.c - any bytes as a template package.
 *
 * The input is the tar inside: it is compressed here, because no fuzzer gets
 * through zstd's checksums; inputs that begin with 'Z' are taken as they are.
 * Whatever comes, a refused package leaves no file behind.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct disk_backend be;
static char state[64], package[96];

static void die(const char *what)
{
	perror(what);
	abort();
}

static void set_up(void)
{
	struct err err;

	snprintf(state, sizeof(state), "/dev/shm/serai-fuzz-pkg.%d", getpid());
	snprintf(package, sizeof(package), "%s/p.tar.zst", state);
	if (mkdir(state, 0700) ||
	    disk_backend_probe(&be, state, NULL, &err)) {
		die("set up");
	}
}

static void write_plain(const uint8_t *data, size_t size)
{
	int fd = open(package, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		die("write");
	}
	close(fd);
}

static void write_compressed(const uint8_t *data, size_t size)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, "x");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)size);
	archive_write_set_format_raw(a);
	archive_write_add_filter_zstd(a);
	archive_write_set_filter_option(a, "zstd", "compression-level", "1");
	if (archive_write_open_filename(a, package) ||
	    archive_write_header(a, e) ||
	    archive_write_data(a, data, size) != (la_ssize_t)size ||
	    archive_write_close(a)) {
		die("compress");
	}
	archive_entry_free(e);
	archive_write_free(a);
}

static int count(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d)) {
		n++;
	}
	closedir(d);
	return n - 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_template tpl;
	struct err err;
	int rc;

	if (!state[0]) {
		set_up();
	}
	if (size && data[0] == 'Z') {
		write_plain(data + 1, size - 1);
	} else {
		write_compressed(data, size);
	}
	rc = disk_template_import(&be, package, &tpl, &err);
	if (!rc && disk_template_remove(&be, tpl.name, tpl.version, &err)) {
		die(err.text);
	}
	if (count(be.dir) || count(be.templates)) {
		die("left something behind");
	}
	return 0;
}

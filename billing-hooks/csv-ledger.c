/*
 * csv-ledger - a hook that appends every event to a CSV file per month.
 *
 * The file is DIRECTORY/YYYY-MM.csv, month of the event's time (UTC), for
 * DIRECTORY from the environment variable DIRECTORY, or /state/ledger.
 *
 * What a ledger promises, and how:
 *   - no event twice: vpsd delivers at least once, so the id is looked up in
 *     that month's file first;
 *   - no event lost: exit status 0 only after fsync();
 *   - no half line: a line that a power cut tore is cut off before appending
 *     (its event was never acknowledged, so it comes again);
 *   - whole lines: one flock()ed writer at a time.
 *
 * Exit status: 0 the event is on the disk, 1 it is not (vpsd tries again).
 */
#define _GNU_SOURCE
#include "csv.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/state/ledger"

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "csv-ledger: %s: %s\n", what, why);
	return 1;
}

/* "2026-11-21T..." -> DIRECTORY/2026-11.csv, or false if that is no month. */
static bool ledger_path(char *path, size_t size, const char *directory,
			const char *time)
{
	static const char form[] = "dddd-dd-";
	size_t i;
	int length;

	for (i = 0; form[i] != '\0'; i++) {
		bool digit = time[i] >= '0' && time[i] <= '9';

		if (form[i] == 'd' ? !digit : time[i] != form[i]) {
			return false;
		}
	}
	length = snprintf(path, size, "%s/%.7s.csv", directory, time);
	return length > 0 && (size_t)length < size;
}

/*
 * What is in the ledger already: *end is where the last whole line ends,
 * *seen whether one of the lines begins with @id.
 */
static int ledger_scan(int fd, off_t size, const char *id, off_t *end,
		       bool *seen)
{
	char needle[80];
	char *map;
	char *last;
	int length = snprintf(needle, sizeof(needle), "\n%s,", id);

	*end = 0;
	*seen = false;
	if (size == 0) {
		return 0;
	}
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return -errno;
	}
	last = memrchr(map, '\n', (size_t)size);
	if (last) {
		*end = last - map + 1;
		*seen = memmem(map, (size_t)*end, needle, (size_t)length);
	}
	munmap(map, (size_t)size);
	return 0;
}

/* All of @text at the end of the file, on the disk, or nothing of it. */
static int ledger_append(int fd, off_t end, const char *text, size_t length)
{
	ssize_t written = pwrite(fd, text, length, end);
	int rc = 0;

	if (written != (ssize_t)length) {
		rc = written < 0 ? -errno : -ENOSPC;
	} else if (fsync(fd) != 0) {
		rc = -errno;
	}
	if (rc != 0 && ftruncate(fd, end) != 0) {
		/* The next run finds the torn line and cuts it off. */
		fprintf(stderr, "csv-ledger: a torn line is left behind\n");
	}
	return rc;
}

static int ledger_write(int fd, const struct record *record)
{
	char text[CSV_LINE_MAX * 2];
	size_t length = 0;
	struct stat st;
	off_t end;
	bool seen;
	int rc;

	if (flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0) {
		return -errno;
	}
	rc = ledger_scan(fd, st.st_size, record->id, &end, &seen);
	if (rc != 0) {
		return rc;
	}
	/* Whoever wrote it may have been killed before this. */
	if (seen) {
		return fsync(fd) != 0 ? -errno : 0;
	}
	if (end < st.st_size && ftruncate(fd, end) != 0) {
		return -errno;
	}
	if (end == 0) {
		length = csv_header(text, sizeof(text));
	}
	rc = csv_line(record->json, text + length, CSV_LINE_MAX);
	if (rc < 0) {
		return rc;
	}
	return ledger_append(fd, end, text, length + (size_t)rc);
}

/* A new file is lost in a power cut until its directory is on the disk. */
static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) != 0 ? -errno : 0;

	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int main(void)
{
	const char *directory = getenv("DIRECTORY");
	struct record record;
	const char *why = NULL;
	char path[4096];
	int fd;
	int rc;

	if (!directory || directory[0] == '\0') {
		directory = DEFAULT_DIRECTORY;
	}
	if (record_read(&record, STDIN_FILENO, &why) != 0) {
		return fail("record", why);
	}
	if (!ledger_path(path, sizeof(path), directory, record.time)) {
		record_free(&record);
		return fail("record", "\"time\" does not begin YYYY-MM-");
	}
	if (mkdir(directory, 0750) != 0 && errno != EEXIST) {
		rc = -errno;
		goto out;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		rc = -errno;
		goto out;
	}
	rc = ledger_write(fd, &record);
	if (rc == 0) {
		rc = sync_directory(directory);
	}
	close(fd);
out:
	record_free(&record);
	return rc == 0 ? 0 : fail(path, strerror(-rc));
}

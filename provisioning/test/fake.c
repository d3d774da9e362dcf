/*
 * fake.c - see fake.h.
 */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fake_path(char *out, size_t size, const char *fmt, ...)
{
	static const char *const dirs[] = { "dom", "disk", "net", "fail",
					    "slow" };
	const char *dir = getenv("SERAI_FAKE_DIR");
	va_list ap;
	int len;

	if (!dir) {
		abort();
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(out, size, "%s/%s", dir, dirs[i]);
		mkdir(out, 0755);
	}
	len = snprintf(out, size, "%s/", dir);
	va_start(ap, fmt);
	vsnprintf(out + len, size - (size_t)len, fmt, ap);
	va_end(ap);
}

int fake_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);
	int rc = len < 0 ? -errno : 0;

	if (fd >= 0) {
		close(fd);
	}
	out[len < 0 ? 0 : len] = '\0';
	return rc;
}

int fake_write(const char *path, const char *fmt, ...)
{
	char temp[600];
	va_list ap;
	FILE *file;

	snprintf(temp, sizeof(temp), "%s.tmp%d", path, (int)getpid());
	file = fopen(temp, "we");
	if (!file) {
		return -errno;
	}
	va_start(ap, fmt);
	vfprintf(file, fmt, ap);
	va_end(ap);
	fclose(file);
	return rename(temp, path) ? -errno : 0;
}

int fake_enter(const char *op, unsigned long long id, struct err *err)
{
	char path[512], text[128];
	int fd, len;

	fake_path(path, sizeof(path), "log");
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	len = snprintf(text, sizeof(text), "%s %llu\n", op, id);
	if (fd >= 0) {
		(void)!write(fd, text, (size_t)len);
		close(fd);
	}
	fake_path(path, sizeof(path), "slow/%s", op);
	if (fake_read(path, text, sizeof(text)) == 0) {
		usleep((useconds_t)atoi(text) * 1000);
	}
	fake_path(path, sizeof(path), "fail/%s", op);
	if (fake_read(path, text, sizeof(text)) == 0) {
		text[strcspn(text, "\n")] = '\0';
		return err_set(err, -EIO, "%s", text);
	}
	return 0;
}

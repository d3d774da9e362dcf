/*
 * hook_dir.c - lists STATE/hooks/, and refuses what others could have put in.
 */
#include "hook_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool others_can_write(const struct stat *st)
{
	return st->st_uid != geteuid() ||
	       (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static int compare(const void *a, const void *b)
{
	const struct hook_entry *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static int read_entries(struct hook_dir *dir, DIR *stream,
			struct err *warning, struct err *err)
{
	struct hook_entry *hook;
	struct dirent *entry;
	struct stat st;

	while ((entry = readdir(stream)) != NULL) {
		if (!hook_name_valid(entry->d_name) ||
		    fstatat(dirfd(stream), entry->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)) {
			continue;
		}
		if (dir->count == HOOKS_MAX) {
			return err_set(err, -E2BIG, "more than %d hooks",
				       HOOKS_MAX);
		}
		hook = &dir->hooks[dir->count++];
		strcpy(hook->name, entry->d_name);
		hook->trusted = !others_can_write(&st);
		if (!hook->trusted) {
			err_set(warning, -EPERM,
				"hook %s is not run: it must belong to root "
				"and be writable by nobody else", hook->name);
		}
	}
	qsort(dir->hooks, dir->count, sizeof(dir->hooks[0]), compare);
	return 0;
}

int hook_dir_scan(struct hook_dir *dir, const char *path, struct err *warning,
		  struct err *err)
{
	DIR *stream = opendir(path);
	struct stat st;
	int rc;

	dir->count = 0;
	warning->text[0] = '\0';
	if (!stream && errno == ENOENT) {
		return 0;
	}
	if (!stream || fstat(dirfd(stream), &st) != 0) {
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	} else if (others_can_write(&st)) {
		rc = err_set(err, -EPERM,
			     "no hook is run: %s must belong to root and be "
			     "writable by nobody else", path);
	} else {
		rc = read_entries(dir, stream, warning, err);
	}
	if (stream) {
		closedir(stream);
	}
	return rc;
}

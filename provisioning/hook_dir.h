/*
 * hook_dir.h - which hooks are enabled: the executables in STATE/hooks/.
 */
#ifndef SERAI_HOOK_DIR_H
#define SERAI_HOOK_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "hook_conf.h"

#define HOOKS_MAX 32

struct hook_entry {
	char name[HOOK_NAME_MAX + 1];
	bool trusted;		/* may be run */
};

struct hook_dir {
	struct hook_entry hooks[HOOKS_MAX];	/* sorted by name */
	size_t count;
};

/**
 * List the hooks in directory @path; one that does not exist has none.
 *
 * Hooks run as root, so whoever can change one owns the host: the directory
 * and each hook (behind a symbolic link: what it points to) must belong to
 * this process's user and be writable by nobody else.  A file that is not
 * executable, or whose name is no hook's name (.new, ~), is no hook.  One
 * that fails the ownership test is enabled but not trusted: its events wait
 * for it, and it is named in @warning (whose text is "" when there was none;
 * when there were more, the last).
 *
 * -EPERM: the directory itself; -E2BIG: more than HOOKS_MAX.  In both cases
 * nobody may conclude that no hook is enabled.
 */
int hook_dir_scan(struct hook_dir *dir, const char *path, struct err *warning,
		  struct err *err);

#endif

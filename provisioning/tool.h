/*
 * tool.h - run a system program (lvm, nft, mke2fs...) and wait for it.
 *
 * No shell is involved: arguments reach the program as they are.  The child
 * gets a fixed environment, no open descriptors but its standard three, and
 * is killed when its time is over.  Who may call: anybody; calls block.
 */
#ifndef SERAI_TOOL_H
#define SERAI_TOOL_H

#include <stddef.h>

#include "err.h"

struct tool {
	const char *const *argv;	/* NULL-terminated; argv[0] via PATH */
	const char *input;		/* standard input, or NULL for none */
	char *output;			/* standard output, or NULL to drop it */
	size_t output_size;		/* room in @output, with the NUL */
	unsigned int timeout_s;		/* 0 = 120 */
};

/**
 * Run @tool.  Returns its exit status (0..255), or -ETIMEDOUT (killed),
 * -ECHILD (died by a signal), -E2BIG (more output than room), or what
 * starting it gave (-ENOENT: not installed).  @err is filled for every
 * result but 0 and quotes the last line of its standard error.
 */
int tool_run(const struct tool *tool, struct err *err);

/** tool_run() where every exit status but 0 is -EIO. */
int tool_must(const struct tool *tool, struct err *err);

#endif

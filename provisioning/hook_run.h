/*
 * hook_run.h - one run of one hook: a process group with a time limit.
 *
 *	hook_run_start() -> running --ends, is killed--> hook_run_step() true
 *
 * What a hook can do wrong and what it meets:
 *   never reads stdin	the record lies in a sealed memory file, nobody waits
 *   floods stdout	that is /dev/null
 *   floods stderr	the last line is kept; over HOOK_STDERR_MAX it is killed
 *   hangs		killed at its deadline, with its process group
 *   leaves children	killed with the group as soon as the hook itself ends
 *   outlives vpsd	the kernel kills it when the dispatcher dies; children of
 *			it still hold the dispatcher's lock, see hook.c
 */
#ifndef SERAI_HOOK_RUN_H
#define SERAI_HOOK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define HOOK_STDERR_MAX	(1024 * 1024)

/* What to run.  All strings belong to the caller. */
struct hook_task {
	const char *path;	/* of the executable */
	const char *record;	/* JSON, given on stdin with a line end */
	char *const *env;	/* "KEY=value", NULL at the end */
	int lock_fd;		/* inherited by the hook, or -1 */
	int64_t deadline_ms;	/* CLOCK_MONOTONIC, or a test's own clock */
};

struct hook_run {
	pid_t pid;		/* and process group; 0 = not running */
	int pid_fd;		/* readable when the process has ended */
	int err_fd;		/* its stderr; -1 after the end of it */
	int64_t deadline_ms;
	bool timed_out;
	bool flooded;
	size_t err_total;
	char err_line[160];	/* the last line of it, 0-terminated */
	size_t err_length;
};

/** 0, or -errno with *run untouched: then nothing was started. */
int hook_run_start(struct hook_run *run, const struct hook_task *task,
		   struct err *err);

/**
 * Look after a run; never waits.  Returns true once it has ended: *result is
 * then 0 (exit status 0) or -EIO with why in @err, and *run is free again.
 */
bool hook_run_step(struct hook_run *run, int64_t now_ms, int *result,
		   struct err *err);

/** Kill it and wait for its end (at once, as it is SIGKILL). */
void hook_run_kill(struct hook_run *run);

#endif

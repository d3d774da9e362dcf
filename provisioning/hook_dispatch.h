/*
 * hook_dispatch.h - which delivery is tried when, and what comes of it.
 *
 * Everything of the dispatcher but its process (hook.c): no clock, no signal,
 * no waiting of its own, so that tests run it on their own time.
 *
 *	slot: FREE --start--> RUNNING --ends--> ENDED --recorded--> FREE
 *
 * ENDED is left only when the result is in the database.  If that cannot be
 * written (a full state partition), the hook is not run again meanwhile.
 */
#ifndef SERAI_HOOK_DISPATCH_H
#define SERAI_HOOK_DISPATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HOOK_BACKOFF_MAX_S	3600
#define HOOK_KEEP_S		(90 * 24 * 3600)

struct hook_dispatch;
struct store;

/* The two clocks, as the caller reads them. */
struct hook_clock {
	int64_t wall_s;		/* since 1970: back-off times, which last */
	int64_t mono_ms;	/* steady: time-outs */
};

/**
 * @store stays the caller's.  @lock_fd (or -1) is inherited by hooks.
 * Returns NULL when out of memory.
 */
struct hook_dispatch *hook_dispatch_new(struct store *store,
					const char *hooks_dir,
					const char *hooks_conf, int lock_fd);

/**
 * One round: record what has ended, read the configuration if it changed,
 * fan out new events, start what is due.  With @stopping nothing is started.
 * Never waits but for the database.  Errors go to the log (stderr), each line
 * once; there is nobody else to tell.
 */
void hook_dispatch_step(struct hook_dispatch *d, struct hook_clock now,
			bool stopping);

/** Hooks that run now. */
size_t hook_dispatch_running(const struct hook_dispatch *d);

/** Results that are not recorded yet. */
size_t hook_dispatch_unrecorded(const struct hook_dispatch *d);

/**
 * What to poll() for: fills up to @max of @fds, returns how many.  And @ms,
 * lowered to the next time-out.
 */
size_t hook_dispatch_poll(const struct hook_dispatch *d, int64_t mono_ms,
			  struct pollfd *fds, size_t max, int *ms);

/** Seconds to wait after failure number @failed (from 1). */
int64_t hook_dispatch_backoff(unsigned int first_s, uint64_t failed);

/** Kills what runs; its deliveries stay pending. */
void hook_dispatch_free(struct hook_dispatch *d);

#endif

/*
 * hook.c - the dispatcher's process (hook.h): its lock, its loop, its end.
 *
 * One at a time.  A vpsd that is killed takes its dispatcher along (its end
 * of @stop_fd closes) and that its hooks, but what those hooks have started
 * may live on for a while and still be delivering.  All of it has inherited a
 * descriptor of the lock file, so the next dispatcher waits for the lock
 * before it delivers the same event again or a later one; but no longer than
 * a hook is allowed to take.
 */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "hook_conf.h"
#include "hook_dir.h"
#include "hook_dispatch.h"
#include "store.h"

#define TICK_MS		1000	/* back-off times and new events */
#define STOP_MS		5000	/* for running hooks to end by themselves */
#define FDS_MAX		(2 * HOOKS_MAX * HOOK_PARALLEL_MAX + 2)

static struct hook_clock read_clock(void)
{
	struct timespec wall;
	struct timespec mono;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (struct hook_clock){
		.wall_s = wall.tv_sec,
		.mono_ms = mono.tv_sec * 1000LL + mono.tv_nsec / 1000000,
	};
}

/* The longest that anything an earlier dispatcher started may take. */
static int64_t patience_ms(const char *hooks_dir, const char *hooks_conf)
{
	struct hook_settings settings;
	struct hook_conf *conf;
	struct hook_dir dir;
	struct err warning;
	unsigned int longest = 30;
	size_t i;

	if (hook_conf_load(&conf, hooks_conf, NULL) != 0) {
		return longest * 1000LL;
	}
	hook_dir_scan(&dir, hooks_dir, &warning, NULL);
	for (i = 0; i < dir.count; i++) {
		hook_conf_settings(conf, dir.hooks[i].name, &settings);
		if (settings.timeout_s > longest) {
			longest = settings.timeout_s;
		}
	}
	hook_conf_free(conf);
	return longest * 1000LL;
}

static bool wait_readable(int fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, ms) > 0;
}

/*
 * Returns the descriptor to hand to hooks, locked unless patience ran out;
 * -ECANCELED when told to stop meanwhile; or -errno.
 */
static int take_lock(const char *hooks_dir, const char *hooks_conf,
		     int stop_fd, struct err *err)
{
	int64_t end = read_clock().mono_ms + patience_ms(hooks_dir, hooks_conf);
	char path[PATH_MAX];
	int rc;
	int fd;

	snprintf(path, sizeof(path), "%s.lock", hooks_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = -errno;
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (read_clock().mono_ms >= end) {
			fprintf(stderr, "vpsd: hooks: something that a hook "
					"started still runs (it holds %s)\n",
				path);
			break;
		}
		if (wait_readable(stop_fd, 100)) {
			close(fd);
			return -ECANCELED;
		}
	}
	return fd;
}

static void drain(int fd)
{
	char bytes[64];

	while (fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0) {
	}
}

/* Until @stop_fd says so, and then until nothing runs or STOP_MS are over. */
static void loop(struct hook_dispatch *d, int stop_fd, int wake_fd)
{
	struct pollfd fds[FDS_MAX];
	struct hook_clock now = read_clock();
	int64_t stop_at = INT64_MAX;
	size_t count;
	int ms;

	while (now.mono_ms < stop_at) {
		hook_dispatch_step(d, now, stop_at != INT64_MAX);
		if (stop_at != INT64_MAX && hook_dispatch_running(d) == 0) {
			return;
		}
		ms = TICK_MS;
		fds[0] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
		if (stop_at != INT64_MAX) {
			fds[0].fd = -1;
			fds[1].fd = -1;
			ms = 100;
		}
		count = hook_dispatch_poll(d, now.mono_ms, fds + 2,
					   FDS_MAX - 2, &ms);
		poll(fds, count + 2, ms);
		drain(wake_fd);
		now = read_clock();
		if (fds[1].revents && stop_at == INT64_MAX) {
			stop_at = now.mono_ms + STOP_MS;
		}
	}
}

int hook_dispatch_run(const char *db_path, const char *hooks_dir,
		      const char *hooks_conf, int stop_fd, int wake_fd,
		      struct err *err)
{
	struct hook_dispatch *d;
	struct store *store;
	int lock_fd;
	int rc;

	/* It ends when vpsd does: a signal meant for vpsd must not come first. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Sales come first, also when both want the processor. */
	setpriority(PRIO_PROCESS, 0, 5);
	lock_fd = take_lock(hooks_dir, hooks_conf, stop_fd, err);
	if (lock_fd < 0) {
		return lock_fd == -ECANCELED ? 0 : lock_fd;
	}
	rc = store_open(&store, db_path, err);
	if (rc != 0) {
		goto out_lock;
	}
	d = hook_dispatch_new(store, hooks_dir, hooks_conf, lock_fd);
	if (!d) {
		rc = err_set(err, -ENOMEM, "hooks: out of memory");
		goto out_store;
	}
	loop(d, stop_fd, wake_fd);
	hook_dispatch_free(d);
out_store:
	store_close(store);
out_lock:
	close(lock_fd);
	return rc;
}

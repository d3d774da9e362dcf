/*
 * hook_process_test - the dispatcher as a process: killed at every point,
 * stopped, woken, and followed by another while a hook's child still lives.
 *
 * What must hold after any kill: each hook has seen each VPS's events in
 * order, none missing; an event may come again, but only before the next.
 */
#define CHECK_SUITE "hook_process"
#include "check.h"
#include "hook_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "store_private.h"

#define EVENTS	6	/* per VPS */
#define VPSS	2

#define LOG_IT                                                                \
	WORLD_READ "echo \"$SERAI_HOOK_NAME $vps $seq\" >>\"$LOG\"\n"

/* A dispatcher process, and our ends of its pipes. */
struct process {
	pid_t pid;
	int stop_fd;
	int wake_fd;
};

static void process_start(struct process *p, const struct world *w,
			  int crash_at)
{
	int stop[2];
	int wake[2];

	fflush(stdout);
	CHECK_INT(pipe2(stop, O_CLOEXEC), 0);
	CHECK_INT(pipe2(wake, O_CLOEXEC | O_NONBLOCK), 0);
	p->pid = fork();
	if (p->pid == 0) {
		struct err err = { "" };
		char number[16];

		close(stop[1]);
		close(wake[1]);
		snprintf(number, sizeof(number), "%d", crash_at);
		setenv("SERAI_CRASH_AT", number, 1);
		alarm(60);
		if (hook_dispatch_run(w->db, w->hooks, w->conf, stop[0],
				      wake[0], &err) != 0) {
			fprintf(stderr, "dispatcher: %s\n", err.text);
			_exit(1);
		}
		_exit(0);
	}
	close(stop[0]);
	close(wake[0]);
	p->stop_fd = stop[1];
	p->wake_fd = wake[1];
}

/* Its exit status, or 1000 + the signal that ended it. */
static int process_end(struct process *p)
{
	int status;

	close(p->stop_fd);
	close(p->wake_fd);
	waitpid(p->pid, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static void fill(struct world *w)
{
	unsigned int i;
	unsigned int vps;

	for (i = 0; i < EVENTS; i++) {
		for (vps = 1; vps <= VPSS; vps++) {
			world_event(w, vps, i == 0 ? "created" : "started");
		}
	}
}

static bool all_delivered(struct world *w)
{
	return strcmp(world_sql(w, "SELECT count(*) FROM hook_event "
				   "WHERE fanned_out = 0"), "0") == 0 &&
	       strcmp(world_sql(w, "SELECT count(*) FROM hook_delivery "
				   "WHERE state <> 'delivered'"), "0") == 0;
}

/* Until everything is delivered, or @pid is gone, or 120 s. */
static bool wait_delivered(struct world *w, pid_t pid)
{
	time_t end = time(NULL) + 120;
	siginfo_t info = { 0 };

	while (!all_delivered(w)) {
		if (time(NULL) >= end ||
		    (waitid(P_PID, (id_t)pid, &info,
			    WEXITED | WNOHANG | WNOWAIT) == 0 &&
		     info.si_pid != 0)) {
			return all_delivered(w);
		}
		usleep(10000);
	}
	return true;
}

/* Nothing missing, nothing out of order, repeats only of the same. */
static void check_log(struct world *w, const char *hook)
{
	int last[VPSS + 1] = { 0 };
	const char *line = world_log(w);
	char name[64];
	int vps, seq;

	for (; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "%63s %d %d\n", name, &vps, &seq) != 3 ||
		    vps < 1 || vps > VPSS) {
			CHECK_FAIL("expected HOOK VPS SEQ, got: %.40s", line);
			return;
		}
		if (strcmp(name, hook) != 0) {
			continue;
		}
		if (seq != last[vps] && seq != last[vps] + 1) {
			CHECK_FAIL("%s: after %d of VPS %d expected it again "
				   "or the next, got %d", hook, last[vps],
				   vps, seq);
			return;
		}
		last[vps] = seq;
	}
	for (vps = 1; vps <= VPSS; vps++) {
		CHECK_INT(last[vps], EVENTS);
	}
}

/* Exit right after its n-th commit, for every n until it needs no more. */
static void test_killed_after_every_commit(void)
{
	struct process p;
	struct world w;
	int crashes = 0;
	int n;
	int status = 99;

	for (n = 1; status == 99 && n < 100; n++) {
		world_open(&w, VPSS);
		world_hook(&w, "one", LOG_IT);
		world_hook(&w, "two", LOG_IT);
		fill(&w);
		process_start(&p, &w, n);
		wait_delivered(&w, p.pid);
		status = process_end(&p);
		crashes += status == 99;
		process_start(&p, &w, 0);
		CHECK(wait_delivered(&w, p.pid));
		CHECK_INT(process_end(&p), 0);
		check_log(&w, "one");
		check_log(&w, "two");
		world_close(&w);
	}
	/* Fan-out, a prune, and one for each delivery. */
	CHECK_INT(crashes, 2 + 2 * VPSS * EVENTS);
}

/* SIGKILL at any time: the hooks it ran go with it, the events do not. */
static void test_killed_any_time(void)
{
	struct process p;
	struct world w;
	int round;

	srand(7);
	for (round = 0; round < 6; round++) {
		world_open(&w, VPSS);
		world_hook(&w, "one", "sleep 0.01\n" LOG_IT "sleep 0.01");
		fill(&w);
		do {
			process_start(&p, &w, 0);
			usleep((useconds_t)(rand() % 120000));
			kill(p.pid, SIGKILL);
			CHECK_INT(process_end(&p), 1000 + SIGKILL);
		} while (rand() % 4 != 0);
		process_start(&p, &w, 0);
		CHECK(wait_delivered(&w, p.pid));
		CHECK_INT(process_end(&p), 0);
		check_log(&w, "one");
		world_close(&w);
	}
}

/*
 * The dispatcher is killed, its hook dies with it, but a child of the hook
 * lives on and is about to deliver.  The next dispatcher has to wait for it.
 */
static void test_waits_for_the_last_ones_children(void)
{
	struct process p;
	struct world w;
	char test[256];

	world_open(&w, 1);
	world_hook(&w, "late",
		   "if mkdir $ROOT/first 2>/dev/null; then\n"
		   "  ( until [ -e $ROOT/go ]; do sleep 0.02; done\n"
		   "    echo first >>$LOG ) &\n"
		   "  touch $ROOT/begun; wait\n"
		   "else echo again >>$LOG; fi");
	world_event(&w, 1, "created");
	process_start(&p, &w, 0);
	snprintf(test, sizeof(test), "test -e %s/begun", w.root);
	CHECK(world_wait(test));
	kill(p.pid, SIGKILL);
	process_end(&p);

	process_start(&p, &w, 0);
	/* It has begun to wait once it has opened the lock file. */
	snprintf(test, sizeof(test),
		 "ls -l /proc/%d/fd 2>/dev/null | grep -q hooks.lock", p.pid);
	CHECK(world_wait(test));
	usleep(500000);
	CHECK_TEXT(world_log(&w), "");
	snprintf(test, sizeof(test), "touch %s/go", w.root);
	CHECK_INT(system(test), 0);
	CHECK(wait_delivered(&w, p.pid));
	CHECK_TEXT(world_log(&w), "first\nagain\n");
	CHECK_INT(process_end(&p), 0);
	world_close(&w);
}

/* A hook must not go on, unsupervised, after its dispatcher was killed. */
static void test_hook_dies_with_the_dispatcher(void)
{
	struct process p;
	struct world w;
	char test[256];

	world_open(&w, 1);
	world_hook(&w, "hang", "echo $$ >$ROOT/pid; exec sleep 1000");
	world_event(&w, 1, "created");
	process_start(&p, &w, 0);
	snprintf(test, sizeof(test), "test -s %s/pid", w.root);
	CHECK(world_wait(test));
	kill(p.pid, SIGKILL);
	process_end(&p);
	snprintf(test, sizeof(test),
		 "! kill -0 $(cat %s/pid) 2>/dev/null", w.root);
	CHECK(world_wait(test));
	world_close(&w);
}

/*
 * vpsd ignores SIGPIPE and more; a shell script must not.  The last seven
 * digits: 32 and 33 are the C library's, may be inherited, and stay as they
 * are.
 */
static void test_hook_has_ordinary_signals(void)
{
	struct process p;
	struct world w;

	world_open(&w, 1);
	world_hook(&w, "signals",
		   "sed -n 's/^\\(Sig[BI][lg][kn]\\):.*\\(.......\\)$/\\1 \\2/p' "
		   "/proc/self/status >>$LOG");
	world_event(&w, 1, "created");
	process_start(&p, &w, 0);
	CHECK(wait_delivered(&w, p.pid));
	CHECK_INT(process_end(&p), 0);
	CHECK_TEXT(world_log(&w), "SigBlk 0000000\nSigIgn 0000000\n");
	world_close(&w);
}

/* Told to stop while it waits for the lock: it does not wait any longer. */
static void test_stops_while_waiting_for_the_lock(void)
{
	struct process first, second;
	struct world w;
	char test[256];

	world_open(&w, 1);
	process_start(&first, &w, 0);
	snprintf(test, sizeof(test),
		 "grep -q : /proc/locks && test -e %s.lock && "
		 "ls -l /proc/%d/fd | grep -q '/db$'", w.hooks, first.pid);
	CHECK(world_wait(test));
	process_start(&second, &w, 0);
	CHECK_INT(process_end(&second), 0);
	CHECK_INT(process_end(&first), 0);
	world_close(&w);
}

/* A hook that runs when vpsd stops may finish, and that is recorded. */
static void test_stop_lets_a_hook_finish(void)
{
	struct process p;
	struct world w;
	char test[256];

	world_open(&w, 1);
	world_hook(&w, "slow", "touch $ROOT/begun; sleep 1; echo end >>$LOG");
	world_event(&w, 1, "created");
	world_event(&w, 1, "started");
	process_start(&p, &w, 0);
	snprintf(test, sizeof(test), "test -e %s/begun", w.root);
	CHECK(world_wait(test));
	CHECK_INT(process_end(&p), 0);
	CHECK_TEXT(world_log(&w), "end\n");
	CHECK_TEXT(world_sql(&w, "SELECT group_concat(state, ' ') FROM "
				 "hook_delivery"), "delivered pending");
	world_close(&w);
}

/* ... but not for ever. */
static void test_stop_does_not_wait_for_ever(void)
{
	struct process p;
	struct world w;
	time_t start;
	char test[256];

	world_open(&w, 1);
	world_hook(&w, "hang", "echo $$ >$ROOT/pid; exec sleep 1000");
	world_event(&w, 1, "created");
	process_start(&p, &w, 0);
	snprintf(test, sizeof(test), "test -s %s/pid", w.root);
	CHECK(world_wait(test));
	start = time(NULL);
	CHECK_INT(process_end(&p), 0);
	CHECK(time(NULL) - start < 120);
	snprintf(test, sizeof(test),
		 "! kill -0 $(cat %s/pid) 2>/dev/null", w.root);
	CHECK(world_wait(test));
	CHECK_TEXT(world_sql(&w, "SELECT state || attempts FROM "
				 "hook_delivery"), "pending0");
	world_close(&w);
}

/* A sale's transaction takes no longer because of hooks that hang. */
static void test_a_sale_does_not_wait(void)
{
	struct timespec a, b;
	struct process p;
	struct world w;
	char test[256];
	long ms;

	world_open(&w, 4);
	world_hook(&w, "hang", "touch $ROOT/begun; exec sleep 1000");
	world_hook(&w, "flood", "exec yes >&2");
	world_event(&w, 1, "created");
	process_start(&p, &w, 0);
	snprintf(test, sizeof(test), "test -e %s/begun", w.root);
	CHECK(world_wait(test));
	clock_gettime(CLOCK_MONOTONIC, &a);
	world_event(&w, 2, "created");
	CHECK_INT(write(p.wake_fd, "", 1), 1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	/* Waiting for a hook would take its 30 s. */
	if (ms > 15000) {
		CHECK_FAIL("expected a few ms, got %ld ms", ms);
	}
	kill(p.pid, SIGKILL);
	process_end(&p);
	world_close(&w);
}

int main(void)
{
	RUN(test_killed_after_every_commit);
	RUN(test_killed_any_time);
	RUN(test_waits_for_the_last_ones_children);
	RUN(test_hook_dies_with_the_dispatcher);
	RUN(test_hook_has_ordinary_signals);
	RUN(test_stops_while_waiting_for_the_lock);
	RUN(test_stop_lets_a_hook_finish);
	RUN(test_stop_does_not_wait_for_ever);
	RUN(test_a_sale_does_not_wait);
	return check_end();
}

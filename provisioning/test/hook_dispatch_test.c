/*
 * hook_dispatch_test - order, back-off, dead letters and bad hooks, with real
 * hook processes on virtual clocks.
 */
#define CHECK_SUITE "hook_dispatch"
#include "check.h"
#include "hook_world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook_run.h"
#include "store_hook.h"
#include "store_private.h"

/* "VPS:SEQ" of the record on stdin, one line per event. */
#define LOG_IT WORLD_READ "echo \"$vps:$seq\" >>\"$LOG\"\n"

#define STATES                                                                \
	"SELECT group_concat(state, ' ') FROM "                               \
	"(SELECT state FROM hook_delivery ORDER BY id)"

static void test_order_per_vps(void)
{
	struct world w;
	unsigned int i;
	int next[4] = { 0, 1, 1, 1 };
	const char *line;

	world_open(&w, 3);
	world_hook(&w, "log", LOG_IT);
	for (i = 0; i < 15; i++) {
		world_event(&w, i % 3 + 1, i < 3 ? "created" : "started");
	}
	CHECK(world_settle(&w));
	for (line = world_log(&w); *line; line = strchr(line, '\n') + 1) {
		int vps, seq;

		if (sscanf(line, "%d:%d\n", &vps, &seq) != 2 || vps < 1 ||
		    vps > 3 || next[vps] != seq) {
			CHECK_FAIL("expected the next of each VPS, got:\n%s",
				   world_log(&w));
			break;
		}
		next[vps]++;
	}
	CHECK_INT(next[1] + next[2] + next[3], 18);
	CHECK_TEXT(world_sql(&w, "SELECT DISTINCT state FROM hook_delivery"),
		   "delivered");
	world_close(&w);
}

/* Each run waits until the other VPS's has begun: one at a time would hang. */
static void test_vpss_in_parallel(void)
{
	struct world w;

	world_open(&w, 2);
	world_hook(&w, "meet",
		   LOG_IT "until grep -q 1: $LOG && grep -q 2: $LOG; do "
			  "sleep 0.05; done");
	world_event(&w, 1, "started");
	world_event(&w, 2, "started");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "delivered delivered");
	world_close(&w);
}

static void test_parallel_limit(void)
{
	struct world w;
	unsigned int i;

	world_open(&w, 6);
	world_conf(&w, "*.parallel = 5\nalone.parallel = 1\n");
	world_hook(&w, "alone",
		   "mkdir $ROOT/in || echo both >>$LOG\nsleep 0.05\n"
		   "rmdir $ROOT/in\necho ok >>$LOG");
	for (i = 1; i <= 6; i++) {
		world_event(&w, i, "started");
	}
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "ok\nok\nok\nok\nok\nok\n");
	world_close(&w);
}

static void test_backoff_times(void)
{
	static const int64_t want[] = { 10,  20,   40,	 80,   160, 320,
					640, 1280, 2560, 3600, 3600 };
	unsigned int i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		CHECK_INT(hook_dispatch_backoff(10, i + 1), want[i]);
	}
	CHECK_INT(hook_dispatch_backoff(1, 1000000), 3600);
	CHECK_INT(hook_dispatch_backoff(3600, 2), 3600);
}

/* Fails always: tried at 0, 10, 30, 70, ... seconds, never between. */
static void test_backoff_on_the_clock(void)
{
	struct world w;
	int64_t waits[] = { 10, 20, 40 };
	unsigned int i;

	world_open(&w, 1);
	world_hook(&w, "bad", "echo try >>$LOG; echo nope >&2; exit 3");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "try\n");
	CHECK_TEXT(world_sql(&w, "SELECT last_error FROM hook_delivery"),
		   "exit status 3; nope");
	for (i = 0; i < 3; i++) {
		w.clock.wall_s += waits[i] - 1;
		CHECK(world_settle(&w));
		CHECK_INT(strlen(world_log(&w)), 4 * (i + 1));
		w.clock.wall_s += 1;
		CHECK(world_settle(&w));
		CHECK_INT(strlen(world_log(&w)), 4 * (i + 2));
	}
	world_close(&w);
}

/* A clock set back by a year must not silence a hook for a year. */
static void test_clock_set_back(void)
{
	struct world w;

	world_open(&w, 1);
	world_hook(&w, "bad", "echo try >>$LOG; exit 1");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	w.clock.wall_s -= 365 * 86400;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "try\ntry\n");
	world_close(&w);
}

static void test_dead_letter_and_retry(void)
{
	struct world w;
	struct err err = { "" };
	uint64_t count = 0;
	cJSON *list = NULL;

	world_open(&w, 1);
	world_conf(&w, "*.attempts = 2\n");
	world_hook(&w, "log", LOG_IT "[ $seq != 1 ] || [ -e $ROOT/mended ]");
	world_event(&w, 1, "created");
	world_event(&w, 1, "started");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "pending pending");
	w.clock.wall_s += 10;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "dead delivered");
	CHECK_TEXT(world_log(&w), "1:1\n1:1\n1:2\n");

	/* The list says what failed, and why. */
	CHECK_INT(store_hook_list_json(w.store, "dead", 50, &list, &err), 0);
	CHECK_INT(cJSON_GetArraySize(list), 1);
	CHECK_TEXT(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "vps")
			   ->valuestring, "web1");
	CHECK_HAS(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0),
				      "last_error")->valuestring,
		  "exit status 1");
	cJSON_Delete(list);

	/* Retried while still broken: both attempts again, then dead again. */
	CHECK_INT(store_hook_retry(w.store, 1, &count, &err), 0);
	CHECK_INT(count, 1);
	CHECK(world_settle(&w));
	w.clock.wall_s += 10;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "dead delivered");

	world_hook(&w, "log", LOG_IT);
	CHECK_INT(store_hook_retry(w.store, 0, &count, &err), 0);
	CHECK_INT(count, 1);
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "delivered delivered");
	CHECK_TEXT(world_log(&w), "1:1\n1:1\n1:2\n1:1\n1:1\n1:1\n");

	CHECK_INT(store_hook_retry(w.store, 0, &count, &err), 0);
	CHECK_INT(count, 0);
	CHECK_INT(store_hook_retry(w.store, 2, &count, &err), -ENOENT);
	CHECK_INT(store_hook_retry(w.store, 77, &count, &err), -ENOENT);
	CHECK_HAS(err.text, "delivery 77");
	world_close(&w);
}

/* `vps hook retry ID` of one that waits: now, not in an hour. */
static void test_retry_of_a_waiting_one(void)
{
	struct world w;
	struct err err;
	uint64_t count;

	world_open(&w, 1);
	world_hook(&w, "bad", "echo try >>$LOG; exit 1");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_INT(store_hook_retry(w.store, 1, &count, &err), 0);
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "try\ntry\n");
	CHECK_TEXT(world_sql(&w, "SELECT attempts FROM hook_delivery"), "2");
	world_close(&w);
}

static void test_slow_hook_delays_nobody(void)
{
	struct world w;

	world_open(&w, 2);
	world_hook(&w, "slow", "echo $$ >$ROOT/pid; exec sleep 1000");
	world_hook(&w, "fast", "echo fast >>$LOG");
	world_conf(&w, "slow.timeout = 5\nslow.parallel = 1\n");
	world_event(&w, 1, "created");
	world_event(&w, 1, "started");
	world_event(&w, 2, "created");
	CHECK(world_until_log(&w, "fast\nfast\nfast\n"));
	CHECK(world_until_running(&w, 1));
	CHECK_TEXT(world_sql(&w, "SELECT count(*) FROM hook_delivery WHERE "
				 "hook = 'slow' AND state = 'pending' AND "
				 "attempts = 0"), "3");
	w.clock.mono_ms += 4999;
	world_step(&w);
	CHECK_INT(hook_dispatch_running(w.d), 1);
	world_close(&w);
}

/* Killed with what it started, at its time, not before. */
static void test_time_out_kills_the_group(void)
{
	struct world w;
	char test[160];

	world_open(&w, 1);
	world_conf(&w, "hang.timeout = 5\n");
	world_hook(&w, "hang",
		   "trap '' TERM INT HUP\nsleep 1000 & echo $! >$ROOT/child\n"
		   "echo begun >>$LOG; echo stuck >&2\nwait; wait; sleep 1000");
	world_event(&w, 1, "created");
	CHECK(world_until_log(&w, "begun"));
	w.clock.mono_ms += 4999;
	world_step(&w);
	CHECK_TEXT(world_sql(&w, "SELECT attempts FROM hook_delivery"), "0");
	w.clock.mono_ms += 1;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, "SELECT last_error FROM hook_delivery"),
		   "timed out and was killed; stuck");
	snprintf(test, sizeof(test),
		 "p=$(cat %s/child) && ! kill -0 $p 2>/dev/null", w.root);
	CHECK(world_wait(test));
	world_close(&w);
}

/* A hook that says yes and leaves something behind: yes, and it is gone. */
static void test_background_child_is_killed(void)
{
	struct world w;
	char test[160];

	world_open(&w, 1);
	world_hook(&w, "leaves", "sleep 1000 & echo $! >$ROOT/child");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "delivered");
	snprintf(test, sizeof(test),
		 "p=$(cat %s/child) && ! kill -0 $p 2>/dev/null", w.root);
	CHECK(world_wait(test));
	world_close(&w);
}

/* One bad hook each: what is recorded? */
static void run_bad(const char *body, const char *state, const char *error)
{
	struct world w;

	world_open(&w, 1);
	world_hook(&w, "bad", body);
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), state);
	CHECK_HAS(world_sql(&w, "SELECT last_error FROM hook_delivery"),
		  error);
	world_close(&w);
}

static void test_dies_by_signal(void)
{
	run_bad("echo last words >&2; kill -SEGV $$", "pending",
		"killed by signal 11; last words");
}

static void test_garbage_on_stdout(void)
{
	run_bad("head -c 100000 /dev/urandom", "delivered", "");
}

static void test_floods_stdout(void)
{
	run_bad("head -c 50000000 /dev/zero", "delivered", "");
}

static void test_floods_stderr(void)
{
	run_bad("exec yes waaah >&2", "pending",
		"killed: more than 1 MiB on stderr");
}

static void test_garbage_on_stderr(void)
{
	run_bad("printf 'one\\n\\001\\377\\033[2Jbell\\007\\n\\n' >&2; exit 1",
		"pending", "exit status 1; ???[2Jbell?");
}

static void test_says_nothing(void)
{
	run_bad("exit 255", "pending", "exit status 255; (no message)");
}

static void test_closes_everything(void)
{
	run_bad("exec <&- >&- 2>&-; exit 0", "delivered", "");
}

static void test_no_such_interpreter(void)
{
	struct world w;
	char path[160];
	FILE *file;

	world_open(&w, 1);
	snprintf(path, sizeof(path), "%s/odd", w.hooks);
	file = fopen(path, "w");
	CHECK(file && fputs("#!/no/such/thing\n", file) >= 0);
	CHECK(file && fclose(file) == 0 && chmod(path, 0755) == 0);
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_HAS(world_sql(&w, "SELECT last_error FROM hook_delivery"),
		  "exit status 127; cannot run it: No such file");
	world_close(&w);
}

/* A record far above a pipe's 64 KiB, and nobody who reads it. */
static void test_never_reads_stdin(void)
{
	struct world w;
	char test[128];

	world_open(&w, 1);
	world_hook(&w, "deaf", "echo done >>$LOG");
	world_hook(&w, "ears", "wc -c >$ROOT/size");
	world_event(&w, 1, "created");
	world_exec(&w, "UPDATE hook_event SET payload = "
		       "'{\"x\":\"' || printf('%.*c', 300000, 'x') || '\"}'");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "delivered delivered");
	snprintf(test, sizeof(test), "grep -q '^300009$' %s/size", w.root);
	CHECK(world_wait(test));
	world_close(&w);
}

static void test_environment(void)
{
	struct world w;

	world_open(&w, 1);
	world_conf(&w, "*.SHARED = all\nenv.SHARED = mine\n"
		       "other.SECRET = no\nenv.URL = http://x/#y # why\n"
		       "env.HOME = /root\n");
	setenv("LEAK", "from vpsd", 1);
	world_hook(&w, "env",
		   "echo \"$URL $SHARED ${SECRET-none} ${LEAK-none} $HOME\" "
		   ">>$LOG\necho \"$SERAI_HOOK_VERSION $SERAI_HOOK_NAME "
		   "$SERAI_EVENT_TYPE $SERAI_ATTEMPT $(pwd)\" >>$LOG\n"
		   "[ ${#SERAI_EVENT_ID} = 36 ] && echo id >>$LOG\n"
		   "ls /proc/self/fd | xargs >>$LOG");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	unsetenv("LEAK");
	/* 3 is ls's own: no descriptor of the dispatcher came along. */
	CHECK_TEXT(world_log(&w), "http://x/#y mine none none /root\n"
				  "1 env created 1 /\nid\n0 1 2 3\n");
	world_close(&w);
}

/* Enabled later: not the past.  Disabled: its waiting ones wait on. */
static void test_enable_and_disable(void)
{
	struct world w;
	char path[160];

	world_open(&w, 1);
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	world_hook(&w, "log", LOG_IT "[ -e $ROOT/mended ]");
	world_event(&w, 1, "started");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "1:2\n");
	snprintf(path, sizeof(path), "%s/log", w.hooks);
	CHECK_INT(unlink(path), 0);
	w.clock.wall_s += 1000;
	world_event(&w, 1, "stopped");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, STATES), "pending");
	world_hook(&w, "log", LOG_IT);
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "1:2\n1:2\n");
	world_close(&w);
}

/* Whoever can write a hook is root: such a hook must not run. */
static void test_writable_by_others(void)
{
	struct world w;
	char path[160];

	world_open(&w, 1);
	world_hook(&w, "log", LOG_IT);
	snprintf(path, sizeof(path), "%s/log", w.hooks);
	CHECK_INT(chmod(path, 0775), 0);
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "");
	CHECK_INT(chmod(path, 0755), 0);
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "1:1\n");

	CHECK_INT(chmod(w.hooks, 0777), 0);
	world_event(&w, 1, "started");
	w.clock.mono_ms += 60000;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "1:1\n");
	CHECK_INT(chmod(w.hooks, 0755), 0);
	w.clock.mono_ms += 60000;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "1:1\n1:2\n");
	world_close(&w);
}

/* What lies there beside hooks: not run, not complained about. */
static void test_other_files_are_no_hooks(void)
{
	struct world w;
	char command[512];

	world_open(&w, 1);
	snprintf(command, sizeof(command),
		 "cd %s && printf '#!/bin/sh\\necho bad >>%s\\n' >a.new && "
		 "cp a.new readme && chmod 755 a.new && mkdir sub && "
		 "ln -s /no/where gone && ln -s %s/target link", w.hooks,
		 w.log, w.root);
	CHECK_INT(system(command), 0);
	world_hook(&w, "../target", "echo linked >>$LOG");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "linked\n");
	world_close(&w);
}

static void test_bad_conf_keeps_the_old(void)
{
	struct world w;

	world_open(&w, 1);
	world_hook(&w, "env", "echo \"$WHO\" >>$LOG");
	world_conf(&w, "env.WHO = first\n");
	world_event(&w, 1, "created");
	CHECK(world_settle(&w));
	world_conf(&w, "env.WHO = second\nenv.timeout = 0\n");
	world_event(&w, 1, "started");
	CHECK(world_settle(&w));
	world_conf(&w, "env.WHO = third\n");
	world_event(&w, 1, "stopped");
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "first\nfirst\nthird\n");
	world_close(&w);
}

/* The result cannot be written: the hook must not run again meanwhile. */
static void test_result_waits_for_the_database(void)
{
	struct world w;
	struct store *other;
	struct err err;

	world_open(&w, 1);
	world_hook(&w, "once", "echo once >>$LOG");
	world_event(&w, 1, "created");
	CHECK_INT(store_open(&other, w.db, &err), 0);
	sqlite3_busy_timeout(w.store->db, 0);
	world_step(&w);
	CHECK_INT(hook_dispatch_running(w.d), 1);
	CHECK_INT(store_begin(other, &err), 0);
	CHECK(world_until_log(&w, "once"));
	while (hook_dispatch_running(w.d) > 0) {
		world_step(&w);
	}
	w.clock.mono_ms += 60000;
	world_step(&w);
	w.clock.mono_ms += 60000;
	world_step(&w);
	CHECK_INT(hook_dispatch_unrecorded(w.d), 1);
	CHECK_INT(store_end(other, 0, &err), 0);
	w.clock.mono_ms += 60000;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_log(&w), "once\n");
	CHECK_TEXT(world_sql(&w, STATES), "delivered");
	store_close(other);
	world_close(&w);
}

static void test_prune(void)
{
	struct world w;

	world_open(&w, 1);
	world_event(&w, 1, "created");	/* nobody wants it */
	CHECK(world_settle(&w));
	world_hook(&w, "log", LOG_IT "[ $seq != 2 ]");
	world_conf(&w, "*.attempts = 1\n");
	world_event(&w, 1, "started");	/* dead */
	world_event(&w, 1, "stopped");	/* delivered */
	CHECK(world_settle(&w));
	w.clock.wall_s += HOOK_KEEP_S - 1;
	w.clock.mono_ms += 3600 * 1000;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, "SELECT count(*) FROM hook_event"), "3");
	w.clock.wall_s += 2;
	w.clock.mono_ms += 3600 * 1000;
	CHECK(world_settle(&w));
	CHECK_TEXT(world_sql(&w, "SELECT group_concat(type) FROM hook_event"),
		   "started");
	CHECK_TEXT(world_sql(&w, STATES), "dead");
	world_close(&w);
}

static void test_records_page_by_page(void)
{
	struct world w;
	struct err err;
	cJSON *page = NULL;
	cJSON *record;

	world_open(&w, 1);
	world_event(&w, 1, "created");
	world_event(&w, 1, "started");
	world_event(&w, 1, "stopped");
	CHECK_INT(store_hook_records_json(w.store, 1, 1, &page, &err), 0);
	CHECK_INT(cJSON_GetArraySize(page), 1);
	CHECK_INT(cJSON_GetObjectItem(cJSON_GetArrayItem(page, 0), "id")
			  ->valueint, 2);
	record = cJSON_Parse(cJSON_GetObjectItem(cJSON_GetArrayItem(page, 0),
						 "record")->valuestring);
	CHECK(record != NULL);
	CHECK_TEXT(cJSON_GetObjectItem(record, "type")->valuestring,
		   "started");
	cJSON_Delete(record);
	cJSON_Delete(page);
	world_close(&w);
}

int main(void)
{
	/* A world_close() beside running hooks has to kill them all. */
	RUN(test_order_per_vps);
	RUN(test_vpss_in_parallel);
	RUN(test_parallel_limit);
	RUN(test_backoff_times);
	RUN(test_backoff_on_the_clock);
	RUN(test_clock_set_back);
	RUN(test_dead_letter_and_retry);
	RUN(test_retry_of_a_waiting_one);
	RUN(test_slow_hook_delays_nobody);
	RUN(test_time_out_kills_the_group);
	RUN(test_background_child_is_killed);
	RUN(test_dies_by_signal);
	RUN(test_garbage_on_stdout);
	RUN(test_floods_stdout);
	RUN(test_floods_stderr);
	RUN(test_garbage_on_stderr);
	RUN(test_says_nothing);
	RUN(test_closes_everything);
	RUN(test_no_such_interpreter);
	RUN(test_never_reads_stdin);
	RUN(test_environment);
	RUN(test_enable_and_disable);
	RUN(test_writable_by_others);
	RUN(test_other_files_are_no_hooks);
	RUN(test_bad_conf_keeps_the_old);
	RUN(test_result_waits_for_the_database);
	RUN(test_prune);
	RUN(test_records_page_by_page);
	return check_end();
}

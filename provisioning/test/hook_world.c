/*
 * hook_world.c - see hook_world.h.
 */
#include "hook_world.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store_private.h"

#define PATIENCE_S 120

static void die(const char *what, const char *why)
{
	printf("FAIL hook world: expected to set up %s, got: %s\n", what, why);
	exit(2);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	char temporary[128];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0 ||
	    chmod(temporary, mode) != 0 || rename(temporary, path) != 0) {
		die(path, "cannot write it");
	}
}

void world_exec(struct world *w, const char *sql)
{
	if (sqlite3_exec(w->store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		die(sql, sqlite3_errmsg(w->store->db));
	}
}

const char *world_sql(struct world *w, const char *sql)
{
	static char text[4096];
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(w->store->db, sql, -1, &stmt, NULL) !=
	    SQLITE_OK) {
		die(sql, sqlite3_errmsg(w->store->db));
	}
	text[0] = '\0';
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		store_text(stmt, 0, text, sizeof(text));
	}
	sqlite3_finalize(stmt);
	return text;
}

static void add_vps(struct world *w, unsigned int id)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO vps (id, uuid, name, customer_id, plan_id, "
		 "template_id, vcpus, weight, cap, ram_mib, disk_mib, "
		 "rate_in_kbit, rate_out_kbit, mac, ssh_keys, desired, phase, "
		 "created_at) VALUES (%u, 'uuid-%u', 'web%u', 1, 1, 1, 1, 256, "
		 "0, 512, 1024, 0, 0, 'mac-%u', '', 'running', 'sold', 0)",
		 id, id, id, id);
	world_exec(w, sql);
}

/* In memory if programs may run there: hundreds of commits, each synced. */
static const char *fast_folder(void)
{
	struct statvfs fs;

	if (statvfs("/dev/shm", &fs) == 0 && !(fs.f_flag & ST_NOEXEC)) {
		return "/dev/shm";
	}
	return "/tmp";
}

void world_open(struct world *w, unsigned int vps)
{
	struct err err;
	unsigned int i;

	memset(w, 0, sizeof(*w));
	snprintf(w->root, sizeof(w->root), "%s/serai-hook-test-XXXXXX",
		 fast_folder());
	if (!mkdtemp(w->root)) {
		die("a temporary folder", w->root);
	}
	snprintf(w->db, sizeof(w->db), "%s/db", w->root);
	snprintf(w->hooks, sizeof(w->hooks), "%s/hooks", w->root);
	snprintf(w->conf, sizeof(w->conf), "%s/hooks.conf", w->root);
	snprintf(w->log, sizeof(w->log), "%s/log", w->root);
	if (mkdir(w->hooks, 0755) != 0 ||
	    store_open(&w->store, w->db, &err) != 0) {
		die(w->db, err.text);
	}
	world_exec(w, "INSERT INTO customer (id, name, external_id, "
		      "created_at) VALUES (1, 'acme', 'ext-1', 0);"
		      "INSERT INTO plan (id, name, vcpus, weight, cap, "
		      "ram_mib, disk_mib, rate_in_kbit, rate_out_kbit, "
		      "created_at) VALUES (1, 'small', 1, 256, 0, 512, 1024, "
		      "0, 0, 0);"
		      "INSERT INTO template (id, name, version, description, "
		      "min_disk_mib, min_ram_mib, default_user, cmdline, "
		      "phase, created_at) VALUES (1, 't', '1', '', 1, 1, "
		      "'root', '', 'ready', 0);");
	for (i = 1; i <= vps; i++) {
		add_vps(w, i);
	}
	write_file(w->log, "", 0600);
	w->clock.wall_s = WORLD_START;
	w->clock.mono_ms = 1000;
	world_dispatch(w);
}

void world_close(struct world *w)
{
	char command[128];

	hook_dispatch_free(w->d);
	store_close(w->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->root);
	if (system(command) != 0) {
		die("an empty /tmp", command);
	}
}

void world_hook(struct world *w, const char *name, const char *body)
{
	char path[192];
	char text[2048];

	snprintf(path, sizeof(path), "%s/%s", w->hooks, name);
	snprintf(text, sizeof(text), "#!/bin/sh\nROOT=%s LOG=%s\n%s\n",
		 w->root, w->log, body);
	write_file(path, text, 0755);
}

void world_conf(struct world *w, const char *text)
{
	write_file(w->conf, text, 0644);
}

void world_event(struct world *w, uint64_t vps, const char *type)
{
	struct err err;
	int rc = store_begin(w->store, &err);

	if (rc == 0) {
		rc = store_hook_event(w->store, vps, type, NULL,
				      w->clock.wall_s, &err);
		rc = store_end(w->store, rc, &err);
	}
	if (rc != 0) {
		die("an event", err.text);
	}
}

void world_dispatch(struct world *w)
{
	if (w->d) {
		hook_dispatch_free(w->d);
	}
	w->d = hook_dispatch_new(w->store, w->hooks, w->conf, -1);
	if (!w->d) {
		die("a dispatcher", "out of memory");
	}
}

void world_step(struct world *w)
{
	hook_dispatch_step(w->d, w->clock, false);
}

/* Sleep until something of a hook happens: its end or its stderr. */
static void wait_for_hooks(struct world *w)
{
	struct pollfd fds[128];
	int ms = 100;
	size_t count = hook_dispatch_poll(w->d, w->clock.mono_ms, fds, 128,
					  &ms);

	poll(fds, count, 100);
}

bool world_settle(struct world *w)
{
	time_t end = time(NULL) + PATIENCE_S;

	do {
		world_step(w);
		if (hook_dispatch_running(w->d) == 0 &&
		    hook_dispatch_unrecorded(w->d) == 0) {
			return true;
		}
		wait_for_hooks(w);
	} while (time(NULL) < end);
	return false;
}

bool world_until_log(struct world *w, const char *text)
{
	time_t end = time(NULL) + PATIENCE_S;

	do {
		world_step(w);
		if (strstr(world_log(w), text)) {
			return true;
		}
		wait_for_hooks(w);
	} while (time(NULL) < end);
	return false;
}

bool world_until_running(struct world *w, size_t count)
{
	time_t end = time(NULL) + PATIENCE_S;

	do {
		world_step(w);
		if (hook_dispatch_running(w->d) == count) {
			return true;
		}
		wait_for_hooks(w);
	} while (time(NULL) < end);
	return false;
}

const char *world_log(struct world *w)
{
	static char text[256 * 1024];
	FILE *file = fopen(w->log, "r");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file) {
		fclose(file);
	}
	return text;
}

bool world_wait(const char *test)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (system(test) != 0) {
		if (time(NULL) >= end) {
			return false;
		}
		usleep(20000);
	}
	return true;
}

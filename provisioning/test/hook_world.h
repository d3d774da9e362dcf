/*
 * hook_world.h - a temporary database with VPSs and a folder of hooks, for the
 * tests of the dispatcher and of usage.  Stops the program (exit status 2) if
 * it cannot be set up; the tests themselves are judged by CHECK().
 */
#ifndef SERAI_TEST_HOOK_WORLD_H
#define SERAI_TEST_HOOK_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "hook_dispatch.h"

struct store;

#define WORLD_START	1800000000	/* virtual now at the beginning */

/* Shell: the record on stdin, to $record, $vps (number) and $seq. */
#define WORLD_READ                                                            \
	"record=$(cat)\n"                                                     \
	"seq=${record#*\\\"seq\\\":}; seq=${seq%%,*}\n"                       \
	"vps=${record#*\\\"vps\\\":\\{\\\"id\\\":}; vps=${vps%%,*}\n"

struct world {
	char root[64];		/* temporary folder */
	char db[96];
	char hooks[96];		/* folder of hooks */
	char conf[96];
	char log[96];		/* where test hooks write: $LOG */
	struct store *store;
	struct hook_dispatch *d;
	struct hook_clock clock;
};

/** @vps VPSs numbered from 1, no hooks. */
void world_open(struct world *w, unsigned int vps);
void world_close(struct world *w);

/** Install hook @name: a shell script with @body.  $LOG is the log file. */
void world_hook(struct world *w, const char *name, const char *body);

/** Replace hooks.conf. */
void world_conf(struct world *w, const char *text);

/** One event of @type for @vps, in its own transaction. */
void world_event(struct world *w, uint64_t vps, const char *type);

/** A new dispatcher, as after a restart. */
void world_dispatch(struct world *w);

/** One round, at the virtual time. */
void world_step(struct world *w);

/** Rounds, waiting really for processes, until none runs or is due. */
bool world_settle(struct world *w);

/** Rounds until the log holds @text (really waiting up to 30 s). */
bool world_until_log(struct world *w, const char *text);

/** Rounds until @count hooks run (really waiting up to 30 s). */
bool world_until_running(struct world *w, size_t count);

/** The log; valid until the next call. */
const char *world_log(struct world *w);

/** Result of an SQL expression as text; valid until the next call. */
const char *world_sql(struct world *w, const char *sql);
void world_exec(struct world *w, const char *sql);

/** Wait up to 30 s of real time for the shell condition @test. */
bool world_wait(const char *test);

#endif

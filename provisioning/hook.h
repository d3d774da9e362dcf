/*
 * hook.h - the outbox: what has happened to a VPS, told to billing hooks.
 *
 * An event is a row of hook_event, written in the same transaction as the
 * change it tells of (store.c calls hook_event_add() inside its own
 * transactions).  The dispatcher, a process of its own with its own database
 * connection, gives every event to every enabled hook (executables in
 * STATE/hooks/): hook_event --fan out--> one hook_delivery per hook:
 *
 *	PENDING --exit 0--> DELIVERED
 *	PENDING --fails, attempts left--> PENDING (next_attempt_at later)
 *	PENDING --fails, none left--> DEAD --vps hook retry--> PENDING
 *
 * Order: per (hook, vps_id) by seq; a later event waits while an earlier one
 * is PENDING, and goes on past a DEAD one.
 */
#ifndef SERAI_HOOK_H
#define SERAI_HOOK_H

#include <stdint.h>

#include "err.h"

struct cJSON;
struct store;

/*
 * The dispatcher process's main loop; returns when @stop_fd becomes readable
 * or reaches end of file, which it does when vpsd dies.  Opens @db_path
 * itself.  @wake_fd (non-blocking pipe, or -1): a byte says "look now".
 * Called in a forked child of vpsd after the store of the parent was never
 * opened in it.  Returns 0 or -errno.
 */
int hook_dispatch_run(const char *db_path, const char *hooks_dir,
		      const char *hooks_conf, int stop_fd, int wake_fd,
		      struct err *err);

/*
 * What vpsd samples of one VPS that was sold; fed to usage.c every minute
 * whether it runs or not, right after its domain was made, and once more just
 * before the domain goes away.
 */
struct usage_sample {
	uint64_t vps_id;
	int64_t now;		/* seconds since 1970 */
	int64_t uptime;		/* of the host, seconds, CLOCK_BOOTTIME */
	uint64_t domid;		/* 0 none; a new one: cpu_ns is from 0 again */
	uint64_t cpu_ns;	/* of this domain since it was made */
	uint64_t rx_bytes;	/* to the guest, net_counters() */
	uint64_t tx_bytes;	/* from the guest */
	uint64_t ram_mib;	/* sold */
	uint64_t disk_mib;	/* sold */
};

/** Fill in now and uptime; the rest is set to 0. */
void usage_sample_init(struct usage_sample *sample, uint64_t vps_id);

/**
 * Add @sample to the VPS's accumulated usage (table usage); when an hour of
 * wall time is complete, write a `usage` event to the outbox, all in one
 * transaction.  What is charged and what is not: usage.c.
 * -EEXIST when there is no such VPS (any more).
 */
int usage_record(struct store *store, const struct usage_sample *sample,
		 struct err *err);

/**
 * The open periods as an array of objects: of VPS @ref (name or id), or NULL:
 * of all.
 */
int usage_json(struct store *store, const char *ref, struct cJSON **out,
	       struct err *err);

#endif

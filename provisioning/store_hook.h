/*
 * store_hook.h - the outbox's part of the database; see hook.h for the states.
 *
 * Called by the dispatcher process on a connection of its own; the last three
 * by vpsd, for `vps hook`.  Each function that changes something is one
 * transaction.  Errors as in store.h.
 */
#ifndef SERAI_STORE_HOOK_H
#define SERAI_STORE_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct cJSON;
struct store;

/* A delivery to be tried now. */
struct hook_delivery {
	int64_t id;
	uint64_t vps_id;
	uint64_t attempts;	/* failed ones so far */
	char uuid[40];		/* of the event */
	char type[16];
	char *payload;		/* free() it */
};

/**
 * Make a pending delivery of every new event for each of @hooks, a JSON array
 * of hook names (text).  Events of a time without hooks get no delivery.
 */
int store_hook_fan_out(struct store *s, const char *hooks, struct err *err);

/**
 * Up to @max deliveries of @hook that may be tried at @now: pending, their
 * time come, nothing earlier of the same VPS pending.  One per VPS.
 * A time more than @backoff_max after @now was written before the clock was
 * set back, and counts as come.
 */
int store_hook_due(struct store *s, const char *hook, int64_t now,
		   int64_t backoff_max, struct hook_delivery *list, size_t max,
		   size_t *count, struct err *err);

/** The hook has accepted it. */
int store_hook_delivered(struct store *s, int64_t id, struct err *err);

/** It failed because of @why: try again at @next, or never if @dead. */
int store_hook_failed(struct store *s, int64_t id, const char *why,
		      int64_t next, bool dead, struct err *err);

/**
 * Forget events before @before that nobody waits for: delivered by all, or
 * with no delivery at all.
 */
int store_hook_prune(struct store *s, int64_t before, struct err *err);

/**
 * The newest @limit deliveries as an array of objects, oldest first: of @state
 * ("pending", "dead", "delivered", or NULL: pending and dead); any
 * other text is -EINVAL.
 */
int store_hook_list_json(struct store *s, const char *state, uint64_t limit,
			 struct cJSON **out, struct err *err);

/**
 * Up to @limit event records after event number @after, as an array of
 * {"id": number, "record": text}; the replay tool's input is their records.
 */
int store_hook_records_json(struct store *s, uint64_t after, uint64_t limit,
			    struct cJSON **out, struct err *err);

/**
 * Give delivery @id, or with 0 every dead one, fresh attempts, the first at
 * once; one that is pending and waits is tried at once too.  *count is how
 * many; -ENOENT when @id is no delivery, or one that was accepted.
 */
int store_hook_retry(struct store *s, int64_t id, uint64_t *count,
		     struct err *err);

#endif

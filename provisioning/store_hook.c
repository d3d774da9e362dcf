/*
 * store_hook.c - the outbox in the database (store_hook.h, sql/hook.sql).
 */
#include "store_hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

int store_hook_fan_out(struct store *s, const char *hooks, struct err *err)
{
	int64_t any;
	int rc;

	/* Asked every second or two: without news, not even a write lock. */
	rc = store_number(s, SQL_HOOK_ANY_NEW, 0, &any, err, "");
	if (rc || !any) {
		return rc;
	}
	rc = store_begin(s, err);
	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_HOOK_FAN_OUT, err, "t", hooks);
	if (rc == 0) {
		rc = store_run(s, SQL_HOOK_FANNED_OUT, err, "");
	}
	return store_end(s, rc, err);
}

static void read_delivery(sqlite3_stmt *stmt, struct hook_delivery *d)
{
	const char *payload = (const char *)sqlite3_column_text(stmt, 5);

	d->id = sqlite3_column_int64(stmt, 0);
	d->vps_id = (uint64_t)sqlite3_column_int64(stmt, 1);
	d->attempts = (uint64_t)sqlite3_column_int64(stmt, 2);
	store_text(stmt, 3, d->uuid, sizeof(d->uuid));
	store_text(stmt, 4, d->type, sizeof(d->type));
	d->payload = strdup(payload ? payload : "");
}

int store_hook_due(struct store *s, const char *hook, int64_t now,
		   int64_t backoff_max, struct hook_delivery *list, size_t max,
		   size_t *count, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_HOOK_DUE, "tiii", hook, now,
					now + backoff_max, (int64_t)max);
	bool row;
	int rc;

	*count = 0;
	for (;;) {
		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		read_delivery(stmt, &list[*count]);
		if (!list[(*count)++].payload) {
			rc = err_set(err, -ENOMEM, "out of memory");
			break;
		}
	}
	sqlite3_reset(stmt);
	while (rc && *count > 0) {
		free(list[--*count].payload);
	}
	return rc;
}

int store_hook_delivered(struct store *s, int64_t id, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_HOOK_DELIVERED, err, "i", id);
	return store_end(s, rc, err);
}

int store_hook_failed(struct store *s, int64_t id, const char *why,
		      int64_t next, bool dead, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_HOOK_FAILED, err, "itit", id, why, next,
		       dead ? "dead" : "pending");
	return store_end(s, rc, err);
}

int store_hook_prune(struct store *s, int64_t before, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_HOOK_PRUNE, err, "i", before);
	return store_end(s, rc, err);
}

int store_hook_list_json(struct store *s, const char *state, uint64_t limit,
			 struct cJSON **out, struct err *err)
{
	static const char *const states[] = { "pending", "delivered", "dead" };
	size_t i = 0;

	while (state && i < 3 && strcmp(state, states[i]) != 0) {
		i++;
	}
	if (state && i == 3) {
		return err_set(err, -EINVAL, "state: must be pending, "
			       "delivered or dead, not '%.32s'", state);
	}
	return store_rows_json(s, store_bind(s, SQL_HOOK_LIST_JSON, "ti",
					     state, (int64_t)limit),
			       out, err);
}

int store_hook_records_json(struct store *s, uint64_t after, uint64_t limit,
			    struct cJSON **out, struct err *err)
{
	return store_rows_json(s, store_bind(s, SQL_HOOK_RECORDS_JSON, "ii",
					     (int64_t)after, (int64_t)limit),
			       out, err);
}

int store_hook_retry(struct store *s, int64_t id, uint64_t *count,
		     struct err *err)
{
	int64_t found = 0;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_number(s, SQL_HOOK_RETRY_COUNT, 0, &found, err, "i", id);
	if (rc == 0 && found == 0 && id != 0) {
		rc = err_set(err, -ENOENT, "delivery %lld is not known, or "
			     "was accepted: see vps hook list",
			     (long long)id);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_HOOK_RETRY, err, "i", id);
	}
	*count = (uint64_t)found;
	return store_end(s, rc, err);
}

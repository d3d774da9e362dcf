/*
 * store_private.h - SQLite, for store*.c and usage.c only.
 *
 * The one file that includes sqlite3.h.  Statements live in sql/, are
 * compiled when the database opens, and are named by enum sql_id.
 *
 * A writer looks like
 *
 *	rc = store_begin(s, err);
 *	if (rc) return rc;
 *	rc = store_run(s, SQL_X, err, "it", id, text);
 *	...
 *	return store_end(s, rc, err);	commits when rc is 0, else undoes
 */
#ifndef SERAI_STORE_PRIVATE_H
#define SERAI_STORE_PRIVATE_H

#include <sqlite3.h>

#include "sql_gen.h"
#include "store.h"

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_COUNT];
	long commits;		/* so far */
	long crash_at;		/* test aid; 0 never */
	bool unbound;		/* the last bind failed */
};

struct cJSON;

int store_begin(struct store *s, struct err *err);

/** Commit when @rc is 0, roll back otherwise; the final result. */
int store_end(struct store *s, int rc, struct err *err);

/**
 * Bind values by @fmt: i int64_t or uint64_t, t const char * (NULL is NULL),
 * a const struct addr *.  The statement is ready for sqlite3_step().
 */
sqlite3_stmt *store_bind(struct store *s, enum sql_id id, const char *fmt,
			 ...);

/** Run a statement that gives no rows. */
int store_run(struct store *s, enum sql_id id, struct err *err,
	      const char *fmt, ...);

/**
 * Step once; *row says whether there is a row.  After the last row, or when
 * done early, call sqlite3_reset() on the statement.
 */
int store_step(struct store *s, sqlite3_stmt *stmt, bool *row,
	       struct err *err);

/** First column of the first row; @otherwise when there is no row. */
int store_number(struct store *s, enum sql_id id, int64_t otherwise,
		 int64_t *out, struct err *err, const char *fmt, ...);

/** -EINVAL: a VPS made from @template cannot boot from its own disk. */
int store_no_own_kernel(const char *template, struct err *err);

/** Rows as a JSON array of objects named by the columns. */
int store_rows_json(struct store *s, sqlite3_stmt *stmt, struct cJSON **out,
		    struct err *err);

/** Error value and line for what SQLite just said. */
int store_fault(struct store *s, struct err *err);

/** Copy a text column, cut to fit; NULL gives "". */
void store_text(sqlite3_stmt *stmt, int column, char *out, size_t size);

/** Add to `vps events`, inside a transaction. */
int store_event(struct store *s, uint64_t vps_id, const char *type,
		const char *text, int64_t now, struct err *err);

/**
 * Add a hook event (billing-hooks/record.md) to the outbox, inside a
 * transaction, while the VPS's row is still there.  Takes over @data (the
 * record's "data" object; NULL for an empty one).
 */
int store_hook_event(struct store *s, uint64_t vps_id, const char *type,
		     struct cJSON *data, int64_t now, struct err *err);

/** Add a time to a record: ISO 8601, UTC, whole seconds. */
void store_add_time(struct cJSON *object, const char *name, int64_t at);

/** "data" of created and plan_changed: what is sold now. */
int store_hook_sold(struct store *s, uint64_t vps_id, struct cJSON **data,
		    struct err *err);

/**
 * Write the last usage event of a VPS that is about to be forgotten, inside
 * the transaction that does it (usage.c).
 */
int store_usage_finish(struct store *s, uint64_t vps_id, int64_t now,
		       struct err *err);

/** Random version 4 UUID. */
void store_uuid(char text[STORE_UUID_MAX]);

#endif

/*
 * store.c - opening, migrating, transactions and statements (store.h).
 */
#include "store_private.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* A second writer (the hook dispatcher) holds the lock for milliseconds. */
#define BUSY_MS		10000

int store_fault(struct store *s, struct err *err)
{
	int code = sqlite3_extended_errcode(s->db);
	const char *text = sqlite3_errmsg(s->db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return err_set(err, -ENOSPC, "the state partition is full");
	case SQLITE_IOERR:
		/* A full disk also shows up when the WAL index must grow. */
		return err_set(err, -EIO, "the state partition is full or "
			       "broken (%s)", text);
	case SQLITE_CONSTRAINT:
		return err_set(err, -EEXIST, "database: %s", text);
	case SQLITE_NOMEM:
		return err_set(err, -ENOMEM, "out of memory");
	default:
		return err_set(err, -EIO, "database: %s", text);
	}
}

static void addr_text_fn(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	char text[ADDR_TEXT_MAX];

	(void)argc;
	if (sqlite3_value_bytes(argv[0]) != sizeof(struct addr)) {
		sqlite3_result_null(ctx);
		return;
	}
	addr_format(sqlite3_value_blob(argv[0]), text);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void addr_count_fn(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	uint64_t count;

	(void)argc;
	if (sqlite3_value_bytes(argv[0]) != sizeof(struct addr) ||
	    sqlite3_value_bytes(argv[1]) != sizeof(struct addr)) {
		sqlite3_result_null(ctx);
		return;
	}
	count = addr_count(sqlite3_value_blob(argv[0]),
			   sqlite3_value_blob(argv[1]));
	sqlite3_result_int64(ctx, count > INT64_MAX ? INT64_MAX :
						      (int64_t)count);
}

/* Apply the migrations that the file has not seen, all or nothing. */
static int migrate(struct store *s, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	char text[64];
	int version;

	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &stmt, NULL) ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite3_finalize(stmt);
		return store_fault(s, err);
	}
	version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	if (version > sql_migration_count) {
		return err_set(err, -EIO, "database: has schema %d, this vpsd "
			       "knows only up to %d", version,
			       sql_migration_count);
	}
	for (; version < sql_migration_count; version++) {
		snprintf(text, sizeof(text), "PRAGMA user_version = %d",
			 version + 1);
		if (sqlite3_exec(s->db, sql_migrations[version], NULL, NULL,
				 NULL) ||
		    sqlite3_exec(s->db, text, NULL, NULL, NULL)) {
			return store_fault(s, err);
		}
	}
	if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL)) {
		return store_fault(s, err);
	}
	return 0;
}

static int prepare_all(struct store *s, struct err *err)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(s->db, sql_text[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->stmt[i],
				       NULL)) {
			return store_fault(s, err);
		}
	}
	return 0;
}

int store_open(struct store **store, const char *path, struct err *err)
{
	const char *crash_at = getenv("SERAI_CRASH_AT");
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (sqlite3_open(path, &s->db)) {
		rc = err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(s->db));
		goto out;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	if (sqlite3_create_function(s->db, "addr_text", 1,
				    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
				    addr_text_fn, NULL, NULL) ||
	    sqlite3_create_function(s->db, "addr_count", 2,
				    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
				    addr_count_fn, NULL, NULL) ||
	    sqlite3_exec(s->db, "PRAGMA journal_mode = WAL;"
			 "PRAGMA synchronous = FULL;"
			 "PRAGMA foreign_keys = ON;", NULL, NULL, NULL)) {
		rc = store_fault(s, err);
		goto out;
	}
	rc = migrate(s, err);
	if (rc == 0) {
		rc = prepare_all(s, err);
	}
	if (rc) {
		goto out;
	}
	s->crash_at = crash_at ? atol(crash_at) : 0;
	*store = s;
	return 0;

out:
	store_close(s);
	return rc;
}

void store_close(struct store *s)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(s->stmt[i]);
	}
	sqlite3_close(s->db);
	free(s);
}

int store_begin(struct store *s, struct err *err)
{
	return store_run(s, SQL_BEGIN, err, "");
}

int store_end(struct store *s, int rc, struct err *err)
{
	if (rc == 0) {
		rc = store_run(s, SQL_COMMIT, err, "");
	}
	if (rc) {
		/* Some errors have undone it already; this then fails too. */
		store_run(s, SQL_ROLLBACK, NULL, "");
		return rc;
	}
	s->commits++;
	if (s->commits == s->crash_at) {
		_exit(99);
	}
	return 0;
}

static sqlite3_stmt *bind_list(struct store *s, enum sql_id id,
			       const char *fmt, va_list ap)
{
	sqlite3_stmt *stmt = s->stmt[id];
	const struct addr *addr;
	int fault = SQLITE_OK;

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	for (int i = 1; *fmt; i++, fmt++) {
		switch (*fmt) {
		case 'i':
			fault |= sqlite3_bind_int64(stmt, i,
						    va_arg(ap, int64_t));
			break;
		case 't':
			fault |= sqlite3_bind_text(stmt, i,
						   va_arg(ap, const char *),
						   -1, SQLITE_TRANSIENT);
			break;
		case 'a':
			addr = va_arg(ap, const struct addr *);
			fault |= sqlite3_bind_blob(stmt, i, addr->byte,
						   sizeof(addr->byte),
						   SQLITE_TRANSIENT);
			break;
		default:
			abort();
		}
	}
	s->unbound = fault != SQLITE_OK;
	return stmt;
}

sqlite3_stmt *store_bind(struct store *s, enum sql_id id, const char *fmt, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, fmt);
	stmt = bind_list(s, id, fmt, ap);
	va_end(ap);
	return stmt;
}

int store_step(struct store *s, sqlite3_stmt *stmt, bool *row, struct err *err)
{
	int r;

	*row = false;
	/* Its parameter is NULL now, which stands for "all" in some. */
	if (s->unbound) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	r = sqlite3_step(stmt);
	*row = r == SQLITE_ROW;
	if (r == SQLITE_ROW || r == SQLITE_DONE) {
		return 0;
	}
	r = store_fault(s, err);
	sqlite3_reset(stmt);
	return r;
}

int store_run(struct store *s, enum sql_id id, struct err *err,
	      const char *fmt, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;
	bool row;
	int rc;

	va_start(ap, fmt);
	stmt = bind_list(s, id, fmt, ap);
	va_end(ap);
	rc = store_step(s, stmt, &row, err);
	sqlite3_reset(stmt);
	return rc;
}

int store_number(struct store *s, enum sql_id id, int64_t otherwise,
		 int64_t *out, struct err *err, const char *fmt, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;
	bool row;
	int rc;

	va_start(ap, fmt);
	stmt = bind_list(s, id, fmt, ap);
	va_end(ap);
	rc = store_step(s, stmt, &row, err);
	if (rc == 0) {
		*out = row ? sqlite3_column_int64(stmt, 0) : otherwise;
	}
	sqlite3_reset(stmt);
	return rc;
}

void store_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	snprintf(out, size, "%s", text ? text : "");
}

void store_uuid(char text[STORE_UUID_MAX])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
		abort();
	}
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, STORE_UUID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
		 b[14], b[15]);
}

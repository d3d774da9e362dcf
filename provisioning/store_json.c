/*
 * store_json.c - rows as JSON for `vps ... list` and `show` (store.h).
 */
#include "store_private.h"

#include <cjson/cJSON.h>
#include <errno.h>

static int add_column(cJSON *object, sqlite3_stmt *stmt, int i)
{
	const char *name = sqlite3_column_name(stmt, i);
	cJSON *item;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		item = cJSON_CreateNumber(
			(double)sqlite3_column_int64(stmt, i));
		break;
	case SQLITE_FLOAT:
		item = cJSON_CreateNumber(sqlite3_column_double(stmt, i));
		break;
	case SQLITE_NULL:
		item = cJSON_CreateNull();
		break;
	default:
		item = cJSON_CreateString(
			(const char *)sqlite3_column_text(stmt, i));
		break;
	}
	if (!item) {
		return -ENOMEM;
	}
	cJSON_AddItemToObject(object, name, item);
	return 0;
}

int store_rows_json(struct store *s, sqlite3_stmt *stmt, cJSON **out,
		    struct err *err)
{
	cJSON *rows = cJSON_CreateArray();
	bool row;
	int rc;

	for (;;) {
		cJSON *object;

		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		object = cJSON_CreateObject();
		cJSON_AddItemToArray(rows, object);
		for (int i = 0; i < sqlite3_column_count(stmt) && !rc; i++) {
			rc = add_column(object, stmt, i);
		}
		if (rc) {
			rc = err_set(err, rc, "out of memory");
			break;
		}
	}
	sqlite3_reset(stmt);
	if (rc) {
		cJSON_Delete(rows);
		return rc;
	}
	*out = rows;
	return 0;
}

static const struct {
	enum sql_id sql;
	const char *noun;
} kinds[] = {
	[STORE_CUSTOMER] = { SQL_CUSTOMER_JSON, "customer" },
	[STORE_PLAN] = { SQL_PLAN_JSON, "plan" },
	[STORE_POOL] = { SQL_POOL_JSON, "pool" },
	[STORE_TEMPLATE] = { SQL_TEMPLATE_JSON, "template" },
	[STORE_VPS] = { SQL_VPS_JSON, "VPS" },
};

int store_list_json(struct store *s, enum store_kind kind, const char *ref,
		    const char *filter, cJSON **out, struct err *err)
{
	bool two = kind == STORE_TEMPLATE || kind == STORE_VPS;
	sqlite3_stmt *stmt = two ?
		store_bind(s, kinds[kind].sql, "tt", ref, filter) :
		store_bind(s, kinds[kind].sql, "t", ref);

	return store_rows_json(s, stmt, out, err);
}

int store_show_json(struct store *s, enum store_kind kind, const char *ref,
		    const char *filter, cJSON **out, struct err *err)
{
	cJSON *rows, *taken;
	int rc = store_list_json(s, kind, ref, filter, &rows, err);

	if (rc) {
		return rc;
	}
	/* Of several versions of a template, the newest is last. */
	*out = cJSON_DetachItemFromArray(rows, cJSON_GetArraySize(rows) - 1);
	cJSON_Delete(rows);
	if (!*out) {
		return err_set(err, -ENOENT, "%s: '%s' is not known",
			       kinds[kind].noun, ref);
	}
	if (kind != STORE_POOL) {
		return 0;
	}
	rc = store_rows_json(s, store_bind(s, SQL_POOL_ADDRESSES_JSON, "t",
					   ref), &taken, err);
	if (rc) {
		cJSON_Delete(*out);
		return rc;
	}
	cJSON_AddItemToObject(*out, "addresses", taken);
	return 0;
}

int store_events_json(struct store *s, const char *ref, uint64_t limit,
		      cJSON **out, struct err *err)
{
	return store_rows_json(s, store_bind(s, SQL_EVENT_JSON, "ti", ref,
					     (int64_t)limit), out, err);
}

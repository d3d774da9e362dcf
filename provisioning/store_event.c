/*
 * store_event.c - what has happened: for `vps events`, and for the hooks'
 * outbox (record format: billing-hooks/record.md).
 */
#include "store_private.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int store_event(struct store *s, uint64_t vps_id, const char *type,
		const char *text, int64_t now, struct err *err)
{
	int rc = store_run(s, SQL_EVENT_INSERT, err, "iitt", (int64_t)vps_id,
			   now, type, text);

	return rc ? rc : store_run(s, SQL_EVENT_PRUNE, err, "");
}

static const char *column(sqlite3_stmt *stmt, int i)
{
	return (const char *)sqlite3_column_text(stmt, i);
}

/* As ISO 8601, UTC: how every time in a record is written. */
void store_add_time(cJSON *object, const char *name, int64_t at)
{
	time_t seconds = (time_t)at;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	cJSON_AddStringToObject(object, name, text);
}

static cJSON *record_make(sqlite3_stmt *stmt, uint64_t vps_id,
			  const char *uuid, const char *type, int64_t seq,
			  int64_t now)
{
	char host[65] = "";
	cJSON *record = cJSON_CreateObject(), *vps;

	gethostname(host, sizeof(host) - 1);
	cJSON_AddNumberToObject(record, "v", 1);
	cJSON_AddStringToObject(record, "id", uuid);
	cJSON_AddStringToObject(record, "type", type);
	store_add_time(record, "time", now);
	cJSON_AddStringToObject(record, "host", host);
	cJSON_AddNumberToObject(record, "seq", (double)seq);
	vps = cJSON_AddObjectToObject(record, "vps");
	cJSON_AddNumberToObject(vps, "id", (double)vps_id);
	cJSON_AddStringToObject(vps, "uuid", column(stmt, 0));
	cJSON_AddStringToObject(vps, "name", column(stmt, 1));
	cJSON_AddStringToObject(vps, "plan", column(stmt, 2));
	cJSON_AddStringToObject(vps, "customer", column(stmt, 3));
	cJSON_AddStringToObject(vps, "external_id", column(stmt, 4));
	return record;
}

int store_hook_event(struct store *s, uint64_t vps_id, const char *type,
		     cJSON *data, int64_t now, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_HOOK_SUBJECT, "i",
					(int64_t)vps_id);
	char uuid[STORE_UUID_MAX], *text = NULL;
	cJSON *record = NULL;
	int64_t seq;
	bool row;
	int rc;

	rc = store_step(s, stmt, &row, err);
	if (rc == 0 && !row) {
		rc = err_set(err, -ENOENT, "hook event: no VPS %llu",
			     (unsigned long long)vps_id);
	}
	if (rc) {
		goto out;
	}
	seq = sqlite3_column_int64(stmt, 13) + 1;
	store_uuid(uuid);
	record = record_make(stmt, vps_id, uuid, type, seq, now);
	cJSON_AddItemToObject(record, "data",
			      data ? data : cJSON_CreateObject());
	data = NULL;
	text = cJSON_PrintUnformatted(record);
	rc = text ? 0 : err_set(err, -ENOMEM, "out of memory");
	if (rc == 0) {
		rc = store_run(s, SQL_HOOK_EVENT_INSERT, err, "tiitti", uuid,
			       (int64_t)vps_id, seq, type, text, now);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_HOOK_SEQ_SET, err, "ii",
			       (int64_t)vps_id, seq);
	}
out:
	sqlite3_reset(stmt);
	cJSON_free(text);
	cJSON_Delete(record);
	cJSON_Delete(data);
	return rc;
}

int store_hook_sold(struct store *s, uint64_t vps_id, cJSON **data,
		    struct err *err)
{
	static const char *const names[] = { "vcpus", "weight", "cap",
		"ram_mib", "disk_mib", "rate_in_kbit", "rate_out_kbit" };
	cJSON *sold = cJSON_CreateObject(), *list;
	sqlite3_stmt *stmt;
	bool row;
	int rc;

	stmt = store_bind(s, SQL_HOOK_SUBJECT, "i", (int64_t)vps_id);
	rc = store_step(s, stmt, &row, err);
	if (rc == 0 && row) {
		for (int i = 0; i < 7; i++) {
			cJSON_AddNumberToObject(sold, names[i],
				(double)sqlite3_column_int64(stmt, 6 + i));
		}
		cJSON_AddStringToObject(sold, "template", column(stmt, 5));
	}
	sqlite3_reset(stmt);
	list = cJSON_AddArrayToObject(sold, "addresses");
	stmt = store_bind(s, SQL_VPS_ADDRESSES, "i", (int64_t)vps_id);
	while (rc == 0) {
		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		cJSON_AddItemToArray(list,
				     cJSON_CreateString(column(stmt, 1)));
	}
	sqlite3_reset(stmt);
	if (rc) {
		cJSON_Delete(sold);
		return rc;
	}
	*data = sold;
	return 0;
}

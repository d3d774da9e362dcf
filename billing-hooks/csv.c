/*
 * csv.c - which part of a record goes into which column.
 */
#include "csv.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * Columns are only ever added at the end: people's spreadsheets count them.
 * id is first because the ledger looks a line up by "\nID,".
 */
static const struct {
	const char *name;
	const char *group;	/* object inside the record, or NULL */
	const char *key;
} columns[] = {
	{ "id", NULL, "id" },
	{ "time", NULL, "time" },
	{ "type", NULL, "type" },
	{ "host", NULL, "host" },
	{ "seq", NULL, "seq" },
	{ "customer", "vps", "customer" },
	{ "external_id", "vps", "external_id" },
	{ "vps_id", "vps", "id" },
	{ "vps", "vps", "name" },
	{ "plan", "vps", "plan" },
	{ "period_start", "data", "period_start" },
	{ "period_end", "data", "period_end" },
	{ "cpu_seconds", "data", "cpu_seconds" },
	{ "ram_mib_hours", "data", "ram_mib_hours" },
	{ "disk_mib_hours", "data", "disk_mib_hours" },
	{ "bytes_in", "data", "bytes_in" },
	{ "bytes_out", "data", "bytes_out" },
	{ "reason", "data", "reason" },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct out {
	char *text;
	size_t size;
	size_t length;
	bool full;
};

static void put(struct out *out, char c)
{
	if (out->length + 1 < out->size) {
		out->text[out->length++] = c;
	} else {
		out->full = true;
	}
}

static void put_cell(struct out *out, const char *text)
{
	bool quote = strpbrk(text, ",\" ") != NULL;
	size_t i;

	if (quote) {
		put(out, '"');
	}
	for (i = 0; text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"') {
			put(out, '"');
		}
		put(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	if (quote) {
		put(out, '"');
	}
}

static void put_item(struct out *out, const cJSON *item)
{
	char number[64];

	if (cJSON_IsString(item)) {
		put_cell(out, item->valuestring);
	} else if (cJSON_IsNumber(item) &&
		   cJSON_PrintPreallocated((cJSON *)item, number,
					   sizeof(number), false)) {
		put_cell(out, number);
	}
}

static const cJSON *find(const cJSON *record, size_t column)
{
	if (columns[column].group) {
		record = cJSON_GetObjectItemCaseSensitive(
		    record, columns[column].group);
	}
	return cJSON_GetObjectItemCaseSensitive(record, columns[column].key);
}

size_t csv_header(char *out, size_t size)
{
	struct out o = { .text = out, .size = size };
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		put_cell(&o, columns[i].name);
		put(&o, i + 1 < COLUMNS ? ',' : '\n');
	}
	return o.length;
}

int csv_line(const cJSON *record, char *out, size_t size)
{
	struct out o = { .text = out, .size = size };
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		put_item(&o, find(record, i));
		put(&o, i + 1 < COLUMNS ? ',' : '\n');
	}
	if (o.full) {
		return -EMSGSIZE;
	}
	return (int)o.length;
}

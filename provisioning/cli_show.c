/*
 * cli_show.c - answers for people: tables and key-value lists (cli.h).
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum form {
	FORM_PLAIN,
	FORM_MIB,	/* 20G */
	FORM_KBIT,	/* 100M; 0: "-" */
	FORM_AGE,	/* 4d */
	FORM_TIME,	/* 2026-11-21 07:00:00 */
	FORM_HOURS,	/* one decimal */
};

#define COLUMNS_MAX	12
#define CELL_MAX	160

struct column {
	const char *header, *key;
	enum form form;
};

static const struct {
	const char *verb;
	struct column columns[COLUMNS_MAX];
} tables[] = {
	{ "customer list", {
		{ "ID", "id", FORM_PLAIN },
		{ "NAME", "name", FORM_PLAIN },
		{ "EXTERNAL-ID", "external_id", FORM_PLAIN },
		{ "VPS", "vps", FORM_PLAIN },
		{ "AGE", "created_at", FORM_AGE },
	} },
	{ "plan list", {
		{ "ID", "id", FORM_PLAIN },
		{ "NAME", "name", FORM_PLAIN },
		{ "CPU", "vcpus", FORM_PLAIN },
		{ "WEIGHT", "weight", FORM_PLAIN },
		{ "CAP", "cap", FORM_PLAIN },
		{ "RAM", "ram_mib", FORM_MIB },
		{ "DISK", "disk_mib", FORM_MIB },
		{ "IN", "rate_in_kbit", FORM_KBIT },
		{ "OUT", "rate_out_kbit", FORM_KBIT },
		{ "VPS", "vps", FORM_PLAIN },
	} },
	{ "pool list", {
		{ "ID", "id", FORM_PLAIN },
		{ "NAME", "name", FORM_PLAIN },
		{ "FIRST", "first", FORM_PLAIN },
		{ "LAST", "last", FORM_PLAIN },
		{ "PREFIX", "prefix", FORM_PLAIN },
		{ "GATEWAY", "gateway", FORM_PLAIN },
		{ "DNS", "dns", FORM_PLAIN },
		{ "SIZE", "size", FORM_PLAIN },
		{ "RESERVED", "reserved", FORM_PLAIN },
		{ "SOLD", "sold", FORM_PLAIN },
	} },
	{ "template list", {
		{ "ID", "id", FORM_PLAIN },
		{ "NAME", "name", FORM_PLAIN },
		{ "VERSION", "version", FORM_PLAIN },
		{ "MIN-DISK", "min_disk_mib", FORM_MIB },
		{ "MIN-RAM", "min_ram_mib", FORM_MIB },
		{ "VPS", "vps", FORM_PLAIN },
		{ "DESCRIPTION", "description", FORM_PLAIN },
	} },
	{ "list", {
		{ "ID", "id", FORM_PLAIN },
		{ "NAME", "name", FORM_PLAIN },
		{ "STATUS", "status", FORM_PLAIN },
		{ "PLAN", "plan", FORM_PLAIN },
		{ "CPU", "vcpus", FORM_PLAIN },
		{ "RAM", "ram_mib", FORM_MIB },
		{ "DISK", "disk_mib", FORM_MIB },
		{ "IPV4", "ipv4", FORM_PLAIN },
		{ "IPV6", "ipv6", FORM_PLAIN },
		{ "CUSTOMER", "customer", FORM_PLAIN },
		{ "AGE", "created_at", FORM_AGE },
	} },
	{ "events", {
		{ "TIME", "at", FORM_TIME },
		{ "VPS", "vps", FORM_PLAIN },
		{ "EVENT", "type", FORM_PLAIN },
		{ "TEXT", "text", FORM_PLAIN },
	} },
	{ "usage", {
		{ "VPS", "vps", FORM_PLAIN },
		{ "SINCE", "period_start", FORM_TIME },
		{ "UNTIL", "sampled_at", FORM_TIME },
		{ "CPU-SECONDS", "cpu_seconds", FORM_PLAIN },
		{ "RAM-MIB-HOURS", "ram_mib_hours", FORM_HOURS },
		{ "DISK-MIB-HOURS", "disk_mib_hours", FORM_HOURS },
		{ "BYTES-IN", "bytes_in", FORM_PLAIN },
		{ "BYTES-OUT", "bytes_out", FORM_PLAIN },
	} },
	{ "hook list", {
		{ "ID", "id", FORM_PLAIN },
		{ "HOOK", "hook", FORM_PLAIN },
		{ "STATE", "state", FORM_PLAIN },
		{ "TRIES", "attempts", FORM_PLAIN },
		{ "NEXT", "next_attempt_at", FORM_TIME },
		{ "EVENT", "type", FORM_PLAIN },
		{ "VPS", "vps", FORM_PLAIN },
		{ "SEQ", "seq", FORM_PLAIN },
		{ "ERROR", "last_error", FORM_PLAIN },
	} },
};

static void format_age(char *out, size_t size, double created)
{
	long long s = (long long)time(NULL) - (long long)created;

	s = s < 0 ? 0 : s;
	if (s < 120) {
		snprintf(out, size, "%llds", s);
	} else if (s < 7200) {
		snprintf(out, size, "%lldm", s / 60);
	} else if (s < 172800) {
		snprintf(out, size, "%lldh", s / 3600);
	} else {
		snprintf(out, size, "%lldd", s / 86400);
	}
}

static void format_scaled(char *out, size_t size, double value, double step,
			  const char *units)
{
	/* Only whole ones: 1536M says more than 1.5G. */
	while (units[1] && value >= step &&
	       value == (double)(long long)(value / step) * step) {
		value /= step;
		units++;
	}
	snprintf(out, size, "%.0f%c", value, *units);
}

static void format_time(char *out, size_t size, double at)
{
	time_t t = (time_t)at;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void format_cell(char out[CELL_MAX], const cJSON *item, enum form form)
{
	if (cJSON_IsString(item)) {
		snprintf(out, CELL_MAX, "%s",
			 *item->valuestring ? item->valuestring : "-");
	} else if (cJSON_IsBool(item)) {
		snprintf(out, CELL_MAX, "%s", cJSON_IsTrue(item) ? "yes" :
								    "no");
	} else if (!cJSON_IsNumber(item)) {
		snprintf(out, CELL_MAX, "-");
	} else if (form == FORM_MIB) {
		format_scaled(out, CELL_MAX, item->valuedouble, 1024, "MGT");
	} else if (form == FORM_KBIT) {
		if (item->valuedouble > 0) {
			format_scaled(out, CELL_MAX, item->valuedouble, 1000,
				      "kMG");
		} else {
			snprintf(out, CELL_MAX, "-");
		}
	} else if (form == FORM_HOURS) {
		snprintf(out, CELL_MAX, "%.1f", item->valuedouble);
	} else if (form == FORM_AGE) {
		format_age(out, CELL_MAX, item->valuedouble);
	} else if (form == FORM_TIME && item->valuedouble <= 0) {
		snprintf(out, CELL_MAX, "-");
	} else if (form == FORM_TIME) {
		format_time(out, CELL_MAX, item->valuedouble);
	} else {
		snprintf(out, CELL_MAX, "%.15g", item->valuedouble);
	}
}

static void show_table(const struct column *columns, const cJSON *rows,
		       int indent)
{
	size_t width[COLUMNS_MAX] = { 0 };
	char cell[CELL_MAX];
	const cJSON *row;
	int count = 0;

	for (; count < COLUMNS_MAX && columns[count].key; count++) {
		width[count] = strlen(columns[count].header);
		cJSON_ArrayForEach(row, rows) {
			format_cell(cell, cJSON_GetObjectItemCaseSensitive(row,
				    columns[count].key), columns[count].form);
			if (strlen(cell) > width[count]) {
				width[count] = strlen(cell);
			}
		}
	}
	printf("%*s", indent, "");
	for (int i = 0; i < count; i++) {
		printf("%-*s%s", i + 1 < count ? (int)width[i] : 0,
		       columns[i].header, i + 1 < count ? "  " : "\n");
	}
	cJSON_ArrayForEach(row, rows) {
		printf("%*s", indent, "");
		for (int i = 0; i < count; i++) {
			format_cell(cell, cJSON_GetObjectItemCaseSensitive(row,
				    columns[i].key), columns[i].form);
			printf("%-*s%s", i + 1 < count ? (int)width[i] : 0,
			       cell, i + 1 < count ? "  " : "\n");
		}
	}
}

/* The unit is in the key's name; for people it stands behind the value. */
static const struct {
	const char *suffix;
	enum form form;
} units[] = {
	{ "_mib", FORM_MIB },
	{ "_kbit", FORM_KBIT },
	{ "_at", FORM_TIME },
};

static enum form form_of(const char *key, size_t *label)
{
	size_t len = strlen(key);

	*label = len;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t unit = strlen(units[i].suffix);

		if (len > unit && !strcmp(key + len - unit, units[i].suffix)) {
			*label = len - unit;
			return units[i].form;
		}
	}
	return FORM_PLAIN;
}

/* A list without a table of its own: all members of its first row. */
static void show_any_table(const cJSON *rows, int indent)
{
	struct column columns[COLUMNS_MAX + 1] = { { NULL, NULL, 0 } };
	const cJSON *first = cJSON_GetArrayItem(rows, 0), *item;
	int count = 0;
	size_t label;

	cJSON_ArrayForEach(item, first) {
		if (count < COLUMNS_MAX) {
			columns[count++] = (struct column){
				item->string, item->string,
				form_of(item->string, &label),
			};
		}
	}
	if (count) {
		show_table(columns, rows, indent);
	}
}

/* Nested objects become "key: a 1, b 2"; arrays of objects, a table. */
static void show_object(const cJSON *object)
{
	char cell[CELL_MAX];
	const cJSON *item, *inner;
	enum form form;
	size_t label;

	cJSON_ArrayForEach(item, object) {
		if (cJSON_IsArray(item)) {
			printf("%s:\n", item->string);
			show_any_table(item, 2);
			continue;
		}
		form = form_of(item->string, &label);
		printf("%-20.*s ", (int)label, item->string);
		if (cJSON_IsString(item) && *item->valuestring) {
			printf("%s\n", item->valuestring);
			continue;
		}
		if (!cJSON_IsObject(item)) {
			format_cell(cell, item, form);
			printf("%s\n", cell);
			continue;
		}
		cJSON_ArrayForEach(inner, item) {
			format_cell(cell, inner, form);
			printf("%s %s%s", inner->string, cell,
			       inner->next ? ", " : "\n");
		}
	}
}

/* false: these things have no names (events, deliveries). */
static bool show_names(const cJSON *rows)
{
	const cJSON *row, *name;

	cJSON_ArrayForEach(row, rows) {
		name = cJSON_GetObjectItemCaseSensitive(row, "name");
		if (!cJSON_IsString(name)) {
			return false;
		}
		printf("%s\n", name->valuestring);
	}
	return true;
}

static void show_json(const cJSON *result)
{
	char *text = cJSON_Print(result);

	if (text) {
		printf("%s\n", text);
	}
	cJSON_free(text);
}

void cli_show(const struct cli *cli, const cJSON *result)
{
	const cJSON *name;

	if (cli->json) {
		show_json(result);
		return;
	}
	if (cJSON_IsArray(result) && cli->quiet && show_names(result)) {
		return;
	}
	name = cJSON_GetObjectItemCaseSensitive(result, "name");
	if (cli->quiet && cJSON_IsObject(result) &&
	    cJSON_HasObjectItem(result, "id")) {
		if (cJSON_IsString(name)) {
			printf("%s\n", name->valuestring);
		}
		return;
	}
	if (!cJSON_IsArray(result)) {
		show_object(result);
		return;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		if (strcmp(tables[i].verb, cli->verb->name) == 0) {
			show_table(tables[i].columns, result, 0);
			return;
		}
	}
	show_any_table(result, 0);
}

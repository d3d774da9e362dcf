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

static void show_table(const struct column *columns, const cJSON *rows)
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
	for (int i = 0; i < count; i++) {
		printf("%-*s%s", i + 1 < count ? (int)width[i] : 0,
		       columns[i].header, i + 1 < count ? "  " : "\n");
	}
	cJSON_ArrayForEach(row, rows) {
		for (int i = 0; i < count; i++) {
			format_cell(cell, cJSON_GetObjectItemCaseSensitive(row,
				    columns[i].key), columns[i].form);
			printf("%-*s%s", i + 1 < count ? (int)width[i] : 0,
			       cell, i + 1 < count ? "  " : "\n");
		}
	}
}

/* The unit is in the key's name. */
static enum form form_of(const char *key)
{
	size_t len = strlen(key);

	if (len > 3 && strcmp(key + len - 3, "_at") == 0) {
		return FORM_TIME;
	}
	if (len > 5 && strcmp(key + len - 5, "_kbit") == 0) {
		return FORM_KBIT;
	}
	return FORM_PLAIN;
}

/* Nested objects become "key: a 1, b 2"; arrays of objects, a line each. */
static void show_object(const cJSON *object, int indent)
{
	char cell[CELL_MAX];
	const cJSON *item, *inner;

	cJSON_ArrayForEach(item, object) {
		if (cJSON_IsArray(item)) {
			printf("%*s%s:\n", indent, "", item->string);
			cJSON_ArrayForEach(inner, item) {
				show_object(inner, indent + 2);
			}
			continue;
		}
		printf("%*s%-20s ", indent, "", item->string);
		if (cJSON_IsObject(item)) {
			cJSON_ArrayForEach(inner, item) {
				format_cell(cell, inner, form_of(inner->string));
				printf("%s %s%s", inner->string, cell,
				       inner->next ? ", " : "\n");
			}
			continue;
		}
		format_cell(cell, item, form_of(item->string));
		printf("%s\n", cell);
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

/* A list without a table of its own: all members of its first row. */
static void show_any_table(const cJSON *rows)
{
	struct column columns[COLUMNS_MAX + 1] = { { NULL, NULL, 0 } };
	const cJSON *first = cJSON_GetArrayItem(rows, 0), *item;
	int count = 0;

	cJSON_ArrayForEach(item, first) {
		if (count < COLUMNS_MAX) {
			columns[count++] = (struct column){
				item->string, item->string,
				form_of(item->string),
			};
		}
	}
	show_table(columns, rows);
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
	if (cli->json) {
		show_json(result);
		return;
	}
	if (cJSON_IsArray(result) && cli->quiet && show_names(result)) {
		return;
	}
	if (!cJSON_IsArray(result)) {
		show_object(result, 0);
		return;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		if (strcmp(tables[i].verb, cli->verb->name) == 0) {
			show_table(tables[i].columns, result);
			return;
		}
	}
	show_any_table(result);
}

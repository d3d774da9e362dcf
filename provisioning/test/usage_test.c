/*
 * usage_test - counters to usage events, on a virtual clock.
 */
#define CHECK_SUITE "usage"
#include "check.h"
#include "hook_world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "hook.h"
#include "store.h"
#include "store_private.h"

#define S	1000000000ull	/* a second in ns */

/* Noon: periods end at 13:00, 14:00, ... */
#define NOON	1800014400

static struct usage_sample sample;

static void begin(struct world *w)
{
	world_open(w, 2);
	sample = (struct usage_sample){
		.vps_id = 1,
		.now = NOON,
		.uptime = 5000,
		.domid = 3,
		.ram_mib = 512,
		.disk_mib = 1024,
	};
}

/* @seconds later on both clocks, a sample. */
static void later(struct world *w, int64_t seconds)
{
	struct err err = { "" };
	int rc;

	sample.now += seconds;
	sample.uptime += seconds;
	rc = usage_record(w->store, &sample, &err);
	if (rc != 0) {
		CHECK_FAIL("expected a sample to be taken, got %s", err.text);
	}
}

/* A member of "data" of usage event number @n of VPS 1, "" if none. */
static const char *data(struct world *w, int n, const char *key)
{
	static char text[64];
	char sql[256];
	cJSON *record;
	cJSON *item;
	char *printed;

	snprintf(sql, sizeof(sql),
		 "SELECT payload FROM hook_event WHERE vps_id = 1 AND "
		 "type = 'usage' ORDER BY seq LIMIT 1 OFFSET %d", n - 1);
	record = cJSON_Parse(world_sql(w, sql));
	item = cJSON_GetObjectItem(cJSON_GetObjectItem(record, "data"), key);
	printed = cJSON_PrintUnformatted(item);
	snprintf(text, sizeof(text), "%s", printed ? printed : "");
	cJSON_free(printed);
	cJSON_Delete(record);
	return text;
}

static const char *events(struct world *w)
{
	return world_sql(w, "SELECT group_concat(type) FROM "
			    "(SELECT type FROM hook_event ORDER BY seq)");
}

static void test_an_hour(void)
{
	struct world w;
	int i;

	begin(&w);
	later(&w, 0);
	for (i = 0; i < 60; i++) {
		CHECK_TEXT(events(&w), "");
		sample.cpu_ns += 20 * S;
		sample.rx_bytes += 1000;
		sample.tx_bytes += 10;
		later(&w, 60);
	}
	CHECK_TEXT(events(&w), "usage");
	CHECK_TEXT(data(&w, 1, "period_start"), "\"2027-01-15T12:00:00Z\"");
	CHECK_TEXT(data(&w, 1, "period_end"), "\"2027-01-15T13:00:00Z\"");
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "1200");
	CHECK_TEXT(data(&w, 1, "ram_mib_hours"), "512");
	CHECK_TEXT(data(&w, 1, "disk_mib_hours"), "1024");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "60000");
	CHECK_TEXT(data(&w, 1, "bytes_out"), "600");
	CHECK_HAS(world_sql(&w, "SELECT payload FROM hook_event"),
		  "\"cpu_seconds\":1200.000,\"ram_mib_hours\":512.000,");
	later(&w, 3600);
	CHECK_TEXT(data(&w, 2, "period_start"), "\"2027-01-15T13:00:00Z\"");
	CHECK_TEXT(data(&w, 2, "cpu_seconds"), "0");
	CHECK_TEXT(data(&w, 2, "ram_mib_hours"), "512");
	world_close(&w);
}

/* Counters before the first sample are the VPS's own, too. */
static void test_first_sample_counts(void)
{
	struct world w;

	begin(&w);
	sample.cpu_ns = 7 * S;
	sample.rx_bytes = 5;
	later(&w, 0);
	later(&w, 3600);
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "7");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "5");
	world_close(&w);
}

/* A reboot makes a new domain: its CPU counter is from 0, the vif's is not. */
static void test_guest_reboot(void)
{
	struct world w;

	begin(&w);
	sample.cpu_ns = 100 * S;
	sample.rx_bytes = 1000;
	later(&w, 0);
	sample.domid = 4;
	sample.cpu_ns = 130 * S;	/* more than before, and yet new */
	sample.rx_bytes = 1500;
	later(&w, 60);
	later(&w, 3600);
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "230");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "1500");
	world_close(&w);
}

/* The same number again (after a host reboot), and rules made anew. */
static void test_counters_go_back(void)
{
	struct world w;

	begin(&w);
	sample.cpu_ns = 100 * S;
	sample.rx_bytes = 1000;
	later(&w, 0);
	sample.cpu_ns = 1 * S;
	sample.rx_bytes = 7;
	later(&w, 60);
	later(&w, 3600);
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "101");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "1007");
	world_close(&w);
}

static void test_stopped(void)
{
	struct world w;

	begin(&w);
	sample.cpu_ns = 9 * S;
	sample.rx_bytes = 1000;
	later(&w, 0);
	later(&w, 900);		/* runs for a quarter of an hour */
	sample.domid = 0;
	sample.cpu_ns = 0;
	sample.rx_bytes = 0;	/* no vif to ask */
	later(&w, 900);
	sample.domid = 5;
	sample.cpu_ns = 2 * S;
	sample.rx_bytes = 1001;
	later(&w, 900);
	later(&w, 900);
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "11");
	CHECK_TEXT(data(&w, 1, "ram_mib_hours"), "256");
	CHECK_TEXT(data(&w, 1, "disk_mib_hours"), "1024");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "1001");
	world_close(&w);
}

/* The host was off for a day: nobody pays for that. */
static void test_host_reboot(void)
{
	struct world w;

	begin(&w);
	sample.rx_bytes = 100;
	later(&w, 0);
	later(&w, 1800);
	sample.now += 86400;
	sample.uptime = 50 - 1800;
	sample.cpu_ns = 3 * S;
	sample.rx_bytes = 130;		/* from 0 again, and already more */
	later(&w, 1800);
	CHECK_TEXT(data(&w, 1, "period_end"), "\"2027-01-16T13:00:00Z\"");
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "3");
	CHECK_TEXT(data(&w, 1, "ram_mib_hours"), "256");
	CHECK_TEXT(data(&w, 1, "disk_mib_hours"), "512");
	CHECK_TEXT(data(&w, 1, "bytes_in"), "230");
	world_close(&w);
}

/* vpsd was off, the guest was not: all of it counts, in one long period. */
static void test_vpsd_was_down(void)
{
	struct world w;

	begin(&w);
	later(&w, 0);
	sample.cpu_ns += 10000 * S;
	later(&w, 5 * 3600 + 600);
	CHECK_TEXT(events(&w), "usage");
	CHECK_TEXT(data(&w, 1, "period_end"), "\"2027-01-15T17:10:00Z\"");
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "10000");
	later(&w, 3000);
	CHECK_TEXT(events(&w), "usage,usage");
	CHECK_TEXT(data(&w, 2, "period_start"), "\"2027-01-15T17:10:00Z\"");
	world_close(&w);
}

/* No clock battery: 1970, and then NTP.  57 years of disk are not billed. */
static void test_clock_is_set(void)
{
	struct world w;

	begin(&w);
	sample.now = 100;
	later(&w, 0);
	sample.now = NOON;
	later(&w, 60);
	CHECK_TEXT(data(&w, 1, "disk_mib_hours"), "17.065");
	sample.now -= 7200;
	later(&w, 60);
	CHECK_TEXT(events(&w), "usage");
	later(&w, 3600);
	CHECK_TEXT(events(&w), "usage,usage");
	CHECK_TEXT(data(&w, 2, "period_start"), "\"2027-01-15T10:02:00Z\"");
	world_close(&w);
}

/* 100 odd periods: what is cut off each time is not lost. */
static void test_nothing_is_lost_by_rounding(void)
{
	struct world w;
	double cpu = 0, ram = 0;
	int i;

	begin(&w);
	later(&w, 0);
	for (i = 1; i <= 100; i++) {
		sample.cpu_ns += 1234567891;
		sample.ram_mib = 7;
		later(&w, 3607);
		cpu += atof(data(&w, i, "cpu_seconds"));
		ram += atof(data(&w, i, "ram_mib_hours"));
	}
	CHECK_INT((int64_t)(cpu * 1000 + 0.5), 123456);
	CHECK_INT((int64_t)(ram * 1000 + 0.5) / 5, 7LL * 360700 / 18);
	world_close(&w);
}

/* Destroying bills the part of the hour, in order, and leaves no row. */
static void test_destroy_bills_the_rest(void)
{
	struct world w;
	struct err err;

	begin(&w);
	later(&w, 0);
	sample.cpu_ns = 5 * S;
	later(&w, 1800);
	CHECK_INT(store_vps_forget(w.store, 1, sample.now + 7, &err), 0);
	CHECK_TEXT(events(&w), "usage,destroyed");
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "5");
	CHECK_TEXT(data(&w, 1, "disk_mib_hours"), "512");
	CHECK_TEXT(world_sql(&w, "SELECT count(*) FROM usage"), "0");
	/* A sample that comes late must not bring it back. */
	CHECK_INT(usage_record(w.store, &sample, &err), -EEXIST);
	CHECK_TEXT(world_sql(&w, "SELECT count(*) FROM usage"), "0");
	CHECK_TEXT(events(&w), "usage,destroyed");
	world_close(&w);
}

/* The event and the counters are one transaction: both or neither. */
static void test_event_and_counters_are_one(void)
{
	struct world w;
	struct err err;

	begin(&w);
	later(&w, 0);
	world_exec(&w, "CREATE TRIGGER full BEFORE INSERT ON usage BEGIN "
		       "SELECT raise(ABORT, 'full'); END");
	sample.cpu_ns = 5 * S;
	sample.now += 3600;
	sample.uptime += 3600;
	CHECK(usage_record(w.store, &sample, &err) < 0);
	CHECK_TEXT(events(&w), "");
	world_exec(&w, "DROP TRIGGER full");
	later(&w, 0);
	CHECK_TEXT(events(&w), "usage");
	CHECK_TEXT(data(&w, 1, "cpu_seconds"), "5");
	CHECK_TEXT(world_sql(&w, "SELECT hook_seq FROM vps WHERE id = 1"),
		   "1");
	world_close(&w);
}

static void test_open_period_as_json(void)
{
	struct world w;
	struct err err;
	cJSON *list = NULL;
	cJSON *row;

	begin(&w);
	later(&w, 0);
	sample.cpu_ns = 1500 * 1000000;
	sample.tx_bytes = 42;
	later(&w, 900);
	CHECK_INT(usage_json(w.store, "web1", &list, &err), 0);
	row = cJSON_GetArrayItem(list, 0);
	CHECK_INT(cJSON_GetArraySize(list), 1);
	CHECK(cJSON_GetObjectItem(row, "cpu_seconds")->valuedouble == 1.5);
	CHECK_INT(cJSON_GetObjectItem(row, "ram_mib_hours")->valueint, 128);
	CHECK_INT(cJSON_GetObjectItem(row, "bytes_out")->valueint, 42);
	cJSON_Delete(list);
	CHECK_INT(usage_json(w.store, "web2", &list, &err), 0);
	CHECK_INT(cJSON_GetArraySize(list), 0);
	cJSON_Delete(list);
	world_close(&w);
}

int main(void)
{
	RUN(test_an_hour);
	RUN(test_first_sample_counts);
	RUN(test_guest_reboot);
	RUN(test_counters_go_back);
	RUN(test_stopped);
	RUN(test_host_reboot);
	RUN(test_vpsd_was_down);
	RUN(test_clock_is_set);
	RUN(test_nothing_is_lost_by_rounding);
	RUN(test_destroy_bills_the_rest);
	RUN(test_event_and_counters_are_one);
	RUN(test_open_period_as_json);
	return check_end();
}

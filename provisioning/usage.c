/*
 * usage.c - from raw counters to hourly usage events (hook.h, record.md).
 *
 * A row of table usage holds what has accumulated in the open period and the
 * counters as they were at the last sample:
 *
 *	first sample --> open period --an hour of wall time is over-->
 *		usage event, next open period
 *	open period --VPS is forgotten--> last usage event, row gone
 *
 * What is charged:
 *   CPU	what the domain's counter says it used more; from 0 if it is
 *		another domain or the counter went back
 *   RAM	time between two samples that both saw a domain
 *   disk	time between two samples
 *   bytes	what the vif's counters say more; from 0 if they went back
 *
 * Time is the host's uptime, not the wall clock: setting the clock charges
 * nobody anything.  Uptime that went back means that the host was down, and
 * nobody pays for that.  While vpsd is down, on the other hand, guests run
 * on, and the next sample makes up for it.
 *
 * All is integers.  What an event cuts off to three digits stays in the row
 * for the next.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hook.h"
#include "store_private.h"

#define HOUR 3600

/* 18 MiB-seconds are exactly 0.005 MiB-hours. */
#define MIB_S_STEP 18

struct usage {
	int64_t start, sampled_at, uptime, domid;
	int64_t raw_cpu_ns, raw_rx, raw_tx;
	int64_t cpu_ns, ram_mib_s, disk_mib_s, rx_bytes, tx_bytes;
};

void usage_sample_init(struct usage_sample *sample, uint64_t vps_id)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	memset(sample, 0, sizeof(*sample));
	sample->vps_id = vps_id;
	sample->now = wall.tv_sec;
	sample->uptime = up.tv_sec;
}

static int read_row(struct store *s, uint64_t vps_id, struct usage *u,
		    bool *found, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_USAGE_GET, "i",
					(int64_t)vps_id);
	int rc = store_step(s, stmt, found, err);

	if (rc == 0 && *found) {
		*u = (struct usage){
			.start = sqlite3_column_int64(stmt, 0),
			.sampled_at = sqlite3_column_int64(stmt, 1),
			.uptime = sqlite3_column_int64(stmt, 2),
			.domid = sqlite3_column_int64(stmt, 3),
			.raw_cpu_ns = sqlite3_column_int64(stmt, 4),
			.raw_rx = sqlite3_column_int64(stmt, 5),
			.raw_tx = sqlite3_column_int64(stmt, 6),
			.cpu_ns = sqlite3_column_int64(stmt, 7),
			.ram_mib_s = sqlite3_column_int64(stmt, 8),
			.disk_mib_s = sqlite3_column_int64(stmt, 9),
			.rx_bytes = sqlite3_column_int64(stmt, 10),
			.tx_bytes = sqlite3_column_int64(stmt, 11),
		};
	}
	sqlite3_reset(stmt);
	return rc;
}

static int write_row(struct store *s, uint64_t vps_id, const struct usage *u,
		     struct err *err)
{
	return store_run(s, SQL_USAGE_SET, err, "iiiiiiiiiiiii",
			 (int64_t)vps_id, u->start, u->sampled_at, u->uptime,
			 u->domid, u->raw_cpu_ns, u->raw_rx, u->raw_tx,
			 u->cpu_ns, u->ram_mib_s, u->disk_mib_s, u->rx_bytes,
			 u->tx_bytes);
}

/* How much @now is more than *raw, which becomes it; from 0 if it is less. */
static int64_t advance(int64_t *raw, int64_t now)
{
	int64_t more = now >= *raw ? now - *raw : now;

	*raw = now;
	return more;
}

static void accumulate(struct usage *u, const struct usage_sample *sample)
{
	int64_t domid = (int64_t)sample->domid;
	int64_t time = sample->uptime - u->uptime;

	if (time < 0) {
		time = 0;	/* the host was down */
		u->domid = 0;	/* and all counters began again */
		u->raw_rx = 0;
		u->raw_tx = 0;
	}
	if (domid != u->domid) {
		u->raw_cpu_ns = 0;
	}
	if (domid != 0) {
		u->cpu_ns += advance(&u->raw_cpu_ns, (int64_t)sample->cpu_ns);
	}
	if (domid != 0 && u->domid != 0) {
		u->ram_mib_s += time * (int64_t)sample->ram_mib;
	}
	u->disk_mib_s += time * (int64_t)sample->disk_mib;
	/* A stopped VPS has no vif.  If that reads as 0, it is no reset. */
	if (domid != 0 || sample->rx_bytes != 0 || sample->tx_bytes != 0) {
		u->rx_bytes += advance(&u->raw_rx, (int64_t)sample->rx_bytes);
		u->tx_bytes += advance(&u->raw_tx, (int64_t)sample->tx_bytes);
	}
	u->domid = domid;
	u->uptime = sample->uptime;
	u->sampled_at = sample->now;
	if (u->start > sample->now) {
		u->start = sample->now;	/* the clock was set back */
	}
}

/* Not through a double: bills are added up by people who check. */
static void add_thousandths(cJSON *data, const char *name, int64_t thousandths)
{
	char text[48];

	snprintf(text, sizeof(text), "%lld.%03lld",
		 (long long)(thousandths / 1000),
		 (long long)(thousandths % 1000));
	cJSON_AddRawToObject(data, name, text);
}

static void add_integer(cJSON *data, const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	cJSON_AddRawToObject(data, name, text);
}

/* Write the open period's event, and open the next period at @now. */
static int close_period(struct store *s, uint64_t vps_id, struct usage *u,
			int64_t now, struct err *err)
{
	cJSON *data = cJSON_CreateObject();

	store_add_time(data, "period_start", u->start);
	store_add_time(data, "period_end", now);
	add_thousandths(data, "cpu_seconds", u->cpu_ns / 1000000);
	add_thousandths(data, "ram_mib_hours", u->ram_mib_s / MIB_S_STEP * 5);
	add_thousandths(data, "disk_mib_hours",
			u->disk_mib_s / MIB_S_STEP * 5);
	add_integer(data, "bytes_in", u->rx_bytes);
	add_integer(data, "bytes_out", u->tx_bytes);
	u->cpu_ns %= 1000000;
	u->ram_mib_s %= MIB_S_STEP;
	u->disk_mib_s %= MIB_S_STEP;
	u->rx_bytes = 0;
	u->tx_bytes = 0;
	u->start = now;
	return store_hook_event(s, vps_id, "usage", data, now, err);
}

int usage_record(struct store *s, const struct usage_sample *sample,
		 struct err *err)
{
	struct usage u;
	bool found;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = read_row(s, sample->vps_id, &u, &found, err);
	if (rc == 0 && !found) {
		/* Its counters began at 0 when it was made. */
		u = (struct usage){
			.start = sample->now,
			.uptime = sample->uptime,
		};
	}
	if (rc == 0) {
		accumulate(&u, sample);
		if (sample->now / HOUR > u.start / HOUR) {
			rc = close_period(s, sample->vps_id, &u, sample->now,
					  err);
		}
	}
	if (rc == 0) {
		rc = write_row(s, sample->vps_id, &u, err);
	}
	return store_end(s, rc, err);
}

int store_usage_finish(struct store *s, uint64_t vps_id, int64_t now,
		       struct err *err)
{
	struct usage u;
	bool found;
	int rc = read_row(s, vps_id, &u, &found, err);

	if (rc || !found) {
		return rc;
	}
	/* The row goes with the VPS's, by foreign key. */
	return close_period(s, vps_id, &u, now, err);
}

int usage_json(struct store *s, const char *ref, struct cJSON **out,
	       struct err *err)
{
	return store_rows_json(s, store_bind(s, SQL_USAGE_JSON, "t", ref),
			       out, err);
}

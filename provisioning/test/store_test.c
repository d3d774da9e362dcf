/*
 * store_test.c - the database on a real file: catalogue, sales, capacity,
 * events, migrations, and a full disk.
 */
#define CHECK_SUITE "store"
#include "check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store_private.h"

static struct store *s;
static char path[256];
static struct err err;
static const struct store_capacity roomy = { 100000, 100000 };

static void fresh(void)
{
	const char *dir = getenv("TMPDIR");

	if (s) {
		store_close(s);
	}
	snprintf(path, sizeof(path), "%s/store-test-%d.db",
		 dir ? dir : "/tmp", (int)getpid());
	unlink(path);
	if (store_open(&s, path, &err) != 0) {
		printf("FAIL store: cannot open %s: %s\n", path, err.text);
		exit(1);
	}
}

static void add_pool(const char *name, const char *first, const char *last,
		     const char *gateway, unsigned int prefix, int want)
{
	struct store_pool p = { .name = name, .prefix = prefix, .dns = "" };
	int rc;

	CHECK_INT(addr_parse(&p.first, first), 0);
	CHECK_INT(addr_parse(&p.last, last), 0);
	CHECK_INT(addr_parse(&p.gateway, gateway), 0);
	rc = store_pool_add(s, &p, 1, &err);
	if (rc != want) {
		CHECK_FAIL("pool %s: expected %d, got %d (%s)", name, want, rc,
			   err.text);
	}
}

static void add_catalogue(void)
{
	struct store_plan plan = { "small", 1, 256, 0, 128, 1000, 0, 0 };
	struct store_plan large = { "large", 2, 512, 50, 256, 2000, 8, 9 };
	struct disk_template tpl = { .name = "busybox", .version = "1.0",
				     .min_disk_mib = 32, .min_ram_mib = 64,
				     .default_user = "root" };

	CHECK_INT(store_customer_add(s, "acme", "x-1", 1, &err), 0);
	CHECK_INT(store_plan_add(s, &plan, 1, &err), 0);
	CHECK_INT(store_plan_add(s, &large, 1, &err), 0);
	CHECK_INT(store_template_add(s, &tpl, 1, &err), 0);
	add_pool("v4", "10.0.2.50", "10.0.2.53", "10.0.2.51", 24, 0);
}

static int sell(const char *name, const char *request, uint64_t *id,
		bool *again, const struct store_capacity *cap)
{
	struct store_sale sale = {
		.name = name, .customer = "acme", .plan = "small",
		.template = "busybox", .request_id = request,
		.ssh_keys = "ssh-ed25519 x\n",
	};

	return store_vps_create(s, &sale, cap, 10, id, again, &err);
}

static void sold(const char *name, uint64_t *id)
{
	bool again;

	CHECK_INT(sell(name, NULL, id, &again, &roomy), 0);
	CHECK_INT(store_vps_set_phase(s, *id, VM_PHASE_DISK, 11, &err), 0);
	CHECK_INT(store_vps_set_phase(s, *id, VM_PHASE_READY, 12, &err), 0);
	CHECK_INT(store_vps_started(s, *id, 7, 13, &err), 0);
}

static int64_t number(const char *sql)
{
	sqlite3_stmt *stmt;
	int64_t out = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == 0 &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		out = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return out;
}

static void catalogue_refuses_duplicates(void)
{
	struct store_plan plan = { "small", 1, 256, 0, 128, 1000, 0, 0 };

	fresh();
	add_catalogue();
	CHECK_INT(store_customer_add(s, "acme", "", 1, &err), -EEXIST);
	CHECK_HAS(err.text, "name: customer 'acme' exists");
	CHECK_INT(store_plan_add(s, &plan, 1, &err), -EEXIST);
	CHECK_HAS(err.text, "name: plan 'small' exists");
	add_pool("v4", "10.0.3.1", "10.0.3.9", "10.0.3.254", 24, -EEXIST);
	CHECK_HAS(err.text, "name: pool 'v4' exists");
}

static void pools_are_checked(void)
{
	fresh();
	add_pool("a", "10.0.2.50", "10.0.2.60", "10.0.2.1", 24, 0);
	add_pool("b", "10.0.2.60", "10.0.2.70", "10.0.2.1", 24, -EEXIST);
	CHECK_HAS(err.text, "overlaps pool 'a'");
	add_pool("b", "10.0.2.40", "10.0.2.80", "10.0.2.1", 24, -EEXIST);
	add_pool("b", "10.0.2.52", "10.0.2.53", "10.0.2.1", 24, -EEXIST);
	add_pool("b", "10.0.2.61", "10.0.3.1", "10.0.2.1", 24, -EINVAL);
	add_pool("b", "10.0.2.61", "10.0.2.62", "10.0.3.1", 24, -EINVAL);
	add_pool("b", "10.0.2.61", "10.0.2.62", "2001:db8::1", 24, -EINVAL);
	add_pool("b", "10.0.2.61", "10.0.2.255", "10.0.2.1", 24, -EINVAL);
	add_pool("b", "127.0.0.1", "127.0.0.2", "127.0.0.3", 24, -EINVAL);
	add_pool("b", "10.0.2.61", "10.0.2.62", "10.0.2.1", 33, -EINVAL);
	add_pool("b", "10.0.2.61", "10.0.2.70", "10.0.2.1", 24, 0);
	add_pool("c", "2001:db8::10", "2001:db8::20", "fe80::1", 64, 0);
	CHECK_INT(number("SELECT count(*) FROM pool"), 3);
}

static void a_sale_takes_everything_or_nothing(void)
{
	struct store_capacity tight = { 131, 100000 };
	struct store_vps v;
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(sell("web1", NULL, &id, &again, &tight), -EDQUOT);
	CHECK_HAS(err.text, "RAM: 132 MiB needed");
	tight = (struct store_capacity){ 100000, 999 };
	CHECK_INT(sell("web1", NULL, &id, &again, &tight), -EDQUOT);
	CHECK_HAS(err.text, "disk: 1000 MiB needed, 999 of 999 free");
	CHECK_INT(number("SELECT count(*) FROM vps"), 0);
	CHECK_INT(number("SELECT count(*) FROM address"), 0);
	CHECK_INT(number("SELECT count(*) FROM event"), 0);
	CHECK_INT(sell("web1", NULL, &id, &again, &roomy), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_TEXT(v.guest.address4, "10.0.2.50");
	CHECK_TEXT(v.guest.gateway4, "10.0.2.51");
	CHECK_INT(v.guest.prefix4, 24);
	CHECK(addr_mac_valid(v.guest.mac));
	CHECK_INT(strlen(v.uuid), 36);
	CHECK_HAS(v.uuid, "-5e7a-4");
	CHECK_INT(sell("web1", NULL, &id, &again, &roomy), -EEXIST);
	CHECK_HAS(err.text, "name: VPS 'web1' exists");
	CHECK_INT(number("SELECT count(*) FROM hook_event"), 0);
}

/* 10.0.2.51 is the gateway, so three of four can be sold. */
static void addresses_run_out_and_come_back(void)
{
	struct store_vps v;
	uint64_t id, second = 0;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(sell("a1", NULL, &id, &again, &roomy), 0);
	CHECK_INT(sell("a2", NULL, &second, &again, &roomy), 0);
	CHECK_INT(sell("a3", NULL, &id, &again, &roomy), 0);
	CHECK_INT(sell("a4", NULL, &id, &again, &roomy), -EDQUOT);
	CHECK_TEXT(err.text, "no capacity: no free IPv4 address");
	CHECK_INT(store_vps_forget(s, second, 20, &err), 0);
	CHECK_INT(sell("a4", NULL, &id, &again, &roomy), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_TEXT(v.guest.address4, "10.0.2.52");
	CHECK(id > second + 1);		/* ids are never used twice */
}

static void both_families_are_given(void)
{
	struct store_vps v;
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	add_pool("v6", "2001:db8::1", "2001:db8::1", "fe80::1", 64, 0);
	CHECK_INT(sell("a1", NULL, &id, &again, &roomy), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_TEXT(v.guest.address4, "10.0.2.50");
	CHECK_TEXT(v.guest.address6, "2001:db8::1");
	CHECK_INT(sell("a2", NULL, &id, &again, &roomy), -EDQUOT);
	CHECK_HAS(err.text, "IPv6");
	/* The IPv4 address that was taken for it is free again. */
	CHECK_INT(number("SELECT count(*) FROM address"), 2);
}

static void unknown_things_are_named(void)
{
	struct store_sale sale = { "w", "nobody", "small", "busybox", NULL,
				   NULL, NULL, "k", false };
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -ENOENT);
	CHECK_TEXT(err.text, "customer: 'nobody' is not known");
	sale.customer = "acme";
	sale.plan = "huge";
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -ENOENT);
	CHECK_TEXT(err.text, "plan: 'huge' is not known");
	sale.plan = "small";
	sale.template = "dos";
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -ENOENT);
	CHECK_TEXT(err.text, "template: 'dos' is not known");
	sale.template = "busybox";
	sale.version = "9";
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -ENOENT);
	sale.version = "1.0";
	sale.pool = "v7";
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -ENOENT);
	CHECK_TEXT(err.text, "pool: 'v7' is not known");
	CHECK_INT(number("SELECT count(*) FROM vps"), 0);
}

static void a_template_may_need_more_than_the_plan_has(void)
{
	struct disk_template big = { .name = "big", .version = "1",
				     .min_disk_mib = 4000, .min_ram_mib = 64,
				     .default_user = "root" };
	struct store_sale sale = { "w", "acme", "small", "big", NULL, NULL,
				   NULL, "k", false };
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(store_template_add(s, &big, 1, &err), 0);
	CHECK_INT(store_vps_create(s, &sale, &roomy, 1, &id, &again, &err),
		  -EINVAL);
	CHECK_TEXT(err.text, "plan: 'small' has 1000 MiB of disk, template "
		   "'big' needs 4000");
}

static void a_request_is_answered_once(void)
{
	uint64_t id, other;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(sell("web1", "r1", &id, &again, &roomy), 0);
	CHECK(!again);
	CHECK_INT(sell("web1", "r1", &other, &again, &roomy), 0);
	CHECK(again);
	CHECK_INT(other, id);
	CHECK_INT(sell("web2", "r1", &other, &again, &roomy), -EEXIST);
	CHECK_HAS(err.text, "request-id: was used");
	/* Undone before it was sold: the same request may try again. */
	CHECK_INT(store_vps_forget(s, id, 20, &err), 0);
	CHECK_INT(sell("web1", "r1", &id, &again, &roomy), 0);
	CHECK(!again);
	CHECK_INT(store_vps_started(s, id, 3, 21, &err), 0);
	CHECK_INT(store_vps_forget(s, id, 22, &err), 0);
	CHECK_INT(sell("web1", "r1", &id, &again, &roomy), -EEXIST);
	CHECK_HAS(err.text, "destroyed");
}

static void what_is_used_cannot_be_removed(void)
{
	char name[DISK_NAME_MAX], version[DISK_NAME_MAX];
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(sell("web1", NULL, &id, &again, &roomy), 0);
	CHECK_INT(store_remove(s, STORE_CUSTOMER, "acme", &err), -EBUSY);
	CHECK_INT(store_remove(s, STORE_PLAN, "small", &err), -EBUSY);
	CHECK_INT(store_remove(s, STORE_POOL, "v4", &err), -EBUSY);
	CHECK_INT(store_template_remove(s, "busybox", NULL, name, version,
					&err), -EBUSY);
	CHECK_TEXT(err.text, "template: 'busybox' 1.0 is used by 1 VPS");
	CHECK_INT(store_remove(s, STORE_PLAN, "no", &err), -ENOENT);
	CHECK_INT(store_vps_forget(s, id, 20, &err), 0);
	CHECK_INT(store_template_remove(s, "busybox", NULL, name, version,
					&err), 0);
	CHECK_INT(store_template_removing(s, name, version), 0);
	CHECK_TEXT(version, "1.0");
	CHECK_INT(store_template_forget(s, name, version, &err), 0);
	CHECK_INT(store_template_removing(s, name, version), -ENOENT);
	CHECK_INT(store_remove(s, STORE_CUSTOMER, "acme", &err), 0);
	CHECK_INT(store_remove(s, STORE_POOL, "v4", &err), 0);
}

static void hooks_hear_of_sales_not_of_attempts(void)
{
	uint64_t id;
	bool again;

	fresh();
	add_catalogue();
	CHECK_INT(sell("web1", NULL, &id, &again, &roomy), 0);
	CHECK_INT(store_vps_forget(s, id, 15, &err), 0);
	CHECK_INT(number("SELECT count(*) FROM hook_event"), 0);
	sold("web2", &id);
	CHECK_INT(number("SELECT count(*) FROM hook_event"), 2);
	CHECK_INT(number("SELECT seq FROM hook_event WHERE type='started'"),
		  2);
	CHECK_INT(number("SELECT json_extract(payload, '$.data.ram_mib') "
			 "FROM hook_event WHERE type = 'created'"), 128);
	CHECK_INT(number("SELECT json_extract(payload, '$.vps.external_id') "
			 "= 'x-1' FROM hook_event WHERE type = 'created'"), 1);
	CHECK_INT(store_vps_ending(s, id, VM_ENDING_STOP, 20, &err), 0);
	CHECK_INT(store_vps_gone(s, id, 21, &err), 0);
	CHECK_INT(store_vps_forget(s, id, 22, &err), 0);
	CHECK_INT(number("SELECT count(*) FROM hook_event"), 4);
	CHECK_INT(number("SELECT max(seq) FROM hook_event"), 4);
	CHECK_INT(number("SELECT seq FROM hook_event "
			 "WHERE type = 'destroyed'"), 4);
	/* Events outlive the VPS. */
	CHECK_INT(number("SELECT count(*) FROM event WHERE vps_name='web2'") >
		  3, 1);
}

static void crashes_back_off_and_are_forgotten(void)
{
	struct store_vps v;
	uint64_t id;

	fresh();
	add_catalogue();
	sold("web1", &id);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(store_vps_started(s, id, 8, 1000 + i, &err), 0);
		CHECK_INT(store_vps_ending(s, id, VM_ENDING_CRASH, 1000 + i,
					   &err), 0);
		CHECK_INT(store_vps_gone(s, id, 1000 + i, &err), 0);
	}
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_INT(v.crash_count, 3);
	CHECK_INT(v.row.restart_at, 1002 + 4);
	CHECK_INT(number("SELECT count(*) FROM hook_event "
			 "WHERE type = 'crashed'"), 3);
	/* It ran for an hour: the count begins anew. */
	CHECK_INT(store_vps_started(s, id, 9, 1010, &err), 0);
	CHECK_INT(store_vps_gone(s, id, 5000, &err), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_INT(v.crash_count, 1);
	CHECK_INT(v.row.restart_at, 5001);
}

static void a_boot_of_the_host_is_nobodys_crash(void)
{
	struct store_vps v;
	uint64_t id;

	fresh();
	add_catalogue();
	CHECK_INT(store_boot(s, "boot-1", 5, &err), 0);
	sold("web1", &id);
	CHECK_INT(store_boot(s, "boot-1", 30, &err), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_INT(v.row.domid, 7);
	CHECK_INT(store_boot(s, "boot-2", 40, &err), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_INT(v.row.domid, 0);
	CHECK_INT(v.row.desired, VM_RUNNING);
	CHECK_INT(v.row.restart_at, 0);
	CHECK_INT(number("SELECT count(*) FROM hook_event "
			 "WHERE type = 'crashed'"), 0);
	CHECK_INT(number("SELECT count(*) FROM hook_event "
			 "WHERE type = 'stopped'"), 1);
}

static void a_plan_changes_only_while_stopped(void)
{
	struct store_vps v;
	uint64_t id;
	struct store_capacity tight = { 259, 100000 };

	fresh();
	add_catalogue();
	sold("web1", &id);
	CHECK_INT(store_vps_resize(s, id, "large", &roomy, 20, &err), -EBUSY);
	CHECK_INT(store_vps_set_desired(s, id, VM_STOPPED, "x", 21, &err), 0);
	CHECK_INT(store_vps_ending(s, id, VM_ENDING_STOP, 21, &err), 0);
	CHECK_INT(store_vps_gone(s, id, 22, &err), 0);
	CHECK_INT(store_vps_resize(s, id, "no", &roomy, 20, &err), -ENOENT);
	CHECK_INT(store_vps_resize(s, id, "large", &tight, 20, &err),
		  -EDQUOT);
	tight.ram_mib = 260;	/* its own 132 do not count twice */
	CHECK_INT(store_vps_resize(s, id, "large", &tight, 20, &err), 0);
	CHECK_INT(store_vps_get(s, id, &v, &err), 0);
	CHECK_INT(v.ram_mib, 256);
	CHECK_INT(v.cap, 50);
	CHECK_INT(store_vps_resize(s, id, "small", &roomy, 20, &err),
		  -EINVAL);
	CHECK_HAS(err.text, "smaller disk");
	CHECK_INT(number("SELECT count(*) FROM hook_event "
			 "WHERE type = 'plan_changed'"), 1);
}

static void lists_are_arrays(void)
{
	struct cJSON *json = NULL;

	fresh();
	for (int kind = STORE_CUSTOMER; kind <= STORE_VPS; kind++) {
		CHECK_INT(store_list_json(s, (enum store_kind)kind, NULL, NULL,
					  &json, &err), 0);
		CHECK(cJSON_IsArray(json) && cJSON_GetArraySize(json) == 0);
		cJSON_Delete(json);
		CHECK_INT(store_show_json(s, (enum store_kind)kind, "x", NULL,
					  &json, &err), -ENOENT);
		CHECK_HAS(err.text, "'x' is not known");
	}
}

static void a_full_disk_changes_nothing(void)
{
	char sql[64];
	uint64_t id = 0;
	bool again;

	fresh();
	add_catalogue();
	/* As SQLite sees it, a file that cannot grow. */
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
		 (long long)number("PRAGMA page_count"));
	sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "customer%d", i);
		if (store_customer_add(s, name, "", 1, &err) == -ENOSPC) {
			break;
		}
		CHECK(i < 499);
	}
	CHECK_TEXT(err.text, "the state partition is full");
	while (sell("web1", NULL, &id, &again, &roomy) == 0) {
		CHECK_INT(store_vps_forget(s, id, 9, &err), 0);
	}
	CHECK_HAS(err.text, "full");
	CHECK_INT(number("SELECT count(*) FROM vps"), 0);
	CHECK_INT(number("SELECT count(*) FROM address"), 0);
	sqlite3_exec(s->db, "PRAGMA max_page_count = 100000", NULL, NULL,
		     NULL);
	CHECK_INT(sell("web1", NULL, &id, &again, &roomy), 0);
}

static void a_newer_database_is_refused(void)
{
	struct store *other;

	fresh();
	sqlite3_exec(s->db, "PRAGMA user_version = 99", NULL, NULL, NULL);
	CHECK_INT(store_open(&other, path, &err), -EIO);
	CHECK_HAS(err.text, "schema 99");
}

/* No room for a parameter must not turn it into NULL, which stands for "all". */
static void what_cannot_be_bound_is_an_error(void)
{
	char text[60001];
	cJSON *json;

	fresh();
	add_catalogue();
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 50000);
	CHECK_INT(store_customer_add(s, "long", text, 1, &err), -ENOMEM);
	CHECK_INT(store_show_json(s, STORE_CUSTOMER, text, NULL, &json, &err),
		  -ENOMEM);
	CHECK_INT(store_customer_add(s, "short", "x", 1, &err), 0);
}

int main(void)
{
	RUN(catalogue_refuses_duplicates);
	RUN(pools_are_checked);
	RUN(a_sale_takes_everything_or_nothing);
	RUN(addresses_run_out_and_come_back);
	RUN(both_families_are_given);
	RUN(unknown_things_are_named);
	RUN(a_template_may_need_more_than_the_plan_has);
	RUN(a_request_is_answered_once);
	RUN(what_is_used_cannot_be_removed);
	RUN(hooks_hear_of_sales_not_of_attempts);
	RUN(crashes_back_off_and_are_forgotten);
	RUN(a_boot_of_the_host_is_nobodys_crash);
	RUN(a_plan_changes_only_while_stopped);
	RUN(lists_are_arrays);
	RUN(a_full_disk_changes_nothing);
	RUN(a_newer_database_is_refused);
	RUN(what_cannot_be_bound_is_an_error);
	store_close(s);
	unlink(path);
	return check_end();
}

/*
 * store_sale.c - the sale: everything one VPS needs is taken in one
 * transaction, so two sales can never get the same thing (store.h).
 */
#include "store_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ASKED_MAX	(SPEC_KEYS_MAX + 1024)

struct plan_row {
	int64_t id, vcpus, weight, cap, ram_mib, disk_mib;
	int64_t rate_in_kbit, rate_out_kbit;
	char name[SPEC_NAME_MAX + 1];
};

struct template_row {
	int64_t id, min_disk_mib, min_ram_mib;
	bool own_kernel;
	char name[DISK_NAME_MAX];
};

/* What was asked, to notice a request id used for something else. */
static int asked_text(const struct store_sale *sale, char **out,
		      struct err *err)
{
	char *text = malloc(ASKED_MAX);

	if (!text) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	snprintf(text, ASKED_MAX, "%s|%s|%s|%s|%s|%s%s|%s", sale->name,
		 sale->customer, sale->plan, sale->template,
		 sale->version ? sale->version : "",
		 sale->pool ? sale->pool : "",
		 /* As it was before there was a choice. */
		 sale->own_kernel ? "|own-kernel" : "", sale->ssh_keys);
	*out = text;
	return 0;
}

/* *id stays 0 unless this request was answered before. */
static int find_request(struct store *s, const struct store_sale *sale,
			const char *asked, uint64_t *id, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	int rc;

	*id = 0;
	if (!sale->request_id) {
		return 0;
	}
	stmt = store_bind(s, SQL_REQUEST_GET, "t", sale->request_id);
	rc = store_step(s, stmt, &row, err);
	if (rc == 0 && row) {
		const char *digest = (const char *)sqlite3_column_text(stmt, 0);
		const char *name = (const char *)sqlite3_column_text(stmt, 2);

		if (!digest || strcmp(digest, asked) != 0) {
			rc = err_set(err, -EEXIST, "request-id: was used for "
				     "another create (VPS '%s')", name);
		} else if (!sqlite3_column_int(stmt, 3)) {
			rc = err_set(err, -EEXIST, "request-id: VPS '%s' that "
				     "it made was destroyed since", name);
		} else {
			*id = (uint64_t)sqlite3_column_int64(stmt, 1);
		}
	}
	sqlite3_reset(stmt);
	return rc;
}

static int find_plan(struct store *s, const char *ref, struct plan_row *plan,
		     struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_PLAN_GET, "t", ref);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0 && !row) {
		rc = err_set(err, -ENOENT, "plan: '%s' is not known", ref);
	} else if (rc == 0) {
		plan->id = sqlite3_column_int64(stmt, 0);
		store_text(stmt, 1, plan->name, sizeof(plan->name));
		plan->vcpus = sqlite3_column_int64(stmt, 2);
		plan->weight = sqlite3_column_int64(stmt, 3);
		plan->cap = sqlite3_column_int64(stmt, 4);
		plan->ram_mib = sqlite3_column_int64(stmt, 5);
		plan->disk_mib = sqlite3_column_int64(stmt, 6);
		plan->rate_in_kbit = sqlite3_column_int64(stmt, 7);
		plan->rate_out_kbit = sqlite3_column_int64(stmt, 8);
	}
	sqlite3_reset(stmt);
	return rc;
}

static int find_template(struct store *s, const struct store_sale *sale,
			 struct template_row *tpl, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_TEMPLATE_GET, "tt",
					sale->template, sale->version);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0 && !row) {
		rc = err_set(err, -ENOENT, "template: '%s'%s%s is not known",
			     sale->template, sale->version ? " version " : "",
			     sale->version ? sale->version : "");
	} else if (rc == 0) {
		tpl->id = sqlite3_column_int64(stmt, 0);
		store_text(stmt, 1, tpl->name, sizeof(tpl->name));
		tpl->min_disk_mib = sqlite3_column_int64(stmt, 3);
		tpl->min_ram_mib = sqlite3_column_int64(stmt, 4);
		tpl->own_kernel = sqlite3_column_int(stmt, 5);
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_no_own_kernel(const char *template, struct err *err)
{
	return err_set(err, -EINVAL, "boot: template '%s' has no kernel of its "
		       "own; only --boot template is possible", template);
}

static int check_template(const struct plan_row *plan, const char *name,
			  int64_t min_disk_mib, int64_t min_ram_mib,
			  struct err *err)
{
	if (plan->disk_mib < min_disk_mib) {
		return err_set(err, -EINVAL, "plan: '%s' has %lld MiB of disk,"
			       " template '%s' needs %lld", plan->name,
			       (long long)plan->disk_mib, name,
			       (long long)min_disk_mib);
	}
	if (plan->ram_mib < min_ram_mib) {
		return err_set(err, -EINVAL, "plan: '%s' has %lld MiB of RAM,"
			       " template '%s' needs %lld", plan->name,
			       (long long)plan->ram_mib, name,
			       (long long)min_ram_mib);
	}
	return 0;
}

/* Sold to all but @except. */
static int sold_except(struct store *s, uint64_t except,
		       struct store_sold *sold, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_SOLD, "i", (int64_t)except);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0) {
		sold->vps = (uint64_t)sqlite3_column_int64(stmt, 0);
		sold->vcpus = (uint64_t)sqlite3_column_int64(stmt, 1);
		sold->ram_mib = (uint64_t)sqlite3_column_int64(stmt, 2) +
				sold->vps * STORE_RAM_OVERHEAD_MIB;
		sold->disk_mib = (uint64_t)sqlite3_column_int64(stmt, 3);
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_sold(struct store *s, struct store_sold *sold, struct err *err)
{
	return sold_except(s, 0, sold, err);
}

static uint64_t left(uint64_t total, uint64_t sold)
{
	return total > sold ? total - sold : 0;
}

static int check_capacity(struct store *s, const struct plan_row *plan,
			  const struct store_capacity *cap, uint64_t except,
			  struct err *err)
{
	uint64_t ram = (uint64_t)plan->ram_mib + STORE_RAM_OVERHEAD_MIB;
	uint64_t disk = (uint64_t)plan->disk_mib;
	struct store_sold sold;
	int rc = sold_except(s, except, &sold, err);

	if (rc) {
		return rc;
	}
	if (ram > left(cap->ram_mib, sold.ram_mib)) {
		return err_set(err, -EDQUOT, "no capacity: RAM: %llu MiB "
			       "needed (%d for overhead), %llu of %llu free",
			       (unsigned long long)ram, STORE_RAM_OVERHEAD_MIB,
			       (unsigned long long)left(cap->ram_mib,
							sold.ram_mib),
			       (unsigned long long)cap->ram_mib);
	}
	if (disk > left(cap->disk_mib, sold.disk_mib)) {
		return err_set(err, -EDQUOT, "no capacity: disk: %llu MiB "
			       "needed, %llu of %llu free",
			       (unsigned long long)disk,
			       (unsigned long long)left(cap->disk_mib,
							sold.disk_mib),
			       (unsigned long long)cap->disk_mib);
	}
	return 0;
}

/* The lowest free address of a pool; -ENOENT (no line) when it is full. */
static int pool_free(struct store *s, int64_t pool_id, struct addr first,
		     const struct addr *last, struct addr *out,
		     struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_POOL_TAKEN, "i", pool_id);
	int rc = 0;
	bool row;

	for (;;) {
		const struct addr *taken;
		int order;

		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		taken = sqlite3_column_blob(stmt, 0);
		order = addr_compare(taken, &first);
		if (order > 0) {
			break;
		}
		if (order == 0 && !addr_next(&first)) {
			rc = -ENOENT;
			break;
		}
	}
	sqlite3_reset(stmt);
	if (rc == 0 && addr_compare(&first, last) > 0) {
		rc = -ENOENT;
	}
	*out = first;
	return rc;
}

/* -ENOENT (no line): no pool of this family (or the wanted one is not). */
static int take_address(struct store *s, int family, const char *pool,
			uint64_t vps_id, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_POOL_CANDIDATES, "it",
					(int64_t)family, pool);
	struct addr first, last, addr;
	int64_t pool_id = 0;
	int pools = 0, rc;
	bool row;

	for (;;) {
		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		pools++;
		pool_id = sqlite3_column_int64(stmt, 0);
		memcpy(&first, sqlite3_column_blob(stmt, 2), sizeof(first));
		memcpy(&last, sqlite3_column_blob(stmt, 3), sizeof(last));
		rc = pool_free(s, pool_id, first, &last, &addr, err);
		if (rc != -ENOENT) {
			break;
		}
	}
	sqlite3_reset(stmt);
	if (rc == 0 && row) {
		return store_run(s, SQL_ADDRESS_INSERT, err, "aii", &addr,
				 pool_id, (int64_t)vps_id);
	}
	if (rc) {
		return rc;
	}
	if (pools == 0) {
		return -ENOENT;
	}
	return err_set(err, -EDQUOT, "no capacity: no free IPv%d address%s%s",
		       family, pool ? " in pool " : "", pool ? pool : "");
}

/*
 * One address of each family there are pools for; with @pool only that one.
 */
static int take_addresses(struct store *s, const char *pool, uint64_t vps_id,
			  struct err *err)
{
	int rc4, rc6 = 0;
	int64_t family;
	int rc;

	if (pool) {
		rc = store_number(s, SQL_POOL_FAMILY, 0, &family, err, "t",
				  pool);
		if (rc) {
			return rc;
		}
		if (family == 0) {
			return err_set(err, -ENOENT, "pool: '%s' is not known",
				       pool);
		}
		return take_address(s, (int)family, pool, vps_id, err);
	}
	rc4 = take_address(s, 4, NULL, vps_id, err);
	if (rc4 == 0 || rc4 == -ENOENT) {
		rc6 = take_address(s, 6, NULL, vps_id, err);
	}
	if (rc4 == -ENOENT && rc6 == -ENOENT) {
		return err_set(err, -EDQUOT, "no capacity: no address pool; "
			       "add one with `vps pool add`");
	}
	if (rc4 && rc4 != -ENOENT) {
		return rc4;
	}
	return rc6 == -ENOENT ? 0 : rc6;
}

/* Xen's own prefix and 24 random bits not used on this host. */
static int pick_mac(struct store *s, char mac[18], struct err *err)
{
	int64_t used = 1;
	uint8_t b[3];
	int rc = 0;

	while (rc == 0 && used) {
		if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
			return err_set(err, -EIO, "no random numbers");
		}
		snprintf(mac, 18, "00:16:3e:%02x:%02x:%02x", b[0] & 0x7f, b[1],
			 b[2]);
		rc = store_number(s, SQL_MAC_TAKEN, 0, &used, err, "t", mac);
	}
	return rc;
}

/*
 * Domains carry nothing but a UUID of ours through every state, so the VPS's
 * id is its last 48 bits: what is found on the host names its row.
 */
static void make_uuid(char uuid[STORE_UUID_MAX], uint64_t id)
{
	store_uuid(uuid);
	memcpy(uuid + 9, "5e7a", 4);
	snprintf(uuid + 24, 13, "%012llx",
		 (unsigned long long)id & 0xffffffffffffull);
}

static int insert_vps(struct store *s, const struct store_sale *sale,
		      int64_t customer_id, const struct plan_row *plan,
		      int64_t template_id, int64_t now, uint64_t *id,
		      struct err *err)
{
	char mac[18], uuid[STORE_UUID_MAX];
	int rc = pick_mac(s, mac, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_VPS_INSERT, err, "tiiiiiiiiiittti", sale->name,
		       customer_id, plan->id, template_id, plan->vcpus,
		       plan->weight, plan->cap, plan->ram_mib, plan->disk_mib,
		       plan->rate_in_kbit, plan->rate_out_kbit, mac,
		       sale->ssh_keys, sale->own_kernel ? STORE_BOOT_OWN :
		       STORE_BOOT_TEMPLATE, now);
	if (rc == -EEXIST) {
		return err_set(err, rc, "name: VPS '%s' exists already",
			       sale->name);
	}
	if (rc) {
		return rc;
	}
	*id = (uint64_t)sqlite3_last_insert_rowid(s->db);
	make_uuid(uuid, *id);
	return store_run(s, SQL_VPS_SET_UUID, err, "it", (int64_t)*id, uuid);
}

/* The transaction's body. */
static int sell(struct store *s, const struct store_sale *sale,
		const char *asked, const struct store_capacity *cap,
		int64_t now, uint64_t *id, struct err *err)
{
	struct template_row tpl;
	struct plan_row plan;
	int64_t customer = 0, used = 0;
	int rc;

	rc = store_number(s, SQL_VPS_NAME_TAKEN, 0, &used, err, "t",
			  sale->name);
	if (rc == 0 && used) {
		rc = err_set(err, -EEXIST, "name: VPS '%s' exists already",
			     sale->name);
	}
	if (rc == 0) {
		rc = store_number(s, SQL_CUSTOMER_ID, -1, &customer, err, "t",
				  sale->customer);
	}
	if (rc == 0 && customer < 0) {
		rc = err_set(err, -ENOENT, "customer: '%s' is not known",
			     sale->customer);
	}
	if (rc == 0) {
		rc = find_plan(s, sale->plan, &plan, err);
	}
	if (rc == 0) {
		rc = find_template(s, sale, &tpl, err);
	}
	if (rc == 0) {
		rc = check_template(&plan, tpl.name, tpl.min_disk_mib,
				    tpl.min_ram_mib, err);
	}
	if (rc == 0 && sale->own_kernel && !tpl.own_kernel) {
		rc = store_no_own_kernel(tpl.name, err);
	}
	if (rc == 0) {
		rc = check_capacity(s, &plan, cap, 0, err);
	}
	if (rc == 0) {
		rc = insert_vps(s, sale, customer, &plan, tpl.id, now, id, err);
	}
	if (rc == 0) {
		rc = take_addresses(s, sale->pool, *id, err);
	}
	if (rc == 0 && sale->request_id) {
		rc = store_run(s, SQL_REQUEST_INSERT, err, "ttiti",
			       sale->request_id, asked, (int64_t)*id,
			       sale->name, now);
	}
	return rc ? rc : store_event(s, *id, "allocated",
				     "name, addresses and capacity taken", now,
				     err);
}

int store_vps_create(struct store *s, const struct store_sale *sale,
		     const struct store_capacity *cap, int64_t now,
		     uint64_t *id, bool *again, struct err *err)
{
	char *asked = NULL;
	int rc;

	*again = false;
	rc = asked_text(sale, &asked, err);
	if (rc) {
		return rc;
	}
	rc = store_begin(s, err);
	if (rc) {
		goto out;
	}
	rc = find_request(s, sale, asked, id, err);
	*again = rc == 0 && *id != 0;
	if (rc == 0 && !*again) {
		rc = sell(s, sale, asked, cap, now, id, err);
	}
	if (*again) {
		/* Nothing was written: undoing it is not a change. */
		store_run(s, SQL_ROLLBACK, NULL, "");
	} else {
		rc = store_end(s, rc, err);
	}
out:
	free(asked);
	return rc;
}

/* Body of a change of plan; the VPS has no domain. */
static int change_plan(struct store *s, uint64_t id, const char *ref,
		       const struct store_capacity *cap, int64_t now,
		       struct err *err)
{
	struct store_vps vps;
	struct plan_row plan;
	sqlite3_stmt *stmt;
	struct cJSON *data;
	char text[128];
	bool row;
	int rc = store_vps_get(s, id, &vps, err);

	if (rc == 0 && (vps.row.desired != VM_STOPPED || vps.row.domid)) {
		rc = err_set(err, -EBUSY, "name: VPS '%s' must be stopped",
			     vps.name);
	}
	if (rc == 0) {
		rc = find_plan(s, ref, &plan, err);
	}
	if (rc == 0 && (uint64_t)plan.disk_mib < vps.disk_mib) {
		rc = err_set(err, -EINVAL, "plan: '%s' has a smaller disk (%lld"
			     " MiB; now %llu), which would lose data",
			     plan.name, (long long)plan.disk_mib,
			     (unsigned long long)vps.disk_mib);
	}
	if (rc) {
		return rc;
	}
	stmt = store_bind(s, SQL_VPS_TEMPLATE, "i", (int64_t)id);
	rc = store_step(s, stmt, &row, err);
	if (rc == 0) {
		rc = check_template(&plan,
				    (const char *)sqlite3_column_text(stmt, 2),
				    sqlite3_column_int64(stmt, 0),
				    sqlite3_column_int64(stmt, 1), err);
	}
	sqlite3_reset(stmt);
	if (rc == 0) {
		rc = check_capacity(s, &plan, cap, id, err);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_SET_PLAN, err, "iiiiiiiii",
			       (int64_t)id, plan.id, plan.vcpus, plan.weight,
			       plan.cap, plan.ram_mib, plan.disk_mib,
			       plan.rate_in_kbit, plan.rate_out_kbit);
	}
	snprintf(text, sizeof(text), "now plan %s", plan.name);
	if (rc == 0) {
		rc = store_event(s, id, "plan_changed", text, now, err);
	}
	if (rc == 0) {
		rc = store_hook_sold(s, id, &data, err);
	}
	return rc ? rc : store_hook_event(s, id, "plan_changed", data, now,
					  err);
}

int store_vps_resize(struct store *s, uint64_t id, const char *plan,
		     const struct store_capacity *cap, int64_t now,
		     struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	return store_end(s, change_plan(s, id, plan, cap, now, err), err);
}

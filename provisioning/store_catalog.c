/*
 * store_catalog.c - customers, plans, pools, templates (store.h).
 */
#include "store_private.h"

#include <errno.h>
#include <string.h>

/* UNIQUE refuses duplicates; say which, in the operator's words. */
static int taken(int rc, const char *noun, const char *name, struct err *err)
{
	if (rc == -EEXIST) {
		return err_set(err, rc, "name: %s '%s' exists already", noun,
			       name);
	}
	return rc;
}

int store_customer_add(struct store *s, const char *name,
		       const char *external_id, int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_CUSTOMER_INSERT, err, "tti", name, external_id,
		       now);
	return store_end(s, taken(rc, "customer", name, err), err);
}

int store_plan_add(struct store *s, const struct store_plan *p, int64_t now,
		   struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_PLAN_INSERT, err, "tiiiiiiii", p->name,
		       p->vcpus, p->weight, p->cap, p->ram_mib, p->disk_mib,
		       p->rate_in_kbit, p->rate_out_kbit, now);
	return store_end(s, taken(rc, "plan", p->name, err), err);
}

static int pool_check(const struct store_pool *p, struct err *err)
{
	int family = addr_family(&p->first);
	unsigned int bits = family == 4 ? 32 : 128;

	if (p->prefix > bits || p->prefix < 8) {
		return err_set(err, -EINVAL, "prefix: must be 8 to %u for "
			       "IPv%d", bits, family);
	}
	if (!addr_is_usable(&p->first) || !addr_is_usable(&p->last)) {
		return err_set(err, -EINVAL, "range: must be unicast "
			       "addresses, not loopback or link-local");
	}
	if (!addr_same_network(&p->first, &p->last, p->prefix)) {
		return err_set(err, -EINVAL, "range: does not lie in one /%u "
			       "network", p->prefix);
	}
	if (family == 4 && p->prefix < 31 &&
	    (addr_is_edge(&p->first, p->prefix) ||
	     addr_is_edge(&p->last, p->prefix))) {
		return err_set(err, -EINVAL, "range: the first and last address "
			       "of the /%u network cannot be sold", p->prefix);
	}
	if (addr_family(&p->gateway) != family) {
		return err_set(err, -EINVAL, "gateway: must be IPv%d like the "
			       "range", family);
	}
	/* An IPv6 router may as well be named by its link-local address. */
	if (family == 4 &&
	    !addr_same_network(&p->first, &p->gateway, p->prefix)) {
		return err_set(err, -EINVAL, "gateway: is not in the range's "
			       "/%u network", p->prefix);
	}
	return 0;
}

static int pool_reserve(struct store *s, const struct store_pool *p,
			int64_t pool_id, struct err *err)
{
	const char *text = p->reserved;
	char one[ADDR_TEXT_MAX];
	struct addr addr;
	size_t len;
	int rc;

	for (; text && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		if (len >= sizeof(one)) {
			return err_set(err, -EINVAL, "reserve: is no address");
		}
		memcpy(one, text, len);
		one[len] = '\0';
		if (addr_parse(&addr, one) != 0 ||
		    addr_compare(&addr, &p->first) < 0 ||
		    addr_compare(&addr, &p->last) > 0) {
			return err_set(err, -EINVAL, "reserve: '%s' is not "
				       "within the pool's range", one);
		}
		rc = store_run(s, SQL_POOL_RESERVE, err, "ai", &addr, pool_id);
		if (rc) {
			return rc;
		}
	}
	return 0;
}

static int pool_overlap(struct store *s, const struct store_pool *p,
			struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_POOL_OVERLAP, "aa", &p->first,
					&p->last);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0 && row) {
		rc = err_set(err, -EEXIST, "range: overlaps pool '%s' (%s-%s)",
			     sqlite3_column_text(stmt, 0),
			     sqlite3_column_text(stmt, 1),
			     sqlite3_column_text(stmt, 2));
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_pool_add(struct store *s, const struct store_pool *p, int64_t now,
		   struct err *err)
{
	int rc = pool_check(p, err);

	if (rc) {
		return rc;
	}
	rc = store_begin(s, err);
	if (rc) {
		return rc;
	}
	rc = pool_overlap(s, p, err);
	if (rc == 0) {
		rc = store_run(s, SQL_POOL_INSERT, err, "tiaaiati", p->name,
			       (int64_t)addr_family(&p->first), &p->first,
			       &p->last, (int64_t)p->prefix, &p->gateway,
			       p->dns, now);
		rc = taken(rc, "pool", p->name, err);
	}
	if (rc == 0) {
		rc = pool_reserve(s, p, sqlite3_last_insert_rowid(s->db), err);
	}
	return store_end(s, rc, err);
}

int store_template_add(struct store *s, const struct disk_template *t,
		       int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_TEMPLATE_INSERT, err, "tttiittii", t->name,
		       t->version, t->description, t->min_disk_mib,
		       t->min_ram_mib, t->default_user, t->cmdline,
		       (int64_t)t->has_own_kernel, now);
	return store_end(s, taken(rc, "template", t->name, err), err);
}

bool store_template_known(struct store *s, const char *name,
			  const char *version)
{
	int64_t found = 0;

	if (version) {
		store_number(s, SQL_TEMPLATE_EXISTS, 0, &found, NULL, "tt",
			     name, version);
	} else {
		store_number(s, SQL_TEMPLATE_NAME_EXISTS, 0, &found, NULL, "t",
			     name);
	}
	return found != 0;
}

/* Step 1 of template_remove: which one is meant, and is it free? */
static int template_pick(struct store *s, const char *ref, const char *version,
			 int64_t *id, char name[DISK_NAME_MAX],
			 char found[DISK_NAME_MAX], struct err *err)
{
	sqlite3_stmt *stmt;
	int64_t count;
	bool row;
	int rc;

	rc = store_number(s, SQL_TEMPLATE_VERSIONS, 0, &count, err, "tt", ref,
			  version);
	if (rc) {
		return rc;
	}
	if (count > 1) {
		return err_set(err, -EINVAL, "version: is required, '%s' has "
			       "%lld", ref, (long long)count);
	}
	stmt = store_bind(s, SQL_TEMPLATE_GET, "tt", ref, version);
	rc = store_step(s, stmt, &row, err);
	if (rc == 0 && !row) {
		rc = err_set(err, -ENOENT, "template: '%s'%s%s is not known",
			     ref, version ? " version " : "",
			     version ? version : "");
	} else if (rc == 0) {
		*id = sqlite3_column_int64(stmt, 0);
		store_text(stmt, 1, name, DISK_NAME_MAX);
		store_text(stmt, 2, found, DISK_NAME_MAX);
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_template_remove(struct store *s, const char *ref,
			  const char *version, char name[DISK_NAME_MAX],
			  char found[DISK_NAME_MAX], struct err *err)
{
	int64_t id = 0, used = 0;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = template_pick(s, ref, version, &id, name, found, err);
	if (rc == 0) {
		rc = store_number(s, SQL_TEMPLATE_VPS_COUNT, 0, &used, err, "i",
				  id);
	}
	if (rc == 0 && used > 0) {
		rc = err_set(err, -EBUSY, "template: '%s' %s is used by %lld "
			     "VPS", name, found, (long long)used);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_TEMPLATE_REMOVE, err, "i", id);
	}
	return store_end(s, rc, err);
}

int store_template_removing(struct store *s, char name[DISK_NAME_MAX],
			    char version[DISK_NAME_MAX])
{
	sqlite3_stmt *stmt = store_bind(s, SQL_TEMPLATE_REMOVING, "");
	bool row;
	int rc = store_step(s, stmt, &row, NULL);

	if (rc == 0 && row) {
		store_text(stmt, 0, name, DISK_NAME_MAX);
		store_text(stmt, 1, version, DISK_NAME_MAX);
	}
	sqlite3_reset(stmt);
	return rc == 0 && !row ? -ENOENT : rc;
}

int store_template_forget(struct store *s, const char *name,
			  const char *version, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_TEMPLATE_DELETE, err, "tt", name, version);
	return store_end(s, rc, err);
}

static const struct {
	enum sql_id find, used, delete;
	const char *noun;
} removables[] = {
	[STORE_CUSTOMER] = { SQL_CUSTOMER_ID, SQL_CUSTOMER_VPS_COUNT,
			     SQL_CUSTOMER_DELETE, "customer" },
	[STORE_PLAN] = { SQL_PLAN_ID, SQL_PLAN_VPS_COUNT, SQL_PLAN_DELETE,
			 "plan" },
	[STORE_POOL] = { SQL_POOL_ID, SQL_POOL_VPS_COUNT, SQL_POOL_DELETE,
			 "pool" },
};

int store_remove(struct store *s, enum store_kind kind, const char *ref,
		 struct err *err)
{
	const char *noun = removables[kind].noun;
	int64_t id, used;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_number(s, removables[kind].find, -1, &id, err, "t", ref);
	if (rc == 0 && id < 0) {
		rc = err_set(err, -ENOENT, "%s: '%s' is not known", noun, ref);
	}
	if (rc == 0) {
		rc = store_number(s, removables[kind].used, 0, &used, err, "i",
				  id);
	}
	if (rc == 0 && used > 0) {
		rc = err_set(err, -EBUSY, "%s: '%s' is used by %lld VPS", noun,
			     ref, (long long)used);
	}
	if (rc == 0) {
		rc = store_run(s, removables[kind].delete, err, "i", id);
	}
	return store_end(s, rc, err);
}

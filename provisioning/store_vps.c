/*
 * store_vps.c - what becomes of a VPS after the sale (store.h).
 */
#include "store_private.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_vps_find(struct store *s, const char *ref, uint64_t *id,
		   struct err *err)
{
	int64_t found;
	int rc = store_number(s, SQL_VPS_ID, -1, &found, err, "t", ref);

	if (rc == 0 && found < 0) {
		rc = err_set(err, -ENOENT, "VPS: '%s' is not known", ref);
	}
	*id = (uint64_t)found;
	return rc;
}

static int read_addresses(struct store *s, struct store_vps *v,
			  struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_ADDRESSES, "i",
					(int64_t)v->id);
	struct guest_config *g = &v->guest;
	bool row;
	int rc;

	for (;;) {
		size_t used = strlen(g->dns);

		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		if (sqlite3_column_int(stmt, 0) == 4) {
			store_text(stmt, 1, g->address4, sizeof(g->address4));
			g->prefix4 = (unsigned int)sqlite3_column_int(stmt, 2);
			store_text(stmt, 3, g->gateway4, sizeof(g->gateway4));
		} else {
			store_text(stmt, 1, g->address6, sizeof(g->address6));
			g->prefix6 = (unsigned int)sqlite3_column_int(stmt, 2);
			store_text(stmt, 3, g->gateway6, sizeof(g->gateway6));
		}
		if (sqlite3_column_bytes(stmt, 4) > 0) {
			snprintf(g->dns + used, sizeof(g->dns) - used, "%s%s",
				 used ? " " : "",
				 (const char *)sqlite3_column_text(stmt, 4));
		}
	}
	sqlite3_reset(stmt);
	return rc;
}

static int read_row(sqlite3_stmt *stmt, struct store_vps *v, struct err *err)
{
	const char *state[3];

	*v = (struct store_vps){ 0 };
	v->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	store_text(stmt, 1, v->uuid, sizeof(v->uuid));
	store_text(stmt, 2, v->name, sizeof(v->name));
	v->vcpus = (uint64_t)sqlite3_column_int64(stmt, 3);
	v->weight = (uint64_t)sqlite3_column_int64(stmt, 4);
	v->cap = (uint64_t)sqlite3_column_int64(stmt, 5);
	v->ram_mib = (uint64_t)sqlite3_column_int64(stmt, 6);
	v->disk_mib = (uint64_t)sqlite3_column_int64(stmt, 7);
	v->rate_in_kbit = (uint64_t)sqlite3_column_int64(stmt, 8);
	v->rate_out_kbit = (uint64_t)sqlite3_column_int64(stmt, 9);
	store_text(stmt, 10, v->guest.mac, sizeof(v->guest.mac));
	v->row.domid = (uint64_t)sqlite3_column_int64(stmt, 13);
	v->crash_count = (uint64_t)sqlite3_column_int64(stmt, 15);
	v->crash_at = sqlite3_column_int64(stmt, 16);
	v->row.restart_at = sqlite3_column_int64(stmt, 17);
	store_text(stmt, 18, v->last_error, sizeof(v->last_error));
	store_text(stmt, 19, v->template, sizeof(v->template));
	store_text(stmt, 20, v->version, sizeof(v->version));
	store_text(stmt, 21, v->cmdline, sizeof(v->cmdline));
	store_text(stmt, 22, v->guest.default_user,
		   sizeof(v->guest.default_user));
	v->own_kernel = sqlite3_column_int(stmt, 23);
	snprintf(v->guest.hostname, sizeof(v->guest.hostname), "%s", v->name);
	state[0] = (const char *)sqlite3_column_text(stmt, 11);
	state[1] = (const char *)sqlite3_column_text(stmt, 12);
	state[2] = (const char *)sqlite3_column_text(stmt, 14);
	if (!state[0] || !state[1] || !state[2] ||
	    vm_row_parse(&v->row, state[0], state[1], state[2]) != 0) {
		return err_set(err, -EIO, "database: VPS '%s' has no valid "
			       "state", v->name);
	}
	return 0;
}

int store_vps_get(struct store *s, uint64_t id, struct store_vps *vps,
		  struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_GET, "i", (int64_t)id);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0 && !row) {
		rc = err_set(err, -ENOENT, "VPS: %llu is not known",
			     (unsigned long long)id);
	} else if (rc == 0) {
		rc = read_row(stmt, vps, err);
	}
	sqlite3_reset(stmt);
	return rc ? rc : read_addresses(s, vps, err);
}

int store_vps_keys(struct store *s, uint64_t id, char **keys, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_KEYS, "i", (int64_t)id);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0) {
		*keys = row ? strdup((const char *)
				     sqlite3_column_text(stmt, 0)) : NULL;
		rc = *keys ? 0 : err_set(err, -ENOMEM, "out of memory");
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_vps_last_id(struct store *s, uint64_t *id, struct err *err)
{
	int64_t last = 0;
	int rc = store_number(s, SQL_VPS_LAST_ID, 0, &last, err, "");

	*id = (uint64_t)last;
	return rc;
}

int store_vps_ids(struct store *s, uint64_t **ids, size_t *count,
		  struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_IDS, "");
	size_t room = 0;
	bool row;
	int rc;

	*ids = NULL;
	*count = 0;
	for (;;) {
		rc = store_step(s, stmt, &row, err);
		if (rc || !row) {
			break;
		}
		if (*count == room) {
			uint64_t *more;

			room = room ? room * 2 : 64;
			more = realloc(*ids, room * sizeof(**ids));
			if (!more) {
				rc = err_set(err, -ENOMEM, "out of memory");
				break;
			}
			*ids = more;
		}
		(*ids)[(*count)++] = (uint64_t)sqlite3_column_int64(stmt, 0);
	}
	sqlite3_reset(stmt);
	if (rc) {
		free(*ids);
		*ids = NULL;
	}
	return rc;
}

int store_vps_set_phase(struct store *s, uint64_t id, enum vm_phase phase,
			int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_VPS_SET_PHASE, err, "it", (int64_t)id,
		       vm_phase_text(phase));
	if (rc == 0) {
		rc = store_event(s, id, vm_phase_text(phase),
				 phase == VM_PHASE_DISK ? "disk copied" :
				 "configuration written", now, err);
	}
	return store_end(s, rc, err);
}

int store_vps_set_desired(struct store *s, uint64_t id,
			  enum vm_desired desired, const char *why,
			  int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_VPS_SET_DESIRED, err, "it", (int64_t)id,
		       vm_desired_text(desired));
	if (rc == 0) {
		rc = store_event(s, id, "wanted", why, now, err);
	}
	return store_end(s, rc, err);
}

/* A GRUB that finds nothing to boot keeps a CPU busy at its prompt. */
static int check_own_kernel(struct store *s, uint64_t id, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_VPS_TEMPLATE, "i", (int64_t)id);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	if (rc == 0 && row && !sqlite3_column_int(stmt, 3)) {
		rc = store_no_own_kernel(
			(const char *)sqlite3_column_text(stmt, 2), err);
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_vps_set_boot(struct store *s, uint64_t id, const char *boot,
		       int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	if (strcmp(boot, STORE_BOOT_OWN) == 0) {
		rc = check_own_kernel(s, id, err);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_SET_BOOT, err, "it", (int64_t)id,
			       boot);
	}
	if (rc == 0) {
		rc = store_event(s, id, "boot", boot, now, err);
	}
	return store_end(s, rc, err);
}

int store_vps_started(struct store *s, uint64_t id, uint64_t domid,
		      int64_t now, struct err *err)
{
	struct cJSON *data = NULL;
	struct store_vps vps;
	char text[64];
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_vps_get(s, id, &vps, err);
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_SET_STARTED, err, "ii", (int64_t)id,
			       (int64_t)domid);
	}
	if (rc == 0 && vps.row.phase != VM_PHASE_SOLD) {
		rc = store_hook_sold(s, id, &data, err);
		if (rc == 0) {
			rc = store_hook_event(s, id, "created", data, now, err);
		}
		if (rc == 0) {
			rc = store_event(s, id, "created", vps.template, now,
					 err);
		}
	}
	snprintf(text, sizeof(text), "domain %llu", (unsigned long long)domid);
	if (rc == 0) {
		rc = store_event(s, id, "started", text, now, err);
	}
	if (rc == 0) {
		rc = store_hook_event(s, id, "started", NULL, now, err);
	}
	return store_end(s, rc, err);
}

/* A hook event whose data is a reason. */
static int hook_because(struct store *s, uint64_t id, const char *type,
			const char *reason, int64_t now, struct err *err)
{
	cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "reason", reason);
	return store_hook_event(s, id, type, data, now, err);
}

/* Count a crash, decide when to try again, and tell. */
static int note_crash(struct store *s, const struct store_vps *vps,
		      const char *reason, int64_t now, struct err *err)
{
	uint64_t count = vps->crash_count + 1;
	char text[128];
	int64_t delay;
	int rc;

	if (now - vps->crash_at > VM_CRASH_FORGET_S) {
		count = 1;
	}
	delay = vm_backoff(count);
	snprintf(text, sizeof(text), "%s; crash %llu in a row, restart in %lld"
		 " s", reason, (unsigned long long)count, (long long)delay);
	rc = store_run(s, SQL_VPS_SET_CRASH, err, "iiiit", (int64_t)vps->id,
		       (int64_t)count, now, now + delay, reason);
	if (rc == 0) {
		rc = store_event(s, vps->id, "crashed", text, now, err);
	}
	return rc ? rc : hook_because(s, vps->id, "crashed", reason, now, err);
}

int store_vps_ending(struct store *s, uint64_t id, enum vm_ending why,
		     int64_t now, struct err *err)
{
	struct store_vps vps;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_vps_get(s, id, &vps, err);
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_SET_ENDING, err, "it", (int64_t)id,
			       vm_ending_text(why));
	}
	if (rc == 0 && why == VM_ENDING_POWEROFF) {
		rc = store_run(s, SQL_VPS_SET_STOPPED_BY_GUEST, err, "i",
			       (int64_t)id);
	}
	if (rc == 0 && why == VM_ENDING_CRASH) {
		rc = note_crash(s, &vps, "the guest crashed", now, err);
	}
	return store_end(s, rc, err);
}

int store_vps_gone(struct store *s, uint64_t id, int64_t now, struct err *err)
{
	struct store_vps vps;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_vps_get(s, id, &vps, err);
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_SET_GONE, err, "i", (int64_t)id);
	}
	if (rc == 0) {
		switch (vps.row.ending) {
		case VM_ENDING_NONE:
			rc = note_crash(s, &vps, "the domain disappeared", now,
					err);
			break;
		case VM_ENDING_STOP:
		case VM_ENDING_POWEROFF:
			rc = store_event(s, id, "stopped",
					 vps.row.ending == VM_ENDING_STOP ?
					 "by the operator" : "by the guest",
					 now, err);
			if (rc == 0) {
				rc = hook_because(s, id, "stopped",
					vm_ending_text(vps.row.ending), now,
					err);
			}
			break;
		case VM_ENDING_REBOOT:
			rc = store_event(s, id, "rebooted", "domain ended",
					 now, err);
			if (rc == 0) {
				rc = hook_because(s, id, "stopped", "reboot",
						  now, err);
			}
			break;
		case VM_ENDING_CRASH:
			break;
		}
	}
	return store_end(s, rc, err);
}

int store_vps_failed(struct store *s, uint64_t id, const char *text,
		     int64_t retry_at, int64_t now, struct err *err)
{
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_run(s, SQL_VPS_SET_RETRY, err, "iit", (int64_t)id, retry_at,
		       text);
	if (rc == 0) {
		rc = store_event(s, id, "failed", text, now, err);
	}
	return store_end(s, rc, err);
}

int store_vps_forget(struct store *s, uint64_t id, int64_t now,
		     struct err *err)
{
	struct store_vps vps;
	int rc = store_begin(s, err);

	if (rc) {
		return rc;
	}
	rc = store_vps_get(s, id, &vps, err);
	if (rc == 0) {
		rc = store_event(s, id, "destroyed", vps.last_error, now, err);
	}
	if (rc == 0 && vps.row.phase == VM_PHASE_SOLD) {
		rc = store_usage_finish(s, id, now, err);
		rc = rc ? rc : store_hook_event(s, id, "destroyed", NULL, now,
						err);
	} else if (rc == 0) {
		/* Never sold: the same request may be tried again. */
		rc = store_run(s, SQL_REQUEST_DELETE, err, "i", (int64_t)id);
	}
	if (rc == 0) {
		rc = store_run(s, SQL_VPS_DELETE, err, "i", (int64_t)id);
	}
	return store_end(s, rc, err);
}

/* Collect first: the statement is used again inside the loop's body. */
static int end_all_domains(struct store *s, int64_t now, struct err *err)
{
	uint64_t id;
	int64_t found;
	int rc;

	for (;;) {
		rc = store_number(s, SQL_VPS_WITH_DOMAIN, -1, &found, err, "");
		if (rc || found < 0) {
			return rc;
		}
		id = (uint64_t)found;
		rc = store_run(s, SQL_VPS_SET_GONE, err, "i", found);
		if (rc == 0) {
			rc = store_event(s, id, "stopped", "the host restarted",
					 now, err);
		}
		if (rc == 0) {
			rc = hook_because(s, id, "stopped", "host restart",
					  now, err);
		}
		if (rc) {
			return rc;
		}
	}
}

/* "" when there is none. */
static int setting_get(struct store *s, const char *key, char *out,
		       size_t size, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(s, SQL_SETTING_GET, "t", key);
	bool row;
	int rc = store_step(s, stmt, &row, err);

	out[0] = '\0';
	if (rc == 0 && row) {
		store_text(stmt, 0, out, size);
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_boot(struct store *s, const char *boot_id, int64_t now,
	       struct err *err)
{
	char was[64];
	int rc = setting_get(s, "boot_id", was, sizeof(was), err);

	if (rc || strcmp(was, boot_id) == 0) {
		return rc;
	}
	rc = store_begin(s, err);
	if (rc) {
		return rc;
	}
	rc = end_all_domains(s, now, err);
	if (rc == 0) {
		rc = store_run(s, SQL_SETTING_SET, err, "tt", "boot_id",
			       boot_id);
	}
	return store_end(s, rc, err);
}

int store_storage(struct store *s, const char *storage, struct err *err)
{
	char was[16];
	int64_t vps = 0;
	int rc = setting_get(s, "storage", was, sizeof(was), err);

	if (rc || strcmp(was, storage) == 0) {
		return rc;
	}
	rc = store_begin(s, err);
	if (rc) {
		return rc;
	}
	rc = store_number(s, SQL_VPS_SOLD, 0, &vps, err, "i", (int64_t)0);
	if (rc == 0 && was[0] && vps) {
		rc = err_set(err, -EIO, "%s: nothing is touched; see vpsd(8)",
			     strcmp(was, "lvm") == 0 ? "the VPSs' disks are "
			     "volumes, but the volume group is not there" :
			     "the VPSs' disks are files, but there is a "
			     "volume group now");
	}
	if (rc == 0) {
		rc = store_run(s, SQL_SETTING_SET, err, "tt", "storage",
			       storage);
	}
	return store_end(s, rc, err);
}

/*
 * store.h - the database: what is wanted, what was sold, what has happened.
 *
 * Every function that changes something is one transaction, whole or not at
 * all, with the events and hook events that belong to it.  Times are seconds
 * since 1970.  Only the daemon's unprivileged side and the hook dispatcher
 * open the database; each process opens its own connection.
 *
 * Errors: -EINVAL bad value, -ENOENT no such thing, -EEXIST or -EBUSY
 * conflict, -EDQUOT no capacity, -ENOSPC the state partition is full,
 * -EIO anything else SQLite says; always with a line in @err.
 *
 * Test aid: with SERAI_CRASH_AT=n in the environment the process exits with
 * status 99 right after its n-th committed change, as if killed there.
 */
#ifndef SERAI_STORE_H
#define SERAI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "disk.h"
#include "err.h"
#include "spec.h"
#include "vm.h"

struct cJSON;
struct store;

#define STORE_UUID_MAX	37

/** Open or make the database at @path, and bring it to this schema. */
int store_open(struct store **store, const char *path, struct err *err);

void store_close(struct store *store);

/** Memory and disk that may be sold; what is sold already counts in SQL. */
struct store_capacity {
	uint64_t ram_mib;
	uint64_t disk_mib;
};

/* What one VPS takes from the host beside its RAM: its page tables' shadow
 * structures in the hypervisor, ring buffers, xenstore. */
#define STORE_RAM_OVERHEAD_MIB	4

struct store_sold {
	uint64_t vps;
	uint64_t vcpus;
	uint64_t ram_mib;	/* with the overhead */
	uint64_t disk_mib;
};

struct store_plan {
	const char *name;
	uint64_t vcpus, weight, cap, ram_mib, disk_mib;
	uint64_t rate_in_kbit, rate_out_kbit;
};

struct store_pool {
	const char *name;
	struct addr first, last, gateway;
	unsigned int prefix;
	const char *dns;	/* blank-separated, or "" */
	const char *reserved;	/* comma-separated, or NULL */
};

/* Column vps.boot. */
#define STORE_BOOT_TEMPLATE	"template"
#define STORE_BOOT_OWN		"own-kernel"

/* A create; strings were checked by spec.c. */
struct store_sale {
	const char *name, *customer, *plan, *template;
	const char *version, *pool, *request_id;	/* or NULL */
	const char *ssh_keys;
	bool own_kernel;
};

/* All that the reconciler needs to know of a VPS. */
struct store_vps {
	uint64_t id;
	char uuid[STORE_UUID_MAX];
	char name[SPEC_NAME_MAX + 1];
	uint64_t vcpus, weight, cap, ram_mib, disk_mib;
	uint64_t rate_in_kbit, rate_out_kbit;
	struct vm_row row;		/* state, see vm.h */
	uint64_t crash_count;
	int64_t crash_at;
	char last_error[256];
	char template[DISK_NAME_MAX], version[DISK_NAME_MAX];
	char cmdline[512];
	struct guest_config guest;	/* ssh_keys stays NULL */
	bool own_kernel;		/* boots from its own disk */
};

enum store_kind {
	STORE_CUSTOMER,
	STORE_PLAN,
	STORE_POOL,
	STORE_TEMPLATE,
	STORE_VPS,
};

/* Catalogue (store_catalog.c) */
int store_customer_add(struct store *s, const char *name,
		       const char *external_id, int64_t now, struct err *err);
int store_plan_add(struct store *s, const struct store_plan *plan,
		   int64_t now, struct err *err);
int store_pool_add(struct store *s, const struct store_pool *pool,
		   int64_t now, struct err *err);
int store_template_add(struct store *s, const struct disk_template *tpl,
		       int64_t now, struct err *err);
/** Any version of @name known? */
bool store_template_known(struct store *s, const char *name,
			  const char *version);
/** Mark for removal unless in use; fills in what to remove. */
int store_template_remove(struct store *s, const char *ref,
			  const char *version, char name[DISK_NAME_MAX],
			  char found_version[DISK_NAME_MAX], struct err *err);
/** A template marked for removal; -ENOENT (without a line) when none. */
int store_template_removing(struct store *s, char name[DISK_NAME_MAX],
			    char version[DISK_NAME_MAX]);
int store_template_forget(struct store *s, const char *name,
			  const char *version, struct err *err);
/** Remove a customer, plan or pool that nothing refers to. */
int store_remove(struct store *s, enum store_kind kind, const char *ref,
		 struct err *err);

/* For people and programs: arrays of objects (store_json.c) */
int store_list_json(struct store *s, enum store_kind kind, const char *ref,
		    const char *filter, struct cJSON **out, struct err *err);
/** As above but exactly one object, or -ENOENT. */
int store_show_json(struct store *s, enum store_kind kind, const char *ref,
		    const char *filter, struct cJSON **out, struct err *err);
int store_events_json(struct store *s, const char *ref, uint64_t limit,
		      struct cJSON **out, struct err *err);

/* VPSs (store_vps.c, store_sale.c) */
/**
 * Allocate name, addresses, MAC and capacity for a sale.  With a request id
 * seen before, @again is true and @id is the VPS it made.
 */
int store_vps_create(struct store *s, const struct store_sale *sale,
		     const struct store_capacity *cap, int64_t now,
		     uint64_t *id, bool *again, struct err *err);
int store_vps_find(struct store *s, const char *ref, uint64_t *id,
		   struct err *err);
int store_vps_get(struct store *s, uint64_t id, struct store_vps *vps,
		  struct err *err);
/** *keys is malloc()ed. */
int store_vps_keys(struct store *s, uint64_t id, char **keys,
		   struct err *err);
/** The highest id that any VPS ever had; 0 when there was none. */
int store_vps_last_id(struct store *s, uint64_t *id, struct err *err);
/** All ids in order; *ids is malloc()ed. */
int store_vps_ids(struct store *s, uint64_t **ids, size_t *count,
		  struct err *err);
int store_vps_set_phase(struct store *s, uint64_t id, enum vm_phase phase,
			int64_t now, struct err *err);
int store_vps_set_desired(struct store *s, uint64_t id,
			  enum vm_desired desired, const char *why,
			  int64_t now, struct err *err);
/** Whose kernel it boots from its next start on. */
int store_vps_set_boot(struct store *s, uint64_t id, const char *boot,
		       int64_t now, struct err *err);
/** Its domain runs; the first time, that makes it sold. */
int store_vps_started(struct store *s, uint64_t id, uint64_t domid,
		      int64_t now, struct err *err);
/** Its domain is about to go because of @why (not VM_ENDING_NONE). */
int store_vps_ending(struct store *s, uint64_t id, enum vm_ending why,
		     int64_t now, struct err *err);
/** Its domain is gone; the reason is the one recorded, or unknown. */
int store_vps_gone(struct store *s, uint64_t id, int64_t now,
		   struct err *err);
/** Starting failed; try again at @retry_at. */
int store_vps_failed(struct store *s, uint64_t id, const char *text,
		     int64_t retry_at, int64_t now, struct err *err);
/** Everything of it is gone from the host: free name and addresses. */
int store_vps_forget(struct store *s, uint64_t id, int64_t now,
		     struct err *err);
int store_vps_resize(struct store *s, uint64_t id, const char *plan,
		     const struct store_capacity *cap, int64_t now,
		     struct err *err);
int store_sold(struct store *s, struct store_sold *sold, struct err *err);

/**
 * The host has booted since the database was written (@boot_id differs):
 * domains recorded then are gone, and not by their own fault.
 */
int store_boot(struct store *s, const char *boot_id, int64_t now,
	       struct err *err);

/**
 * VPSs' disks are @storage ("lvm" or "files") from now on.  -EIO when there
 * are VPSs whose disks are the other.
 */
int store_storage(struct store *s, const char *storage, struct err *err);

#endif

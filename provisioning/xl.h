/*
 * xl.h - domains of ours, through libxl.
 *
 * A domain of ours is one whose UUID has 5e7a as its second group; the last
 * group is then the VPS's id.  All other domains are left alone.
 *
 * Who may call: the privileged process's children only, one libxl context
 * per call; calls block.  Idempotent.  Errors: 0 or -errno with a line:
 * -ENOMEM no memory in the hypervisor, -ENOENT no such domain, -EIO else.
 */
#ifndef SERAI_XL_H
#define SERAI_XL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "vm.h"

struct xl_domain {
	uint64_t vps_id;
	uint64_t domid;
	enum vm_domain state;
	uint64_t ram_mib;
	uint64_t cpu_ns;
};

struct xl_host {
	char hypervisor[64];	/* "Xen 4.17.7" or what it calls itself */
	uint64_t cpus;
	uint64_t ram_mib;	/* of the machine */
	uint64_t ram_free_mib;	/* with the hypervisor */
	uint64_t ram_vps_mib;	/* held by domains of ours */
};

struct xl_config {
	const char *name, *uuid;
	uint64_t vcpus, weight, cap, ram_mib;
	const char *kernel, *initrd, *cmdline;	/* initrd may be "" */
	const char *disk;
	bool disk_is_phy;
	const char *mac, *vifname, *bridge;
};

/** The VPS's id in a UUID of ours, or 0. */
uint64_t xl_uuid_vps(const char *uuid);

int xl_host(struct xl_host *host, struct err *err);

/** Domains of ours; *list is malloc()ed. */
int xl_list(struct xl_domain **list, size_t *count, struct err *err);

/**
 * Build and start a domain; one of that UUID that is running already is
 * success, one that is half-built is destroyed first.
 */
int xl_start(const struct xl_config *config, uint64_t *domid,
	     struct err *err);

/** Ask the guest to shut down; gone already is success. */
int xl_shutdown(uint64_t vps_id, struct err *err);

/** Destroy and wait until it is gone; gone already is success. */
int xl_destroy(uint64_t vps_id, struct err *err);

/**
 * Write a byte to @fd whenever a domain came, shut down or went.  Returns
 * only when that fails or the xenstore is lost.
 */
int xl_watch(int fd, struct err *err);

#endif

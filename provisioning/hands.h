/*
 * hands.h - the privileged process, and how it is asked.
 *
 * vpsd is two processes.  The brain (brain.h) holds the database and the
 * socket, talks to clients, and has no privileges.  The hands run as root,
 * know nothing of customers, and do exactly the operations below on disks,
 * network rules and domains.  They check every field of every request again
 * (hands_check.c), since the brain is what an attacker would reach first.
 *
 * Over one SOCK_SEQPACKET pair: a request is a struct hands_request and then
 * the SSH keys' bytes (HANDS_CUSTOMIZE only); an answer is a struct
 * hands_reply and then `count` entries of the operation's kind.  Each
 * operation runs in a child process of its own, many at once; the brain
 * never has two for one VPS.  Operations are idempotent.
 */
#ifndef SERAI_HANDS_H
#define SERAI_HANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "err.h"
#include "net.h"
#include "spec.h"
#include "vm.h"
#include "xl.h"

#define HANDS_UUID_MAX		37
#define HANDS_ENTRIES_MAX	2000	/* fits a socket buffer */

enum hands_op {
	HANDS_HOST,		/* -> host */
	HANDS_WORLD,		/* -> struct hands_world entries */
	HANDS_TEMPLATES,	/* -> struct hands_template entries */
	HANDS_CLEAN,		/* remove half-made volumes; alone only */
	HANDS_TEMPLATE_IMPORT,	/* path -> tpl */
	HANDS_TEMPLATE_REMOVE,	/* template, version -> tpl, the same */
	HANDS_COPY_DISK,	/* id, template, version, disk_mib */
	HANDS_CUSTOMIZE,	/* id, guest and the keys */
	HANDS_START,		/* everything -> domid */
	HANDS_SHUTDOWN,		/* id */
	HANDS_DESTROY,		/* id -> usage until then */
	HANDS_REMOVE,		/* id: domain, disk, rules */
	HANDS_READY,		/* the database is there: start the hooks */
	HANDS_OP_COUNT,
};

/* One kind of request for all: each operation reads what it names above. */
struct hands_request {
	uint32_t op;
	uint32_t tag;		/* comes back in the reply */
	uint32_t keys_len;	/* bytes that follow, without a NUL */
	uint32_t full;		/* HANDS_WORLD: also disks and rules */
	uint32_t own_kernel;	/* HANDS_START: boot from its own disk */
	uint64_t id;
	uint64_t vcpus, weight, cap, ram_mib, disk_mib;
	uint64_t rate_in_kbit, rate_out_kbit;
	char name[SPEC_NAME_MAX + 1];
	char uuid[HANDS_UUID_MAX];
	char template[DISK_NAME_MAX];
	char version[DISK_NAME_MAX];
	char cmdline[512];
	char path[DISK_PATH_MAX];
	struct guest_config guest;
};

struct hands_host {
	struct xl_host xl;
	uint64_t disk_total_mib, disk_used_mib, disk_free_mib;
	bool disk_is_lvm;
};

/* What there is of one VPS. */
struct hands_world {
	uint64_t vps_id;
	uint64_t domid;
	uint64_t cpu_ns, rx_bytes, tx_bytes;
	uint32_t domain;	/* enum vm_domain */
	uint8_t has_disk, has_net;
};

struct hands_template {
	char name[DISK_NAME_MAX];
	char version[DISK_NAME_MAX];
};

struct hands_reply {
	uint32_t tag;
	uint32_t op;
	int32_t rc;
	uint32_t count;		/* entries that follow */
	uint32_t full;		/* HANDS_WORLD: with disks, rules, counters */
	struct err err;
	uint64_t domid;
	union {
		struct hands_host host;
		struct hands_world world;	/* HANDS_DESTROY */
		struct disk_template tpl;
		uint64_t last_disk;		/* HANDS_TEMPLATES: highest id */
	} u;
};

/* A reply with this tag means: look at the world, a domain has changed. */
#define HANDS_TAG_CHANGED	0u

#define HANDS_REQUEST_MAX	(sizeof(struct hands_request) + SPEC_KEYS_MAX)
#define HANDS_REPLY_MAX		(sizeof(struct hands_reply) + \
				 HANDS_ENTRIES_MAX * sizeof(struct hands_world))

/**
 * Check @len bytes at @req as the privileged side does; pure.
 * -EINVAL with a line that names the field.
 */
int hands_check(const struct hands_request *req, size_t len, struct err *err);

/* What the operations work on. */
struct hands_config {
	struct disk_backend disk;
	const char *state_dir;
	const char *db_path;
};

/**
 * Perform a checked request.  *entries is malloc()ed or NULL, @keys is
 * NUL-terminated text.  Fills @reply but for tag and op.
 */
void hands_do(const struct hands_config *config,
	      const struct hands_request *req, const char *keys,
	      struct hands_reply *reply, void **entries);

/**
 * The privileged process's main loop; returns when the brain at the other
 * end of @fd is gone, after the last operation has ended.
 */
int hands_run(const struct hands_config *config, int fd);

#endif

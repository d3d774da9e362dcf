/*
 * domain.h - a domain: its memory, vCPUs, channels, grants, and its end.
 *
 * States:	building --unpause--> alive --shutdown--> shut down
 *		any of them --destroy--> dying (teardown.c) --> gone
 *
 * A domain is found by id under domains_lock, and kept by a reference
 * (domain_get/put); the last put frees the struct.
 *
 * domains_lock is held for a look-up only; nothing is taken under it.
 *
 * Lock order (take left before right; two domains' locks of one kind: lower
 * id first):
 *	domctl_lock > d->mmu_lock > d->gnttab lock >
 *	d->event_lock > d->page_lock > heap lock > scheduler lock > timer lock
 *	> console lock > domains_lock
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "core/timer.h"
#include "core/vcpu.h"
#include "include/abi.h"
#include "include/types.h"
#include "lib/spinlock.h"

struct evtchn_table; /* core/evtchn.h */
struct gnttab;	     /* core/gnttab.h */
struct pirq_table;   /* core/pirq.h */
struct domain_arch;  /* x86/ */

/* Frames of one domain, linked through frame.next/prev. */
struct frame_list {
	uint32_t head, tail; /* mfn, 0: empty (frame 0 is never a guest's) */
	uint32_t count;
};

struct sched_domain { /* credit.c's and sched.c's */
	struct spinlock lock;
	uint16_t weight;
	uint16_t cap;	       /* per cent of one CPU; 0: none */
	uint16_t rate;	       /* cap, where it limits anything; else 0 */
	int64_t bucket;	       /* what may be used, in per cent of ns */
	uint64_t filled_at;    /* port_now() */
	uint32_t haste;	       /* see credit.c */
	struct timer bucket_timer; /* when it has filled up */
};

#define DOMAIN_WATCHDOGS 2
#define SHUTDOWN_NONE 255 /* no reason yet, as the toolstack is told */

struct domain {
	domid_t id;
	bool privileged; /* dom0: toolstack and hardware */
	bool is_dying;	 /* 1 way; set under page_lock */
	bool is_shut_down;
	bool is_shutting_down; /* vCPUs are being stopped */
	bool crashed_by_rule;
	uint8_t shutdown_code; /* SHUTDOWN_*, latched */
	uint32_t refs;	       /* atomic */
	int32_t pause_count;   /* domain_pause() depth; atomic */
	bool paused_by_controller;

	uint8_t handle[16]; /* UUID */
	uint32_t create_flags; /* XEN_DOMCTL_CDF_* */

	/* memory; lists and totals under page_lock */
	struct spinlock page_lock;
	struct frame_list pages;
	uint32_t tot_pages, max_pages, claimed_pages;
	uint32_t xenheap_pages; /* shared_info, grant frames, ... */
	uint64_t max_gfn;	/* highest gfn in use, for the toolstack */
	struct spinlock mmu_lock; /* page-table changes of this domain */
	uint32_t pt_work;	  /* tables to invalidate (ptype.c); mmu_lock */
	uint32_t relinquish_left; /* domain_frames_relinquish()'s progress */
	bool relinquish_started;

	struct shared_info *shared_info; /* NULL in the end: page_lock */
	mfn_t shared_info_mfn;
	struct spinlock event_lock;
	struct evtchn_table *evtchn;
	struct gnttab *gnttab;
	struct pirq_table *pirq; /* dom0 only, else NULL */

	unsigned int vcpu_count; /* as given to max_vcpus */
	struct vcpu *vcpu[MAX_VCPUS];

	cpumask_t running_cpus; /* CPUs with one of its roots loaded; atomic */

	struct sched_domain sched;
	uint64_t time_offset_ns; /* settimeoffset; wall clock difference */
	uint32_t wc_version;
	uint32_t vm_assist; /* 1 << VMASST_TYPE_* */
	uint8_t tsc_mode;   /* settscinfo's, for save and restore */
	uint32_t tsc_incarnation;
	uint64_t polling[MAX_VCPUS / 64]; /* vCPUs in SCHEDOP_poll; atomic */

	/* memory map for XENMEM_memory_map, set by the toolstack */
	struct e820_entry *e820;
	uint32_t e820_count;

	struct domain_policy *policy; /* CPUID/MSR policy, hypercall/cpupol */
	uint8_t teardown_step;	      /* teardown.c */
	uint32_t teardown_cursor;
	struct domain_arch *arch;

	struct console_line *console; /* core/console.c: a line in the making */
	struct timer watchdog[DOMAIN_WATCHDOGS];
	uint32_t watchdog_used; /* bit map */

	struct domain *next;	  /* by ascending id; under domains_lock */
	struct domain *hash_next; /* likewise */
};

#define DOMID_MAX_GUEST 0x7fef

extern struct domain *domain_dom0;

/*
 * Create an empty domain with cfg->max_vcpus vCPU slots and its tables.
 * It is paused: domain_unpause_by_controller() starts it, dom0 too.
 * 0, -EEXIST, -EINVAL, -ENOMEM.  Toolstack or start-up.
 */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg,
		  bool privileged, struct domain **out);
/* By id, with a reference; NULL if there is none. */
struct domain *domain_get_by_id(domid_t id);
/* The domain with the lowest id >= `id`, with a reference; NULL: none. */
struct domain *domain_get_next(unsigned int id);
void domain_get(struct domain *d);
void domain_put(struct domain *d);

void domain_pause(struct domain *d); /* and wait until it is off all CPUs */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);

/* The guest asked to stop, or crashed: pause, tell the toolstack. */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d); /* after a cancelled suspend */
/* XEN_DOMCTL_pausedomain / unpausedomain, which do not nest. */
void domain_pause_by_controller(struct domain *d);
int domain_unpause_by_controller(struct domain *d);
/* One preemptible round of destruction: 0, -ERESTART.  Toolstack. */
int domain_kill(struct domain *d);
void domain_audit(struct domain *d);

#endif

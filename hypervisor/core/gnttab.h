/*
 * gnttab.h - grant tables: a domain lets another use one of its frames.
 *
 * Version 1 entries only.  The granting domain writes {flags, domid, frame}
 * into its shared table.  A use (a mapping, or a copy while it lasts) is
 * checked against it and marks it GTF_reading, GTF_writing.
 *
 *	active	one entry's state on the granting side: for whom, how often,
 *		and for which frame it is in use; frozen until the last use
 *		ends, whatever the guest writes into the shared entry
 *	track	one mapping on the mapping side; its index is the handle
 *
 * Reference symmetry (XSA-224): each use holds a general reference on the
 * frame, and a FT_WRITABLE type reference if it may write; its end drops
 * exactly these.  A page-table entry holds its own, like any other entry, so
 * a guest that overwrites one by other means upsets no count.
 *
 * Locks: t->lock guards a domain's shared, active and track entries.  It is
 * never held for two domains at once; mmu_lock is taken before it.
 */
#ifndef CORE_GNTTAB_H
#define CORE_GNTTAB_H

#include "include/abi.h"
#include "include/types.h"
#include "lib/spinlock.h"

struct domain;

#define GNTTAB_FRAMES_MAX 256u
#define GNTTAB_PER_FRAME  ((uint32_t)(PAGE_SIZE / sizeof(grant_entry_v1_t)))
#define GNTTAB_TRACK_NONE (~0u)
/* A handle may stand for either or both. */
#define GNTTAB_KINDS (GNTMAP_host_map | GNTMAP_device_map)

struct grant_active {
	mfn_t mfn;		   /* valid while in use */
	uint32_t readers, writers; /* uses; a writer may also read */
	domid_t user;
};

/* A handle of the mapping domain. */
struct grant_track {
	uint32_t ref; /* free: the next free handle */
	domid_t granter;
	uint16_t flags; /* GNTMAP_* still mapped; 0: free */
};

struct gnttab {
	struct spinlock lock;
	uint32_t frames, frames_max; /* shared table */
	uint32_t track_frames, track_frames_max;
	uint32_t track_free, track_used;
	uint32_t release_cursor;
	grant_entry_v1_t *shared[GNTTAB_FRAMES_MAX];
	struct grant_active *active[GNTTAB_FRAMES_MAX];
	struct grant_track **track; /* pages of them */
};

/* Limits as in createdomain.  0 or -ENOMEM. */
int gnttab_init(struct domain *d, uint32_t frames_max,
		uint32_t track_frames_max);
/* Teardown: undo every mapping d holds.  0 or -ERESTART. */
int gnttab_release_mappings(struct domain *d);
/* Teardown: d grants nothing any more.  What others still map stays known. */
void gnttab_release_table(struct domain *d);
/* With the domain's last reference: nobody maps anything of it. */
void gnttab_fini(struct domain *d);

/* Grow the shared table to n frames.  0, -EINVAL (limit), -ENOMEM. */
int gnttab_grow(struct domain *d, uint32_t n);
/* The i-th frame of the shared table, growing it; MFN_NONE: beyond. */
mfn_t gnttab_frame_mfn(struct domain *d, uint32_t i);

/*
 * Begin a use of rd's entry `ref` by domain `user`.  *out is the frame, with
 * the use's references.  GNTST_okay or another GNTST_*.
 */
int16_t gnttab_use_begin(struct domain *rd, uint32_t ref, domid_t user,
			 bool readonly, mfn_t *out);
/* End it.  The frame is no longer reachable through it: TLBs are flushed. */
void gnttab_use_end(struct domain *rd, uint32_t ref, bool readonly);
/*
 * The frame of an entry that is in use, or MFN_NONE.  *mixed: some of its
 * uses may write and some may not.
 */
mfn_t gnttab_use_frame(struct domain *rd, uint32_t ref, bool *mixed);
/* Exchange two entries that nobody uses.  GNTST_*. */
int16_t gnttab_swap(struct domain *d, uint32_t a, uint32_t b);

/* A new handle for a mapping, or GNTTAB_TRACK_NONE. */
uint32_t gnttab_track_add(struct domain *d, struct grant_track entry);
/* What `handle` maps; false: nothing. */
bool gnttab_track_get(struct domain *d, uint32_t handle,
		      struct grant_track *out);
/*
 * Claim the parts `flags` of a handle for unmapping, so that no other vCPU
 * unmaps them too.  *last: nothing of it is left and the handle is free.
 * False: it has not all of them, or no longer stands for the use that k says:
 * another vCPU has given it up, and it was handed out again.
 */
bool gnttab_track_take(struct domain *d, uint32_t handle,
		       const struct grant_track *k, uint16_t flags, bool *last);

/* Every use of rd's entries is somebody's handle: tests after each step. */
void gnttab_audit(struct domain *d);

#endif

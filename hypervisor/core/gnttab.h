/*
 * gnttab.h - grant tables: a domain lets another use one of its frames.
 *
 * Version 1 entries only.  The granting domain writes {flags, domid, frame}
 * into its shared table; whoever maps or copies is checked against it, and
 * marks it GTF_reading/GTF_writing for as long as it is used.
 *
 *	active	one entry's state on the granting side: who uses it, how
 *		often, for which frame (frozen while in use)
 *	track	one mapping on the mapping side; its index is the handle
 *
 * Reference symmetry (XSA-224): each mapping holds a general reference on
 * the frame, and a writable type reference if it may write; each unmap drops
 * exactly what its track entry says was taken.
 *
 * Locks: t->lock guards a domain's table, active and track entries.  The
 * mapping side's track entry is only touched by its domain, under its own
 * lock; the granting side's lock is taken alone, never both at once.
 * mmu_lock is taken before.
 */
#ifndef CORE_GNTTAB_H
#define CORE_GNTTAB_H

#include "include/abi.h"
#include "include/types.h"
#include "lib/spinlock.h"

struct domain;

#define GNTTAB_FRAMES_MAX   256u
#define GNTTAB_PER_FRAME    ((uint32_t)(PAGE_SIZE / sizeof(grant_entry_v1_t)))
#define GNTTAB_TRACK_INVALID (~0u)

struct grant_active {
	mfn_t mfn;	/* while in use */
	domid_t domid;	/* who uses it */
	uint16_t pad;
	uint32_t readers, writers; /* uses that may only read / also write */
};

/* A handle of the mapping domain. */
struct grant_track {
	uint32_t ref;	/* free: index of the next free one */
	domid_t granter;
	uint16_t flags; /* GNTMAP_*; 0: free */
};

struct gnttab {
	struct spinlock lock;
	uint32_t frames, frames_max; /* shared table */
	uint32_t track_frames, track_frames_max;
	uint32_t track_free; /* first free handle, or GNTTAB_TRACK_INVALID */
	uint32_t track_used;
	uint32_t release_cursor;
	grant_entry_v1_t *shared[GNTTAB_FRAMES_MAX];
	struct grant_active *active[GNTTAB_FRAMES_MAX];
	struct grant_track **track;  /* pages of them */
};

/* Limits as in createdomain; 0 or -ENOMEM.  One table frame to begin with. */
int gnttab_init(struct domain *d, uint32_t frames_max,
		uint32_t track_frames_max);
/* Teardown: undo every mapping d holds.  0 or -ERESTART. */
int gnttab_release_mappings(struct domain *d);
/* Teardown: d no longer grants anything new.  What others map stays known. */
void gnttab_release_table(struct domain *d);
/* With the domain's last reference: nobody maps anything of it. */
void gnttab_fini(struct domain *d);

/* Grow the shared table to n frames.  0, -EINVAL (limit), -ENOMEM. */
int gnttab_grow(struct domain *d, uint32_t n);
/* The i-th frame of the shared table, growing it; MFN_NONE: beyond. */
mfn_t gnttab_frame_mfn(struct domain *d, uint32_t i);

#endif

/*
 * ptype.h - what a frame is used as: the page-type state machine.
 *
 *	NONE --get(writable)--> WRITABLE        --last put--> NONE
 *	     --get(L1..L4)----> validating --> VALIDATED --last put-->
 *	                        invalidating --> NONE
 *	     --get(segdesc)---> SEGDESC
 *
 * A type is only left when its count is 0.  See frame.h for the invariant.
 *
 * Validation of L2..L4 goes depth first and is preemptible: a frame left
 * FT_PARTIAL holds the references of its first `progress` entries, and one
 * general and one type reference of its own; whoever asks for the type next
 * goes on and takes these over.  A parent counts an entry only after the
 * child is wholly validated, so no half-done work is counted anywhere.
 *
 * Invalidation never recurses: a table whose last reference goes becomes
 * FT_DYING and joins its owner's pt_work, keeping one general and one type
 * reference, until ptype_drain() has dropped its entries one by one.
 */
#ifndef CORE_PTYPE_H
#define CORE_PTYPE_H

#include "core/frame.h"

/*
 * Take a type reference (and nothing else; the caller already holds a
 * general reference): FT_WRITABLE, FT_L1..FT_L4, FT_SEGDESC.
 * 0; -EINVAL bad contents; -EBUSY type in use otherwise; -ERESTART
 * preempted, call again with the same arguments; -ENOMEM.
 * Flushes stale translations itself.  For a page table or descriptor table
 * the caller holds the owner's mmu_lock; FT_WRITABLE needs no lock.
 */
int ptype_get(struct frame *f, uint64_t type);
/*
 * The same for FT_WRITABLE: one compare-and-swap if it has that type already
 * or never had another.
 */
static inline bool ptype_get_writable_quick(struct frame *f)
{
	uint64_t x = READ_ONCE(f->type), new;

	if (likely((x & (FT_MASK | FT_VALIDATED)) ==
		   (FT_WRITABLE | FT_VALIDATED))) {
		new = x + 1;
	} else if (x == FT_WRITABLE || x == FT_NONE) {
		/* Without uses: heap_alloc() has flushed for it. */
		new = (FT_WRITABLE | FT_VALIDATED) + 1;
	} else {
		return false;
	}
	return __atomic_compare_exchange_n(&f->type, &x, new, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
static inline int ptype_get_writable(struct frame *f)
{
	return ptype_get_writable_quick(f) ? 0 : ptype_get(f, FT_WRITABLE);
}
/*
 * Drop one.  The last reference of a table queues it for invalidation on its
 * owner's pt_work, which is then worked on: 0, or -ERESTART (if preemptible):
 * call ptype_put_resume() until it is 0.  The reference is gone either way.
 * Locks as above.
 */
int ptype_put(struct frame *f, bool preemptible);
int ptype_put_resume(struct frame *f);
/* The same without working on the queue. */
void ptype_drop_last(struct frame *f);
/* Not the last reference: nothing follows from it.  False: not done. */
static inline bool ptype_drop_quick(struct frame *f)
{
	uint64_t x = READ_ONCE(f->type);

	return likely((x & FT_COUNT_MASK) >= 2 && (x & FT_VALIDATED)) &&
	       __atomic_compare_exchange_n(&f->type, &x, x - 1, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
static inline void ptype_drop(struct frame *f)
{
	if (unlikely(!ptype_drop_quick(f))) {
		ptype_drop_last(f);
	}
}
/*
 * Work on d's queue of tables to invalidate: 0 empty, -ERESTART.  Every
 * page-table operation does this first, so that what an earlier, preempted
 * one left is never seen.  Caller holds d->mmu_lock.
 */
int ptype_drain(struct domain *d, bool preemptible);

/* General + type reference at once, for d's own frame; -EINVAL: not its. */
int ptype_get_frame(mfn_t m, uint64_t type, struct domain *d);
int ptype_put_frame(mfn_t m, bool preemptible);

/* A pin is a reference of both kinds, remembered in FT_PINNED. */
int ptype_pin(struct frame *f, uint64_t type);
/* -EINVAL: was not pinned.  Works on nothing: see ptype_drain(). */
int ptype_unpin(struct frame *f);

/* Give up a validation that nobody resumes (destruction). */
void ptype_abandon(struct frame *f);

/*
 * Recount every reference by walking all tables of d; panics on a mismatch.
 * Other domains' mappings can only add to the counts of d's frames.  Caller
 * holds none of d's locks.
 */
void ptype_audit(struct domain *d);
/*
 * The same; returns how many references of d's frames its own page tables,
 * roots and pins do not explain: grants, others' mappings, descriptor tables.
 */
uint64_t ptype_audit_extra(struct domain *d);

#endif

/*
 * ptype.h - what a frame is used as: the page-type state machine.
 *
 *	NONE --get(writable)--> WRITABLE        --last put--> NONE
 *	     --get(L1..L4)----> validating --> VALIDATED --last put-->
 *	                        invalidating --> NONE
 *	     --get(segdesc)---> SEGDESC
 *
 * A type is only left when its count is 0.  Validation of L2..L4 is
 * preemptible (FT_PARTIAL + progress).  See frame.h for the invariant.
 */
#ifndef CORE_PTYPE_H
#define CORE_PTYPE_H

#include "core/frame.h"

/*
 * Take a type reference (and nothing else; the caller already holds a
 * general reference): FT_WRITABLE, FT_L1..FT_L4, FT_SEGDESC.
 * 0; -EINVAL wrong type or bad contents; -EBUSY type in use otherwise;
 * -ERESTART preempted, call again with the same arguments; -ENOMEM.
 * Flushes stale translations itself.  Caller holds d->mmu_lock of the owner.
 */
int ptype_get(struct frame *f, uint64_t type);
/* Drop one.  0, or -ERESTART: call ptype_put_resume() until it is 0. */
int ptype_put(struct frame *f, bool preemptible);
int ptype_put_resume(struct frame *f);

/* General + type reference at once, for d's own frame. */
int ptype_get_frame(mfn_t m, uint64_t type, struct domain *d);
int ptype_put_frame(mfn_t m, bool preemptible);

/* Recount every reference by walking all tables of d; panics on a mismatch. */
void ptype_audit(struct domain *d);

#endif

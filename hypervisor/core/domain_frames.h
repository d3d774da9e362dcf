/*
 * domain_frames.h - a domain's memory: given, counted, taken back.
 *
 * A domain that has any page holds a reference on itself, so that its struct
 * outlives every mapping of its memory by others; the reference goes with the
 * last page.  See heap.h for domain_frames_alloc().
 */
#ifndef CORE_DOMAIN_FRAMES_H
#define CORE_DOMAIN_FRAMES_H

#include "core/domain.h"
#include "core/frame.h"
#include "core/tlbclock.h"

/*
 * Take 2^order frames of nobody (heap_alloc()) into d, one reference each.
 * Their contents are d's to see: scrub before.  No TLB may know a former
 * use of them.  `replaces`: for as many that were detached, so max_pages
 * (which may have been lowered) is not looked at.
 * 0, -ENOMEM (max_pages), -EINVAL (dying); on error the caller still has them.
 */
int domain_frames_attach(struct domain *d, mfn_t m, unsigned int order,
			 bool replaces);
/*
 * Take the frame away from d at once, if nothing but its allocation refers
 * to it: it is the caller's to heap_free() or attach.  0, -EBUSY, or -EINVAL
 * (not d's).
 */
int domain_frame_detach(struct domain *d, mfn_t m);

/* A use of f has ended; translations made for it may linger in TLBs. */
static inline void frame_stamp(struct frame *f)
{
	f->stamp = tlbclock_now();
}

/*
 * Reserve memory for d to grow to `pages` in all, without choosing frames;
 * 0 drops the claim.  0, -ENOMEM, -EINVAL (beyond max_pages, not above what
 * it has, or dying).
 */
int domain_claim(struct domain *d, uint64_t pages);
uint64_t domain_claims_outstanding(void);

/*
 * Part of destruction, after all vCPUs' roots are dropped: unpin and unwind
 * every page table, give every page back.  What others still map goes when
 * they let go.  0, or -ERESTART: call again.
 */
int domain_frames_relinquish(struct domain *d);

#endif

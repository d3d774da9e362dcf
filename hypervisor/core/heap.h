/*
 * heap.h - where memory comes from.
 *
 *   heap_*	the buddy allocator over all RAM (buddy.c): 2^order frames
 *   mem_*	small objects of the hypervisor itself (pool.c), zeroed
 *   domain_frames_*  frames given to a domain (domain_frames.c)
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include "include/types.h"

struct domain;

#define HEAP_ORDER_MAX	20	 /* 4 GiB blocks */
#define HEAP_BELOW_4G	1u	 /* for DMA: every frame under 4 GiB */
#define HEAP_BITS(n)	((n) << 8) /* frames below 2^n bytes of address */
#define HEAP_BITS_OF(flags) (((flags) >> 8) & 0xff)

/* Give [start, end) to the allocator.  Start-up. */
void heap_add(mfn_t start, mfn_t end);
/*
 * 2^order contiguous frames, contents undefined; MFN_NONE if there are none.
 * CPUs that may still have translations of a former use were flushed.
 */
mfn_t heap_alloc(unsigned int order, unsigned int flags);
/*
 * Scrubs it: the next owner may be a guest, whatever this one was.  (What
 * heap_add() gives is not scrubbed.)
 */
void heap_free(mfn_t m, unsigned int order);
/* The same for a block that nobody has written to since heap_alloc(). */
void heap_free_untouched(mfn_t m, unsigned int order);
/*
 * Frames kept back for the hypervisor's own needs: a few, and where guests
 * cause some by their page tables (XPTI, root.c) one in HEAP_RESERVE_SHARE.
 * heap_free_frames() is what may still be given away.
 */
#define HEAP_RESERVE_SHARE 64u
void heap_set_reserve(bool for_tables);
uint64_t heap_free_frames(void);
uint64_t heap_total_frames(void);

/* One zeroed frame for the hypervisor; NULL if there is none. */
void *heap_alloc_page(void);
void heap_free_page(void *page);

/* A zeroed object of n bytes (up to 1 MiB), 16-byte aligned; NULL if none. */
void *mem_alloc(size_t n);
void mem_free(void *p);

/*
 * Allocate 2^order frames to d: owner d, one FC_ALLOCATED reference each, on
 * d->pages, counted.  Scrubbed of any former owner's data.  Flushes TLBs
 * that may still map them (tlbclock).
 * 0, -ENOMEM (none, or max_pages would be exceeded), -EINVAL (d is dying).
 */
int domain_frames_alloc(struct domain *d, unsigned int order,
			unsigned int flags, mfn_t *out);
/* A hypervisor page that d may map (shared_info, grant table): FC_SHARED. */
void frame_share_with_guest(void *page, struct domain *d, bool writable);
/*
 * The opposite, instead of heap_free_page(): the page is freed as soon as
 * nobody maps it any more (another domain may do so longer than d lives).
 */
void frame_unshare(void *page);

#endif

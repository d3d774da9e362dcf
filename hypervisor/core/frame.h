/*
 * frame.h - the frame table: who owns a frame of RAM, and what it is used as.
 *
 * Every frame has two reference counts, changed only by compare-and-swap:
 *
 *   count	general references.  FRAME_ALLOCATED holds one.  A frame with
 *		count 0 is free or the hypervisor's own.
 *   type	what the frame may be used as, and how many uses there are:
 *		writable mapping, or L1..L4 page table, or descriptor table -
 *		never two at once while the type count is above 0.
 *
 * THE invariant of this hypervisor: no frame is ever writable to a guest
 * and a page table (or descriptor table) at once.  See ptype.h.
 *
 * Rules (advisories: 299, 310, 401, 402): take the general reference first,
 * then the type reference; flush before a type changes where a stale
 * writable translation may live; publish last.  Every mapping of a guest
 * frame in a guest page table holds a general reference, and a writable
 * mapping a FRAME_WRITABLE type reference as well.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "include/nospec.h"
#include "include/port.h"
#include "include/types.h"

struct domain;

/* --- frame.type: type in the top 4 bits, flags, count below ----------- */
#define FT_NONE	      (0ULL << 60)
#define FT_L1	      (1ULL << 60)
#define FT_L2	      (2ULL << 60)
#define FT_L3	      (3ULL << 60)
#define FT_L4	      (4ULL << 60)
#define FT_SEGDESC    (5ULL << 60) /* GDT or LDT page */
#define FT_WRITABLE   (7ULL << 60)
#define FT_MASK	      (15ULL << 60)
#define FT_PINNED     (1ULL << 59) /* one of the counts is a pin */
#define FT_VALIDATED  (1ULL << 58) /* entries checked, references taken */
#define FT_PARTIAL    (1ULL << 57) /* first frame.progress entries are */
#define FT_LOCKED     (1ULL << 56) /* being flushed and validated: wait */
#define FT_DYING      (1ULL << 55) /* on d->pt_work: being invalidated */
#define FT_COUNT_MASK ((1ULL << 48) - 1)

/* --- frame.count ------------------------------------------------------- */
#define FC_ALLOCATED  (1ULL << 63) /* owner's own reference stands */
#define FC_HEAP	      (1ULL << 62) /* hypervisor memory; never a guest's */
#define FC_SHARED     (1ULL << 61) /* hypervisor memory a guest may map */
#define FC_FREE	      (1ULL << 60) /* head of a free block of 2^order */
#define FC_COUNT_MASK ((1ULL << 48) - 1)

struct frame {
	uint64_t count;
	uint64_t type;
	struct domain *owner;	/* NULL: free or hypervisor's */
	uint32_t next, prev;	/* owner's frame list / free list, as mfn */
	uint64_t stamp;		/* tlbclock of the last use that may linger */
	union {
		uint32_t companion; /* validated L4, XPTI: companion root */
		uint32_t work_next; /* FT_DYING: next on d->pt_work */
	};
	uint16_t progress;	/* table: entries that hold references */
	uint8_t order;		/* free block, or mem_alloc's: its order */
	uint8_t is_ram;		/* usable RAM; else never touched */
};

_Static_assert(sizeof(struct frame) == 48,
	       "the frame table costs this much for each 4 KiB");

extern struct frame *frame_table; /* indexed by mfn */
extern uint64_t frame_max;	  /* first mfn beyond the table */
extern uint64_t frame_ram_count;  /* of them, those that are RAM */

static inline struct frame *frame_of(mfn_t m)
{
	return &frame_table[m.v];
}

static inline mfn_t frame_mfn(const struct frame *f)
{
	return MFN((uint64_t)(f - frame_table));
}

/*
 * The frame m names, or NULL when it is not RAM that the table describes
 * (MMIO or nothing).  m may come from a guest: safe under speculation.
 */
static inline struct frame *frame_lookup(mfn_t m)
{
	struct frame *f;

	if (unlikely(m.v >= frame_max)) {
		return NULL;
	}
	f = &frame_table[index_nospec(m.v, frame_max)];
	return likely(f->is_ram) ? f : NULL;
}

static inline bool frame_valid(mfn_t m)
{
	return frame_lookup(m) != NULL;
}

/* Machine start-up: declare [start, end) RAM usable / not usable. */
void frame_set_ram(mfn_t start, mfn_t end, bool is_ram);

/* What frame_put() does when the last reference goes. */
void frame_free(struct frame *f);

/*
 * Drop a general reference; at 0 the frame returns to the allocator.  Any
 * context.
 */
static inline void frame_put(struct frame *f)
{
	uint64_t x = __atomic_fetch_sub(&f->count, 1, __ATOMIC_ACQ_REL);

	if (unlikely((x & FC_COUNT_MASK) <= 1)) {
		frame_free(f);
	}
}

/*
 * Take a general reference on behalf of d; false unless d owns the frame
 * and its count is not 0.  d == NULL: any owner.  Any context.
 */
static inline bool frame_get(struct frame *f, const struct domain *d)
{
	uint64_t x = READ_ONCE(f->count);

	do {
		/* Free, the hypervisor's own, or about to wrap. */
		if (unlikely(((x + 1) & FC_COUNT_MASK) <= 1)) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&f->count, &x, x + 1, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	/*
	 * Only now is the owner stable: before, the frame might have gone from
	 * one domain to another between the two reads.
	 */
	if (d && unlikely(READ_ONCE(f->owner) != d)) {
		frame_put(f);
		return false;
	}
	return true;
}

/*
 * Drop the owner's own reference (FC_ALLOCATED); the frame is freed when the
 * last other use ends.  False if it was dropped before.
 */
bool frame_drop_allocated(struct frame *f);

#endif

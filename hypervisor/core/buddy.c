/*
 * buddy.c - the heap: all of RAM in free blocks of 2^order frames.
 *
 * A free block is known by its first frame: count FC_FREE, its order, and the
 * newest TLB stamp of its frames.  All other frames of the block have count
 * 0.  Zone z holds the blocks whose frame numbers have z + 1 bits, so that a
 * limit on address bits is a limit on zones; an aligned block never straddles
 * two, because frame 0 is never free.  Allocation starts at the top zone: low
 * memory is scarce, devices need it.
 *
 * Lock: one, innermost but for the scheduler's.
 */
#include "core/buddy.h"
#include "core/frame.h"
#include "core/tlbclock.h"
#include "include/log.h"
#include "lib/string.h"

#define RESERVE_MIN 512u /* 2 MiB */

struct heap heap;

static unsigned int zone_of(mfn_t m)
{
	return 63U - (unsigned int)__builtin_clzll(m.v);
}

static void block_insert(mfn_t m, unsigned int order, uint64_t stamp)
{
	struct frame *f = frame_of(m);
	unsigned int z = zone_of(m);
	uint32_t *head = &heap.head[z][order];

	f->count = FC_FREE;
	f->order = (uint8_t)order;
	f->stamp = stamp;
	f->prev = 0;
	f->next = *head;
	if (*head) {
		frame_of(MFN(*head))->prev = (uint32_t)m.v;
	}
	*head = (uint32_t)m.v;
	heap.orders[z] |= 1U << order;
}

static void block_remove(mfn_t m)
{
	struct frame *f = frame_of(m);
	unsigned int z = zone_of(m), order = f->order;

	if (f->prev) {
		frame_of(MFN(f->prev))->next = f->next;
	} else {
		heap.head[z][order] = f->next;
	}
	if (f->next) {
		frame_of(MFN(f->next))->prev = f->prev;
	}
	if (!heap.head[z][order]) {
		heap.orders[z] &= ~(1U << order);
	}
	f->next = f->prev = 0;
	f->count = 0;
}

/* Join the block with its free buddies and put it on its list. */
static void block_free(mfn_t m, unsigned int order)
{
	uint64_t stamp = frame_of(m)->stamp;
	struct frame *b;
	mfn_t buddy;

	for (; order < HEAP_ORDER_MAX; order++) {
		buddy = MFN(m.v ^ (1ULL << order));
		if (buddy.v >= frame_max) {
			break;
		}
		b = frame_of(buddy);
		if (b->count != FC_FREE || b->order != order) {
			break;
		}
		block_remove(buddy);
		stamp = MAX(stamp, b->stamp);
		m.v &= ~(1ULL << order);
	}
	block_insert(m, order, stamp);
}

void heap_add(mfn_t start, mfn_t end)
{
	unsigned int order;
	uint64_t n;

	if (start.v == 0) {
		start.v = 1;
	}
	spin_lock(&heap.lock);
	while (start.v < end.v) {
		order = (unsigned int)__builtin_ctzll(start.v);
		order = MIN(order, (unsigned int)HEAP_ORDER_MAX);
		n = 1ULL << order;
		while (n > end.v - start.v) {
			order--;
			n >>= 1;
		}
		frame_of(start)->count = 0;
		block_free(start, order);
		heap.free += n;
		heap.total += n;
		start.v += n;
	}
	spin_unlock(&heap.lock);
}

/* Zones of which every frame is below the limit that flags ask for. */
static unsigned int zones_allowed(unsigned int flags)
{
	unsigned int bits = HEAP_BITS_OF(flags);

	if (flags & HEAP_BELOW_4G) {
		bits = bits ? MIN(bits, 32U) : 32;
	}
	if (!bits) {
		return HEAP_ZONES;
	}
	return bits <= PAGE_SHIFT ? 0 : MIN(bits - PAGE_SHIFT, (unsigned)HEAP_ZONES);
}

static mfn_t block_take(unsigned int order, unsigned int zones)
{
	unsigned int z = zones, have, o;
	mfn_t m;

	while (z-- > 0) {
		have = heap.orders[z] & ~((1U << order) - 1);
		if (!have) {
			continue;
		}
		o = (unsigned int)__builtin_ctz(have);
		m = MFN(heap.head[z][o]);
		block_remove(m);
		while (o > order) {
			o--;
			block_insert(mfn_add(m, 1ULL << o), o,
				     frame_of(m)->stamp);
		}
		heap.free -= 1ULL << order;
		return m;
	}
	return MFN_NONE;
}

mfn_t heap_alloc(unsigned int order, unsigned int flags)
{
	mfn_t m;

	if (order > HEAP_ORDER_MAX) {
		return MFN_NONE;
	}
	spin_lock(&heap.lock);
	m = block_take(order, zones_allowed(flags));
	spin_unlock(&heap.lock);
	if (!mfn_eq(m, MFN_NONE)) {
		tlbclock_flush_since(frame_of(m)->stamp);
	}
	return m;
}

void heap_free(mfn_t m, unsigned int order)
{
	memset(frame_ptr(m), 0, PAGE_SIZE << order);
	heap_free_untouched(m, order);
}

void heap_free_untouched(mfn_t m, unsigned int order)
{
	struct frame *f = frame_of(m);

	BUG_UNLESS(f->count == 0 && (m.v & ((1ULL << order) - 1)) == 0);
	spin_lock(&heap.lock);
	heap.free += 1ULL << order;
	block_free(m, order);
	spin_unlock(&heap.lock);
}

void heap_set_reserve(bool for_tables)
{
	heap.reserve = RESERVE_MIN;
	if (for_tables) {
		heap.reserve += heap.total / HEAP_RESERVE_SHARE;
	}
}

uint64_t heap_free_frames(void)
{
	uint64_t n = READ_ONCE(heap.free);

	return n > heap.reserve ? n - heap.reserve : 0;
}

uint64_t heap_total_frames(void)
{
	return READ_ONCE(heap.total);
}

void *heap_alloc_page(void)
{
	mfn_t m = heap_alloc(0, 0);

	if (mfn_eq(m, MFN_NONE)) {
		return NULL;
	}
	memset(frame_ptr(m), 0, PAGE_SIZE);
	return frame_ptr(m);
}

void heap_free_page(void *page)
{
	if (page) {
		heap_free(ptr_mfn(page), 0);
	}
}

/* One list; adds the frames on it to *frames. */
static void audit_list(unsigned int z, unsigned int order, uint64_t *frames)
{
	uint32_t m, prev = 0;
	const struct frame *f, *b;
	mfn_t buddy;

	BUG_UNLESS(!heap.head[z][order] == !(heap.orders[z] & (1U << order)));
	for (m = heap.head[z][order]; m; prev = m, m = f->next) {
		f = frame_of(MFN(m));
		BUG_UNLESS(f->count == FC_FREE && f->order == order);
		BUG_UNLESS(f->prev == prev && zone_of(MFN(m)) == z);
		BUG_UNLESS((m & ((1U << order) - 1)) == 0);
		buddy = MFN(m ^ (1ULL << order));
		if (order < HEAP_ORDER_MAX && buddy.v < frame_max) {
			b = frame_of(buddy);
			BUG_UNLESS(b->count != FC_FREE || b->order != order);
		}
		*frames += 1ULL << order;
	}
}

void heap_audit(void)
{
	unsigned int z, order;
	uint64_t frames = 0;

	spin_lock(&heap.lock);
	for (z = 0; z < HEAP_ZONES; z++) {
		for (order = 0; order <= HEAP_ORDER_MAX; order++) {
			audit_list(z, order, &frames);
		}
	}
	BUG_UNLESS(frames == heap.free && heap.free <= heap.total);
	spin_unlock(&heap.lock);
}

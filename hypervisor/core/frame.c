/*
 * frame.c - general references, and where a frame goes when the last is gone.
 *
 * Locks: none for the counts.  Freeing takes the owner's page_lock, then the
 * heap's.
 */
#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/frame.h"
#include "core/frame_list.h"
#include "core/heap.h"
#include "core/tlbclock.h"
#include "include/log.h"
#include "include/nospec.h"

struct frame *frame_table;
uint64_t frame_max;

bool frame_valid(mfn_t m)
{
	return m.v < frame_max &&
	       frame_table[index_nospec(m.v, frame_max)].is_ram;
}

void frame_set_ram(mfn_t start, mfn_t end, bool is_ram)
{
	for (; start.v < end.v && start.v < frame_max; start.v++) {
		frame_of(start)->is_ram = is_ram;
	}
}

bool frame_get(struct frame *f, const struct domain *d)
{
	uint64_t x = READ_ONCE(f->count);

	do {
		/* Free, the hypervisor's own, or about to wrap. */
		if ((x & FC_COUNT_MASK) == 0 ||
		    (x & FC_COUNT_MASK) == FC_COUNT_MASK) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&f->count, &x, x + 1, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	/*
	 * Only now is the owner stable: before, the frame might have gone from
	 * one domain to another between the two reads.
	 */
	if (d && READ_ONCE(f->owner) != d) {
		frame_put(f);
		return false;
	}
	return true;
}

void frame_stamp(struct frame *f)
{
	f->stamp = tlbclock_now();
}

/* The count is 0: nobody but us can reach it any more. */
static void frame_free(struct frame *f, bool shared)
{
	struct domain *d = f->owner;
	bool last;

	BUG_UNLESS((f->type & FT_COUNT_MASK) == 0);
	spin_lock(&d->page_lock);
	if (shared) {
		d->xenheap_pages--;
	} else {
		frame_list_remove(&d->pages, f);
		d->tot_pages--;
	}
	last = d->tot_pages == 0 && d->xenheap_pages == 0;
	spin_unlock(&d->page_lock);

	f->owner = NULL;
	f->type = FT_NONE;
	frame_stamp(f);
	heap_free(frame_mfn(f), 0);
	if (last) {
		domain_put(d);
	}
}

void frame_put(struct frame *f)
{
	uint64_t x = READ_ONCE(f->count), nx;

	do {
		BUG_UNLESS((x & FC_COUNT_MASK) != 0);
		nx = (x & FC_COUNT_MASK) == 1 ? 0 : x - 1;
	} while (!__atomic_compare_exchange_n(&f->count, &x, nx, false,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	if (nx == 0) {
		frame_free(f, x & FC_SHARED);
	}
}

bool frame_drop_allocated(struct frame *f)
{
	uint64_t x = __atomic_fetch_and(&f->count, ~FC_ALLOCATED,
					__ATOMIC_RELAXED);

	if (!(x & FC_ALLOCATED)) {
		return false;
	}
	frame_put(f);
	return true;
}

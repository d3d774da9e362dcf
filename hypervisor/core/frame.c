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

struct frame *frame_table;
uint64_t frame_max, frame_ram_count;

void frame_set_ram(mfn_t start, mfn_t end, bool is_ram)
{
	for (; start.v < end.v && start.v < frame_max; start.v++) {
		frame_ram_count += (uint64_t)is_ram - frame_of(start)->is_ram;
		frame_of(start)->is_ram = is_ram;
	}
}

/* The count is 0: nobody else can reach it any more. */
void frame_free(struct frame *f)
{
	struct domain *d = f->owner;
	bool shared = f->count & FC_SHARED, last;

	/* Below 0: someone dropped what they did not have. */
	BUG_UNLESS((f->count & FC_COUNT_MASK) == 0);
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
	f->count = 0;
	frame_stamp(f);
	heap_free(frame_mfn(f), 0);
	if (last) {
		domain_put(d);
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

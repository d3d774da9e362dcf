/*
 * domain_frames.c - see domain_frames.h.
 *
 * Locks: page_lock for a domain's list and totals; claim_lock, outside of it,
 * for the sum of all claims.
 */
#include "core/domain_frames.h"
#include "core/frame_list.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "include/errno.h"
#include "include/log.h"

static struct spinlock claim_lock;
static uint64_t claims; /* frames promised but not yet given */

/* Caller holds page_lock.  True when d must get a reference on itself. */
static bool has_no_page(const struct domain *d)
{
	return d->tot_pages == 0 && d->xenheap_pages == 0;
}

static void claim_consume(struct domain *d, uint64_t n)
{
	if (!READ_ONCE(d->claimed_pages)) {
		return;
	}
	spin_lock(&claim_lock);
	n = MIN(n, (uint64_t)d->claimed_pages);
	d->claimed_pages -= (uint32_t)n;
	claims -= n;
	spin_unlock(&claim_lock);
}

int domain_claim(struct domain *d, uint64_t pages)
{
	uint64_t need;
	int rc = 0;

	spin_lock(&claim_lock);
	claims -= d->claimed_pages;
	d->claimed_pages = 0;
	if (pages == 0) {
		goto out;
	}
	/* Destruction gives up its claim; nobody would give up another. */
	if (d->is_dying || pages > d->max_pages || pages <= d->tot_pages) {
		rc = -EINVAL;
		goto out;
	}
	need = pages - d->tot_pages;
	if (heap_free_frames() < claims + need) {
		rc = -ENOMEM;
		goto out;
	}
	d->claimed_pages = (uint32_t)need;
	claims += need;
out:
	spin_unlock(&claim_lock);
	return rc;
}

uint64_t domain_claims_outstanding(void)
{
	return READ_ONCE(claims);
}

int domain_frames_attach(struct domain *d, mfn_t m, unsigned int order,
			 bool replaces)
{
	uint64_t n = 1ULL << order, i;
	struct frame *f;

	spin_lock(&d->page_lock);
	if (d->is_dying || (!replaces && d->tot_pages + n > d->max_pages)) {
		spin_unlock(&d->page_lock);
		return d->is_dying ? -EINVAL : -ENOMEM;
	}
	if (has_no_page(d)) {
		domain_get(d);
	}
	for (i = 0; i < n; i++) {
		f = frame_of(mfn_add(m, i));
		f->owner = d;
		f->type = FT_NONE;
		frame_list_append(&d->pages, f);
		/* From here on others can take references. */
		__atomic_store_n(&f->count, FC_ALLOCATED | 1, __ATOMIC_RELEASE);
	}
	d->tot_pages += (uint32_t)n;
	spin_unlock(&d->page_lock);
	return 0;
}

int domain_frames_alloc(struct domain *d, unsigned int order,
			unsigned int flags, mfn_t *out)
{
	uint64_t n = 1ULL << order;
	mfn_t m;
	int rc;

	if (order > HEAP_ORDER_MAX) {
		return -ENOMEM;
	}
	if (READ_ONCE(claims) - d->claimed_pages + n > heap_free_frames()) {
		return -ENOMEM; /* promised to someone else */
	}
	m = heap_alloc(order, flags);
	if (mfn_eq(m, MFN_NONE)) {
		return -ENOMEM;
	}
	rc = domain_frames_attach(d, m, order, false);
	if (rc) {
		heap_free_untouched(m, order);
		return rc;
	}
	claim_consume(d, n);
	*out = m;
	return 0;
}

int domain_frame_detach(struct domain *d, mfn_t m)
{
	struct frame *f = frame_lookup(m);
	uint64_t only = FC_ALLOCATED | 2;
	bool last;

	/* With a reference of ours the owner cannot change under our feet. */
	if (!f || !frame_get(f, d)) {
		return -EINVAL;
	}
	/* The count goes to 0 at once: no new reference can be taken. */
	if (!__atomic_compare_exchange_n(&f->count, &only, 0, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		frame_put(f);
		return -EBUSY;
	}
	BUG_UNLESS((f->type & FT_COUNT_MASK) == 0);
	spin_lock(&d->page_lock);
	frame_list_remove(&d->pages, f);
	d->tot_pages--;
	last = has_no_page(d);
	spin_unlock(&d->page_lock);
	f->owner = NULL;
	f->type = FT_NONE;
	frame_stamp(f);
	if (last) {
		domain_put(d);
	}
	return 0;
}

void frame_share_with_guest(void *page, struct domain *d, bool writable)
{
	struct frame *f = frame_of(ptr_mfn(page));

	spin_lock(&d->page_lock);
	if (has_no_page(d)) {
		domain_get(d);
	}
	d->xenheap_pages++;
	spin_unlock(&d->page_lock);
	f->owner = d;
	/* The type reference keeps it from becoming anything else. */
	f->type = (writable ? FT_WRITABLE : FT_NONE) | FT_VALIDATED | 1;
	__atomic_store_n(&f->count, FC_HEAP | FC_SHARED | 1, __ATOMIC_RELEASE);
}

void frame_unshare(void *page)
{
	struct frame *f;

	if (page) {
		f = frame_of(ptr_mfn(page));
		ptype_drop(f);
		frame_put(f);
	}
}

/* --- destruction -------------------------------------------------------- */

/*
 * The next frame to let go, with a reference.  Each is moved to the tail, so
 * one round visits all.
 */
static struct frame *relinquish_next(struct domain *d)
{
	struct frame *f = NULL;

	spin_lock(&d->page_lock);
	if (!d->relinquish_started) {
		d->relinquish_started = true;
		d->relinquish_left = d->pages.count;
	}
	while (!f && d->relinquish_left && d->pages.head) {
		d->relinquish_left--;
		f = frame_of(MFN(d->pages.head));
		frame_list_remove(&d->pages, f);
		frame_list_append(&d->pages, f);
		/* Fails when another CPU is freeing it right now. */
		if (!frame_get(f, NULL)) {
			f = NULL;
		}
	}
	spin_unlock(&d->page_lock);
	return f;
}

static void relinquish_frame(struct frame *f)
{
	ptype_unpin(f);
	ptype_abandon(f);
	frame_drop_allocated(f);
	frame_put(f);
}

int domain_frames_relinquish(struct domain *d)
{
	struct frame *f;
	int rc;

	domain_claim(d, 0);
	spin_lock(&d->mmu_lock);
	rc = ptype_drain(d, true);
	while (rc == 0) {
		f = relinquish_next(d);
		if (!f) {
			break;
		}
		relinquish_frame(f);
		rc = ptype_drain(d, true);
		if (rc == 0 && port_should_yield()) {
			rc = -ERESTART;
		}
	}
	spin_unlock(&d->mmu_lock);
	return rc;
}

/*
 * mmu_update.c - change page-table entries by machine address.
 *
 * Nearly all calls have one element, an L1 entry of the caller's own page
 * tables; 99 % of the 127,000 in a boot of dom0.  That path is kept short:
 * no references on domains, no frame reference on the table (its type cannot
 * change while we hold the lock).
 */
#include "core/access.h"
#include "core/m2p.h"
#include "core/pt_update.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "hypercall/mmu.h"
#include "include/nospec.h"

#define BATCH 16 /* elements copied at a time */

/* Who owns the tables, and the pages that go into them. */
struct owners {
	struct domain *pt, *pg;
};

static int owners_get(struct hc *hc, struct owners *o)
{
	uint32_t fd = (uint32_t)hc->arg[3];
	domid_t pt = fd >> 16 ? (domid_t)((fd >> 16) - 1) : DOMID_SELF;
	int rc = mmu_get_owner(hc, pt, &o->pt);

	if (rc) {
		return rc;
	}
	rc = mmu_get_owner(hc, (domid_t)fd, &o->pg);
	if (rc) {
		domain_put(o->pt);
	}
	return rc;
}

static void owners_put(struct owners *o)
{
	domain_put(o->pg);
	domain_put(o->pt);
}

static struct frame *frame_at(uint64_t maddr)
{
	mfn_t m = MFN(maddr >> PAGE_SHIFT);

	return frame_valid(m) ? &frame_table[index_nospec(m.v, frame_max)] :
				NULL;
}

static int machphys_update(struct domain *pg, const struct mmu_update *u)
{
	struct frame *f = frame_at(u->ptr);

	if (!f || !frame_get(f, pg)) {
		return -EINVAL;
	}
	m2p_set(frame_mfn(f), u->val);
	frame_put(f);
	return 0;
}

static int pt_entry_update(const struct owners *o, const struct mmu_update *u,
			   enum pt_mode mode)
{
	uint64_t offset = u->ptr & (PAGE_SIZE - 1) & ~3ULL;
	struct frame *t = frame_at(u->ptr);
	uint64_t *p;
	int rc;

	if ((offset & 7) || !t || !frame_get(t, o->pt)) {
		return -EINVAL;
	}
	p = (uint64_t *)(void *)((uint8_t *)frame_ptr(frame_mfn(t)) + offset);
	rc = pt_update(o->pt, o->pg, t, p, u->val, mode);
	frame_put(t);
	return rc;
}

/* One element; caller holds o->pt->mmu_lock. */
static int update_one(const struct owners *o, const struct mmu_update *u)
{
	switch (u->ptr & 3) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return pt_entry_update(o, u, PT_SET);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return pt_entry_update(o, u, PT_KEEP_AD);
	default:
		return machphys_update(o->pg, u);
	}
}

/*
 * The one-element case.  -ENOSYS: not that simple, nothing done.
 */
static long update_single_l1(struct hc *hc)
{
	struct domain *d = hc->d;
	struct mmu_update u;
	uint64_t *p, old;
	struct frame *t;
	int rc = -ENOSYS;

	if (port_copy_from_guest(&u, GVA(hc->arg[0]), sizeof(u)) != 0) {
		return -EFAULT;
	}
	t = frame_at(u.ptr);
	if (!t || (u.ptr & 5)) { /* misaligned, or not an update of a table */
		return -ENOSYS;
	}
	p = (uint64_t *)(void *)((uint8_t *)frame_ptr(frame_mfn(t)) +
				 (u.ptr & (PAGE_SIZE - 8)));
	spin_lock(&d->mmu_lock);
	if (likely(!d->pt_work && t->owner == d && pt_is_valid(t, FT_L1))) {
		rc = pt_update_l1(d, d, p, u.val, u.ptr & 2 ? PT_KEEP_AD :
							      PT_SET, &old);
	}
	spin_unlock(&d->mmu_lock);
	return rc;
}

static long update_batch(struct hc *hc, const struct owners *o,
			 const struct mmu_batch *b, uint64_t *done)
{
	struct mmu_update u[BATCH];
	uint64_t i = 0, n, k;
	long rc = 0;

	while (i < b->count && rc == 0) {
		n = MIN(b->count - i, (uint64_t)BATCH);
		if (port_copy_from_guest(u, GVA(hc->arg[0] + i * sizeof(*u)),
					 n * sizeof(*u)) != 0) {
			rc = -EFAULT;
			break;
		}
		spin_lock(&o->pt->mmu_lock);
		for (k = 0; k < n && rc == 0; k++) {
			rc = ptype_drain(o->pt, true);
			if (rc == 0) {
				rc = update_one(o, &u[k]);
			}
			i += rc == 0;
		}
		spin_unlock(&o->pt->mmu_lock);
		if (rc == 0 && i < b->count && port_should_yield()) {
			rc = -ERESTART;
		}
	}
	*done = i;
	return rc;
}

long hc_mmu_update(struct hc *hc)
{
	struct owners o;
	struct mmu_batch b;
	uint64_t done = 0;
	long rc;

	if (likely(hc->arg[1] == 1 && hc->arg[3] == DOMID_SELF &&
		   hc->arg[2] == 0)) {
		rc = update_single_l1(hc);
		if (likely(rc != -ENOSYS)) {
			return rc;
		}
	}
	rc = mmu_batch_begin(hc, &b);
	if (rc) {
		return rc;
	}
	rc = owners_get(hc, &o);
	if (rc) {
		return rc;
	}
	rc = update_batch(hc, &o, &b, &done);
	owners_put(&o);
	return mmu_batch_end(hc, &b, done, sizeof(struct mmu_update), rc);
}

/*
 * mmu_update.c - change page-table entries by machine address.
 *
 * Nearly all calls have one element, an L1 entry of the caller's own page
 * tables; 99 % of the 127,000 in a boot of dom0.  That path is kept short.
 */
#include "core/access.h"
#include "core/m2p.h"
#include "core/pt_update.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "hypercall/mmu.h"

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

static int machphys_update(struct domain *pg, const struct mmu_update *u)
{
	struct frame *f = frame_lookup(MFN(u->ptr >> PAGE_SHIFT));

	if (!f || !frame_get(f, pg)) {
		return -EINVAL;
	}
	m2p_set(frame_mfn(f), u->val);
	frame_put(f);
	return 0;
}

/*
 * An entry of a table, or of any page that may be written.  An L1 table's
 * type cannot change while we hold its owner's lock, and what has a type is
 * not freed: no reference is needed on the hot path.
 */
static int pt_entry_update(const struct owners *o, const struct mmu_update *u)
{
	enum pt_mode mode = u->ptr & 3 ? PT_KEEP_AD : PT_SET;
	struct frame *t = frame_lookup(MFN(u->ptr >> PAGE_SHIFT));
	uint64_t *p, old;
	int rc;

	if (!t || (u->ptr & 4)) {
		return -EINVAL;
	}
	p = (uint64_t *)(void *)((uint8_t *)frame_ptr(frame_mfn(t)) +
				 (u->ptr & (PAGE_SIZE - 8)));
	if (likely(t->owner == o->pt && pt_is_valid(t, FT_L1))) {
		return pt_update_l1(o->pt, o->pg, p, u->val, mode, &old);
	}
	if (!frame_get(t, o->pt)) {
		return -EINVAL;
	}
	rc = pt_update(o->pt, o->pg, t, p, u->val, mode);
	frame_put(t);
	return rc;
}

/* One element; caller holds o->pt->mmu_lock. */
static int update_one(const struct owners *o, const struct mmu_update *u)
{
	switch (u->ptr & 3) {
	case MMU_MACHPHYS_UPDATE:
		return machphys_update(o->pg, u);
	case MMU_PT_UPDATE_NO_TRANSLATE:
	default:
		return pt_entry_update(o, u);
	}
}

/* One element of the caller's own tables, that needs no report. */
static long update_single(struct hc *hc)
{
	struct owners o = { hc->d, hc->d };
	struct mmu_update u;
	long rc;

	if (port_copy_from_guest(&u, GVA(hc->arg[0]), sizeof(u)) != 0) {
		return -EFAULT;
	}
	spin_lock(&hc->d->mmu_lock);
	rc = unlikely(hc->d->pt_work) ? ptype_drain(hc->d, true) : 0;
	if (rc == 0) {
		rc = update_one(&o, &u);
	}
	spin_unlock(&hc->d->mmu_lock);
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
			if (unlikely(o->pt->pt_work)) {
				rc = ptype_drain(o->pt, true);
			}
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
		return update_single(hc);
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

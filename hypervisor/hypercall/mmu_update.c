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

/*
 * Who owns the tables, and the pages that go into them.  Since the lock was
 * taken: the L1 table of the last element, for nearly always the next one is
 * in it too; NULL when there was none.
 */
struct owners {
	struct domain *pt, *pg;
	uint8_t *l1;
	uint64_t l1_addr; /* in the machine */
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

static uint64_t *entry_at(const struct owners *o, uint64_t at)
{
	return (uint64_t *)(void *)(o->l1 + at);
}

/*
 * The L1 table at a machine address, if it is one of d's.  Its type cannot
 * change while we hold d's lock, and what has a type is not freed: no
 * reference is needed.
 */
static inline uint8_t *l1_table(const struct domain *d, uint64_t ptr)
{
	struct frame *t = frame_lookup(MFN(ptr >> PAGE_SHIFT));

	if (unlikely(!t || t->owner != d || !pt_is_valid(t, FT_L1))) {
		return NULL;
	}
	return frame_ptr(frame_mfn(t));
}

/* An entry of a table, or of any page that may be written. */
static int pt_entry_update(struct owners *o, const struct mmu_update *u)
{
	enum pt_mode mode = u->ptr & 3 ? PT_KEEP_AD : PT_SET;
	uint64_t at = u->ptr & (PAGE_SIZE - 8), old;
	struct frame *t;
	int rc;

	if (u->ptr & 4) {
		return -EINVAL;
	}
	o->l1 = l1_table(o->pt, u->ptr);
	if (likely(o->l1)) {
		o->l1_addr = u->ptr & PAGE_MASK;
		return pt_update_l1(o->pt, o->pg, entry_at(o, at), u->val,
				    mode, &old);
	}
	t = frame_lookup(MFN(u->ptr >> PAGE_SHIFT));
	if (!t || !frame_get(t, o->pt)) {
		return -EINVAL;
	}
	rc = pt_update(o->pt, o->pg, t,
		       (uint64_t *)frame_ptr(frame_mfn(t)) + at / 8, u->val,
		       mode);
	frame_put(t);
	return rc;
}

/* One element; caller holds o->pt->mmu_lock. */
static int update_one(struct owners *o, const struct mmu_update *u)
{
	uint64_t at = u->ptr - o->l1_addr, old;

	/*
	 * The usual: the last element's table again, with PRESERVE_AD.  By the
	 * known pointer: a wrong guess of the CPU must not read elsewhere.
	 */
	if (at < PAGE_SIZE && (at & 7) == MMU_PT_UPDATE_PRESERVE_AD && o->l1) {
		return pt_update_l1(o->pt, o->pg,
				    entry_at(o, at & (PAGE_SIZE - 8)), u->val,
				    PT_KEEP_AD, &old);
	}
	if ((u->ptr & 3) == MMU_MACHPHYS_UPDATE) {
		return machphys_update(o->pg, u);
	}
	return pt_entry_update(o, u);
}

static __noinline int single_other(struct domain *d, struct mmu_update u)
{
	struct owners o = { .pt = d, .pg = d };

	/* Not update_one(): with one caller it stays part of the loop. */
	return (u.ptr & 3) == MMU_MACHPHYS_UPDATE ? machphys_update(d, &u) :
						    pt_entry_update(&o, &u);
}

/* Caller holds d->mmu_lock. */
static inline int single_update(struct domain *d, const struct mmu_update *u)
{
	uint8_t *l1 = u->ptr & 7 ? NULL : l1_table(d, u->ptr);
	uint64_t old;

	if (unlikely(!l1)) {
		return single_other(d, *u);
	}
	l1 += u->ptr & ~PAGE_MASK;
	return pt_update_l1(d, d, (uint64_t *)(void *)l1, u->val, PT_SET, &old);
}

long mmu_update_single(struct domain *d, gva_t request)
{
	struct mmu_update u;
	int rc;

	if (port_copy_from_guest(&u, request, sizeof(u)) != 0) {
		return -EFAULT;
	}
	spin_lock(&d->mmu_lock);
	rc = unlikely(d->pt_work) ? ptype_drain(d, true) : 0;
	if (likely(rc == 0)) {
		rc = single_update(d, &u);
	}
	spin_unlock(&d->mmu_lock);
	return rc;
}

static long update_batch(struct hc *hc, struct owners *o,
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
		o->l1 = NULL;
		o->l1_addr = 0;
		spin_lock(&o->pt->mmu_lock);
		for (k = 0; k < n; k++) {
			if (unlikely(o->pt->pt_work)) {
				o->l1 = NULL;
				rc = ptype_drain(o->pt, true);
				if (rc) {
					break;
				}
			}
			rc = update_one(o, &u[k]);
			if (rc) {
				break;
			}
		}
		i += k;
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

	if (hc->arg[1] == 1 && hc->arg[3] == DOMID_SELF && hc->arg[2] == 0) {
		return mmu_update_single(hc->d, GVA(hc->arg[0]));
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

/*
 * pt_update.c - see pt_update.h.
 *
 * Only the CPU changes an entry behind our back, and only its accessed and
 * dirty bits: everyone else holds the mmu_lock.  So the decision what to do
 * may be made from one read, and the write must be atomic.
 */
#include "core/pt_update.h"
#include "core/domain.h"
#include "core/pte.h"
#include "core/ptype_table.h"
#include "include/compiler.h"
#include "include/errno.h"

/* Write the entry as mode says.  False: PT_IF_OLD and it has changed. */
static inline bool entry_swap(uint64_t *p, uint64_t val, enum pt_mode mode,
		       uint64_t *old)
{
	uint64_t cur;

	if (mode == PT_SET) {
		*old = __atomic_exchange_n(p, val, __ATOMIC_ACQ_REL);
		return true;
	}
	if (mode == PT_IF_OLD) {
		return __atomic_compare_exchange_n(p, old, val, false,
						   __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED);
	}
	cur = READ_ONCE(*p);
	while (!__atomic_compare_exchange_n(
		p, &cur, val | (cur & (PTE_ACCESSED | PTE_DIRTY)), false,
		__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
	}
	*old = cur;
	return true;
}

/* A writable entry becomes read-only: less than before, whoever owns the page. */
static int write_end(uint64_t *p, uint64_t val, enum pt_mode mode,
		     uint64_t *old)
{
	struct frame *f = frame_lookup(pte_mfn(val));

	if (!entry_swap(p, val, mode, old)) {
		return -EAGAIN;
	}
	if (likely(f)) {
		ptype_drop(f);
	}
	return 0;
}

/*
 * A read-only entry becomes writable.  The reference that it holds keeps the
 * page's owner as it is.  -EXDEV: not a page of pg's, or not one to be written;
 * the long way knows what to say.
 */
static int write_begin(struct domain *pg, uint64_t *p, uint64_t val,
		       enum pt_mode mode, uint64_t *old)
{
	struct frame *f = frame_lookup(pte_mfn(val));

	if (!f || READ_ONCE(f->owner) != pg || ptype_get_writable(f) != 0) {
		return -EXDEV;
	}
	if (!entry_swap(p, val, mode, old)) {
		ptype_drop(f);
		return -EAGAIN;
	}
	return 0;
}

int pt_update_l1(struct domain *d, struct domain *pg, uint64_t *p,
		 uint64_t val, enum pt_mode mode, uint64_t *old)
{
	uint64_t cur = READ_ONCE(*p), diff;
	int rc;

	val = pte_adjust(val);
	if (unlikely(!pte_allowed(1, val, d->privileged))) {
		return -EINVAL;
	}
	diff = (cur ^ val) & ~PTE_L1_SAFE;
	if (!(val & PTE_PRESENT)) {
		if (!entry_swap(p, val, mode, old)) {
			return -EAGAIN;
		}
		l1e_put(*old);
		return 0;
	}
	if (diff == 0) {
		/* The same page used in the same way. */
		return entry_swap(p, val, mode, old) ? 0 : -EAGAIN;
	}
	if (diff == PTE_WRITE) {
		/* The general reference moves from the old entry to the new. */
		rc = cur & PTE_WRITE ? write_end(p, val, mode, old) :
				       write_begin(pg, p, val, mode, old);
		if (rc != -EXDEV) {
			return rc;
		}
	}
	rc = l1e_get(d, pg, val);
	if (rc) {
		return rc;
	}
	if (!entry_swap(p, val, mode, old)) {
		l1e_put(val);
		return -EAGAIN;
	}
	l1e_put(*old);
	return 0;
}

int pt_update_table(struct domain *d, struct frame *t, unsigned int slot,
		    uint64_t val, enum pt_mode mode)
{
	unsigned int level = ptype_level(READ_ONCE(t->type) & FT_MASK);
	uint64_t *p = (uint64_t *)frame_ptr(frame_mfn(t)) + slot;
	uint64_t cur = READ_ONCE(*p), old = 0;
	bool same;
	int rc;

	val = pte_adjust(val);
	if (!pte_slot_is_guests(level, slot) ||
	    !pte_allowed(level, val, d->privileged)) {
		return -EINVAL;
	}
	same = (cur & val & PTE_PRESENT) &&
	       !((cur ^ val) & ~PTE_TABLE_SAFE);
	if ((val & PTE_PRESENT) && !same) {
		rc = table_entry_get(d, level, val);
		if (rc) {
			return rc;
		}
	}
	entry_swap(p, val, mode, &old);
	if (level == 4) {
		port_root_update(frame_mfn(t), slot, READ_ONCE(*p));
	}
	if ((old & PTE_PRESENT) && !same) {
		table_entry_put(old);
	}
	return 0;
}

int pt_update(struct domain *d, struct domain *pg, struct frame *t,
	      uint64_t *p, uint64_t val, enum pt_mode mode)
{
	uint64_t type = READ_ONCE(t->type), old = 0;
	unsigned int slot;

	if (likely(pt_is_valid(t, FT_L1))) {
		return pt_update_l1(d, pg, p, val, mode, &old);
	}
	if (ptype_is_table(type & FT_MASK) && (type & FT_COUNT_MASK)) {
		if (!(type & FT_VALIDATED)) {
			return -EINVAL;
		}
		slot = (unsigned int)(((uintptr_t)p & (PAGE_SIZE - 1)) /
				      sizeof(*p));
		return pt_update_table(d, t, slot, val, mode);
	}
	/* Not a table: any other page that the guest may write. */
	if (ptype_get(t, FT_WRITABLE) != 0) {
		return -EINVAL;
	}
	WRITE_ONCE(*p, val);
	ptype_drop(t);
	return 0;
}

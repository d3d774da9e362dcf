/*
 * ptype_table.c - see ptype_table.h.
 *
 * A table of level n references tables of level n-1 only, so recursion is
 * three deep, and no table can refer to itself: its type is already another
 * (linear page tables, XSA-182, 286, 299, cannot be made).
 */
#include "core/ptype_table.h"
#include "core/access.h"
#include "core/pte.h"
#include "core/segdesc.h"
#include "include/errno.h"
#include "include/log.h"

/* How many L1 entries to drop between two looks at the clock. */
#define L1_STRIDE 64

/* Not RAM: a device's, which a domain may or may not have. */
int l1e_get_mmio(struct domain *d, struct domain *pg, uint64_t e)
{
	return domain_may_map_mmio(pg == &domain_io ? d : pg, pte_mfn(e),
				   e & PTE_WRITE) ?
		       0 :
		       -EINVAL;
}

int table_entry_get(struct domain *d, unsigned int level, uint64_t e)
{
	struct frame *f = frame_lookup(pte_mfn(e));
	int rc;

	if (!f || !frame_get(f, d)) {
		return -EINVAL;
	}
	rc = ptype_get(f, ptype_of_level(level - 1));
	if (rc) {
		frame_put(f);
	}
	return rc;
}

void table_entry_put(uint64_t e)
{
	struct frame *f = frame_of(pte_mfn(e));

	ptype_drop(f);
	frame_put(f);
}

static int entry_validate(struct domain *d, unsigned int level, uint64_t *p)
{
	uint64_t e = READ_ONCE(*p), adjusted = pte_adjust(e);
	int rc;

	if (!pte_allowed(level, adjusted, d->privileged)) {
		return -EINVAL;
	}
	if (!(e & PTE_PRESENT)) {
		return 0;
	}
	rc = level == 1 ? l1e_get(d, d, adjusted) :
			  table_entry_get(d, level, adjusted);
	/* The entry is the guest's no more: nobody else writes it now. */
	if (rc == 0 && adjusted != e) {
		*p = adjusted;
	}
	return rc;
}

/*
 * Most entries of most tables are 0: these two look at eight at a time.  An
 * entry that is 0 needs no check and holds no reference; nobody but its
 * caller writes the table now.
 */
static bool eight_empty(const uint64_t *t)
{
	return !(t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7]);
}

/* The first entry from i on that is not 0, or PT_ENTRIES. */
static unsigned int entry_from(const uint64_t *t, unsigned int i)
{
	while (i < PT_ENTRIES) {
		if (i % 8 == 0 && eight_empty(t + i)) {
			i += 8;
		} else if (t[i]) {
			break;
		} else {
			i++;
		}
	}
	return i;
}

/* One more than the last entry below i that is not 0, or 0. */
static unsigned int entry_below(const uint64_t *t, unsigned int i)
{
	while (i > 0) {
		if (i % 8 == 0 && eight_empty(t + i - 8)) {
			i -= 8;
		} else if (t[i - 1]) {
			break;
		} else {
			i--;
		}
	}
	return i;
}

int table_validate(struct domain *d, struct frame *f, unsigned int level)
{
	uint64_t *t = frame_ptr(frame_mfn(f));
	unsigned int i, first = entry_from(t, f->progress);
	int rc;

	for (i = first; i < PT_ENTRIES; i = entry_from(t, i + 1)) {
		if (!pte_slot_is_guests(level, i)) {
			continue;
		}
		f->progress = (uint16_t)i;
		if (level > 1 && i != first && port_should_yield()) {
			return -ERESTART;
		}
		rc = entry_validate(d, level, &t[i]);
		if (rc) {
			return rc;
		}
	}
	f->progress = PT_ENTRIES;
	return level == 4 ? port_root_init(d, frame_mfn(f)) : 0;
}

bool table_invalidate(struct frame *f, unsigned int level, bool preemptible)
{
	const uint64_t *t = frame_ptr(frame_mfn(f));
	unsigned int stride = level == 1 ? L1_STRIDE : 1, done = 0, i;
	uint64_t e;

	for (i = entry_below(t, f->progress); i > 0;
	     i = entry_below(t, i - 1)) {
		e = READ_ONCE(t[i - 1]);
		if (!(e & PTE_PRESENT) || !pte_slot_is_guests(level, i - 1)) {
			continue;
		}
		if (preemptible && done && done % stride == 0 &&
		    port_should_yield()) {
			f->progress = (uint16_t)i;
			return false;
		}
		if (level == 1) {
			l1e_put(e);
		} else {
			table_entry_put(e);
		}
		done++;
	}
	f->progress = 0;
	return true;
}

int segdesc_validate(struct frame *f)
{
	uint64_t *d = frame_ptr(frame_mfn(f)), e;
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*d); i++) {
		e = segdesc_adjust(d[i]);
		if (!segdesc_valid(e)) {
			return -EINVAL;
		}
		if (e != d[i]) {
			d[i] = e;
		}
	}
	return 0;
}

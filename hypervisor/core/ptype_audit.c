/*
 * ptype_audit.c - count again what the frame table claims, by walking every
 * page table of a domain.  For tests and for the debug key.
 *
 * It holds the domain's mmu_lock and page_lock, so tables, roots and the list
 * of frames stand still.  What others do meanwhile can only add references:
 * they take them first and map next.
 */
#include "core/domain.h"
#include "core/heap.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "core/ptype_table.h"
#include "include/log.h"
#include "lib/string.h"

/* What was found for one frame. */
struct tally {
	uint32_t refs;	 /* general references */
	uint32_t types;	 /* uses as a page table */
	uint32_t writes; /* writable mappings */
};

struct audit {
	struct domain *d;
	struct tally *tally; /* by frame number */
	unsigned int order;
	uint64_t extra;
};

static bool audit_begin(struct audit *a, struct domain *d)
{
	uint64_t bytes = frame_max * sizeof(struct tally);
	mfn_t m;

	a->d = d;
	a->extra = 0;
	a->order = 0;
	while (PAGE_SIZE << a->order < bytes) {
		a->order++;
	}
	m = heap_alloc(a->order, 0);
	if (mfn_eq(m, MFN_NONE)) {
		printk("ptype_audit: no memory\n");
		return false;
	}
	a->tally = frame_ptr(m);
	memset(a->tally, 0, bytes);
	return true;
}

static void count_table(struct audit *a, struct frame *f)
{
	unsigned int level = ptype_level(f->type & FT_MASK), i;
	unsigned int n = f->type & FT_VALIDATED ? PT_ENTRIES : f->progress;
	const uint64_t *t = frame_ptr(frame_mfn(f));
	struct tally *to;

	for (i = 0; i < n; i++) {
		if (!(t[i] & PTE_PRESENT) || !pte_slot_is_guests(level, i) ||
		    !frame_valid(pte_mfn(t[i]))) {
			continue;
		}
		BUG_UNLESS(t[i] & PTE_USER && !(t[i] & PTE_GLOBAL));
		to = &a->tally[pte_mfn(t[i]).v];
		to->refs++;
		if (level > 1) {
			BUG_UNLESS(ptype_level(frame_of(pte_mfn(t[i]))->type &
					       FT_MASK) == level - 1);
			to->types++;
		} else if (t[i] & PTE_WRITE) {
			to->writes++;
		}
	}
}

static void count_frame(struct audit *a, struct frame *f)
{
	struct tally *t = &a->tally[frame_mfn(f).v];
	uint64_t x = f->type;

	if (f->count & FC_ALLOCATED) {
		t->refs++;
	}
	if (!ptype_is_table(x & FT_MASK) || !(x & FT_COUNT_MASK)) {
		return;
	}
	BUG_UNLESS(!(x & FT_LOCKED));
	/* A pin, or a half-done table's references to itself. */
	if (x & (FT_PINNED | FT_PARTIAL | FT_DYING)) {
		t->refs++;
		t->types++;
	}
	count_table(a, f);
}

static void count_roots(struct audit *a)
{
	unsigned int i, k;

	for (i = 0; i < a->d->vcpu_count; i++) {
		struct vcpu *v = a->d->vcpu[i];
		mfn_t root[2];

		if (!v) {
			continue;
		}
		root[0] = v->pv.cr3;
		root[1] = v->pv.user_cr3;
		for (k = 0; k < 2; k++) {
			if (root[k].v) {
				a->tally[root[k].v].refs++;
				a->tally[root[k].v].types++;
			}
		}
	}
}

static void check_frame(struct audit *a, struct frame *f)
{
	const struct tally *t = &a->tally[frame_mfn(f).v];
	uint64_t count = f->count & FC_COUNT_MASK;
	uint64_t uses = f->type & FT_COUNT_MASK;

	BUG_UNLESS(f->owner == a->d && count >= t->refs);
	a->extra += count - t->refs;
	if (ptype_is_table(f->type & FT_MASK) && uses) {
		/* THE invariant. */
		BUG_UNLESS(t->writes == 0 && uses == t->types);
	} else if ((f->type & FT_MASK) == FT_WRITABLE) {
		BUG_UNLESS(t->types == 0 && uses >= t->writes);
		a->extra += uses - t->writes;
	} else {
		BUG_UNLESS(t->types == 0 && t->writes == 0);
		a->extra += uses;
	}
}

static void each_frame(struct audit *a,
		       void (*fn)(struct audit *a, struct frame *f))
{
	uint32_t m, n = 0;

	for (m = a->d->pages.head; m; m = frame_of(MFN(m))->next) {
		fn(a, frame_of(MFN(m)));
		n++;
	}
	BUG_UNLESS(n == a->d->pages.count && n == a->d->tot_pages);
}

uint64_t ptype_audit_extra(struct domain *d)
{
	struct audit a;

	if (!audit_begin(&a, d)) {
		return 0;
	}
	spin_lock(&d->mmu_lock);
	spin_lock(&d->page_lock);
	each_frame(&a, count_frame);
	count_roots(&a);
	each_frame(&a, check_frame);
	spin_unlock(&d->page_lock);
	spin_unlock(&d->mmu_lock);
	heap_free(ptr_mfn(a.tally), a.order);
	return a.extra;
}

void ptype_audit(struct domain *d)
{
	(void)ptype_audit_extra(d);
}

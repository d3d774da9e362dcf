/*
 * mm.h - what tests of memory code share: domains without the rest of a
 * domain, page tables in fake frames, hypercalls in one line.
 */
#ifndef TEST_UNIT_MM_H
#define TEST_UNIT_MM_H

#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/frame.h"
#include "core/heap.h"
#include "core/pt_update.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "test/unit/test.h"

#define RO (PTE_PRESENT | PTE_USER)
#define RW (PTE_PRESENT | PTE_USER | PTE_WRITE)

static inline uint64_t pte(mfn_t m, uint64_t flags)
{
	return (m.v << PAGE_SHIFT) | flags;
}

/* A domain with memory and one vCPU, nothing else.  Static: no teardown. */
struct mm_domain {
	struct domain d;
	struct vcpu v;
};

static inline void mm_domain_init(struct mm_domain *m, domid_t id)
{
	__builtin_memset(m, 0, sizeof(*m));
	m->d.id = id;
	m->d.refs = 1;
	m->d.max_pages = FAKE_FRAMES;
	m->d.vcpu_count = 1;
	m->d.vcpu[0] = &m->v;
	m->d.running_cpus = 1;
	m->d.vm_assist = 1U << VMASST_TYPE_writable_pagetables;
	m->v.domain = &m->d;
}

/* A frame of d, or a test failure. */
static inline mfn_t mm_frame(struct domain *d)
{
	mfn_t m = MFN(0);

	CHECK_EQ(domain_frames_alloc(d, 0, 0, &m), 0);
	return m;
}

static inline uint64_t *mm_entry(mfn_t table, unsigned int slot)
{
	return (uint64_t *)frame_ptr(table) + slot;
}

/* Frames of a minimal address space: one table of each level, chained. */
struct mm_space {
	mfn_t l4, l3, l2, l1;
};

static inline void mm_space_build(struct domain *d, struct mm_space *s)
{
	s->l4 = mm_frame(d);
	s->l3 = mm_frame(d);
	s->l2 = mm_frame(d);
	s->l1 = mm_frame(d);
	*mm_entry(s->l4, 0) = pte(s->l3, RW);
	*mm_entry(s->l3, 0) = pte(s->l2, RW);
	*mm_entry(s->l2, 0) = pte(s->l1, RW);
}

/* Call again until it is through; counts the interruptions. */
static inline long mm_call(struct hc *hc, hc_fn *fn, unsigned int *restarts)
{
	long rc;

	while ((rc = fn(hc)) == -ERESTART) {
		if (restarts) {
			++*restarts;
		}
	}
	return rc;
}

static inline struct hc mm_hc(struct mm_domain *m, uint64_t a0, uint64_t a1,
			      uint64_t a2, uint64_t a3)
{
	return (struct hc){ .v = &m->v,
			    .d = &m->d,
			    .arg = { a0, a1, a2, a3, 0 } };
}

#endif

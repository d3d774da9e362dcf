/* ptype_test.c - the page-type machine: transitions, failures, preemption. */
#include "test/unit/mm.h"
#include "core/access.h"
#include "core/heap.h"
#include "core/tlbclock.h"

#include <stdlib.h>
#include <string.h>

static struct mm_domain A, B;

static void setup(void)
{
	mm_domain_init(&A, 1);
	mm_domain_init(&B, 2);
}

static uint64_t type_of(mfn_t m)
{
	return frame_of(m)->type & FT_MASK;
}

static uint64_t uses_of(mfn_t m)
{
	return frame_of(m)->type & FT_COUNT_MASK;
}

static uint64_t refs_of(mfn_t m)
{
	return frame_of(m)->count & FC_COUNT_MASK;
}

/* All memory of d goes back; nothing is left over. */
static void teardown(struct mm_domain *m)
{
	unsigned int rounds = 0;

	m->d.is_dying = true;
	while (domain_frames_relinquish(&m->d) == -ERESTART) {
		CHECK(rounds++ < 100000);
	}
}

/* --- frames ----------------------------------------------------------- */

TEST(frame_references_and_owner)
{
	struct frame *f;
	mfn_t m;

	setup();
	m = mm_frame(&A.d);
	f = frame_of(m);
	CHECK_EQ(A.d.refs, 2); /* its memory keeps the domain */
	CHECK(!frame_get(f, &B.d));
	CHECK(frame_get(f, &A.d));
	CHECK(frame_drop_allocated(f));
	CHECK(!frame_drop_allocated(f));
	CHECK_EQ(A.d.tot_pages, 1); /* still referenced */
	memset(frame_ptr(m), 0x5a, PAGE_SIZE);
	frame_put(f);
	CHECK_EQ(A.d.tot_pages, 0);
	CHECK_EQ(A.d.refs, 1);
	CHECK(!frame_get(f, NULL));
	CHECK_EQ(*(uint8_t *)frame_ptr(m), 0); /* scrubbed */
}

TEST(frame_alloc_respects_max_pages_and_dying)
{
	mfn_t m;

	setup();
	A.d.max_pages = 4;
	CHECK_EQ(domain_frames_alloc(&A.d, 3, 0, &m), -ENOMEM);
	CHECK_EQ(domain_frames_alloc(&A.d, 2, 0, &m), 0);
	CHECK_EQ(domain_frames_alloc(&A.d, 0, 0, &m), -ENOMEM);
	B.d.is_dying = true;
	CHECK_EQ(domain_frames_alloc(&B.d, 0, 0, &m), -EINVAL);
	teardown(&A);
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

TEST(frame_claims_keep_memory_for_their_domain)
{
	uint64_t free = heap_free_frames();
	mfn_t m;

	setup();
	CHECK_EQ(domain_claim(&A.d, free - 10), 0);
	CHECK_EQ(domain_claims_outstanding(), free - 10);
	CHECK_EQ(domain_frames_alloc(&B.d, 4, 0, &m), -ENOMEM);
	CHECK_EQ(domain_frames_alloc(&B.d, 3, 0, &m), 0);
	CHECK_EQ(domain_frames_alloc(&A.d, 4, 0, &m), 0);
	CHECK_EQ(domain_claims_outstanding(), free - 10 - 16);
	CHECK_EQ(domain_claim(&A.d, free), -ENOMEM);
	CHECK_EQ(domain_claims_outstanding(), 0); /* replaced, not kept */
	CHECK_EQ(domain_claim(&A.d, 0), 0);
	CHECK_EQ(domain_claim(&A.d, 10), -EINVAL); /* has more */
	teardown(&A);
	teardown(&B);
	CHECK_EQ(heap_free_frames(), free);
}

TEST(frame_claim_of_the_dying)
{
	setup();
	teardown(&A);
	CHECK_EQ(domain_claim(&A.d, 10), -EINVAL);
	CHECK_EQ(domain_claims_outstanding(), 0);
}

TEST(frame_shared_page_lives_as_long_as_a_mapping)
{
	uint64_t free = heap_free_frames();
	void *page = heap_alloc_page();
	struct frame *f = frame_of(ptr_mfn(page));

	setup();
	frame_share_with_guest(page, &A.d, true);
	CHECK_EQ(A.d.refs, 2);
	CHECK(frame_get(f, &A.d));
	CHECK_EQ(ptype_get(f, FT_WRITABLE), 0);
	/* Not a guest's page to give away or to make a table of. */
	CHECK(!frame_drop_allocated(f));
	CHECK_EQ(ptype_get(f, FT_L1), -EBUSY);
	frame_unshare(page);
	CHECK_EQ(heap_free_frames(), free - 1);
	ptype_drop(f);
	frame_put(f);
	CHECK_EQ(heap_free_frames(), free);
	CHECK_EQ(A.d.refs, 1);
}

TEST(frame_shared_read_only_page_is_never_writable)
{
	void *page = heap_alloc_page();
	struct frame *f = frame_of(ptr_mfn(page));

	setup();
	frame_share_with_guest(page, &domain_xen, false);
	CHECK(frame_get(f, &domain_xen));
	CHECK_EQ(ptype_get(f, FT_WRITABLE), -EBUSY);
	CHECK_EQ(ptype_get(f, FT_L2), -EBUSY);
	frame_put(f);
	frame_unshare(page);
}

/* --- one frame's type --------------------------------------------------- */

TEST(ptype_one_type_at_a_time)
{
	static const uint64_t types[] = { FT_WRITABLE, FT_L1, FT_L2, FT_L3,
					  FT_L4, FT_SEGDESC };
	unsigned int i, k;
	struct frame *f;

	setup();
	f = frame_of(mm_frame(&A.d));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_EQ(ptype_get(f, types[i]), 0);
		for (k = 0; k < ARRAY_SIZE(types); k++) {
			CHECK_EQ(ptype_get(f, types[k]),
				 i == k ? 0 : -EBUSY);
		}
		CHECK_EQ(ptype_put(f, false), 0);
		CHECK_EQ(f->type & FT_MASK, types[i]);
		CHECK_EQ(ptype_put(f, false), 0);
		CHECK_EQ(f->type & FT_COUNT_MASK, 0);
	}
	CHECK_EQ(f->count, FC_ALLOCATED | 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

static cpumask_t flushed;

static void note_flush(cpumask_t mask, unsigned int flags, gva_t va)
{
	(void)va;
	flushed |= flags & FLUSH_TLB ? mask : 0;
}

TEST(ptype_change_flushes_stale_cpus_before_use)
{
	struct frame *f;

	setup();
	f = frame_of(mm_frame(&A.d));
	CHECK_EQ(ptype_get(f, FT_WRITABLE), 0);
	fake_tlb_flushed(0xf);
	ptype_drop(f);
	fake_tlb_flushed(0x3);
	fake_flush_hook = note_flush;
	flushed = 0;
	/* Writable again: whoever still can write may. */
	CHECK_EQ(ptype_get(f, FT_WRITABLE), 0);
	CHECK_EQ(flushed, 0);
	ptype_drop(f);
	fake_tlb_flushed(0x3);
	/* A table: CPUs 2 and 3 must lose their writable translations. */
	CHECK_EQ(ptype_get(f, FT_L1), 0);
	CHECK_EQ(flushed, 0xc);
	/* And back: they may have cached the table. */
	CHECK_EQ(ptype_put(f, false), 0);
	flushed = 0;
	CHECK_EQ(ptype_get(f, FT_WRITABLE), 0);
	CHECK_EQ(flushed, 0xf);
	ptype_drop(f);
}

/* --- tables --------------------------------------------------------------- */

TEST(ptype_l4_takes_and_drops_every_reference)
{
	struct mm_space s;
	mfn_t page;

	setup();
	mm_space_build(&A.d, &s);
	page = mm_frame(&A.d);
	*mm_entry(s.l1, 0) = pte(page, RW);
	*mm_entry(s.l1, 1) = pte(page, RO);
	*mm_entry(s.l1, 2) = pte(s.l1, RO); /* itself, read-only */
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
	CHECK_EQ(type_of(s.l1), FT_L1);
	CHECK_EQ(uses_of(page), 1);
	CHECK_EQ(refs_of(page), 3);
	CHECK_EQ(refs_of(s.l1), 3);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	CHECK_EQ(ptype_unpin(frame_of(s.l4)), 0);
	CHECK_EQ(ptype_unpin(frame_of(s.l4)), -EINVAL);
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	CHECK_EQ(uses_of(s.l1) + uses_of(s.l2) + uses_of(s.l3), 0);
	CHECK_EQ(refs_of(page), 1);
	CHECK_EQ(refs_of(s.l1), 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

/* Each way in which one entry of an otherwise good space can be wrong. */
TEST(ptype_bad_entries_are_refused_and_nothing_is_kept)
{
	struct mm_space s;
	mfn_t page, spare, foreign;
	unsigned int i;

	setup();
	mm_space_build(&A.d, &s);
	page = mm_frame(&A.d);
	spare = mm_frame(&A.d); /* could be a table, but for its flags */
	foreign = mm_frame(&B.d);
	*mm_entry(s.l1, 3) = pte(page, RW);
	struct {
		uint64_t *entry, val;
	} bad[] = {
		{ mm_entry(s.l1, 500), pte(s.l1, RW) },
		{ mm_entry(s.l1, 500), pte(s.l4, RW) },
		{ mm_entry(s.l1, 500), pte(foreign, RO) },
		{ mm_entry(s.l1, 500), pte(MFN(0), RO) },
		{ mm_entry(s.l1, 500), pte(MFN(FAKE_FRAMES), RO) },
		{ mm_entry(s.l1, 500), pte(page, RO | PTE_LARGE) },
		{ mm_entry(s.l1, 500), pte(page, RO) | 1ULL << 45 },
		{ mm_entry(s.l2, 500), pte(spare, RW | PTE_LARGE) },
		{ mm_entry(s.l2, 500), pte(s.l2, RW) },
		{ mm_entry(s.l2, 500), pte(s.l3, RW) },
		{ mm_entry(s.l2, 500), pte(foreign, RW) },
		{ mm_entry(s.l3, 500), pte(spare, RW | PTE_LARGE) },
		{ mm_entry(s.l3, 500), pte(s.l3, RW) },
		{ mm_entry(s.l3, 500), pte(s.l1, RW) },
		{ mm_entry(s.l4, 500), pte(s.l4, RW) },
		{ mm_entry(s.l4, 500), pte(s.l4, RO) },
		{ mm_entry(s.l4, 500), pte(s.l2, RW) },
		{ mm_entry(s.l4, 500), pte(spare, RW | PTE_LARGE) },
		{ mm_entry(s.l4, 255), pte(foreign, RW) },
		{ mm_entry(s.l4, 272), pte(s.l1, RW) },
	};

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*bad[i].entry = bad[i].val;
		CHECK(ptype_pin(frame_of(s.l4), FT_L4) < 0);
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
		CHECK_EQ(ptype_drain(&A.d, false), 0);
		CHECK_EQ(uses_of(s.l4) + uses_of(s.l3) + uses_of(s.l2) +
				 uses_of(s.l1) + uses_of(page), 0);
		CHECK_EQ(refs_of(page) + refs_of(s.l1) + refs_of(s.l4), 3);
		*bad[i].entry = 0;
		CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
		CHECK_EQ(ptype_unpin(frame_of(s.l4)), 0);
		CHECK_EQ(ptype_drain(&A.d, false), 0);
	}
	CHECK_EQ(refs_of(foreign), 1);
	/* The hole is filled by the hypervisor, whatever was there. */
	*mm_entry(s.l4, 256) = pte(foreign, RW);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
	CHECK(*mm_entry(s.l4, 256) != pte(foreign, RW));
}

TEST(ptype_writable_page_cannot_become_a_table)
{
	struct mm_space s;

	setup();
	mm_space_build(&A.d, &s);
	CHECK_EQ(ptype_get(frame_of(s.l1), FT_WRITABLE), 0);
	CHECK(ptype_pin(frame_of(s.l4), FT_L4) < 0);
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	ptype_drop(frame_of(s.l1));
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
	CHECK_EQ(ptype_get(frame_of(s.l1), FT_WRITABLE), -EBUSY);
}

TEST(ptype_root_init_without_memory)
{
	struct mm_space s;

	setup();
	mm_space_build(&A.d, &s);
	fake_fail_alloc_at(0);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), -ENOMEM);
	fake_fail_alloc_at(-1);
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
}

/* A wide tree, some of it shared and some of it bad if asked. */
static void build_wide(struct domain *d, struct mm_space *s, bool bad)
{
	unsigned int i;
	mfn_t l1, l2, page = mm_frame(d);

	mm_space_build(d, s);
	for (i = 1; i < 6; i++) {
		l2 = mm_frame(d);
		l1 = mm_frame(d);
		*mm_entry(s->l3, i * 7) = pte(l2, RW);
		*mm_entry(l2, i) = pte(l1, RW);
		*mm_entry(l2, 300 + i) = pte(s->l1, RW);
		*mm_entry(l1, i * 3) = pte(page, RW);
		*mm_entry(l1, i * 3 + 1) = pte(mm_frame(d), RO);
	}
	if (bad) {
		*mm_entry(l2, 511) = pte(s->l4, RW);
	}
}

/* Preempted at each point in turn, a pin ends as if it never was. */
TEST(ptype_yield_anywhere)
{
	struct mm_space s;
	unsigned int round, rc, bad;
	long n;

	for (bad = 0; bad < 2; bad++) {
		setup();
		build_wide(&A.d, &s, bad);
		for (n = 0, rc = 1; rc; n++) {
			long r;

			fake_yield_at(n);
			for (round = 0;; round++) {
				CHECK(round < 10);
				r = ptype_drain(&A.d, true);
				if (r == 0) {
					r = ptype_pin(frame_of(s.l4), FT_L4);
				}
				CHECK_EQ(ptype_audit_extra(&A.d), 0);
				if (r != -ERESTART) {
					break;
				}
			}
			CHECK_EQ(r, bad ? -EBUSY : 0);
			if (!bad) {
				CHECK_EQ(ptype_unpin(frame_of(s.l4)), 0);
			}
			while (ptype_drain(&A.d, true) == -ERESTART) {
				CHECK_EQ(ptype_audit_extra(&A.d), 0);
			}
			rc = fake_yielded();
			fake_yield_at(-1);
			CHECK_EQ(uses_of(s.l1), 0);
			CHECK_EQ(refs_of(s.l1), 1);
		}
		CHECK(n > 20);
		teardown(&A);
	}
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

/* Another CPU goes on with, or takes over, what one left half done. */
TEST(ptype_partial_table_is_finished_by_someone_else)
{
	struct mm_space s;
	mfn_t other;

	setup();
	build_wide(&A.d, &s, false);
	other = mm_frame(&A.d);
	*mm_entry(other, 9) = pte(s.l3, RW);
	fake_yield_at(3);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), -ERESTART);
	CHECK(frame_of(s.l3)->type & FT_PARTIAL);
	CHECK_EQ(ptype_pin(frame_of(other), FT_L4), 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), 0);
	CHECK_EQ(uses_of(s.l3), 2);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	teardown(&A);
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

TEST(ptype_teardown_abandons_half_done_tables)
{
	struct mm_space s;

	setup();
	build_wide(&A.d, &s, false);
	fake_yield_at(3);
	CHECK_EQ(ptype_pin(frame_of(s.l4), FT_L4), -ERESTART);
	fake_yield_at(2);
	teardown(&A);
	CHECK(fake_yielded());
	CHECK_EQ(A.d.refs, 1);
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

TEST(ptype_teardown_waits_for_foreign_mappings)
{
	mfn_t m, first;

	setup();
	first = mm_frame(&A.d);
	m = mm_frame(&A.d);
	mm_frame(&A.d);
	CHECK_EQ(ptype_get_frame(m, FT_WRITABLE, &A.d), 0); /* B maps it */
	CHECK(frame_get(frame_of(first), &A.d));
	teardown(&A);
	CHECK_EQ(A.d.tot_pages, 2);
	CHECK_EQ(A.d.refs, 2);
	ptype_put_frame(m, false);
	frame_put(frame_of(first));
	CHECK_EQ(A.d.refs, 1);
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

/* --- random walks ----------------------------------------------------------- */

#define POOL 24

/*
 * Pin, unpin, change entries at random with few frames, so that everything
 * collides; count everything again after each step.
 */
TEST(ptype_random_walk)
{
	static const uint64_t flags[] = { 0, RO, RW, RW | PTE_LARGE, RO | 8 };
	mfn_t pool[POOL];
	unsigned int step, i;
	uint64_t old, ok = 0;
	struct frame *f;
	int rc;

	srand(3);
	setup();
	for (i = 0; i < POOL; i++) {
		pool[i] = mm_frame(i < POOL - 2 ? &A.d : &B.d);
	}
	for (step = 0; step < 30000; step++) {
		unsigned int slot = (unsigned int)rand() % 6 * 100;
		unsigned int at = (unsigned int)rand() % (POOL - 2);
		/* A frame's place in the pool says what it is best used as. */
		unsigned int level = at % 5, type = level;
		unsigned int to = (unsigned int)rand() % POOL;
		uint64_t val;

		if (rand() % 8 == 0 || type == 0) {
			type = (unsigned int)rand() % 4 + 1;
		}
		while (level && rand() % 8 && to % 5 != level - 1) {
			to = (to + 1) % POOL;
		}
		val = pte(pool[to], flags[rand() % 5]);
		f = frame_of(pool[at]);
		rc = -1;
		if (rand() % 4 == 0) {
			fake_yield_at(rand() % 600);
		}
		switch (rand() % 8) {
		case 0:
		case 1:
			rc = ptype_pin(f, (uint64_t)type << 60);
			break;
		case 2:
			rc = ptype_unpin(f);
			break;
		case 3: /* the guest writes to its own memory */
			if (ptype_get(f, FT_WRITABLE) == 0) {
				*mm_entry(frame_mfn(f), slot) = val;
				ptype_drop(f);
				rc = 0;
			}
			break;
		default:
			if (pt_is_valid(f, FT_L1)) {
				rc = pt_update_l1(&A.d, &A.d,
						  mm_entry(frame_mfn(f), slot),
						  val, PT_SET, &old);
			} else if (pt_is_valid(f, FT_L2) ||
				   pt_is_valid(f, FT_L3) ||
				   pt_is_valid(f, FT_L4)) {
				rc = pt_update_table(&A.d, f, slot, val,
						     PT_SET);
			}
			break;
		}
		ok += rc == 0;
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
		while (ptype_drain(&A.d, rand() % 2) == -ERESTART) {
		}
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
	}
	CHECK(ok > 2000);
	fake_yield_at(-1);
	teardown(&A);
	teardown(&B);
	CHECK_EQ(heap_free_frames(), FAKE_FRAMES - 1);
}

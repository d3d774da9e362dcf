/* memory_test.c - memory_op: reservations, exchange, maps. */
#include "test/unit/mm.h"
#include "core/access.h"
#include "core/heap.h"
#include "core/m2p.h"
#include "core/tlbclock.h"
#include "include/e820.h"

#include <stdlib.h>
#include <string.h>

static struct mm_domain A;

#define ARG	0ULL /* offsets in fake guest memory */
#define LIST	0x1000ULL
#define LIST2	0x8000ULL

static xen_pfn_t *list(void)
{
	return fake_guest(LIST);
}

static xen_pfn_t *list2(void)
{
	return fake_guest(LIST2);
}

static void setup(void)
{
	mm_domain_init(&A, 1);
}

static unsigned int restarts;

static long op(unsigned long cmd)
{
	struct hc hc = mm_hc(&A, cmd, fake_gva(ARG).v, 0, 0);

	restarts = 0;
	return mm_call(&hc, hc_memory_op, &restarts);
}

static struct xen_memory_reservation reservation(uint64_t at, uint64_t n,
						 unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = n,
		.extent_order = order,
		.domid = DOMID_SELF,
	};

	r.extent_start.p = (xen_pfn_t *)(uintptr_t)fake_gva(at).v;
	return r;
}

static long resize(unsigned long cmd, uint64_t n, unsigned int order)
{
	struct xen_memory_reservation r = reservation(LIST, n, order);

	memcpy(fake_guest(ARG), &r, sizeof(r));
	return op(cmd);
}

TEST(memory_populate_and_decrease)
{
	uint64_t free = heap_free_frames();
	unsigned int i;

	setup();
	for (i = 0; i < 20; i++) {
		list()[i] = 1000 + 4 * i;
	}
	CHECK_EQ(resize(XENMEM_populate_physmap, 20, 2), 20);
	CHECK_EQ(A.d.tot_pages, 80);
	for (i = 0; i < 20; i++) {
		CHECK_EQ(list()[i] & 3, 0);
		CHECK_EQ(m2p_get(MFN(list()[i] + 3)), 1000 + 4 * i + 3);
		CHECK(frame_of(MFN(list()[i]))->owner == &A.d);
	}
	CHECK_EQ(resize(XENMEM_decrease_reservation, 20, 2), 20);
	CHECK_EQ(A.d.tot_pages, 0);
	CHECK_EQ(m2p_get(MFN(list()[0])), M2P_INVALID);
	CHECK_EQ(heap_free_frames(), free);
	/* Gone is gone. */
	CHECK_EQ(resize(XENMEM_decrease_reservation, 20, 2), 0);
}

TEST(memory_populate_stops_at_the_limit)
{
	setup();
	A.d.max_pages = 10;
	CHECK_EQ(resize(XENMEM_populate_physmap, 4, 2), 2);
	CHECK_EQ(A.d.tot_pages, 8);
	CHECK_EQ(resize(XENMEM_populate_physmap, 4, 10), 0); /* order */
	CHECK_EQ(resize(XENMEM_populate_physmap, ~0ULL, 0), 0);
	CHECK_EQ(resize(XENMEM_increase_reservation, 4, 0), 2);
	((struct xen_memory_domain *)fake_guest(ARG))->domid = DOMID_SELF;
	CHECK_EQ(op(XENMEM_maximum_reservation), 10);
	CHECK_EQ(op(XENMEM_current_reservation), 10);
}

TEST(memory_decrease_refuses_what_is_not_ours)
{
	struct mm_domain B;
	void *page = heap_alloc_page();

	setup();
	mm_domain_init(&B, 2);
	list()[0] = mm_frame(&B.d).v;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 0), 0);
	frame_share_with_guest(page, &A.d, true);
	list()[0] = ptr_mfn(page).v;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 0), 0);
	list()[0] = 0;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 0), 0);
	list()[0] = ~0ULL;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 0), 0);
	list()[0] = FAKE_FRAMES - 1;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 1), 0);
	CHECK_EQ(B.d.tot_pages, 1);
	CHECK_EQ(A.d.xenheap_pages, 1);
}

/* A page that is mapped leaves the domain when the mapping does. */
TEST(memory_decrease_of_a_mapped_page)
{
	mfn_t m;

	setup();
	m = mm_frame(&A.d);
	CHECK_EQ(ptype_get_frame(m, FT_WRITABLE, &A.d), 0);
	list()[0] = m.v;
	CHECK_EQ(resize(XENMEM_decrease_reservation, 1, 0), 1);
	CHECK_EQ(A.d.tot_pages, 1);
	ptype_put_frame(m, false);
	CHECK_EQ(A.d.tot_pages, 0);
}

TEST(memory_resize_yield_anywhere)
{
	unsigned int i, interrupted = 0;
	long step;

	setup();
	for (step = 0; step < 30; step++) {
		for (i = 0; i < 20; i++) {
			list()[i] = i;
		}
		fake_yield_at(step);
		CHECK_EQ(resize(XENMEM_populate_physmap, 20, 0), 20);
		interrupted += restarts;
		CHECK_EQ(A.d.tot_pages, 20);
		for (i = 0; i < 20; i++) {
			CHECK_EQ(m2p_get(MFN(list()[i])), i);
		}
		CHECK_EQ(resize(XENMEM_decrease_reservation, 20, 0), 20);
		CHECK_EQ(A.d.tot_pages, 0);
	}
	CHECK(interrupted > 15);
}

TEST(memory_resize_fault_and_no_memory_anywhere)
{
	long step, rc;
	uint64_t free = heap_free_frames();

	setup();
	for (step = 0; step < 80; step++) {
		fake_fault_at(step);
		rc = resize(XENMEM_populate_physmap, 20, 0);
		fake_fault_at(-1);
		CHECK(rc == -EFAULT || (rc >= 0 && rc <= 20));
		/* At most one page that its list does not tell. */
		CHECK(A.d.tot_pages <= (rc < 0 ? 1U : (unsigned)rc + 1));
		A.d.is_dying = true;
		while (domain_frames_relinquish(&A.d)) {
		}
		CHECK_EQ(heap_free_frames(), free);
		setup();
		fake_fail_alloc_at(step);
		rc = resize(XENMEM_populate_physmap, 20, 0);
		fake_fail_alloc_at(-1);
		CHECK_EQ(rc, MIN(step, 20L));
		CHECK_EQ(A.d.tot_pages, rc);
		A.d.is_dying = true;
		while (domain_frames_relinquish(&A.d)) {
		}
		setup();
	}
}

/* --- exchange ----------------------------------------------------------------- */

static struct xen_memory_exchange *exchange_arg(unsigned int in_order,
						uint64_t in_n,
						unsigned int out_order,
						uint64_t out_n)
{
	struct xen_memory_exchange *x = fake_guest(ARG);

	memset(x, 0, sizeof(*x));
	x->in = reservation(LIST, in_n, in_order);
	x->out = reservation(LIST2, out_n, out_order);
	return x;
}

static void exchange_setup(void)
{
	unsigned int i;

	setup();
	for (i = 0; i < 32; i++) {
		list()[i] = mm_frame(&A.d).v;
		m2p_set(MFN(list()[i]), 500 + i);
		list2()[i] = 500 + i;
	}
}

static void check_exchanged(struct xen_memory_exchange *x, unsigned int order)
{
	uint64_t i;

	CHECK_EQ(A.d.tot_pages, 32);
	for (i = 0; i < x->out.nr_extents; i++) {
		mfn_t m = MFN(list2()[i]);

		CHECK_EQ(m.v & ((1U << order) - 1), 0);
		CHECK(frame_of(m)->owner == &A.d);
		CHECK_EQ(frame_of(m)->count, FC_ALLOCATED | 1);
		CHECK_EQ(m2p_get(mfn_add(m, (1U << order) - 1)),
			 500 + i + (1U << order) - 1);
	}
}

TEST(memory_exchange_for_contiguous_memory)
{
	struct xen_memory_exchange *x;

	exchange_setup();
	/* Linux: 2^order single pages for one block below an address. */
	x = exchange_arg(0, 32, 5, 1);
	x->out.mem_flags = XENMEMF_address_bits(24);
	CHECK_EQ(op(XENMEM_exchange), 0);
	CHECK_EQ(x->nr_exchanged, 32);
	CHECK(list2()[0] + 32 <= 4096);
	check_exchanged(x, 5);
	CHECK_EQ(m2p_get(MFN(list()[0])), M2P_INVALID);
	/* And back again. */
	list()[0] = list2()[0];
	for (unsigned int i = 0; i < 32; i++) {
		list2()[i] = 500 + i;
	}
	x = exchange_arg(5, 1, 0, 32);
	CHECK_EQ(op(XENMEM_exchange), 0);
	CHECK_EQ(x->nr_exchanged, 1);
	check_exchanged(x, 0);
}

TEST(memory_exchange_refuses_bad_lists)
{
	struct xen_memory_exchange *x;
	struct frame *busy;

	exchange_setup();
	exchange_arg(0, 32, 5, 2);
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	exchange_arg(0, 32, 10, 1);
	CHECK_EQ(op(XENMEM_exchange), -EPERM);
	x = exchange_arg(0, 32, 5, 1);
	x->nr_exchanged = 33;
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	x = exchange_arg(0, 32, 5, 1);
	x->nr_exchanged = 3;
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	x = exchange_arg(0, 32, 0, 32);
	x->out.domid = 7;
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	x = exchange_arg(0, 32, 0, 32);
	x->out.extent_start.p = (xen_pfn_t *)(uintptr_t)HOLE_START;
	CHECK_EQ(op(XENMEM_exchange), -EFAULT);
	/* The 20th page is mapped somewhere: the ones before are done. */
	busy = frame_of(MFN(list()[19]));
	CHECK(frame_get(busy, NULL));
	x = exchange_arg(0, 32, 0, 32);
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	CHECK_EQ(x->nr_exchanged, 19);
	CHECK_EQ(A.d.tot_pages, 32);
	frame_put(busy);
	CHECK_EQ(op(XENMEM_exchange), 0);
	CHECK_EQ(x->nr_exchanged, 32);
	check_exchanged(x, 0);
	/* The same page twice. */
	exchange_setup();
	list()[3] = list()[2];
	x = exchange_arg(0, 32, 5, 1);
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	CHECK_EQ(x->nr_exchanged, 0);
	CHECK_EQ(A.d.tot_pages, 32);
	CHECK_EQ(m2p_get(MFN(list()[0])), 500);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

/*
 * A page that was a page table is given back by an exchange that fails: a CPU
 * may still walk it as one, so it is not to become writable before a flush.
 */
TEST(memory_exchange_that_fails_forgets_no_page_table)
{
	struct frame *table;
	uint64_t stamp;

	exchange_setup();
	table = frame_of(MFN(list()[0]));
	spin_lock(&A.d.mmu_lock);
	CHECK_EQ(ptype_pin(table, FT_L1), 0);
	fake_tlb_flushed(~0ULL);
	CHECK_EQ(ptype_unpin(table), 0);
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	spin_unlock(&A.d.mmu_lock);
	stamp = table->stamp;
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0xf);
	list()[1] = 0;
	exchange_arg(0, 2, 1, 1);
	CHECK_EQ(op(XENMEM_exchange), -EINVAL);
	CHECK(table->owner == &A.d);
	CHECK_EQ(ptype_get_writable(table), 0);
	CHECK_EQ(tlbclock_stale_cpus(stamp), 0);
}

/* max_mem below what it has is legal; it must not cost memory here. */
TEST(memory_exchange_above_max_pages)
{
	struct xen_memory_exchange *x;

	exchange_setup();
	A.d.max_pages = 5;
	x = exchange_arg(0, 32, 5, 1);
	CHECK_EQ(op(XENMEM_exchange), 0);
	check_exchanged(x, 5);
}

TEST(memory_exchange_without_memory)
{
	struct xen_memory_exchange *x;
	long step;

	for (step = 0; step < 40; step++) {
		exchange_setup();
		x = exchange_arg(0, 32, 2, 8);
		fake_fail_alloc_at(step);
		if (op(XENMEM_exchange) == 0) {
			CHECK(!fake_failed());
			check_exchanged(x, 2);
		} else {
			CHECK(x->nr_exchanged % 4 == 0);
			CHECK(x->nr_exchanged < 32);
		}
		fake_fail_alloc_at(-1);
		CHECK_EQ(A.d.tot_pages, 32);
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
	}
}

TEST(memory_exchange_yield_and_fault_anywhere)
{
	struct xen_memory_exchange *x;
	long step, rc;

	for (step = 0; step < 60; step++) {
		exchange_setup();
		x = exchange_arg(0, 32, 2, 8);
		fake_yield_at(step);
		CHECK_EQ(op(XENMEM_exchange), 0);
		fake_yield_at(-1);
		CHECK_EQ(x->nr_exchanged, 32);
		check_exchanged(x, 2);

		exchange_setup();
		x = exchange_arg(0, 32, 2, 8);
		fake_fault_at(step);
		rc = op(XENMEM_exchange);
		fake_fault_at(-1);
		CHECK_EQ(rc, step < 1 + 8 * 7 + 1 ? -EFAULT : 0);
		CHECK_EQ(A.d.tot_pages, 32);
		/* What it says is gone is gone, and nothing else. */
		for (unsigned int i = 0; i < 32; i++) {
			bool gone = frame_of(MFN(list()[i]))->owner != &A.d ||
				    m2p_get(MFN(list()[i])) != 500 + i;

			CHECK_EQ(gone, step == 57 || i < x->nr_exchanged);
		}
	}
}

/* --- maps and questions ------------------------------------------------------- */

TEST(memory_maps)
{
	struct xen_foreign_memory_map *fm = fake_guest(ARG);
	struct xen_memory_map *m = fake_guest(ARG);
	struct e820_entry *map = fake_guest(LIST);

	setup();
	m->nr_entries = 8;
	m->buffer.p = (void *)(uintptr_t)fake_gva(LIST).v;
	CHECK_EQ(op(XENMEM_memory_map), -ENOSYS);
	CHECK_EQ(op(XENMEM_machine_memory_map), -EPERM);
	A.d.privileged = true;
	CHECK_EQ(op(XENMEM_machine_memory_map), 0);
	CHECK_EQ(m->nr_entries, 3);
	CHECK_EQ(map[1].addr, 0xf0000);
	m->nr_entries = 2;
	map[2].addr = 42;
	CHECK_EQ(op(XENMEM_machine_memory_map), 0);
	CHECK_EQ(m->nr_entries, 2);
	CHECK_EQ(map[2].addr, 42);
	m->buffer.p = NULL;
	CHECK_EQ(op(XENMEM_machine_memory_map), 0);
	CHECK_EQ(m->nr_entries, 3);

	A.d.privileged = false;
	fm->domid = DOMID_SELF;
	fm->map.nr_entries = 3;
	fm->map.buffer.p = (void *)(uintptr_t)fake_gva(LIST).v;
	CHECK_EQ(op(XENMEM_set_memory_map), 0);
	fm->map.nr_entries = 257;
	CHECK_EQ(op(XENMEM_set_memory_map), -E2BIG);
	fm->domid = 5;
	CHECK_EQ(op(XENMEM_set_memory_map), -E2BIG);
	memset(fake_guest(LIST), 0, 4096);
	m->nr_entries = 8;
	m->buffer.p = (void *)(uintptr_t)fake_gva(LIST).v;
	CHECK_EQ(op(XENMEM_memory_map), 0);
	CHECK_EQ(m->nr_entries, 3);
	CHECK_EQ(map[1].addr, 0xf0000);
	mem_free(A.d.e820);
}

TEST(memory_questions)
{
	struct xen_machphys_mapping *mm = fake_guest(ARG);
	struct xen_machphys_mfn_list *ml = fake_guest(ARG);
	struct xen_memory_domain *md = fake_guest(ARG);
	static struct shared_info si;

	setup();
	CHECK_EQ(op(XENMEM_maximum_ram_page), FAKE_FRAMES);
	CHECK_EQ(op(XENMEM_machphys_mapping), 0);
	CHECK_EQ(mm->v_start, 0xffff800000000000ULL);
	CHECK_EQ(mm->v_end, 0xffff804000000000ULL);
	CHECK_EQ(mm->max_mfn, FAKE_FRAMES - 1);
	CHECK_EQ(op(XENMEM_machphys_mfn_list), -EPERM);
	A.d.privileged = true;
	ml->max_extents = 4;
	ml->extent_start.p = (xen_pfn_t *)(uintptr_t)fake_gva(LIST).v;
	CHECK_EQ(op(XENMEM_machphys_mfn_list), 0);
	CHECK_EQ(ml->nr_extents, 1);
	CHECK_EQ(list()[0], FAKE_FRAMES);
	A.d.privileged = false;

	md->domid = DOMID_SELF;
	CHECK_EQ(op(XENMEM_maximum_gpfn), 0);
	A.d.shared_info = &si;
	si.arch.max_pfn = 4711;
	CHECK_EQ(op(XENMEM_maximum_gpfn), 4710);
	md->domid = 5;
	CHECK_EQ(op(XENMEM_maximum_gpfn), -ESRCH);
	CHECK_EQ(op(XENMEM_current_reservation), -ESRCH);
	CHECK_EQ(op(XENMEM_get_vnumainfo), -EOPNOTSUPP);
	CHECK_EQ(op(XENMEM_acquire_resource), -EOPNOTSUPP);
	CHECK_EQ(op(XENMEM_add_to_physmap), -EACCES);
	CHECK_EQ(op(XENMEM_get_sharing_freed_pages), -ENOSYS);
	CHECK_EQ(op(XENMEM_get_sharing_shared_pages), -ENOSYS);
	CHECK_EQ(op(XENMEM_claim_pages), -EPERM);
	CHECK_EQ(op(29), -ENOSYS);
	CHECK_EQ(op(63), -ENOSYS);
}

TEST(memory_claim)
{
	struct xen_memory_reservation *r = fake_guest(ARG);

	setup();
	A.d.privileged = true;
	*r = (struct xen_memory_reservation){ .nr_extents = 100,
					      .domid = DOMID_SELF };
	CHECK_EQ(op(XENMEM_claim_pages), 0);
	CHECK_EQ(domain_claims_outstanding(), 100);
	r->extent_order = 1;
	CHECK_EQ(op(XENMEM_claim_pages), -EINVAL);
	r->extent_order = 0;
	r->nr_extents = 0;
	CHECK_EQ(op(XENMEM_claim_pages), 0);
	CHECK_EQ(domain_claims_outstanding(), 0);
}

/* Or one guest that takes all there is would stop everybody else's page
 * tables (XPTI: each root needs a page of the hypervisor's). */
TEST(memory_that_is_kept_back)
{
	uint64_t all, some;
	void *page;
	mfn_t m;

	setup();
	all = heap_free_frames();
	heap_set_reserve(false);
	some = heap_free_frames();
	CHECK(some < all);
	heap_set_reserve(true);
	CHECK(heap_free_frames() < some);
	A.d.max_pages = FAKE_FRAMES;
	while (domain_frames_alloc(&A.d, 0, 0, &m) == 0) {
	}
	CHECK_EQ(heap_free_frames(), 0);
	page = heap_alloc_page();
	CHECK(page != NULL);
	heap_free_page(page);
	CHECK_EQ(resize(XENMEM_increase_reservation, 1, 0), 0);
}

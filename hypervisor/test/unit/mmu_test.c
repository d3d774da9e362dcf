/* mmu_test.c - mmu_update, update_va_mapping and mmuext_op as guests call. */
#include "test/unit/mm.h"
#include "core/access.h"
#include "core/heap.h"
#include "core/m2p.h"

#include <stdlib.h>
#include <string.h>

static struct mm_domain A;
static struct mm_space s;

#define REQS	0ULL	/* offsets in fake guest memory */
#define DONE	0x3000ULL
#define BITMAP	0x4000ULL

/* A's address space is loaded, and its L1 table pinned by use. */
static void setup(void)
{
	mm_domain_init(&A, 1);
	mm_space_build(&A.d, &s);
	CHECK_EQ(ptype_get_frame(s.l4, FT_L4, &A.d), 0);
	A.v.pv.cr3 = s.l4;
}

static void request(unsigned int i, uint64_t ptr, uint64_t val)
{
	struct mmu_update *u = fake_guest(REQS);

	u[i].ptr = ptr;
	u[i].val = val;
}

static uint64_t at(mfn_t table, unsigned int slot)
{
	return (table.v << PAGE_SHIFT) + slot * 8;
}

static long update(struct mm_domain *m, unsigned int n, uint64_t fd)
{
	struct hc hc = mm_hc(m, fake_gva(REQS).v, n, fake_gva(DONE).v, fd);

	return mm_call(&hc, hc_mmu_update, NULL);
}

static long update_one(uint64_t ptr, uint64_t val)
{
	struct hc hc = mm_hc(&A, fake_gva(REQS).v, 1, 0, DOMID_SELF);

	request(0, ptr, val);
	return mm_call(&hc, hc_mmu_update, NULL);
}

static uint32_t done(void)
{
	return *(uint32_t *)fake_guest(DONE);
}

TEST(mmu_update_single_entries)
{
	mfn_t page;

	setup();
	page = mm_frame(&A.d);
	CHECK_EQ(update_one(at(s.l1, 7), pte(page, RW)), 0);
	CHECK_EQ(*mm_entry(s.l1, 7), pte(page, RW));
	CHECK_EQ(frame_of(page)->type & FT_COUNT_MASK, 1);
	/* Accessed and dirty stay, if asked. */
	*mm_entry(s.l1, 7) |= PTE_ACCESSED | PTE_DIRTY;
	CHECK_EQ(update_one(at(s.l1, 7) | MMU_PT_UPDATE_PRESERVE_AD,
			    pte(page, RO)), 0);
	CHECK_EQ(*mm_entry(s.l1, 7),
		 pte(page, RO | PTE_ACCESSED | PTE_DIRTY));
	CHECK_EQ(frame_of(page)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(update_one(at(s.l1, 7), pte(page, RO)), 0);
	CHECK_EQ(*mm_entry(s.l1, 7), pte(page, RO));
	/* Flags that the guest may not or need not set. */
	CHECK_EQ(update_one(at(s.l1, 7), pte(page, PTE_PRESENT | PTE_GLOBAL)),
		 0);
	CHECK_EQ(*mm_entry(s.l1, 7), pte(page, RO));
	CHECK_EQ(update_one(at(s.l1, 7), pte(page, RO | PTE_LARGE)), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 7) + 4, 0), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 7), 0), 0);
	CHECK_EQ(frame_of(page)->count, FC_ALLOCATED | 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmu_update_upper_levels)
{
	mfn_t l1, page;

	setup();
	l1 = mm_frame(&A.d);
	page = mm_frame(&A.d);
	*mm_entry(l1, 0) = pte(page, RW);
	CHECK_EQ(update_one(at(s.l2, 1), pte(l1, RW)), 0);
	CHECK_EQ(frame_of(l1)->type & FT_MASK, FT_L1);
	CHECK_EQ(update_one(at(s.l1, 0), pte(l1, RW)), -EINVAL);
	CHECK_EQ(update_one(at(s.l2, 2), pte(s.l2, RW)), -EBUSY);
	CHECK_EQ(update_one(at(s.l4, 256), 0), -EINVAL);
	CHECK_EQ(update_one(at(s.l4, 272), 0), 0);
	/* The same child moves without being looked at again. */
	CHECK_EQ(update_one(at(s.l2, 1), pte(l1, RO)), 0);
	CHECK_EQ(update_one(at(s.l2, 1), 0), 0);
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	CHECK_EQ(frame_of(l1)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(frame_of(page)->count, FC_ALLOCATED | 1);
	CHECK_EQ(update_one(at(s.l1, 0), pte(l1, RW)), 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

/* A page that is no table may be written like memory, machine-to-physical
 * entries only for one's own frames. */
TEST(mmu_update_other_commands)
{
	struct mm_domain B;
	mfn_t page, theirs;

	setup();
	mm_domain_init(&B, 2);
	page = mm_frame(&A.d);
	theirs = mm_frame(&B.d);
	CHECK_EQ(update_one(at(page, 3), 0x1234), 0);
	CHECK_EQ(*mm_entry(page, 3), 0x1234);
	CHECK_EQ(update_one(at(theirs, 3), 0x1234), -EINVAL);
	CHECK_EQ(update_one(at(page, 0) | MMU_MACHPHYS_UPDATE, 77), 0);
	CHECK_EQ(m2p_get(page), 77);
	CHECK_EQ(update_one(at(theirs, 0) | MMU_MACHPHYS_UPDATE, 77), -EINVAL);
	CHECK_EQ(update_one(MMU_MACHPHYS_UPDATE, 77), -EINVAL);
	CHECK_EQ(update_one(~0ULL << PAGE_SHIFT, 77), -EINVAL);
	CHECK_EQ(update_one((~0ULL << PAGE_SHIFT) | 1, 77), -EINVAL);
	/* Someone else's page, or a device, in one's own table. */
	CHECK_EQ(update_one(at(s.l1, 0), pte(theirs, RO)), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 0), pte(MFN(0xfee00), RO)), -EINVAL);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	CHECK_EQ(ptype_audit_extra(&B.d), 0);
}

TEST(mmu_update_devices_only_for_dom0)
{
	uint64_t uc = RW | 0x18;

	setup();
	A.d.privileged = true;
	access_deny_mmio(MFN(0xfee00), MFN(0xfee00), false);
	access_deny_mmio(MFN(0xfec00), MFN(0xfec00), true);
	CHECK_EQ(update_one(at(s.l1, 0), pte(MFN(0xfe000), uc)), 0);
	CHECK_EQ(*mm_entry(s.l1, 0), pte(MFN(0xfe000), uc));
	CHECK_EQ(update_one(at(s.l1, 1), pte(MFN(0xfee00), RO)), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 1), pte(MFN(0xfec00), RW)), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 1), pte(MFN(0xfec00), RO)), 0);
	CHECK_EQ(update_one(at(s.l1, 2), pte(MFN(1ULL << 28), RO)), -EINVAL);
	request(0, at(s.l1, 3), pte(MFN(0xfe001), uc));
	request(1, at(s.l1, 4), pte(mm_frame(&A.d), RO));
	CHECK_EQ(update(&A, 2, DOMID_IO), -EINVAL);
	CHECK_EQ(done(), 1);
	CHECK_EQ(update_one(at(s.l1, 0), 0), 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmu_update_reports_how_far_it_came)
{
	unsigned int i;

	setup();
	for (i = 0; i < 40; i++) {
		request(i, at(s.l1, i), i << 1);
	}
	CHECK_EQ(update(&A, 40, DOMID_SELF), 0);
	CHECK_EQ(done(), 40);
	CHECK_EQ(*mm_entry(s.l1, 39), 78);
	request(25, at(s.l4, 256), 0);
	CHECK_EQ(update(&A, 40, DOMID_SELF), -EINVAL);
	CHECK_EQ(done(), 25);
	CHECK_EQ(update(&A, 0, DOMID_SELF), 0);
	CHECK_EQ(done(), 0);
}

TEST(mmu_update_foreign_needs_privilege)
{
	setup();
	request(0, at(s.l1, 0), 0);
	CHECK_EQ(update(&A, 1, 5), -ESRCH);
	CHECK_EQ(update(&A, 1, DOMID_XEN), -EPERM);
	CHECK_EQ(update(&A, 1, DOMID_SELF | (6U << 16)), -ESRCH);
	CHECK_EQ(update(&A, 1, 1 | (2U << 16)), 0); /* itself by number */
	A.d.privileged = true;
	CHECK_EQ(update(&A, 1, 5), -ESRCH);
	CHECK_EQ(A.d.refs, 2);
}

TEST(mmu_update_toolstack_maps_what_xen_shares)
{
	void *page = heap_alloc_page();

	setup();
	A.d.privileged = true;
	frame_share_with_guest(page, &domain_xen, false);
	request(0, at(s.l1, 0), pte(ptr_mfn(page), RO));
	CHECK_EQ(update(&A, 1, DOMID_SELF), -EINVAL);
	CHECK_EQ(update(&A, 1, DOMID_XEN), 0);
	request(0, at(s.l1, 1), pte(ptr_mfn(page), RW));
	CHECK_EQ(update(&A, 1, DOMID_XEN), -EINVAL);
	CHECK_EQ(update_one(at(s.l1, 0), 0), 0);
	CHECK_EQ(frame_of(ptr_mfn(page))->count & FC_COUNT_MASK, 1);
	frame_unshare(page);
}

/* --- the four loops --------------------------------------------------------- */

/* A batch that builds and unhooks subtrees; `want`: entries at its end. */
static unsigned int big_batch(mfn_t *l2, mfn_t *l1, mfn_t page)
{
	unsigned int n = 0;

	*l2 = mm_frame(&A.d);
	*l1 = mm_frame(&A.d);
	for (unsigned int i = 0; i < 512; i += 73) {
		*mm_entry(*l2, i) = pte(*l1, RW);
	}
	*mm_entry(*l1, 100) = pte(page, RW);
	request(n++, at(s.l1, 1), pte(page, RW));
	request(n++, at(s.l3, 5), pte(*l2, RW));
	request(n++, at(*l1, 100), pte(page, RO));
	request(n++, at(s.l4, 300), pte(s.l3, RW));
	request(n++, at(s.l3, 5), 0);
	request(n++, at(s.l1, 2), pte(*l2, RW)); /* writable again */
	request(n++, at(s.l4, 300), 0);
	request(n++, at(s.l1, 1), 0);
	return n;
}

static void check_big_batch(mfn_t l2, mfn_t l1, mfn_t page)
{
	CHECK_EQ(*mm_entry(s.l1, 1), 0);
	CHECK_EQ(*mm_entry(s.l1, 2), pte(l2, RW));
	CHECK_EQ(*mm_entry(s.l3, 5), 0);
	CHECK_EQ(*mm_entry(s.l4, 300), 0);
	CHECK_EQ(*mm_entry(l1, 100), pte(page, RO));
	CHECK_EQ(ptype_drain(&A.d, false), 0);
	CHECK_EQ(frame_of(l1)->count, FC_ALLOCATED | 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmu_update_yield_anywhere)
{
	mfn_t l2, l1, page;
	unsigned int n;
	bool again = true;
	long at_step;

	setup();
	page = mm_frame(&A.d);
	for (at_step = 0; again; at_step++) {
		*mm_entry(s.l1, 2) = 0;
		n = big_batch(&l2, &l1, page);
		fake_yield_at(at_step);
		CHECK_EQ(update(&A, n, DOMID_SELF), 0);
		CHECK_EQ(done(), n);
		again = fake_yielded();
		fake_yield_at(-1);
		check_big_batch(l2, l1, page);
		update_one(at(s.l1, 2), 0);
	}
	CHECK(at_step > 12);
}

TEST(mmu_update_fault_anywhere)
{
	mfn_t l2, l1, page;
	unsigned int n, failed = 0;
	bool again = true;
	long step, rc;

	setup();
	page = mm_frame(&A.d);
	for (step = 0; again; step++) {
		n = big_batch(&l2, &l1, page);
		fake_fault_at(step);
		rc = update(&A, n, DOMID_SELF);
		again = fake_faulted();
		fake_fault_at(-1);
		CHECK_EQ(rc, again ? -EFAULT : 0);
		failed += rc != 0;
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
		/* Whatever happened, it can be done and undone now. */
		CHECK_EQ(update_one(at(s.l1, 2), 0), 0);
	}
	CHECK(failed >= 2);
}

/* --- update_va_mapping -------------------------------------------------------- */

static long uvm(gva_t va, uint64_t val, uint64_t flags)
{
	struct hc hc = mm_hc(&A, va.v, val, flags, 0);

	return mm_call(&hc, hc_update_va_mapping, NULL);
}

TEST(update_va_mapping_and_its_flushes)
{
	struct vcpu other = { .cpu = 2, .domain = &A.d };
	mfn_t page;

	setup();
	A.d.vcpu[1] = &other;
	A.d.vcpu_count = 2;
	A.d.running_cpus = 0x5;
	page = mm_frame(&A.d);
	CHECK_EQ(uvm(GVA(0x3000), pte(page, RW), UVMF_NONE), 0);
	CHECK_EQ(*mm_entry(s.l1, 3), pte(page, RW));
	CHECK_EQ(fake_flush_count, 0);
	CHECK_EQ(uvm(GVA(0x3000), pte(page, RO), UVMF_INVLPG), 0);
	CHECK_EQ(fake_flush_count, 1);
	CHECK_EQ(fake_flush[0].mask, 1);
	CHECK_EQ(fake_flush[0].flags, FLUSH_VA);
	CHECK_EQ(fake_flush[0].va, 0x3000);
	CHECK_EQ(uvm(GVA(0x3000), 0, UVMF_TLB_FLUSH | UVMF_ALL), 0);
	CHECK_EQ(fake_flush[1].mask, 0x5);
	CHECK_EQ(fake_flush[1].flags, FLUSH_TLB);
	*(uint8_t *)fake_guest(BITMAP) = 2;
	CHECK_EQ(uvm(GVA(0x3000), 0, UVMF_INVLPG | fake_gva(BITMAP).v), 0);
	CHECK_EQ(fake_flush[2].mask, 0x4);
	CHECK_EQ(uvm(GVA(0x3000), 0, 3), -EINVAL);
	CHECK_EQ(uvm(GVA(0x3000), 0, UVMF_INVLPG | 0x7000000000), -EFAULT);
	CHECK_EQ(uvm(GVA(HOLE_START), 0, 0), -EINVAL);
	CHECK_EQ(uvm(GVA(0x8000000000000000ULL), 0, 0), -EINVAL);
	CHECK_EQ(uvm(GVA(0x40000000), 0, 0), -EINVAL); /* no L1 table */
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

/* --- mmuext_op ------------------------------------------------------------------ */

static void ext(unsigned int i, unsigned int cmd, uint64_t a1, uint64_t a2)
{
	struct mmuext_op *op = fake_guest(REQS);

	op[i].cmd = cmd;
	op[i].arg1.mfn = a1;
	op[i].arg2.src_mfn = a2;
}

static long mmuext(unsigned int n, uint64_t fd)
{
	struct hc hc = mm_hc(&A, fake_gva(REQS).v, n, fake_gva(DONE).v, fd);

	return mm_call(&hc, hc_mmuext_op, NULL);
}

static long ext_one(unsigned int cmd, uint64_t a1, uint64_t a2)
{
	ext(0, cmd, a1, a2);
	return mmuext(1, DOMID_SELF);
}

TEST(mmuext_pin_and_unpin)
{
	struct mm_space t;
	struct mm_domain B;

	setup();
	mm_domain_init(&B, 2);
	mm_space_build(&A.d, &t);
	CHECK_EQ(ext_one(MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_PIN_L4_TABLE, t.l4.v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_PIN_L3_TABLE, t.l4.v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_PIN_L1_TABLE, t.l1.v, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_PIN_L1_TABLE, mm_frame(&B.d).v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_PIN_L1_TABLE, ~0ULL, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_PIN_L1_TABLE, 0, 0), -EINVAL);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	CHECK_EQ(ext_one(MMUEXT_UNPIN_TABLE, t.l4.v, 0), 0);
	CHECK_EQ(frame_of(t.l2)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(frame_of(t.l1)->type & FT_COUNT_MASK, 1);
	CHECK_EQ(ext_one(MMUEXT_UNPIN_TABLE, t.l4.v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_UNPIN_TABLE, t.l1.v, 0), 0);
	A.d.is_dying = true;
	CHECK_EQ(ext_one(MMUEXT_PIN_L1_TABLE, t.l1.v, 0), -EINVAL);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmuext_switches_address_spaces)
{
	struct mm_space t;

	setup();
	mm_space_build(&A.d, &t);
	CHECK_EQ(ext_one(MMUEXT_PIN_L4_TABLE, t.l4.v, 0), 0);
	ext(0, MMUEXT_NEW_BASEPTR, t.l4.v, 0);
	ext(1, MMUEXT_NEW_USER_BASEPTR, t.l4.v, 0);
	CHECK_EQ(mmuext(2, DOMID_SELF), 0);
	CHECK_EQ(done(), 2);
	CHECK(mfn_eq(A.v.pv.cr3, t.l4) && mfn_eq(A.v.pv.user_cr3, t.l4));
	CHECK_EQ(frame_of(t.l4)->type & FT_COUNT_MASK, 3);
	CHECK_EQ(fake_pv.load_cr3, 2);
	/* Nothing held the old root: its tables are free to be used. */
	CHECK_EQ(frame_of(s.l4)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(frame_of(s.l1)->type & FT_COUNT_MASK, 0);
	CHECK_EQ(ext_one(MMUEXT_NEW_BASEPTR, t.l3.v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_NEW_BASEPTR, 0, 0), -EINVAL);
	CHECK(mfn_eq(A.v.pv.cr3, t.l4));
	CHECK_EQ(ext_one(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	CHECK_EQ(A.v.pv.user_cr3.v, 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
	A.v.pv.ldt_entries = 4;
	CHECK_EQ(ext_one(MMUEXT_NEW_BASEPTR, s.l4.v, 0), 0);
	CHECK_EQ(fake_pv.load_ldt, 1);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmuext_flushes)
{
	setup();
	A.d.running_cpus = 0x3;
	CHECK_EQ(ext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_INVLPG_LOCAL, 0x5000, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_INVLPG_ALL, 0x6000, 0), 0);
	*(uint8_t *)fake_guest(BITMAP) = 1;
	CHECK_EQ(ext_one(MMUEXT_INVLPG_MULTI, 0x7000, fake_gva(BITMAP).v), 0);
	CHECK_EQ(fake_flush_count, 5);
	CHECK_EQ(fake_flush[1].va, 0x5000);
	CHECK_EQ(fake_flush[2].mask, 3);
	CHECK_EQ(fake_flush[3].va, 0x6000);
	CHECK_EQ(fake_flush[4].mask, 1);
	CHECK_EQ(ext_one(MMUEXT_TLB_FLUSH_MULTI, 0, 0x7000000000), -EFAULT);
	/* Not the guest's addresses: nothing to flush, no fault of ours. */
	CHECK_EQ(ext_one(MMUEXT_INVLPG_LOCAL, HOLE_START, 0), 0);
	CHECK_EQ(ext_one(MMUEXT_INVLPG_ALL, 0x8000000000000000ULL, 0), 0);
	CHECK_EQ(fake_flush_count, 5);
	CHECK_EQ(ext_one(MMUEXT_FLUSH_CACHE, 0, 0), -EACCES);
}

TEST(mmuext_pages_and_the_rest)
{
	mfn_t a, b;

	setup();
	a = mm_frame(&A.d);
	b = mm_frame(&A.d);
	memset(frame_ptr(a), 7, PAGE_SIZE);
	CHECK_EQ(ext_one(MMUEXT_COPY_PAGE, b.v, a.v), 0);
	CHECK_EQ(*(uint8_t *)frame_ptr(b), 7);
	CHECK_EQ(ext_one(MMUEXT_CLEAR_PAGE, b.v, 0), 0);
	CHECK_EQ(*(uint8_t *)frame_ptr(b), 0);
	CHECK_EQ(ext_one(MMUEXT_CLEAR_PAGE, s.l1.v, 0), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_COPY_PAGE, s.l1.v, a.v), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_MARK_SUPER, a.v, 0), -EOPNOTSUPP);
	CHECK_EQ(ext_one(14, 0, 0), -ENOSYS);
	CHECK_EQ(ext_one(21, 0, 0), -ENOSYS);
	CHECK_EQ(ext_one(~0U, 0, 0), -ENOSYS);
	CHECK_EQ(ext_one(MMUEXT_SET_LDT, 0x10000, 64), 0);
	CHECK_EQ(A.v.pv.ldt_entries, 64);
	CHECK_EQ(ext_one(MMUEXT_SET_LDT, 0x10001, 64), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_SET_LDT, HOLE_START, 64), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_SET_LDT, 0x10000, 8193), -EINVAL);
	CHECK_EQ(ext_one(MMUEXT_SET_LDT, 0, 0), 0);
	CHECK_EQ(ptype_audit_extra(&A.d), 0);
}

TEST(mmuext_yield_anywhere)
{
	struct mm_space t;
	bool again = true;
	long step;

	setup();
	mm_space_build(&A.d, &t);
	for (step = 0; again; step++) {
		ext(0, MMUEXT_PIN_L4_TABLE, t.l4.v, 0);
		ext(1, MMUEXT_NEW_BASEPTR, t.l4.v, 0);
		ext(2, MMUEXT_UNPIN_TABLE, t.l4.v, 0);
		ext(3, MMUEXT_NEW_BASEPTR, s.l4.v, 0);
		fake_yield_at(step);
		CHECK_EQ(mmuext(4, DOMID_SELF), 0);
		CHECK_EQ(done(), 4);
		again = fake_yielded();
		fake_yield_at(-1);
		CHECK_EQ(ptype_drain(&A.d, false), 0);
		CHECK_EQ(frame_of(t.l4)->count, FC_ALLOCATED | 1);
		CHECK_EQ(ptype_audit_extra(&A.d), 0);
	}
	CHECK(step > 4);
}

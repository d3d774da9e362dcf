/*
 * mmu: page-table updates, legal and illegal, by every way there is -
 * update_va_mapping, mmu_update, mmuext_op, and plain writes to a table
 * (writable page tables).
 */
#include "guest.h"

const char guest_subject[] = "mmu";

#define PTE_PSE 0x80
#define RW	0x67
#define RO	0x65
/* Xen marks guest user pages with G; ours does not. */
#define ENTRY(e) ((int64_t)((e) & ~0x100ul))

static uint64_t page_a[512] __attribute__((aligned(4096)));
static uint64_t page_b[512] __attribute__((aligned(4096)));
static uint64_t window[512] __attribute__((aligned(4096)));
static uint64_t table[512] __attribute__((aligned(4096)));
static uint64_t root[512] __attribute__((aligned(4096)));

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

/* Which error it is differs between hypervisors, and nobody asks. */
static void refused(const char *name, int64_t got)
{
	VERDICT(name, got < 0, "expected an error, got %ld", got);
}

/* Some frame that is not ours: the M2P does not lead back to us. */
static uint64_t foreign_mfn(void)
{
	uint64_t mfn = va_mfn((void *)start_info->pt_base), pfn;

	do {
		mfn--;
		pfn = machine_to_phys_mapping[mfn];
	} while (pfn < start_info->nr_pages && guest_p2m()[pfn] == mfn);
	return mfn;
}

static void va_mapping(void)
{
	page_a[0] = 0xaaaa;
	page_b[0] = 0xbbbb;
	equal("map-a", 0,
	      guest_update_va(window, guest_pte(page_a, RW), UVMF_INVLPG));
	equal("see-a", 0xaaaa, (int64_t)READ(window[0]));
	equal("map-b", 0,
	      guest_update_va(window, guest_pte(page_b, RW), UVMF_INVLPG));
	equal("see-b", 0xbbbb, (int64_t)READ(window[0]));
	equal("map-a-flush-all", 0,
	      guest_update_va(window, guest_pte(page_a, RW),
			      UVMF_TLB_FLUSH | UVMF_ALL));
	equal("see-a-again", 0xaaaa, (int64_t)READ(window[0]));
	equal("unmap", 0, guest_update_va(window, 0, UVMF_INVLPG));
	TRY("movq %0, %%rax", ::"m"(window[0]) : "rax", "memory");
	VERDICT("unmapped-faults", trap_seen.seen && trap_seen.vector == 14,
		"no page fault");
	refused("map-page-table-rw",
	      guest_update_va(window,
			      guest_pte((void *)start_info->pt_base, RW),
			      UVMF_INVLPG));
	equal("map-page-table-ro", 0,
	      guest_update_va(window,
			      guest_pte((void *)start_info->pt_base, RO),
			      UVMF_INVLPG));
	refused("map-foreign",
	      guest_update_va(window, foreign_mfn() << 12 | RW, UVMF_INVLPG));
	refused("map-hypervisor-va",
	      guest_update_va((void *)0xffff810000000000,
			      guest_pte(page_a, RW), UVMF_INVLPG));
	refused("map-va-without-table",
	      guest_update_va((void *)0x7000000000, guest_pte(page_a, RW),
			      UVMF_INVLPG));
}

static void updates(void)
{
	uint64_t ptr = pt_entry_ma(window, 1);
	struct mmu_update batch[3] = {
		{ ptr, guest_pte(page_a, RW) },
		{ ptr, guest_pte(page_b, RW) },
		{ ptr, foreign_mfn() << 12 | RW },
	};
	unsigned int done = 77;

	equal("update", 0, guest_mmu_update(ptr, guest_pte(page_a, RW)));
	refused("batch-stops-at-bad",
	      hypercall5(__HYPERVISOR_mmu_update, hc_ptr(batch), 3,
			 hc_ptr(&done), DOMID_SELF, 0));
	equal("batch-done-count", 2, done);
	guest_mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
	equal("batch-second-in-effect", 0xbbbb, (int64_t)READ(window[0]));
	equal("empty-batch", 0,
	      hypercall5(__HYPERVISOR_mmu_update, hc_ptr(batch), 0, 0,
			 DOMID_SELF, 0));
	guest_mmu_update(ptr, guest_pte(page_a, 0x67));
	equal("preserve-ad", 0,
	      guest_mmu_update(ptr | MMU_PT_UPDATE_PRESERVE_AD,
			       guest_pte(page_a, 0x07)));
	equal("ad-preserved", 0x60, (int64_t)(*pt_entry(window, 1) & 0x60));
	equal("update-of-plain-page", 0,
	      guest_mmu_update(va_mfn(page_b) << 12 | 0x40, 0x1234));
	equal("update-of-plain-page-done", 0x1234, (int64_t)READ(page_b[8]));
	equal("machphys", 0,
	      guest_mmu_update(va_mfn(page_a) << 12 | MMU_MACHPHYS_UPDATE,
			       va_pfn(page_a)));
	refused("machphys-foreign",
	      guest_mmu_update(foreign_mfn() << 12 | MMU_MACHPHYS_UPDATE, 5));
	equal("bad-array", -14,
	      hypercall5(__HYPERVISOR_mmu_update, 0x1000, 1, 0, DOMID_SELF,
			 0));
}

/* Entries that must never get into a table. */
static void illegal(void)
{
	uint64_t l1 = pt_entry_ma(window, 1), l2 = pt_entry_ma(window, 2);
	uint64_t l4 = va_mfn((void *)start_info->pt_base) << 12;
	uint64_t own_l2 = *pt_entry(window, 2);

	refused("l2-large-page",
	      guest_mmu_update(l2, (va_mfn(page_a) & ~511ul) << 12 | RW |
					   PTE_PSE));
	refused("l2-not-a-table",
	      guest_mmu_update(l2, guest_pte(page_a, RW)));
	equal("l2-rewrite-same", 0, guest_mmu_update(l2, own_l2));
	refused("l4-hypervisor-slot",
	      guest_mmu_update(l4 + 260 * 8, 0));
	refused("l4-first-hole-slot",
	      guest_mmu_update(l4 + 256 * 8, own_l2));
	equal("l4-user-slot", 0, guest_mmu_update(l4 + 100 * 8, 0));
	refused("l1-beyond-physical-width",
	      guest_mmu_update(l1, 1ul << 51 | RW));
	equal("l1-global-is-taken", 0,
	      guest_mmu_update(l1, guest_pte(page_a, RW | 0x100)));
	refused("l3-wrong-level",
	      guest_mmu_update(pt_entry_ma(window, 3),
			       va_mfn((void *)start_info->pt_base) << 12 |
				       RW));
}

static void pins(void)
{
	uint64_t *cr3 = (uint64_t *)start_info->pt_base;
	unsigned int i;

	refused("pin-writable-page",
	      guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table)));
	equal("ro-table", 0, guest_make_readonly(table));
	equal("pin-l1", 0, guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table)));
	refused("pin-twice",
	      guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table)));
	refused("pinned-not-writable", guest_make_writable(table));
	refused("pin-as-other-level",
	      guest_mmuext(MMUEXT_PIN_L2_TABLE, va_mfn(table)));
	equal("unpin", 0, guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(table)));
	refused("unpin-twice",
	      guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(table)));
	equal("writable-again", 0, guest_make_writable(table));
	refused("unpin-foreign",
	      guest_mmuext(MMUEXT_UNPIN_TABLE, foreign_mfn()));

	for (i = 0; i < 512; i++) {
		root[i] = i >= 256 && i < 272 ? 0 : cr3[i];
	}
	equal("ro-root", 0, guest_make_readonly(root));
	equal("pin-l4", 0, guest_mmuext(MMUEXT_PIN_L4_TABLE, va_mfn(root)));
	equal("new-baseptr", 0,
	      guest_mmuext(MMUEXT_NEW_BASEPTR, va_mfn(root)));
	equal("alive-on-new-root", 0xaaaa, (int64_t)READ(page_a[0]));
	equal("m2p-on-new-root", (int64_t)va_pfn(page_a),
	      (int64_t)machine_to_phys_mapping[va_mfn(page_a)]);
	equal("old-baseptr", 0, guest_mmuext(MMUEXT_NEW_BASEPTR, va_mfn(cr3)));
	equal("unpin-l4", 0, guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(root)));
	refused("baseptr-not-a-root",
	      guest_mmuext(MMUEXT_NEW_BASEPTR, va_mfn(page_a)));
	equal("still-alive", 0xaaaa, (int64_t)READ(page_a[0]));
	equal("root-writable-again", 0, guest_make_writable(root));
}

static void bad_contents(void)
{
	table[7] = foreign_mfn() << 12 | RW;
	guest_make_readonly(table);
	refused("pin-with-foreign-entry",
	      guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table)));
	guest_make_writable(table);
	table[7] = guest_pte(table, RW);
	guest_make_readonly(table);
	refused("pin-that-maps-itself-rw",
	      guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table)));
	equal("not-typed-afterwards", 0, guest_make_writable(table));
	table[7] = 0;
}

/* Plain writes to the L1 table that maps `window`. */
static void writable_tables(void)
{
	volatile uint64_t *e = pt_entry(window, 1);
	volatile uint64_t *e2 = pt_entry(window, 2);
	uint64_t val = guest_pte(page_b, RW), old;

	equal("assist", 0,
	      hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
			 VMASST_TYPE_writable_pagetables));
	TRY("movq %1, %0", : "=m"(*e) : "r"(val) : "memory");
	VERDICT("ptwr-mov", !trap_seen.seen, "trap %lx", trap_seen.vector);
	equal("ptwr-mov-done", (int64_t)val, ENTRY(*e));
	old = guest_pte(page_a, RW);
	TRY("xchgq %1, %0", : "+m"(*e), "+r"(old)::"memory");
	VERDICT("ptwr-xchg", !trap_seen.seen, "trap %lx", trap_seen.vector);
	equal("ptwr-xchg-old", (int64_t)val, ENTRY(old));
	TRY("lock andq $-3, %0", : "+m"(*e)::"memory");
	VERDICT("ptwr-and", !trap_seen.seen, "trap %lx", trap_seen.vector);
	equal("ptwr-and-done", (int64_t)guest_pte(page_a, RO), ENTRY(*e));
	TRY("lock btsq $1, %0", : "+m"(*e)::"memory");
	VERDICT("ptwr-bts", !trap_seen.seen, "trap %lx", trap_seen.vector);
	equal("ptwr-bts-done", (int64_t)guest_pte(page_a, RW), ENTRY(*e));
	TRY("lock cmpxchgq %1, %0", : "+m"(*e)
	    : "r"(guest_pte(page_b, RW)), "a"(*e)
	    : "memory");
	VERDICT("ptwr-cmpxchg", !trap_seen.seen, "trap %lx",
		trap_seen.vector);
	equal("ptwr-cmpxchg-done", (int64_t)guest_pte(page_b, RW),
	      ENTRY(*e));
	TRY("movq %1, %0", : "=m"(*e) : "r"(foreign_mfn() << 12 | RW)
	    : "memory");
	VERDICT("ptwr-illegal-is-pf",
		trap_seen.seen && trap_seen.vector == 14 &&
			trap_seen.error == 3,
		"vector %lx error %lx", trap_seen.vector, trap_seen.error);
	equal("ptwr-illegal-not-done", (int64_t)guest_pte(page_b, RW),
	      ENTRY(*e));
	TRY("movq %1, %0", : "=m"(*e2) : "r"(*e2) : "memory");
	VERDICT("ptwr-not-for-l2", trap_seen.seen && trap_seen.vector == 14,
		"no page fault");
	TRY("movl $0, %0", : "=m"(*(volatile uint32_t *)e)::"memory");
	VERDICT("ptwr-32-bit-write-of-low-half", !trap_seen.seen,
		"trap %lx", trap_seen.vector);
}

static void ext_ops(void)
{
	page_a[5] = 5;
	page_b[5] = 6;
	equal("tlb-flush-local", 0, guest_mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0));
	equal("invlpg-local", 0,
	      guest_mmuext(MMUEXT_INVLPG_LOCAL, hc_ptr(window)));
	equal("tlb-flush-all", 0, guest_mmuext(MMUEXT_TLB_FLUSH_ALL, 0));
	equal("invlpg-all", 0,
	      guest_mmuext(MMUEXT_INVLPG_ALL, hc_ptr(window)));
	equal("clear-page", 0,
	      guest_mmuext(MMUEXT_CLEAR_PAGE, va_mfn(page_b)));
	equal("cleared", 0, (int64_t)READ(page_b[5]));
	refused("clear-page-table",
	      guest_mmuext(MMUEXT_CLEAR_PAGE,
			   va_mfn((void *)start_info->pt_base)));
	equal("unknown-op", -38, guest_mmuext(99, 0));
}

/*
 * A hypercall keeps every register but rax, rcx and r11, by whichever way the
 * hypervisor takes: returns what differs.
 */
static uint64_t changed_registers(uint64_t nr, uint64_t arg, uint64_t count)
{
	register uint64_t r10 __asm__("r10") = DOMID_SELF;
	register uint64_t r8 __asm__("r8") = 0xb8;
	uint64_t rdi = arg, rsi = count, rdx = 0;

	__asm__ volatile("push %%rbx\n\tpush %%rbp\n\t"
			 "mov $0xb1, %%ebx\n\tmov $0xb2, %%ebp\n\t"
			 "mov $0xb3, %%r9d\n\tmov $0xb4, %%r12d\n\t"
			 "mov $0xb5, %%r13d\n\tmov $0xb6, %%r14d\n\t"
			 "mov $0xb7, %%r15d\n\t"
			 "syscall\n\t"
			 "xor $0xb1, %%rbx\n\txor $0xb2, %%rbp\n\t"
			 "xor $0xb3, %%r9\n\txor $0xb4, %%r12\n\t"
			 "xor $0xb5, %%r13\n\txor $0xb6, %%r14\n\t"
			 "xor $0xb7, %%r15\n\t"
			 "or %%rbx, %%r9\n\tor %%rbp, %%r9\n\t"
			 "or %%r12, %%r9\n\tor %%r13, %%r9\n\t"
			 "or %%r14, %%r9\n\tor %%r15, %%r9\n\t"
			 "pop %%rbp\n\tpop %%rbx\n\t"
			 "mov %%r9, %%rax"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx),
			   "+r"(r10), "+r"(r8)
			 :
			 : "rcx", "r9", "r11", "r12", "r13", "r14", "r15",
			   "memory");
	return nr | (rdi ^ arg) | (rsi ^ count) | rdx | (r10 ^ DOMID_SELF) |
	       (r8 ^ 0xb8);
}

static void registers(void)
{
	struct mmuext_op op = {
		.cmd = MMUEXT_INVLPG_LOCAL,
		.arg1.linear_addr = hc_ptr(window),
	};
	struct mmu_update u = { pt_entry_ma(window, 1), guest_pte(page_a, RO) };

	equal("invlpg-keeps-registers", 0,
	      (int64_t)changed_registers(__HYPERVISOR_mmuext_op, hc_ptr(&op),
					 1));
	op.cmd = MMUEXT_TLB_FLUSH_LOCAL;
	equal("flush-keeps-registers", 0,
	      (int64_t)changed_registers(__HYPERVISOR_mmuext_op, hc_ptr(&op),
					 1));
	equal("update-keeps-registers", 0,
	      (int64_t)changed_registers(__HYPERVISOR_mmu_update, hc_ptr(&u),
					 1));
	equal("no-such-call-keeps-registers", 0,
	      (int64_t)changed_registers(63, 1, 2));
	equal("invlpg-unreadable", -14,
	      hypercall5(__HYPERVISOR_mmuext_op, 0x1000, 1, 0, DOMID_SELF, 0));
	equal("invlpg-in-the-hole", -14,
	      hypercall5(__HYPERVISOR_mmuext_op, 0xffff830000000000, 1, 0,
			 DOMID_SELF, 0));
	op.cmd = MMUEXT_INVLPG_LOCAL;
	op.arg1.linear_addr = 0x0000900000000000;
	equal("invlpg-non-canonical", 0,
	      hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(&op), 1, 0, DOMID_SELF,
			 0));
}

#define SELF_SLOT 300ul /* of the L4, free here */

/*
 * A table that maps itself. Genuine Xen lets an L4 do that read-only
 * (pv-linear-pt), ours never; what must not come of it is a table that the
 * guest can write (XSA-182, 185, 286).
 */
static void recursion(void)
{
	uint64_t *l4 = (uint64_t *)start_info->pt_base;
	uint64_t slot = va_mfn(l4) * PAGE_SIZE + SELF_SLOT * 8;
	uint64_t *l3 = pfn_va(machine_to_phys_mapping[
		(l4[pt_index(window, 4)] & 0xffffffffff000) >> 12]);
	uint64_t *self = (uint64_t *)(0xffff000000000000 | SELF_SLOT << 39 |
				      SELF_SLOT << 30 | SELF_SLOT << 21 |
				      SELF_SLOT << 12);
	int64_t rc;

	refused("l4-maps-itself-rw", guest_mmu_update(slot, guest_pte(l4, RW)));
	rc = guest_mmu_update(slot, guest_pte(l4, RO));
	if (rc == 0) {
		rc = guest_mmu_update(slot, guest_pte(l4, RW));
	}
	refused("l4-ro-to-rw", rc);
	TRY("movq %0, %1", ::"r"(0ul), "m"(self[SELF_SLOT]) : "memory");
	VERDICT("no-write-through-itself", trap_seen.seen, "it was done");
	guest_mmu_update(slot, 0);
	refused("l3-maps-itself-rw",
		guest_mmu_update(va_mfn(l3) * PAGE_SIZE + SELF_SLOT * 8,
				 guest_pte(l3, RW)));
	equal("slot-free-again", 0, (int64_t)l4[SELF_SLOT]);
}

void guest_main(void)
{
	equal("map-shared-info", 0, guest_map_shared());
	va_mapping();
	updates();
	illegal();
	pins();
	recursion();
	bad_contents();
	writable_tables();
	ext_ops();
	registers();
}

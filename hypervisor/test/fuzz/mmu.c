/*
 * mmu.c - fuzz target: bytes as memory hypercalls of dom0 and of one guest.
 *
 * Values come from small sets, so that calls meet each other's frames and
 * slots; some calls are preempted, some copies fault.  After each call all
 * references are counted again, and at the end all memory must be back.
 */
#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/frame.h"
#include "core/heap.h"
#include "core/pte.h"
#include "core/ptype.h"
#include "hypercall/hc.h"
#include "include/upcall.h"
#include "test/fake/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define POOL  20    /* frames of each domain that arguments name */
#define CALLS 200   /* of one input */
#define LIST  0x800 /* where in guest memory lists lie */

static struct {
	const uint8_t *p;
	size_t n;
} input;

static struct domain *dom[2];
static mfn_t pool[2][POOL];

static uint8_t byte(void)
{
	if (!input.n) {
		return 0;
	}
	input.n--;
	return *input.p++;
}

static mfn_t any_frame(void)
{
	uint8_t b = byte();

	switch (b >> 5) {
	case 7: /* shared_info, device, beyond */
		return b & 1 ? dom[b >> 1 & 1]->shared_info_mfn :
			       MFN(b & 2 ? 0xfee00 : b & 4 ? 0 : ~0ULL >> 12);
	case 6:
	case 5:
		return pool[1][b % POOL];
	default:
		return pool[0][b % POOL];
	}
}

static uint64_t any_pte(void)
{
	static const uint64_t flags[] = { 0, 1, 3, 5, 7, 0x63, 0x67, 0x107,
					  0x87, 0x1f, 2, 1ULL << 63 | 7,
					  1ULL << 52 | 5, 1ULL << 51 | 7,
					  0xe07, 0x27 };

	return (any_frame().v << PAGE_SHIFT) | flags[byte() % 16];
}

static uint64_t any_slot(void)
{
	static const uint16_t slots[] = { 0, 1, 2, 255, 256, 271, 272, 511 };

	return slots[byte() % 8];
}

static uint64_t any_domid(unsigned int who)
{
	static const domid_t ids[] = { DOMID_SELF, DOMID_SELF, DOMID_SELF, 0,
				       1, 2, DOMID_IO, DOMID_XEN };

	(void)who;
	return ids[byte() % 8];
}

static long call(struct hc *hc, hc_fn *fn)
{
	unsigned int rounds = 0;
	long rc;

	while ((rc = fn(hc)) == -ERESTART) {
		ptype_audit(dom[0]);
		ptype_audit(dom[1]);
		if (rounds++ > 1000) {
			abort();
		}
	}
	return rc;
}

static void do_mmu_update(struct hc *hc)
{
	struct mmu_update *u = fake_guest(0);
	unsigned int i, n = byte() % 4 + 1;

	for (i = 0; i < n; i++) {
		u[i].ptr = (any_frame().v << PAGE_SHIFT) | any_slot() * 8 |
			   (byte() & 7);
		u[i].val = any_pte();
	}
	hc->arg[1] = n;
	hc->arg[2] = byte() & 1 ? 0 : fake_gva(LIST).v;
	hc->arg[3] = any_domid(hc->d->id);
	if (byte() % 8 == 0) {
		hc->arg[3] |= (any_domid(hc->d->id) + 1) << 16;
	}
	call(hc, hc_mmu_update);
}

static void do_mmuext(struct hc *hc)
{
	struct mmuext_op *op = fake_guest(0);
	unsigned int i, n = byte() % 3 + 1;

	for (i = 0; i < n; i++) {
		op[i].cmd = byte() % 24;
		op[i].arg1.mfn = any_frame().v;
		op[i].arg2.src_mfn = any_frame().v;
	}
	hc->arg[1] = n;
	hc->arg[2] = fake_gva(LIST).v;
	hc->arg[3] = any_domid(hc->d->id);
	call(hc, hc_mmuext_op);
}

static uint64_t any_va(void)
{
	uint64_t l4 = any_slot(), va = l4 << 39 | any_slot() << 30 |
				      any_slot() << 21 | any_slot() << 12;

	return l4 > 255 ? va | 0xffff000000000000ULL : va;
}

static void do_update_va(struct hc *hc)
{
	hc->arg[0] = any_va();
	hc->arg[1] = any_pte();
	hc->arg[2] = byte() & 7;
	hc->arg[3] = any_domid(hc->d->id);
	call(hc, byte() & 1 ? hc_update_va_mapping :
			      hc_update_va_mapping_otherdomain);
}

static void do_memory_op(struct hc *hc)
{
	static const uint8_t cmds[] = { 0, 1, 3, 4, 6, 6, 11, 14, 24 };
	struct xen_memory_exchange *x = fake_guest(0);
	xen_pfn_t *list = fake_guest(LIST);
	struct xen_memory_reservation *r[2] = { &x->in, &x->out };
	unsigned int i;

	memset(x, 0, sizeof(*x));
	for (i = 0; i < 8; i++) {
		list[i] = any_frame().v;
	}
	for (i = 0; i < 2; i++) {
		r[i]->extent_start.p =
			(xen_pfn_t *)(uintptr_t)fake_gva(LIST + 32 * i).v;
		r[i]->nr_extents = byte() % 5;
		r[i]->extent_order = byte() % 3;
		r[i]->mem_flags = byte() & 1 ? XENMEMF_address_bits(24) : 0;
		r[i]->domid = (domid_t)any_domid(hc->d->id);
	}
	hc->arg[0] = cmds[byte() % sizeof(cmds)];
	hc->arg[1] = fake_gva(0).v;
	call(hc, hc_memory_op);
}

static void do_ptwr(struct hc *hc)
{
	uint8_t *code = fake_guest(LIST);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		code[i] = byte();
	}
	hc->v->regs.rip = fake_gva(LIST).v;
	hc->v->regs.rax = any_pte();
	hc->v->regs.rcx = any_pte();
	(void)upcall_ptwr(hc->v, port_vcpu_regs(hc->v), GVA(any_va() | any_slot() * 8 | (byte() & 7)));
}

/* The guest writes to its own page, if it may. */
static void do_write(struct hc *hc)
{
	struct frame *f = frame_of(pool[hc->d->id][byte() % POOL]);

	if (frame_get(f, hc->d)) {
		if (ptype_get(f, FT_WRITABLE) == 0) {
			uint64_t *t = frame_ptr(frame_mfn(f));

			t[any_slot()] = any_pte();
			ptype_drop(f);
		}
		frame_put(f);
	}
}

/* Frames f..f+3 as one address space that maps its own L1 table. */
static void build_space(struct domain *d, const mfn_t *f)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		*(uint64_t *)frame_ptr(f[i]) = (f[i + 1].v << PAGE_SHIFT) | 7;
	}
	((uint64_t *)frame_ptr(f[3]))[255] = (f[3].v << PAGE_SHIFT) | 5;
	if (ptype_get_frame(f[0], FT_L4, d)) {
		abort();
	}
}

static void start(void)
{
	struct xen_domctl_createdomain cfg = { .max_vcpus = 1,
					       .max_grant_frames = 1,
					       .max_maptrack_frames = 1 };
	unsigned int i, k;

	fake_reset();
	for (i = 0; i < 2; i++) {
		if (domain_create((domid_t)i, &cfg, i == 0, &dom[i]) ||
		    vcpu_create(dom[i], 0)) {
			abort();
		}
		dom[i]->max_pages = 300;
		dom[i]->vm_assist = ~0U;
		for (k = 0; k < POOL; k++) {
			if (domain_frames_alloc(dom[i], 0, 0, &pool[i][k])) {
				abort();
			}
		}
		build_space(dom[i], &pool[i][0]);
		build_space(dom[i], &pool[i][4]);
		dom[i]->vcpu[0]->pv.cr3 = pool[i][0];
		dom[i]->vcpu[0]->pv.user_cr3 = pool[i][4];
	}
}

static void finish(void)
{
	int i;

	/* dom0 last: the guest's end is news for it. */
	for (i = 1; i >= 0; i--) {
		while (domain_kill(dom[i]) == -ERESTART) {
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct hc *) = {
		do_mmu_update, do_mmuext,    do_update_va, do_memory_op,
		do_ptwr,       do_mmu_update, do_mmuext,   do_write,
	};
	uint64_t free;
	unsigned int i;

	input.p = data;
	input.n = size;
	fake_reset();
	free = heap_free_frames();
	start();
	for (i = 0; i < CALLS && input.n; i++) {
		uint8_t b = byte();
		struct domain *d = dom[b >> 3 & 1];
		struct hc hc = { .v = d->vcpu[0], .d = d };

		hc.arg[0] = fake_gva(0).v;
		fake_yield_at(b & 0x20 ? byte() * 4 : -1);
		fake_fault_at(b & 0x40 ? byte() % 8 : -1);
		fake_fail_alloc_at(b & 0x80 ? byte() % 4 : -1);
		calls[b & 7](&hc);
		fake_yield_at(-1);
		fake_fault_at(-1);
		fake_fail_alloc_at(-1);
		ptype_audit(dom[0]);
		ptype_audit(dom[1]);
	}
	finish();
	if (heap_free_frames() != free) {
		fprintf(stderr, "%lu frames are missing\n",
			(unsigned long)(free - heap_free_frames()));
		abort();
	}
	return 0;
}

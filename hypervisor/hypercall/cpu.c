/*
 * cpu.c - what a guest kernel tells its CPU: traps, descriptor tables,
 * callbacks, stacks, segment bases.
 *
 * All selectors get the guest's privilege level and all addresses are
 * canonical, so that x86/ can put them into a bounce frame as they are.
 */
#include "core/ptype.h"
#include "core/segdesc.h"
#include "hypercall/context.h"
#include "hypercall/hc.h"
#include "include/nospec.h"

#define RPL_GUEST 3u

/* --- traps ------------------------------------------------------------------ */

static void reset_traps(struct vcpu *v)
{
	unsigned int i;

	for (i = 0; i < PV_TRAPS; i++) {
		v->pv.trap[i].address = 0;
	}
}

/* The list ends with an address of 0; no list: no handlers. */
long hc_set_trap_table(struct hc *hc)
{
	struct pv_trap *trap;
	struct trap_info t;

	if (!hc->arg[0]) {
		reset_traps(hc->v);
		return 0;
	}
	for (;; hc->arg[0] += sizeof(t)) {
		if (port_copy_from_guest(&t, GVA(hc->arg[0]), sizeof(t))) {
			return -EFAULT;
		}
		if (!t.address) {
			return 0;
		}
		if (!gva_is_canonical(GVA(t.address))) {
			return -EINVAL;
		}
		trap = &hc->v->pv.trap[index_nospec(t.vector, PV_TRAPS)];
		trap->address = t.address;
		trap->cs = t.cs | RPL_GUEST;
		trap->flags = t.flags & 7;
		if (port_should_yield()) {
			hc->arg[0] += sizeof(t);
			return -ERESTART;
		}
	}
}

/* --- descriptor tables --------------------------------------------------------- */

long hc_set_gdt(struct hc *hc)
{
	uint64_t mfns[PV_GDT_PAGES];
	uint32_t entries = (uint32_t)hc->arg[1];
	long rc;

	if (entries > PV_GDT_PAGES * 512) {
		return -EINVAL;
	}
	if (port_copy_from_guest(mfns, GVA(hc->arg[0]),
				 DIV_ROUND_UP(entries, 512) * sizeof(mfns[0]))) {
		return -EFAULT;
	}
	spin_lock(&hc->d->mmu_lock);
	rc = context_set_gdt(hc->v, mfns, entries);
	spin_unlock(&hc->d->mmu_lock);
	return rc;
}

static int write_descriptor(struct domain *d, mfn_t m, unsigned int offset,
			    uint64_t desc)
{
	struct frame *f = frame_of(m);
	uint64_t type = FT_WRITABLE;
	int rc;

	/* In a descriptor table it stays one; else it is plain memory. */
	if ((READ_ONCE(f->type) & FT_MASK) == FT_SEGDESC &&
	    (READ_ONCE(f->type) & FT_COUNT_MASK)) {
		type = FT_SEGDESC;
		desc = segdesc_adjust(desc);
	}
	rc = ptype_get_frame(m, type, d);
	if (rc == 0) {
		__atomic_store_n((uint64_t *)frame_ptr(m) + offset / 8, desc,
				 __ATOMIC_RELAXED);
		ptype_put_frame(m, false);
	}
	return rc;
}

long hc_update_descriptor(struct hc *hc)
{
	uint64_t at = hc->arg[0], desc = hc->arg[1];
	mfn_t m = MFN(at >> PAGE_SHIFT);
	long rc;

	if (at % 8 || !frame_valid(m) || !segdesc_valid(desc)) {
		return -EINVAL;
	}
	spin_lock(&hc->d->mmu_lock);
	rc = write_descriptor(hc->d, m, at & ~PAGE_MASK, desc);
	spin_unlock(&hc->d->mmu_lock);
	return rc ? -EINVAL : 0;
}

/* --- stacks, segments, FPU --------------------------------------------------------- */

long hc_stack_switch(struct hc *hc)
{
	if (!gva_is_canonical(GVA(hc->arg[1]))) {
		return -EINVAL;
	}
	hc->v->pv.kernel_ss = hc->arg[0] | RPL_GUEST;
	hc->v->pv.kernel_sp = hc->arg[1];
	return 0;
}

long hc_set_segment_base(struct hc *hc)
{
	uint32_t which = (uint32_t)hc->arg[0];
	uint64_t base = hc->arg[1];

	if (which != SEGBASE_GS_USER_SEL && !gva_is_canonical(GVA(base))) {
		return -EINVAL;
	}
	return port_vcpu_set_segbase(hc->v, which, base);
}

long hc_fpu_taskswitch(struct hc *hc)
{
	port_vcpu_set_ts(hc->v, hc->arg[0] != 0);
	return 0;
}

long hc_iret(struct hc *hc)
{
	hc->regs_loaded = true;
	port_vcpu_iret(hc->v);
	return 0;
}

/* --- callbacks ------------------------------------------------------------------------ */

long hc_set_callbacks(struct hc *hc)
{
	struct pv_state *p = &hc->v->pv;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!gva_is_canonical(GVA(hc->arg[i]))) {
			return -EINVAL;
		}
	}
	p->event = (struct pv_callback){ hc->arg[0], true };
	p->failsafe = (struct pv_callback){ hc->arg[1], false };
	p->syscall = (struct pv_callback){ hc->arg[2], false };
	return 0;
}

static struct pv_callback *callback_of(struct pv_state *p, unsigned int type)
{
	switch (type) {
	case CALLBACKTYPE_event:
		return &p->event;
	case CALLBACKTYPE_failsafe:
		return &p->failsafe;
	case CALLBACKTYPE_syscall:
		return &p->syscall;
	case CALLBACKTYPE_syscall32:
		return &p->syscall32;
	case CALLBACKTYPE_sysenter:
		return &p->sysenter;
	case CALLBACKTYPE_nmi:
		return &p->nmi;
	default:
		return NULL;
	}
}

static long register_callback(struct hc *hc, void *arg)
{
	struct callback_register *op = arg;
	struct pv_callback *cb = callback_of(&hc->v->pv, op->type);

	if (!cb) {
		return -ENOSYS;
	}
	if (!gva_is_canonical(GVA(op->address))) {
		return -EINVAL;
	}
	cb->address = op->address;
	/* An upcall that did not mask would be entered again at once. */
	cb->mask_events = op->type == CALLBACKTYPE_event ||
			  (op->flags & CALLBACKF_mask_events);
	return 0;
}

/* Event, failsafe and system call entry can be replaced, not taken away. */
static long unregister_callback(struct hc *hc, void *arg)
{
	struct callback_unregister *op = arg;
	struct pv_callback *cb = callback_of(&hc->v->pv, op->type);

	if (!cb) {
		return -ENOSYS;
	}
	if (op->type == CALLBACKTYPE_event ||
	    op->type == CALLBACKTYPE_failsafe ||
	    op->type == CALLBACKTYPE_syscall) {
		return -EINVAL;
	}
	*cb = (struct pv_callback){ 0 };
	return 0;
}

static const struct hc_op callback_ops[] = {
	[CALLBACKOP_register] = { .fn = register_callback,
				  .size = sizeof(struct callback_register),
				  .dir = HC_IN },
	[CALLBACKOP_unregister] = { .fn = unregister_callback,
				    .size = sizeof(struct callback_unregister),
				    .dir = HC_IN },
};

long hc_callback_op(struct hc *hc)
{
	return hc_call_op(hc, callback_ops, ARRAY_SIZE(callback_ops),
			  (unsigned int)hc->arg[0], GVA(hc->arg[1]));
}

long hc_nmi_op(struct hc *hc)
{
	struct xennmi_callback cb;

	switch ((uint32_t)hc->arg[0]) {
	case XENNMI_register_callback:
		if (port_copy_from_guest(&cb, GVA(hc->arg[1]), sizeof(cb))) {
			return -EFAULT;
		}
		if (!gva_is_canonical(GVA(cb.handler_address))) {
			return -EINVAL;
		}
		hc->v->pv.nmi = (struct pv_callback){ cb.handler_address, true };
		return 0;
	case XENNMI_unregister_callback:
		hc->v->pv.nmi = (struct pv_callback){ 0 };
		return 0;
	default:
		return -ENOSYS;
	}
}

/* --- assists -------------------------------------------------------------------------- */

/*
 * Writable page tables are always emulated. IOPL in frames takes the guest off
 * the fast paths from its next entry on. The others change nothing for a 64-bit
 * guest but what features and the runstate area say.
 */
#define ASSISTS                                                                \
	(1u << VMASST_TYPE_4gb_segments |                                      \
	 1u << VMASST_TYPE_4gb_segments_notify |                               \
	 1u << VMASST_TYPE_writable_pagetables |                               \
	 1u << VMASST_TYPE_pae_extended_cr3 |                                  \
	 1u << VMASST_TYPE_architectural_iopl |                                \
	 1u << VMASST_TYPE_runstate_update_flag)

long hc_vm_assist(struct hc *hc)
{
	uint32_t type = (uint32_t)hc->arg[1];

	if (type >= 32 || !(ASSISTS >> type & 1)) {
		return -EINVAL;
	}
	switch ((uint32_t)hc->arg[0]) {
	case VMASST_CMD_enable:
		__atomic_fetch_or(&hc->d->vm_assist, 1u << type,
				  __ATOMIC_RELAXED);
		port_kick_cpu(hc->v->cpu);
		return 0;
	case VMASST_CMD_disable:
		__atomic_fetch_and(&hc->d->vm_assist, ~(1u << type),
				   __ATOMIC_RELAXED);
		return 0;
	default:
		return -ENOSYS;
	}
}

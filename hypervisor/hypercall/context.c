/* context.c - see context.h. */
#include "hypercall/context.h"
#include "core/ptype.h"
#include "hypercall/debugreg.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/string.h"

#define ASSISTS_KNOWN	 0x3fu /* VMASST_TYPE_* that cpu.c accepts */
#define GDT_PER_PAGE	 512u
#define RPL_GUEST	 3u
#define RFLAGS_FIXED	 0x202ULL /* IF and the bit that is always 1 */
#define RFLAGS_IOPL_SHIFT 12
#define RFLAGS_FORBIDDEN 0x1a7000ULL /* IOPL, NT, VM, VIF, VIP */

/* --- GDT ----------------------------------------------------------------- */

static void put_gdt_frames(const mfn_t *frames, unsigned int n)
{
	while (n--) {
		ptype_put_frame(frames[n], false);
	}
}

int context_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int n)
{
	unsigned int pages = DIV_ROUND_UP(n, GDT_PER_PAGE), i;
	unsigned int old_pages = DIV_ROUND_UP(v->pv.gdt_entries, GDT_PER_PAGE);
	mfn_t fresh[PV_GDT_PAGES], old[PV_GDT_PAGES];
	int rc;

	if (n > PV_GDT_PAGES * GDT_PER_PAGE) {
		return -EINVAL;
	}
	for (i = 0; i < pages; i++) {
		fresh[i] = MFN(mfns[i]);
		if (!frame_valid(fresh[i])) {
			rc = -EINVAL;
		} else {
			rc = ptype_get_frame(fresh[i], FT_SEGDESC, v->domain);
		}
		if (rc) {
			put_gdt_frames(fresh, i);
			return rc;
		}
	}
	memcpy(old, v->pv.gdt_frame, sizeof(old));
	memset(v->pv.gdt_frame, 0, sizeof(v->pv.gdt_frame));
	memcpy(v->pv.gdt_frame, fresh, pages * sizeof(fresh[0]));
	v->pv.gdt_entries = n;
	port_vcpu_load_gdt(v);
	put_gdt_frames(old, old_pages);
	return 0;
}

/* --- checking -------------------------------------------------------------- */

static bool kernel_address_ok(uint64_t a)
{
	return gva_is_canonical(GVA(a));
}

/*
 * A vCPU that has a context may get new registers (the toolstack sets a
 * return code so, after a cancelled suspend), but no new tables.
 */
static bool same_tables(const struct vcpu *v,
			const struct vcpu_guest_context *c)
{
	unsigned int i;

	for (i = 0; i < PV_GDT_PAGES; i++) {
		if (c->gdt_frames[i] != v->pv.gdt_frame[i].v) {
			return false;
		}
	}
	return c->gdt_ents == v->pv.gdt_entries &&
	       c->ldt_base == v->pv.ldt_base &&
	       c->ldt_ents == v->pv.ldt_entries &&
	       c->ctrlreg[3] == v->pv.cr3.v << PAGE_SHIFT &&
	       c->ctrlreg[1] == v->pv.user_cr3.v << PAGE_SHIFT;
}

static int check(const struct vcpu *v, const struct vcpu_guest_context *c)
{
	unsigned int i;

	if (!kernel_address_ok(c->event_callback_eip) ||
	    !kernel_address_ok(c->failsafe_callback_eip) ||
	    !kernel_address_ok(c->syscall_callback_eip) ||
	    !kernel_address_ok(c->kernel_sp) || !kernel_address_ok(c->fs_base) ||
	    !kernel_address_ok(c->gs_base_kernel) ||
	    !kernel_address_ok(c->gs_base_user) ||
	    !kernel_address_ok(c->user_regs.rip) ||
	    !kernel_address_ok(c->user_regs.rsp) || c->ldt_ents > 8192 ||
	    (c->ldt_ents && (!kernel_address_ok(c->ldt_base) ||
			     c->ldt_base % PAGE_SIZE)) ||
	    /* User mode without a user root cannot run. */
	    (!(c->flags & VGCF_in_kernel) && !c->ctrlreg[1])) {
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
		if (!kernel_address_ok(c->trap_ctxt[i].address)) {
			return -EINVAL;
		}
	}
	return v->initialised && !same_tables(v, c) ? -EOPNOTSUPP : 0;
}

/* --- taking over ------------------------------------------------------------- */

static void set_traps(struct vcpu *v, const struct trap_info *t)
{
	unsigned int i;

	/* Xen's format: entry i is vector i. */
	for (i = 0; i < PV_TRAPS; i++) {
		v->pv.trap[i].address = t[i].address;
		v->pv.trap[i].cs = t[i].cs | RPL_GUEST;
		v->pv.trap[i].flags = t[i].flags & 7;
	}
}

static void set_regs(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct cpu_user_regs *r = &v->regs;

	*r = c->user_regs;
	r->cs |= RPL_GUEST;
	r->ss |= RPL_GUEST;
	r->rflags = (r->rflags & ~RFLAGS_FORBIDDEN) | RFLAGS_FIXED;
	r->saved_upcall_mask = 0;
	/* Linux gives its further vCPUs their I/O rights this way. */
	port_vcpu_set_iopl(v, c->user_regs.rflags >> RFLAGS_IOPL_SHIFT & 3);
	v->mode &= (uint8_t)~(VF_KERNEL | VF_TS);
	if (c->flags & VGCF_in_kernel) {
		v->mode |= VF_KERNEL;
	}
	if (c->flags & VGCF_i387_valid) {
		port_vcpu_set_fpu(v, &c->fpu_ctxt);
	}
}

static struct pv_callback callback(uint64_t address, bool mask)
{
	return (struct pv_callback){ .address = address, .mask_events = mask };
}

static void set_pv(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct pv_state *p = &v->pv;
	unsigned int i;

	p->kernel_ss = c->kernel_ss | RPL_GUEST;
	p->kernel_sp = c->kernel_sp;
	p->event = callback(c->event_callback_eip, true);
	p->failsafe = callback(c->failsafe_callback_eip,
			       c->flags & VGCF_failsafe_disables_events);
	p->syscall = callback(c->syscall_callback_eip,
			      c->flags & VGCF_syscall_disables_events);
	p->fs_base = c->fs_base;
	p->gs_base_kernel = c->gs_base_kernel;
	p->gs_base_user = c->gs_base_user;
	p->cr4_guest = c->ctrlreg[4];
	p->ldt_base = c->ldt_base;
	p->ldt_entries = (unsigned int)c->ldt_ents;
	for (i = 0; i < 8; i++) {
		if (i != 4 && i != 5) {
			debugreg_set(v, i, c->debugreg[i]);
		}
	}
	port_vcpu_load_ldt(v);
	/* Of the domain: what its first vCPU said stands. */
	if (v->id == 0) {
		v->domain->vm_assist = (uint32_t)c->vm_assist & ASSISTS_KNOWN;
	}
}

static int get_root(struct vcpu *v, uint64_t cr, mfn_t *out)
{
	mfn_t m = MFN(cr >> PAGE_SHIFT);

	*out = MFN(0);
	if (!frame_valid(m)) {
		return -EINVAL;
	}
	*out = m;
	return ptype_get_frame(m, FT_L4, v->domain);
}

static int set_roots(struct vcpu *v, const struct vcpu_guest_context *c)
{
	mfn_t root, user = MFN(0);
	int rc;

	rc = get_root(v, c->ctrlreg[3], &root);
	if (rc) {
		return rc;
	}
	if (c->ctrlreg[1]) {
		rc = get_root(v, c->ctrlreg[1], &user);
		if (rc) {
			/* What this leaves is done before anything else. */
			(void)ptype_put_frame(root, true);
			return rc;
		}
	}
	v->pv.cr3 = root;
	v->pv.user_cr3 = user;
	return 0;
}

static int set_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int rc = ptype_drain(v->domain, true);

	if (rc == 0) {
		rc = context_set_gdt(v, (const uint64_t *)c->gdt_frames,
				     (unsigned int)MIN(c->gdt_ents, 1u << 16));
	}
	return rc ? rc : set_roots(v, c);
}

int context_set(struct vcpu *v, const struct vcpu_guest_context *c, bool again)
{
	struct domain *d = v->domain;
	int rc;

	spin_lock(&d->mmu_lock);
	/* Under the lock: two may do this at once, and the first starts it. */
	rc = v->initialised && !again ? -EEXIST : check(v, c);
	if (rc == 0 && !v->initialised) {
		rc = set_tables(v, c);
	}
	if (rc == 0) {
		set_traps(v, c->trap_ctxt);
		set_pv(v, c);
		set_regs(v, c);
		__atomic_store_n(&v->initialised, true, __ATOMIC_RELEASE);
	}
	spin_unlock(&d->mmu_lock);
	return rc;
}

/* --- reading --------------------------------------------------------------------- */

static void get_traps(const struct vcpu *v, struct trap_info *t)
{
	unsigned int i;

	for (i = 0; i < PV_TRAPS; i++) {
		t[i].vector = (uint8_t)i;
		t[i].flags = v->pv.trap[i].flags;
		t[i].cs = v->pv.trap[i].cs;
		t[i].address = v->pv.trap[i].address;
	}
}

void context_get(struct vcpu *v, struct vcpu_guest_context *c)
{
	const struct pv_state *p = &v->pv;
	unsigned int i;

	memset(c, 0, sizeof(*c));
	port_vcpu_get_fpu(v, &c->fpu_ctxt);
	c->flags = VGCF_i387_valid;
	if (v->mode & VF_KERNEL) {
		c->flags |= VGCF_in_kernel;
	}
	if (!(v->pause_flags & VPF_DOWN)) {
		c->flags |= VGCF_online;
	}
	if (p->failsafe.mask_events) {
		c->flags |= VGCF_failsafe_disables_events;
	}
	if (p->syscall.mask_events) {
		c->flags |= VGCF_syscall_disables_events;
	}
	c->user_regs = v->regs;
	c->user_regs.rflags |= (uint64_t)p->iopl << RFLAGS_IOPL_SHIFT;
	get_traps(v, c->trap_ctxt);
	c->ldt_base = p->ldt_base;
	c->ldt_ents = p->ldt_entries;
	c->gdt_ents = p->gdt_entries;
	for (i = 0; i < PV_GDT_PAGES; i++) {
		c->gdt_frames[i] = p->gdt_frame[i].v;
	}
	c->kernel_ss = p->kernel_ss;
	c->kernel_sp = p->kernel_sp;
	c->ctrlreg[0] = p->cr0_guest;
	c->ctrlreg[1] = p->user_cr3.v << PAGE_SHIFT;
	c->ctrlreg[3] = p->cr3.v << PAGE_SHIFT;
	c->ctrlreg[4] = p->cr4_guest;
	for (i = 0; i < 8; i++) {
		c->debugreg[i] = p->dr[i];
	}
	c->event_callback_eip = p->event.address;
	c->failsafe_callback_eip = p->failsafe.address;
	c->syscall_callback_eip = p->syscall.address;
	c->vm_assist = v->domain->vm_assist;
	c->fs_base = p->fs_base;
	c->gs_base_kernel = p->gs_base_kernel;
	c->gs_base_user = p->gs_base_user;
}

/*
 * root.h - page-table roots: a guest's L4 with the hypervisor's slots in it.
 *
 * Without XPTI a guest runs on its own L4.  With XPTI (a CPU that reads
 * memory by speculation in spite of its page tables, "Meltdown") it runs on
 * that L4's companion: the same guest slots, but of the hypervisor only what
 * layout.h marks as staying.  The companion is made when an L4 is validated
 * and follows each change of an entry, so that no exit has to copy anything.
 *
 * While the hypervisor works for a vCPU, cr3 is the guest *kernel's* L4 under
 * XPTI, and the L4 of the vCPU's mode otherwise; a guest's user slots are in
 * both.
 */
#ifndef X86_ROOT_H
#define X86_ROOT_H

#include "include/types.h"

struct pcpu;
struct vcpu;

/* v->pv.cr3 or user_cr3 has changed: what the CPU is to load for them. */
void root_changed(struct vcpu *v);
/*
 * Have v run on the root of its mode.  Flushes its stale translations, at
 * the latest when it is entered.  v is current on this CPU.
 */
void root_load(struct pcpu *p, struct vcpu *v);
/* The hypervisor's own root, for an idle CPU. */
void root_load_idle(struct pcpu *p);

/*
 * Look at guest memory through this validated root of the current vCPU's
 * domain, until root_load() is called again, or with the root before that is
 * returned.  Under XPTI the root in use is the guest kernel's even while a
 * guest user runs; without it, the user's.
 */
mfn_t root_borrow(mfn_t root);

#endif

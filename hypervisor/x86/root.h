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

/* Make m the root that the current guest runs on; always flushes. */
void root_load(struct pcpu *p, mfn_t m);
/* The hypervisor's own root, for an idle CPU. */
void root_load_idle(struct pcpu *p);

#endif

/* walk.h - a guest virtual address to its page-table entry, in software. */
#ifndef HYPERCALL_WALK_H
#define HYPERCALL_WALK_H

#include "include/types.h"

struct vcpu;

/*
 * The L1 entry that maps va under root; *l1 is the page table's frame.
 * NULL when an upper level is not present or a large page.  Caller holds
 * the domain's mmu_lock, or runs on the vCPU and only reads.
 */
uint64_t *walk_l1e(mfn_t root, gva_t va, mfn_t *l1);

#endif

/*
 * walk.h - a guest virtual address to its page-table entry, in software.
 *
 * It follows validated tables only, which the guest cannot write, so what it
 * reads was checked.  Inline: each write to a page table needs it.
 */
#ifndef HYPERCALL_WALK_H
#define HYPERCALL_WALK_H

#include "core/frame.h"
#include "core/pte.h"
#include "include/compiler.h"
#include "include/types.h"

static inline uint64_t *walk_entry(uint64_t table, gva_t va, unsigned int level)
{
	return (uint64_t *)frame_ptr(pte_mfn(table)) +
	       ((va.v >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1));
}

/*
 * The L1 entry that maps va under root; *l1 is the page table's frame.
 * NULL when an upper level is not present or a large page.  Caller holds
 * the domain's mmu_lock, or runs on the vCPU and only reads.
 */
static inline uint64_t *walk_l1e(mfn_t root, gva_t va, mfn_t *l1)
{
	uint64_t e = root.v << PAGE_SHIFT;
	unsigned int level;

	if (unlikely(root.v == 0 || !gva_range_ok(va, 1))) {
		return NULL;
	}
#pragma GCC unroll 3
	for (level = 4; level > 1; level--) {
		e = READ_ONCE(*walk_entry(e, va, level));
		if (unlikely((e & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT)) {
			return NULL;
		}
	}
	*l1 = pte_mfn(e);
	return walk_entry(e, va, 1);
}

#endif

/*
 * walk.c - see walk.h.  It follows validated tables only, which the guest
 * cannot write, so what it reads was checked.
 */
#include "hypercall/walk.h"
#include "core/frame.h"
#include "core/pte.h"

static inline uint64_t *entry_at(mfn_t table, gva_t va, unsigned int level)
{
	return (uint64_t *)frame_ptr(table) +
	       ((va.v >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1));
}

static inline bool is_table(uint64_t e)
{
	return (e & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

uint64_t *walk_l1e(mfn_t root, gva_t va, mfn_t *l1)
{
	uint64_t e;

	if (root.v == 0 || !gva_range_ok(va, 1)) {
		return NULL;
	}
	e = READ_ONCE(*entry_at(root, va, 4));
	if (!is_table(e)) {
		return NULL;
	}
	e = READ_ONCE(*entry_at(pte_mfn(e), va, 3));
	if (!is_table(e)) {
		return NULL;
	}
	e = READ_ONCE(*entry_at(pte_mfn(e), va, 2));
	if (!is_table(e)) {
		return NULL;
	}
	*l1 = pte_mfn(e);
	return entry_at(*l1, va, 1);
}

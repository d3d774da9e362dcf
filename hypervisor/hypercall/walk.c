/*
 * walk.c - see walk.h.  It follows validated tables only, which the guest
 * cannot write, so what it reads was checked.
 */
#include "hypercall/walk.h"
#include "core/frame.h"
#include "core/pte.h"

static unsigned int slot_of(gva_t va, unsigned int level)
{
	return (va.v >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

uint64_t *walk_l1e(mfn_t root, gva_t va, mfn_t *l1)
{
	unsigned int level;
	uint64_t *t, e;

	if (root.v == 0 || !gva_is_canonical(va) || !gva_range_ok(va, 1)) {
		return NULL;
	}
	t = frame_ptr(root);
	for (level = 4; level > 1; level--) {
		e = READ_ONCE(t[slot_of(va, level)]);
		if (!(e & PTE_PRESENT) || (e & PTE_LARGE)) {
			return NULL;
		}
		root = pte_mfn(e);
		t = frame_ptr(root);
	}
	*l1 = root;
	return &t[slot_of(va, 1)];
}

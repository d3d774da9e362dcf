/*
 * pte.h - a guest's page-table entry: which bits it may set, at each level.
 *
 * Pure: values in, verdicts out.  What the hypervisor insists on:
 *   - level 2..4: no large page, which would map frames nobody counted
 *     (XSA-148), nothing reserved
 *   - every present entry has US, because guest kernels run in ring 3
 *   - never G: the guest's kernel and user share ring 3, and only a cr3 load
 *     between them keeps the kernel's translations from its users
 *   - cache attributes only for the privileged domain
 *   - a non-present entry may not name memory on CPUs with L1TF
 */
#ifndef CORE_PTE_H
#define CORE_PTE_H

#include "include/port.h"
#include "include/types.h"

#define PTE_PRESENT  0x001ULL
#define PTE_WRITE    0x002ULL
#define PTE_USER     0x004ULL
#define PTE_CACHE    0x098ULL /* PWT, PCD, PAT of an L1 entry */
#define PTE_ACCESSED 0x020ULL
#define PTE_DIRTY    0x040ULL
#define PTE_LARGE    0x080ULL /* PSE of an L2..L4 entry */
#define PTE_GLOBAL   0x100ULL
#define PTE_AVAIL    0x7ff0000000000e00ULL
#define PTE_NOEXEC   (1ULL << 63)
#define PTE_FRAME    0x000ffffffffff000ULL

#define PT_ENTRIES 512

/*
 * Bits of an L1 entry that may change without a change of references: the
 * frame, its writability and its caching stay as they are.
 */
#define PTE_L1_SAFE                                                            \
	(PTE_ACCESSED | PTE_DIRTY | PTE_AVAIL | PTE_NOEXEC | PTE_USER |        \
	 PTE_GLOBAL)
/* Upper levels: access rights of the leaf alone count references. */
#define PTE_TABLE_SAFE (PTE_L1_SAFE | PTE_WRITE | 0x018ULL)

static inline mfn_t pte_mfn(uint64_t e)
{
	return MFN((e & PTE_FRAME) >> PAGE_SHIFT);
}

/* What is written in place of a guest's entry. */
static inline uint64_t pte_adjust(uint64_t e)
{
	return e & PTE_PRESENT ? (e | PTE_USER) & ~PTE_GLOBAL : e;
}

static inline bool pte_slot_is_guests(unsigned int level, unsigned int slot)
{
	return level < 4 || slot < HOLE_L4_FIRST || slot > HOLE_L4_LAST;
}

/* May a domain have the entry e (as adjusted) at this level? */
static inline bool pte_allowed(unsigned int level, uint64_t e, bool privileged)
{
	uint64_t addr = e & PTE_FRAME;

	if (!(e & PTE_PRESENT)) {
		return privileged || addr == 0 || addr >= port_l1tf_limit;
	}
	if (addr >> port_phys_bits) {
		return false;
	}
	if (level > 1) {
		return !(e & PTE_LARGE);
	}
	return privileged || !(e & PTE_CACHE);
}

#endif

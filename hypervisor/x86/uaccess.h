/*
 * uaccess.h - memory accesses that may fault: guest memory, unknown MSRs.
 *
 * The faulting instruction has a row in the exception table (.extable);
 * trap_hypervisor() continues at its fixup.  Sources: SDM vol. 3 (SMAP).
 */
#ifndef X86_UACCESS_H
#define X86_UACCESS_H

#include "include/compiler.h"
#include "include/types.h"

#define EXTABLE(fault, fixup)                                                  \
	".pushsection .extable, \"a\"\n\t"                                     \
	".balign 4\n\t"                                                        \
	".long " fault " - .\n\t"                                              \
	".long " fixup " - .\n\t"                                              \
	".popsection\n\t"

extern bool uaccess_smap; /* CR4.SMAP is on: STAC needed */

static inline void uaccess_begin(void)
{
	if (uaccess_smap) {
		__asm__ volatile("stac" : : : "memory");
	}
}

static inline void uaccess_end(void)
{
	if (uaccess_smap) {
		__asm__ volatile("clac" : : : "memory");
	}
}

/* One aligned or unaligned word; between uaccess_begin/_end.  0 / nonzero. */
static inline int uaccess_put64(uint64_t va, uint64_t val)
{
	int err = 0;

	__asm__ volatile("1:\tmovq %2, (%1)\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "2:\tmovl $1, %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "2b")
			 : "+r"(err)
			 : "r"(va), "r"(val)
			 : "memory");
	return err;
}

static inline int uaccess_get64(uint64_t va, uint64_t *val)
{
	int err = 0;
	uint64_t v = 0;

	__asm__ volatile("1:\tmovq (%2), %1\n"
			 "3:\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "2:\tmovl $1, %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE("1b", "2b")
			 : "+r"(err), "+r"(v)
			 : "r"(va)
			 : "memory");
	*val = v;
	return err;
}

/* Nonzero when the MSR does not exist or refuses the value. */
int rdmsr_safe(uint32_t msr, uint64_t *val);
int wrmsr_safe(uint32_t msr, uint64_t val);

/* The fixup for a fault at rip, or 0. */
uint64_t extable_find(uint64_t rip);

#endif

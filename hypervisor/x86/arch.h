/*
 * arch.h - the machine's side of a domain and of a vCPU.
 */
#ifndef X86_ARCH_H
#define X86_ARCH_H

#include "include/types.h"
#include "x86/layout.h"

#define PERDOMAIN_L1S (MAX_VCPUS / 8) /* one L1 table maps 8 vCPUs */

/* The per-domain slot: GDT and LDT windows of all vCPUs. */
struct domain_arch {
	uint64_t *l3, *l2;
	uint64_t *l1[PERDOMAIN_L1S];
	uint32_t companions; /* root.c; atomic */
};

struct vcpu_arch {
	void *fpu;	     /* FXSAVE or XSAVE image, 64-byte aligned */
	uint64_t xcr0;	     /* guest's XCR0 */
	uint32_t tsc_aux;    /* what RDTSCP and RDPID give */
	uint64_t *pte;	     /* its window's entries: 16 GDT, 16, 16 LDT */
};

struct vcpu;

static inline uint64_t vcpu_gdt_va(unsigned int id)
{
	return PERDOMAIN_VA + ((uint64_t)id << PERDOMAIN_VCPU_SHIFT);
}

static inline uint64_t vcpu_ldt_va(unsigned int id)
{
	return vcpu_gdt_va(id) + PERDOMAIN_LDT_OFFSET;
}

#endif

/*
 * desc.h - descriptor tables of a CPU: GDT, IDT, TSS, and its entry page.
 */
#ifndef X86_DESC_H
#define X86_DESC_H

#include "include/compiler.h"
#include "include/types.h"

struct tss {
	uint32_t pad0;
	uint64_t rsp0, rsp1, rsp2;
	uint64_t pad1;
	uint64_t ist[7];
	uint64_t pad2;
	uint16_t pad3;
	uint16_t io_bitmap; /* beyond the limit: no port is allowed */
} __packed;

/*
 * One CPU's page in the entry area, mapped even while a guest runs under
 * XPTI.  So it holds nothing secret: addresses, and for a moment the last
 * guest's own rip/rsp/rax.
 */
struct entry_cpu {
	struct tss tss;
	uint64_t scratch_rsp;	  /* guest's rsp on SYSCALL */
	uint64_t scratch_rax;	  /* guest's rax while cr3 is switched */
	uint64_t main_top;	  /* &pcpu->regs.es */
	uint64_t hv_cr3;	  /* root to load on entry (XPTI) */
	uint64_t guest_cr3;	  /* root to load on exit (XPTI) */
	uint64_t syscall_target;  /* where the stubs go on */
	uint64_t syscall32_target;
	uint64_t nmi_top, mce_top, df_top; /* real stacks of these (XPTI) */
};

/* Tops of the tiny stacks in that page, by offset; the last is the page's. */
#define ENTRY_IST_NMI 1024
#define ENTRY_IST_MCE 1536
#define ENTRY_IST_DF  2048
#define ENTRY_IST_DB  2560

/* Make stacks, entry page and TSS of `cpu`.  Start-up. */
void desc_cpu_alloc(unsigned int cpu);
/* Load GDT, IDT, TSS and the SYSCALL MSRs on this CPU. */
void desc_cpu_load(unsigned int cpu);
/* The shared parts: IDT, GDT page, entry text.  Boot CPU, once. */
void desc_init(void);
/* Point the GDT register at the hypervisor's own table (idle). */
void desc_load_idle_gdt(void);
void desc_load_gdt(uint64_t va);
/* LDT at va with n entries; n == 0: none. */
void desc_load_ldt(unsigned int cpu, uint64_t va, unsigned int n);

uint64_t desc_gdt_maddr(void); /* of the shared page */

static inline struct entry_cpu *entry_cpu_of(unsigned int cpu)
{
	return (struct entry_cpu *)(0xffff810000100000ULL +
				    (uint64_t)cpu * 2 * PAGE_SIZE);
}

#endif

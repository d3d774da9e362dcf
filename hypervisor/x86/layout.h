/*
 * layout.h - where the hypervisor lives: L4 slots 256-271, 512 GiB each.
 *
 *  slot  address             what                          guest may   XPTI
 *  256   0xffff800000000000  machine-to-physical table     read        stays
 *  257   0xffff808000000000  the same, writable            -           gone
 *  258   0xffff810000000000  entry area: IDT, TSS, stubs   -           stays
 *  259   0xffff818000000000  frame table                   -           gone
 *  260   0xffff820000000000  per domain: GDTs and LDTs     -           stays
 *  261   0xffff82a000000000  stacks of the CPUs            -           gone
 *        0xffff82c000000000  devices (fixmap_mmio)         -           gone
 *        0xffff82d080000000  the image                     -           gone
 *  262+  0xffff830000000000  direct map of all RAM         -           gone
 *
 * "XPTI": what remains mapped while a guest runs on a CPU with Meltdown.
 * Below slot 256 and above slot 271 the address space is the guest's.
 */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

#ifdef __ASSEMBLY__
#define UL(x) x
#else
#define UL(x) x##ULL
#endif

#define SLOT_M2P_RO	256
#define SLOT_M2P_RW	257
#define SLOT_ENTRY	258
#define SLOT_FRAMETABLE 259
#define SLOT_PERDOMAIN	260
#define SLOT_IMAGE	261
#define SLOT_DIRECTMAP	262

#define M2P_RO_VA     UL(0xffff800000000000)
#define M2P_RW_VA     UL(0xffff808000000000)
#define ENTRY_VA      UL(0xffff810000000000)
#define FRAMETABLE_VA UL(0xffff818000000000)
#define PERDOMAIN_VA  UL(0xffff820000000000)
#define STACKS_VA     UL(0xffff82a000000000)
#define FIXMAP_VA     UL(0xffff82c000000000)
#define IMAGE_VA      UL(0xffff82d080000000)
#define DIRECTMAP_VA  UL(0xffff830000000000)

/* The image is linked for this physical address; it runs at any 2 MiB. */
#define IMAGE_LOAD 0x200000

/*
 * One CPU's stacks, 64 KiB apart and aligned, so that the top is found by
 * masking rsp.  Pages without a name are unmapped guards.
 */
#define STACK_SHIFT 16
#define STACK_SIZE  (1 << STACK_SHIFT)
#define STACK_DF    1 /* page of the #DF stack; IST 1 */
#define STACK_NMI   3 /* IST 2 */
#define STACK_MCE   5 /* IST 3 */
#define STACK_DB    7 /* IST 4 */
#define STACK_MAIN  9 /* first page of the main stack, up to page 15 */
#define STACK_PAGES 16

/*
 * Entry area: page 0 IDT, page 1 the shared GDT page, then the entry text,
 * then one page for each CPU with its TSS, scratch words, stub and the tiny
 * stack that the CPU pushes on when it leaves a guest under XPTI.
 */
#define ENTRY_IDT_VA	 (ENTRY_VA)
#define ENTRY_GDT_VA	 (ENTRY_VA + 0x1000)
#define ENTRY_TEXT_VA	 (ENTRY_VA + 0x10000)
#define ENTRY_CPU_VA	 (ENTRY_VA + 0x100000)

/* Per-vCPU part of the per-domain slot. */
#define PERDOMAIN_VCPU_SHIFT 18 /* 64 pages: 16 GDT, 16 guard, 16 LDT */
#define PERDOMAIN_LDT_OFFSET 0x20000

/*
 * The GDT: pages 0-13 are the guest's, page 14 is this one, shared by all
 * CPUs (FIRST_RESERVED_GDT_PAGE of the ABI).
 */
#define GDT_RESERVED 0xe000
#define SEL_HV_CS    0xe008
#define SEL_HV_DS    0xe010
#define SEL_G_CS32   0xe023
#define SEL_G_DS     0xe02b
#define SEL_G_CS64   0xe033
#define SEL_LDT(cpu) (0xe100 + (cpu) * 16)
#define SEL_TSS(cpu) (0xe600 + (cpu) * 16)

/* entry_vector of a frame that SYSCALL made; vectors of the CPU are smaller. */
#define VEC_SYSCALL 0x100

#endif

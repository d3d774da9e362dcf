/*
 * cpu.h - features of the physical CPUs and their control registers.
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "include/types.h"

struct pcpu;
struct vcpu;

#define CR4_TSD	     (1u << 2)
#define CR4_DE	     (1u << 3)
#define CR4_PAE	     (1u << 5)
#define CR4_MCE	     (1u << 6)
#define CR4_PGE	     (1u << 7)
#define CR4_OSFXSR   (1u << 9)
#define CR4_OSXMM    (1u << 10)
#define CR4_FSGSBASE (1u << 16)
#define CR4_OSXSAVE  (1u << 18)
#define CR4_SMEP     (1u << 20)
#define CR4_SMAP     (1u << 21)

/* Speculation mitigations in force, chosen at start-up. */
extern bool cpu_xpti;
extern bool cpu_has_tsc_aux; /* RDTSCP or RDPID, and their MSR */

#define MSR_TSC_AUX 0xc0000103

/* Find the features (boot CPU), before any other CPU starts. */
void cpu_detect(void);
/* Options of the command line; before cpu_detect().  xpti < 0: by CPU. */
void cpu_set_options(int xpti, bool no_smep, bool no_smap);
/* Set this CPU's control registers. */
void cpu_init_this(void);
/* The guest's bits of CR4 on top of ours. */
void cpu_load_cr4(struct pcpu *p, const struct vcpu *v);

#endif

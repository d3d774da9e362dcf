/*
 * context.h - which vCPU's state is in this CPU's registers.
 */
#ifndef X86_CONTEXT_H
#define X86_CONTEXT_H

#include "include/types.h"

struct vcpu;
struct pcpu;

/* Save the running vCPU, load `next` (NULL: idle). */
void context_switch(struct pcpu *p, struct vcpu *next);
/*
 * Map the guest LDT page under a fault at *va, which is in the window for it.
 * False: it is not, or there is no such page: then *va is where the guest has
 * its LDT, if it was in the window.
 */
bool context_ldt_fault(struct vcpu *v, uint64_t *va);

/* FPU (fpu.c) */
void fpu_init_cpu(void);
void fpu_save(struct vcpu *v);
void fpu_load(struct vcpu *v);
int fpu_vcpu_init(struct vcpu *v);
void fpu_vcpu_fini(struct vcpu *v);
/* XSETBV of the current vCPU: 0 or -EINVAL. */
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0);

#endif

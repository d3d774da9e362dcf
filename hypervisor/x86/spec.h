/*
 * spec.h - what is done on a CPU between two guests, against speculation.
 *
 * Meltdown and L1TF are the page tables' business (root.h, core/pte.h),
 * LazyFP the FPU's (fpu.c), guest indices nospec.h's.  Here: the branch
 * predictor and the fill buffers, which one domain must not leave to the
 * next (Spectre v2 between guests; MDS between guests).
 *
 * Not done: clearing buffers and the return stack at every entry and exit.
 */
#ifndef X86_SPEC_H
#define X86_SPEC_H

#include "include/types.h"

struct domain;

/* Find what the CPU can do; off: do nothing.  Start-up, boot CPU; logs. */
void spec_init(bool off);
/* This CPU (number `cpu`) is about to run a vCPU of d. */
void spec_enter_domain(unsigned int cpu, const struct domain *d);

#endif

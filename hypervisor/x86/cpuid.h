/*
 * cpuid.h - CPUID for guests.
 *
 * A PV guest's plain CPUID executes on the CPU and shows the host (a CPU
 * that can fault it is not asked to).  Guest kernels use the prefix of
 * XEN_CPUID (ud2a; "xen"; cpuid), which traps as #UD and is answered here:
 * from the domain's policy, with what depends on the vCPU filled in.
 */
#ifndef X86_CPUID_H
#define X86_CPUID_H

#include "include/types.h"

struct vcpu;

/* Read the CPU, make the system policies.  Start-up, after cpu_detect(). */
void cpuid_init(void);
/*
 * After #UD at v's rip: was it a forced CPUID?  Then it is done, rip is
 * behind it, and true is returned.  v is current.
 */
bool cpuid_forced(struct vcpu *v);
/* a, b, c, d of a leaf as v sees it. */
void cpuid_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf,
		 uint32_t out[4]);

#endif

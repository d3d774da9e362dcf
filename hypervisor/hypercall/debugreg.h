/* debugreg.h - the debug registers a guest sets; see debugreg.c. */
#ifndef HYPERCALL_DEBUGREG_H
#define HYPERCALL_DEBUGREG_H

#include <stdint.h>

struct vcpu;

/*
 * Set DR0-3, 6 or 7 of v, which is current or not running.
 * 0, -EPERM (an address of the hypervisor, or a condition that guests may
 * not use), -ENODEV (no such register).
 */
int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t val);

#endif

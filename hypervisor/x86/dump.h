/* dump.h - a readable account of what a guest or the hypervisor did. */
#ifndef X86_DUMP_H
#define X86_DUMP_H

#include "include/abi.h"

struct vcpu;

/*
 * The current vCPU did what it cannot survive: print its registers, its stack
 * and why, and crash its domain.  The caller goes on to the exit path.
 */
void guest_crash(struct vcpu *v, const char *why);
void dump_regs(const struct cpu_user_regs *regs);
/* Return addresses on the hypervisor's stack from sp on. */
void dump_stack(uint64_t sp);

#endif

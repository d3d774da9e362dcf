/*
 * bounce.h - hand an exception, system call or event to the guest kernel.
 *
 * The frame is written on the guest kernel's stack (kernel_sp when coming
 * from guest user mode, else 16-aligned below the current rsp):
 *
 *	rcx r11 [error] rip cs|mask<<32 rflags rsp ss
 *
 * A stack that cannot be written crashes the domain.  All for the current
 * vCPU only.
 */
#ifndef X86_BOUNCE_H
#define X86_BOUNCE_H

#include "include/abi.h"
#include "include/types.h"

struct vcpu;

#define BOUNCE_ERROR 1u /* push the error code */
#define BOUNCE_MASK  2u /* mask events */

void bounce_to(struct vcpu *v, uint64_t address, uint16_t cs,
	       unsigned int flags, uint32_t error);
/* Exception `vector` by the guest's trap table. */
void bounce_exception(struct vcpu *v, unsigned int vector, uint32_t error);
/* #PF with its address. */
void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error);
/* From entry.S: SYSCALL in guest user mode. */
void bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs);
/* Event upcall; the caller saw one pending and unmasked. */
void bounce_event(struct vcpu *v);
/* A segment register could not be reloaded: failsafe callback. */
void bounce_failsafe(struct vcpu *v);
/* Guest user mode -> guest kernel mode and back (root, GS). */
void mode_to_kernel(struct vcpu *v);
void mode_to_user(struct vcpu *v);

#endif

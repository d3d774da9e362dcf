/* trap.h - what entry.S calls, and labels of it. */
#ifndef X86_TRAP_H
#define X86_TRAP_H

#include "include/abi.h"

extern uint8_t exit_iretq[], exit_iretq_fault[];

void trap_guest(struct cpu_user_regs *regs);
/* The same for #PF, unless entry_fast.S could hand it to the guest. */
void trap_page_fault(struct cpu_user_regs *regs);
void trap_hypervisor(struct cpu_user_regs *regs);
void trap_iret_fault(struct cpu_user_regs *regs);
void trap_double_fault(struct cpu_user_regs *regs);
void trap_nmi(struct cpu_user_regs *regs);
/* The slow way back: softirqs, schedule, events (exit.c). */
void exit_work(struct cpu_user_regs *regs);

#endif

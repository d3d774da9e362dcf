/*
 * upcall.h - all that x86/ may call upwards: news from the hardware.
 */
#ifndef INCLUDE_UPCALL_H
#define INCLUDE_UPCALL_H

#include "include/types.h"

struct cpu_user_regs;
struct vcpu;
struct domain;
struct hc;

/*
 * A guest kernel executed a hypercall: v's regs hold it, all but rbx, rbp and
 * r12-r15, which no hypercall looks at (dispatch.c).
 */
void upcall_hypercall(struct vcpu *v, struct cpu_user_regs *regs);
/* This CPU's port_timer_arm() deadline has passed (timer.c). */
void upcall_timer(void);
/*
 * Which vCPU shall this CPU run now?  NULL: none, idle (sched.c).  To be
 * called after port_kick_cpu(), port_timer_arm()'s deadline, and when idle;
 * cheap when nothing has changed.
 */
struct vcpu *upcall_schedule(void);
/*
 * After a switch away from prev (NULL: was idle): its state is saved, and
 * the new vCPU's address space is loaded: its runstate and clock are
 * published.  Also when the new one is idle.  (sched.c)
 */
void upcall_switched(struct vcpu *prev);
/* The interrupt of a PIRQ owned by d fired (evtchn.c). */
void upcall_pirq(struct domain *d, unsigned int pirq);
/*
 * A #PF of v's kernel mode at va, not yet explained: emulate a write to a
 * page table (hypercall/ptwr.c).  True when handled, regs advanced.
 */
bool upcall_ptwr(struct vcpu *v, struct cpu_user_regs *regs, gva_t va);
/* v did something it cannot survive: mark its domain crashed (domain.c). */
void upcall_domain_crash(struct domain *d, const char *why);
/*
 * v, current, executed MOV to or from a debug register.  0, or an error: there
 * is no such register, or the value is not one that a guest may use
 * (hypercall/debugreg.c).
 */
int upcall_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val);
int upcall_get_debugreg(struct vcpu *v, unsigned int reg, uint64_t *val);
/* Input arrived on the serial line (console.c). */
void upcall_console_input(void);

#endif

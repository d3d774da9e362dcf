/*
 * privop.h - instructions that ring 3 may not execute, done for the guest.
 */
#ifndef X86_PRIVOP_H
#define X86_PRIVOP_H

#include "include/types.h"

struct vcpu;

/*
 * After #GP at v's rip: perform the instruction if it is one that a guest
 * kernel (or, with I/O privilege, its user) may use.  True: done, or turned
 * into another exception; go on at regs->rip.  False: the #GP is the
 * guest's own.  v is current; regs are pcpu()->regs.
 */
bool privop_emulate(struct vcpu *v);

#endif

/*
 * iret.c - the iret hypercall: the guest kernel returns from a bounce.
 *
 * The frame is struct iret_context of the ABI (arch-x86/xen-x86_64.h) at the
 * guest's stack pointer.  Nothing in it is trusted: selectors get RPL 3,
 * flags lose IOPL (a guest may have it kept for it, never in the CPU) and VM
 * and gain IF, and what the CPU still refuses comes back as the guest's own
 * fault (trap_iret_fault).
 */
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/port.h"
#include "include/upcall.h"
#include "x86/bounce.h"
#include "x86/current.h"
#include "x86/dump.h"
#include "x86/ioport.h"

#define EFLAGS_FIXED 0x2
#define EFLAGS_IF    0x200
#define EFLAGS_IOPL  0x3000
#define IOPL_SHIFT   12
#define EFLAGS_RESERVED (~0x3f7fd5ULL)
#define EFLAGS_VM    0x20000

void port_vcpu_iret(struct vcpu *v)
{
	struct cpu_user_regs *regs = &pcpu()->regs;
	struct iret_context f;

	if (port_copy_from_guest(&f, GVA(regs->rsp), sizeof(f))) {
		guest_crash(v, "iret: its stack is not readable");
		return;
	}
	if ((f.cs & 3) == 3) {
		if (!v->pv.user_cr3.v) {
			guest_crash(v, "iret to user mode without a user root");
			return;
		}
		mode_to_user(v);
	}
	regs->rip = f.rip;
	regs->cs = (uint16_t)(f.cs | 3);
	regs->rflags = (f.rflags & ~(EFLAGS_RESERVED | EFLAGS_IOPL |
				     EFLAGS_VM)) |
		       EFLAGS_FIXED | EFLAGS_IF;
	if (ioport_iopl_in_frames(v)) {
		v->pv.iopl = f.rflags >> IOPL_SHIFT & 3;
	}
	regs->rsp = f.rsp;
	regs->ss = (uint16_t)(f.ss | 3);
	regs->entry_vector = 0; /* not back by SYSRET */
	if (!(f.flags & VGCF_in_syscall)) {
		regs->r11 = f.r11;
		regs->rcx = f.rcx;
	}
	/* An NMI handler's iret ends it; others nest inside, see XSA-259. */
	v->pv.nmi_masked = false;
	v->info->evtchn_upcall_mask = !(f.rflags & EFLAGS_IF);
	regs->rax = f.rax;
}

/*
 * trap.c - exceptions: is it ours or the guest's, and what of it.
 *
 * Called from entry.S with interrupts off.  trap_guest(): the CPU was in the
 * guest; regs are pcpu()->regs.  trap_hypervisor(): in the hypervisor; either
 * the exception table has a fixup, or it is our bug.
 */
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "x86/bounce.h"
#include "x86/context.h"
#include "x86/cpuid.h"
#include "x86/current.h"
#include "x86/dump.h"
#include "x86/insn.h"
#include "x86/mce.h"
#include "x86/port_init.h"
#include "x86/privop.h"
#include "x86/reboot.h"
#include "x86/trap.h"
#include "x86/uaccess.h"

enum {
	VEC_DB = 1,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MC = 18,
	VEC_INT80 = 0x80,
};

#define PF_PRESENT  1u
#define PF_WRITE    2u
#define PF_USER	    4u
#define PF_RESERVED 8u

static __noinline void guest_page_fault(struct vcpu *v, uint64_t va,
					uint32_t error)
{
	if (unlikely(error & PF_RESERVED)) {
		guest_crash(v, "a reserved bit is set in its page tables");
		return;
	}
	if (unlikely(va >= HOLE_START && va < HOLE_END) &&
	    !(error & PF_PRESENT) && context_ldt_fault(v, &va)) {
		return;
	}
	bounce_page_fault(v, va, error);
}

void trap_page_fault(struct cpu_user_regs *regs)
{
	uint32_t kind =
		regs->error_code & (PF_PRESENT | PF_WRITE | PF_RESERVED);
	struct vcpu *v = current();
	uint64_t va = read_cr2();

	/*
	 * A write to a page that is mapped read-only may be the guest's kernel
	 * editing its own page table (writable page tables).
	 */
	if (kind == (PF_PRESENT | PF_WRITE) && (v->mode & VF_KERNEL) &&
	    upcall_ptwr(v, regs, GVA(va))) {
		return;
	}
	guest_page_fault(v, va, regs->error_code);
}

static void guest_debug(struct vcpu *v)
{
	uint64_t dr6;

	__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%db6" : : "r"(0xffff0ff0ULL));
	v->pv.dr[6] |= dr6 & 0xe00f;
	bounce_exception(v, VEC_DB, 0);
}

static void guest_no_fpu(struct vcpu *v)
{
	/* The guest set TS itself; like a CPU, it clears it in the handler. */
	if (v->mode & VF_TS) {
		port_vcpu_set_ts(v, false);
	}
	bounce_exception(v, VEC_NM, 0);
}

/* A guest's user may say INT 0x80; no handler for it is that user's fault. */
static void guest_int80(struct vcpu *v, struct cpu_user_regs *regs)
{
	if (v->pv.trap[VEC_INT80].address) {
		bounce_exception(v, VEC_INT80, 0);
		return;
	}
	regs->rip -= 2;
	bounce_exception(v, VEC_GP, VEC_INT80 * 8 + 2);
}

void trap_guest(struct cpu_user_regs *regs)
{
	struct vcpu *v = current();
	unsigned int vector = regs->entry_vector & 0xff;

	switch (vector) {
	case VEC_GP:
		if (!privop_emulate(v)) {
			bounce_exception(v, VEC_GP, regs->error_code);
		}
		break;
	case VEC_UD:
		if (!cpuid_forced(v)) {
			bounce_exception(v, VEC_UD, 0);
		}
		break;
	case VEC_NM:
		guest_no_fpu(v);
		break;
	case VEC_DB:
		guest_debug(v);
		break;
	case VEC_INT80:
		guest_int80(v, regs);
		break;
	default:
		bounce_exception(v, vector, regs->error_code);
		break;
	}
}

/* The fault on our IRETQ: undo it, and let the guest have it (entry.S). */
static bool iret_fault(struct cpu_user_regs *regs)
{
	struct pcpu *p = pcpu();

	if (regs->rip != (uint64_t)exit_iretq) {
		return false;
	}
	p->iret_vector = (uint8_t)regs->entry_vector;
	p->iret_error = regs->error_code;
	regs->rip = (uint64_t)exit_iretq_fault;
	return true;
}

void trap_iret_fault(struct cpu_user_regs *regs)
{
	struct pcpu *p = pcpu();
	struct vcpu *v = p->current;
	uint64_t cr2 = read_cr2();

	(void)regs;
	if (p->iret_vector != VEC_PF) {
		bounce_exception(v, p->iret_vector, p->iret_error);
		return;
	}
	/*
	 * A selector's page of the LDT. Under XPTI this has not been through
	 * trap_hypervisor(): it is mapped only now.
	 */
	if (!context_ldt_fault(v, &cr2)) {
		bounce_page_fault(v, cr2, p->iret_error);
	}
}

void trap_hypervisor(struct cpu_user_regs *regs)
{
	unsigned int vector = regs->entry_vector & 0xff;
	uint64_t fixup, cr2 = read_cr2();

	/* A MOV SS shadow carried a guest's breakpoint to our entry. */
	if (vector == VEC_DB) {
		__asm__ volatile("mov %0, %%db6" : : "r"(0xffff0ff0ULL));
		return;
	}
	/* Touching the guest's LDT window on its behalf (loading a selector). */
	if (vector == VEC_PF && current() &&
	    context_ldt_fault(current(), &cr2)) {
		return;
	}
	if (iret_fault(regs)) {
		return;
	}
	fixup = extable_find(regs->rip);
	if (fixup) {
		regs->rip = fixup;
		return;
	}
	printk("hypervisor fault: vector %u on CPU %u\n", vector, pcpu()->cpu);
	dump_regs(regs);
	dump_stack(regs->rsp);
	port_panic("fatal exception %u in the hypervisor", vector);
}

void trap_double_fault(struct cpu_user_regs *regs)
{
	printk("double fault on CPU %u\n", pcpu()->cpu);
	dump_regs(regs);
	port_panic("double fault (stack overflow?)");
}

/*
 * An NMI is an operator's button, a failing board, or smp_send_nmi_others()
 * from a CPU that panics.  Only the last stops this CPU: a watchdog of the
 * hypervisor's own does not exist, so a stray one is reported and survived.
 */
static void nmi(void)
{
	uint8_t reason = inb(0x61) & 0xc0;

	if (port_panicking() || READ_ONCE(machine_stopping)) {
		for (;;) {
			cpu_hlt();
		}
	}
	printk("NMI on CPU %u, reason %02x%s%s\n", pcpu()->cpu, reason,
	       reason & 0x80 ? " memory parity or SERR" : "",
	       reason & 0x40 ? " I/O check" : "");
}

void trap_nmi(struct cpu_user_regs *regs)
{
	if ((regs->entry_vector & 0xff) == VEC_MC) {
		mce_handle();
	} else {
		nmi();
	}
}

/*
 * exit.c - before a CPU returns to a guest: softirqs, the scheduler, idling,
 * and the guest's pending events.
 */
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/port.h"
#include "include/upcall.h"
#include "x86/bounce.h"
#include "x86/context.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/ioport.h"
#include "x86/root.h"
#include "x86/trap.h"

static void idle(struct pcpu *p)
{
	/* STI takes effect after HLT has begun: no wake-up is lost. */
	if (!READ_ONCE(p->work)) {
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	}
}

/*
 * A guest's user mode may have been interrupted, whose root need not map what
 * its kernel has registered to be told.  Returns the root to go back to.
 */
static mfn_t kernel_view(const struct vcpu *v)
{
	return v ? root_borrow(v->pv.cr3) : MFN(0);
}

static void own_view(const struct vcpu *v, mfn_t root)
{
	if (v) {
		root_borrow(root);
	}
}

static void schedule(struct pcpu *p)
{
	struct vcpu *prev = p->current, *next;
	mfn_t root = kernel_view(prev);

	next = upcall_schedule();
	own_view(prev, root);
	if (next != prev) {
		context_switch(p, next);
		root = kernel_view(next);
		upcall_switched(prev);
		own_view(next, root);
	}
}

static void deliver(struct vcpu *v)
{
	if (v->pv.nmi_pending && !v->pv.nmi_masked && v->pv.nmi.address) {
		v->pv.nmi_pending = false;
		v->pv.nmi_masked = true;
		bounce_to(v, v->pv.nmi.address, SEL_G_CS64, BOUNCE_MASK, 0);
	} else if (vcpu_event_pending(v)) {
		bounce_event(v);
	}
}

void exit_work(struct cpu_user_regs *regs)
{
	struct pcpu *p = pcpu();

	(void)regs;
	for (;;) {
		uint8_t w = __atomic_exchange_n(&p->work, 0, __ATOMIC_ACQ_REL);

		if (w & WORK_TIMER) {
			upcall_timer();
		}
		if ((w & (WORK_RESCHED | WORK_TIMER)) || !p->current) {
			schedule(p);
		}
		if (!p->current) {
			idle(p);
			continue;
		}
		if (READ_ONCE(p->work)) {
			continue;
		}
		deliver(p->current);
		if (!READ_ONCE(p->work)) {
			break;
		}
	}
	if (ioport_iopl_in_frames(p->current)) {
		pcpu_add_work(p, WORK_SLOW);
	}
}

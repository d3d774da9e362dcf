/*
 * dispatch.c - from a guest's hypercall instruction to its handler and back.
 *
 * A handler that returns -ERESTART is called again by the guest itself: its
 * rip goes back over the two bytes of `syscall`, with the arguments as the
 * handler left them, so the guest takes its events in between.
 */
#include "hypercall/hc.h"
#include "hypercall/mmu.h"
#include "include/compiler.h"
#include "include/nospec.h"
#include "include/upcall.h"

#define SYSCALL_BYTES 2

static void restart(struct cpu_user_regs *regs, const struct hc *hc)
{
	regs->rip -= SYSCALL_BYTES;
	regs->rdi = hc->arg[0];
	regs->rsi = hc->arg[1];
	regs->rdx = hc->arg[2];
	regs->r10 = hc->arg[3];
	regs->r8 = hc->arg[4];
}

void upcall_hypercall(struct vcpu *v, struct cpu_user_regs *regs)
{
	uint64_t nr = regs->rax;
	const struct hc_entry *e;
	struct hc hc;
	long rc;

	/* Every other hypercall of a busy guest, so it goes straight. */
	if (nr == __HYPERVISOR_mmu_update && regs->rsi == 1 &&
	    regs->rdx == 0 && regs->r10 == DOMID_SELF) {
		rc = mmu_update_single(v->domain, GVA(regs->rdi));
		if (rc == -ERESTART) {
			regs->rip -= SYSCALL_BYTES;
		} else {
			regs->rax = (uint64_t)rc;
		}
		return;
	}
	if (unlikely(nr >= ARRAY_SIZE(hc_table))) {
		regs->rax = (uint64_t)-ENOSYS;
		return;
	}
	e = &hc_table[index_nospec(nr, ARRAY_SIZE(hc_table))];
	if (unlikely(!e->fn)) {
		regs->rax = (uint64_t)-ENOSYS;
		return;
	}
	hc.v = v;
	hc.d = v->domain;
	hc.arg[0] = regs->rdi;
	hc.arg[1] = regs->rsi;
	hc.arg[2] = regs->rdx;
	hc.arg[3] = regs->r10;
	hc.arg[4] = regs->r8;
	hc.in_multicall = false;
	hc.regs_loaded = false;
	if (unlikely(e->privileged && !hc.d->privileged)) {
		regs->rax = (uint64_t)-EPERM;
		return;
	}
	rc = e->fn(&hc);
	if (hc.regs_loaded) {
		return; /* its rax may be any number, -ERESTART as well */
	}
	if (unlikely(rc == -ERESTART)) {
		restart(regs, &hc);
		return;
	}
	regs->rax = (uint64_t)rc;
}

long hc_call_op(struct hc *hc, const struct hc_op *ops, size_t count,
		unsigned int cmd, gva_t uarg)
{
	uint8_t arg[HC_ARG_MAX] __aligned(16);
	const struct hc_op *op;
	long rc;

	if (cmd >= count) {
		return -ENOSYS;
	}
	op = &ops[index_nospec(cmd, count)];
	if (!op->fn) {
		return -ENOSYS;
	}
	if (op->who == HC_DOM0 && !hc->d->privileged) {
		return -EPERM;
	}
	/* Fail before anything changes, so that there is nothing to undo. */
	if ((op->dir & HC_OUT) && port_probe_guest_write(uarg, op->size)) {
		return -EFAULT;
	}
	if (op->size && port_copy_from_guest(arg, uarg, op->size)) {
		return -EFAULT;
	}
	rc = op->fn(hc, arg);
	/* Fails only if the guest unmapped it meanwhile: its own loss. */
	if (rc >= 0 && (op->dir & HC_OUT) &&
	    port_copy_to_guest(uarg, arg, op->size)) {
		rc = -EFAULT;
	}
	return rc;
}

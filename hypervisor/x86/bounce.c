/* bounce.c - see bounce.h. */
#include "x86/bounce.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/upcall.h"
#include "x86/current.h"
#include "x86/dump.h"
#include "x86/insn.h"
#include "x86/ioport.h"
#include "x86/root.h"
#include "x86/uaccess.h"

#define EFLAGS_IF   0x200
#define EFLAGS_IOPL 0x3000
/* Cleared on the way to a handler: TF NT RF VM AC, as an interrupt gate. */
#define EFLAGS_CLEAR 0x74100
#define EFLAGS_DF    0x400

#define FRAME_WORDS_MAX 12

void mode_to_kernel(struct vcpu *v)
{
	v->mode |= VF_KERNEL;
	__asm__ volatile("swapgs");
	root_load(pcpu(), v);
}

void mode_to_user(struct vcpu *v)
{
	v->mode &= (uint8_t)~VF_KERNEL;
	__asm__ volatile("swapgs");
	root_load(pcpu(), v);
}

/* Write n words, the first at the lowest address. */
static int push_frame(uint64_t sp, const uint64_t *word, unsigned int n)
{
	int err = 0;

	if (!gva_range_ok(GVA(sp), n * 8)) {
		return 1;
	}
	uaccess_begin();
	for (unsigned int i = 0; i < n; i++) {
		err |= uaccess_put64(sp + i * 8, word[i]);
	}
	uaccess_end();
	return err;
}

static uint64_t frame_flags(const struct vcpu *v,
			    const struct cpu_user_regs *regs, uint8_t mask)
{
	uint64_t f = regs->rflags & ~(uint64_t)(EFLAGS_IF | EFLAGS_IOPL);

	if (!mask) {
		f |= EFLAGS_IF; /* what the guest believes its IF to be */
	}
	if (ioport_iopl_in_frames(v)) {
		f |= (uint64_t)v->pv.iopl << 12;
	}
	return f;
}

/*
 * `extra` words go below rcx and r11 (the failsafe frame's selectors).
 */
static void bounce(struct vcpu *v, uint64_t address, uint16_t cs,
		   unsigned int flags, uint32_t error, const uint64_t *extra,
		   unsigned int extras)
{
	struct cpu_user_regs *regs = &pcpu()->regs;
	uint64_t word[FRAME_WORDS_MAX];
	unsigned int n = 0;
	bool from_user = !(v->mode & VF_KERNEL);
	uint8_t mask = v->info->evtchn_upcall_mask;
	uint64_t sp;

	if (from_user) {
		mode_to_kernel(v);
		sp = v->pv.kernel_sp;
	} else {
		sp = regs->rsp;
	}
	sp &= ~15ULL;

	word[n++] = regs->rcx;
	word[n++] = regs->r11;
	for (unsigned int i = 0; i < extras; i++) {
		word[n++] = extra[i];
	}
	if (flags & BOUNCE_ERROR) {
		word[n++] = error;
	}
	word[n++] = regs->rip;
	/* A kernel that was interrupted believes itself in ring 0. */
	word[n++] = (from_user ? regs->cs : (regs->cs & ~3ULL)) |
		    ((uint64_t)mask << 32);
	word[n++] = frame_flags(v, regs, mask);
	word[n++] = regs->rsp;
	word[n++] = regs->ss;

	sp -= n * 8;
	if (push_frame(sp, word, n)) {
		guest_crash(v, "its kernel stack cannot take a bounce frame");
		return;
	}
	if (flags & BOUNCE_MASK) {
		v->info->evtchn_upcall_mask = 1;
	}
	regs->rsp = sp;
	regs->rip = address;
	regs->cs = cs | 3;
	regs->ss = SEL_G_DS;
	regs->rflags &= ~(uint64_t)EFLAGS_CLEAR;
	/* Not the SYSCALL vector: the exit must not use SYSRET. */
	regs->entry_vector = 0;
}

void bounce_to(struct vcpu *v, uint64_t address, uint16_t cs,
	       unsigned int flags, uint32_t error)
{
	bounce(v, address, cs, flags, error, NULL, 0);
}

void bounce_exception(struct vcpu *v, unsigned int vector, uint32_t error)
{
	/* Vectors whose frame has an error code: DF TS NP SS GP PF AC CP. */
	const uint32_t has_error = 0x00227d00;
	const struct pv_trap *t = &v->pv.trap[vector & 255];
	unsigned int flags = 0;

	if (!t->address) {
		guest_crash(v, "no handler for an exception");
		return;
	}
	if (vector < 32 && (has_error & (1u << vector))) {
		flags |= BOUNCE_ERROR;
	}
	if (t->flags & 4) {
		flags |= BOUNCE_MASK;
	}
	bounce_to(v, t->address, t->cs, flags, error);
}

void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error)
{
	/* Both guest modes run in ring 3: say which one the guest means. */
	error &= ~4u;
	if (!(v->mode & VF_KERNEL)) {
		error |= 4;
	}
	v->info->arch.cr2 = cr2;
	bounce_exception(v, 14, error);
}

void bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs)
{
	const struct pv_callback *cb = &v->pv.syscall;

	if (regs->cs == SEL_G_CS32) {
		cb = &v->pv.syscall32;
	}
	if (!cb->address) {
		regs->rip -= 2;
		bounce_exception(v, 6, 0);
		return;
	}
	bounce_to(v, cb->address, SEL_G_CS64, cb->mask_events ? BOUNCE_MASK : 0,
		  0);
	regs->rflags &= ~(uint64_t)EFLAGS_DF;
}

void bounce_event(struct vcpu *v)
{
	if (!v->pv.event.address) {
		guest_crash(v, "unmasked events without a callback");
		return;
	}
	bounce_to(v, v->pv.event.address, SEL_G_CS64, BOUNCE_MASK, 0);
}

void bounce_failsafe(struct vcpu *v)
{
	const struct cpu_user_regs *regs = &pcpu()->regs;
	uint64_t sel[4] = { regs->ds, regs->es, regs->fs, regs->gs };

	if (!v->pv.failsafe.address) {
		guest_crash(v, "no failsafe callback");
		return;
	}
	bounce(v, v->pv.failsafe.address, SEL_G_CS64,
	       v->pv.failsafe.mask_events ? BOUNCE_MASK : 0, 0, sel, 4);
}

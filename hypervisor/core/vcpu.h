/*
 * vcpu.h - a virtual CPU: what the guest set, where it runs, its clocks.
 *
 * pv_state is data that hypercall/cpu.c checks and stores, and that x86/
 * reads when it builds a bounce frame or switches context.
 *
 * Locks: none of its own.  pv_state, info, runstate area: changed only by
 * the vCPU itself while it runs, or by a toolstack while it is paused.
 * sched: under the scheduler's lock of its CPU (sched.h).
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "core/sched_unit.h"
#include "core/timer.h"
#include "include/abi.h"
#include "include/types.h"
#include "lib/spinlock.h"

struct domain;

#define PV_TRAPS     256
#define PV_GDT_PAGES 14

/* vcpu.mode flags, read by x86/entry.S on every exit */
#define VF_KERNEL     0x01 /* in guest kernel mode (else guest user) */
#define VF_TS	      0x02 /* guest's CR0.TS: next FPU use bounces #NM */
#define VF_IOPL_SHIFT 4	   /* bits 4-5: guest's virtual IOPL */

struct pv_trap {
	uint64_t address; /* 0: no handler */
	uint16_t cs;
	uint8_t flags; /* bits 0-1 DPL, bit 2: mask events */
};

struct pv_callback {
	uint64_t address; /* 0: none */
	bool mask_events;
};

struct pv_state {
	mfn_t cr3;	/* guest kernel's root; holds an L4 type reference */
	mfn_t user_cr3; /* guest user's root, v == 0: none; likewise */
	uint64_t kernel_sp, kernel_ss;
	struct pv_callback event, failsafe, syscall, syscall32, sysenter, nmi;
	uint64_t fs_base, gs_base_kernel, gs_base_user;
	uint64_t cr0_guest; /* bits the guest thinks it set (TS, ...) */
	uint64_t cr4_guest;
	uint64_t dr[8]; /* 0-3, 6, 7 */
	mfn_t gdt_frame[PV_GDT_PAGES];
	unsigned int gdt_entries;
	uint64_t ldt_base; /* guest linear address */
	unsigned int ldt_entries;
	unsigned int iopl;
	uint8_t *io_bitmap; /* guest's own, from set_iobitmap; unused if NULL */
	gva_t io_bitmap_gva;
	unsigned int io_bitmap_ports;
	bool trap_ctxt_valid;
	bool nmi_pending, nmi_masked;
	struct pv_trap trap[PV_TRAPS];
};

struct vcpu_arch; /* x86/: FPU area, mapping slots */

/* Why a vCPU cannot run: bits of vcpu.pause_flags */
#define VPF_DOWN    0x1u /* not yet brought up, or VCPUOP_down */
#define VPF_BLOCKED 0x2u /* SCHEDOP_block: until an event */
#define VPF_POLLING 0x4u /* SCHEDOP_poll: until one of the ports */

struct vcpu {
	struct vcpu_info *info; /* where the guest reads its event state */
	uint8_t mode;		/* VF_* ; hot: see entry.S */
	uint8_t pad0;
	uint16_t id;
	uint16_t cpu;	   /* pCPU it runs, or last ran, on */
	bool running;	   /* loaded on `cpu` right now */
	bool initialised;  /* has a context */
	struct domain *domain;

	/* x86/root.c's: cr3 values to run its kernel and its user mode with. */
	uint64_t hw_kernel_root, hw_user_root; /* user: 0 if there is none */

	struct pv_state pv;
	struct cpu_user_regs regs; /* valid while not running */

	uint32_t pause_flags; /* VPF_*; atomic */
	int32_t pause_count;  /* vcpu_pause() depth; atomic */

	struct sched_unit sched;

	mfn_t info_mfn; /* register_vcpu_info's frame, or MFN_NONE */
	gva_t runstate_area; /* 0: none */
	gva_t time_area;     /* 0: none */
	struct vcpu_runstate_info runstate;

	struct timer singleshot; /* VCPUOP_set_singleshot_timer */
	struct timer periodic;
	uint64_t period_ns; /* 0: no periodic timer */
	struct vcpu_info *own_info; /* for ids that shared_info has no room for */
	struct timer poll_timer;
	uint32_t poll_port; /* the port if it polls just one, else 0 */

	uint32_t virq_port[24]; /* NR_VIRQS; 0: unbound */
	struct spinlock virq_lock;

	struct vcpu_arch *arch;
};

/* Allocate vCPU `id` of d (not yet runnable).  0, -EINVAL, -ENOMEM. */
int vcpu_create(struct domain *d, unsigned int id);
/* Only for a domain that no longer runs. */
void vcpu_destroy(struct vcpu *v);

/* Stop v from running until as many unpauses; _sync waits until it is off. */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_sync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_runnable(const struct vcpu *v);

/* An event may be pending: end a block or poll, kick its CPU. */
void vcpu_wake(struct vcpu *v);
/* Kick v out of guest mode if it runs, so that it looks at its events. */
void vcpu_kick(struct vcpu *v);

/* Account time up to now to the old state, and enter the new one. */
void vcpu_set_runstate(struct vcpu *v, int state, uint64_t now);
/* Write the registered runstate area; v's address space is loaded. */
void vcpu_publish_runstate(struct vcpu *v);

/* Set/clear bits of v->pause_flags; returns the old ones. */
uint32_t vcpu_flags_set(struct vcpu *v, uint32_t flags);
uint32_t vcpu_flags_clear(struct vcpu *v, uint32_t flags);

/*
 * SCHEDOP_block: sleep until an event, unless one is pending.  v is current;
 * it stops at its next way back to the guest.
 */
void vcpu_block(struct vcpu *v);
/* SCHEDOP_poll of one port (or 0: several) until deadline (0: none). */
void vcpu_poll(struct vcpu *v, uint32_t port, uint64_t deadline);
void vcpu_end_poll(struct vcpu *v);
/* Make v take its NMI callback, once it unmasks. */
void vcpu_send_nmi(struct vcpu *v);
/* VCPUOP_up / down. */
void vcpu_up(struct vcpu *v);
void vcpu_down(struct vcpu *v);

/*
 * VCPUOP_register_vcpu_info: from now on v's event state lives at `offset`
 * in frame m of its domain.  Caller holds d->mmu_lock.
 * 0; -EINVAL (has one already, does not fit, not a writable page).
 */
int vcpu_map_info(struct vcpu *v, mfn_t m, uint32_t offset);
void vcpu_unmap_info(struct vcpu *v);
/* Teardown: shared_info goes; nobody rings v any more, but v->info is read. */
void vcpu_drop_info(struct vcpu *v);

/* Does the guest want an upcall right now? (pending and not masked) */
static inline bool vcpu_event_pending(const struct vcpu *v)
{
	const volatile struct vcpu_info *i = v->info;

	return i->evtchn_upcall_pending && !i->evtchn_upcall_mask;
}

#endif

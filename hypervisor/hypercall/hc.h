/*
 * hc.h - a hypercall in progress, and the tables that describe all of them.
 *
 * A handler gets its caller explicitly (struct hc), works on copies of its
 * arguments, checks everything, then commits.  A long one stops when
 * port_should_yield() says so: it puts its progress into hc->arg[] (or the
 * guest's own structure) and returns -ERESTART; the dispatcher re-executes
 * the call with those arguments.
 */
#ifndef HYPERCALL_HC_H
#define HYPERCALL_HC_H

#include "core/domain.h"
#include "core/vcpu.h"
#include "include/errno.h"
#include "include/port.h"
#include "include/types.h"

struct hc {
	struct vcpu *v;
	struct domain *d;
	uint64_t arg[5]; /* rdi rsi rdx r10 r8; written back on -ERESTART */
	bool in_multicall;
	bool regs_loaded; /* iret: all registers are new, rax included */
};

typedef long hc_fn(struct hc *hc);

/* Rows of hypercall/table.c, one per __HYPERVISOR_* number. */
struct hc_entry {
	hc_fn *fn;
	uint8_t args; /* how many of arg[] it uses */
	bool privileged;
};
extern const struct hc_entry hc_table[64];

/* A sub-operation whose argument is one structure in guest memory. */
struct hc_op {
	long (*fn)(struct hc *hc, void *arg);
	uint16_t size;
	uint8_t dir; /* HC_IN | HC_OUT */
	uint8_t who; /* HC_ANY or HC_DOM0 */
};
#define HC_IN	1
#define HC_OUT	2
#define HC_ANY	0
#define HC_DOM0 1
#define HC_ARG_MAX 256

/*
 * Look up cmd, check the caller, probe the output, copy in, call, copy out.
 * -ENOSYS for an unknown cmd, -EPERM, -EFAULT, or the handler's result.
 */
long hc_call_op(struct hc *hc, const struct hc_op *ops, size_t count,
		unsigned int cmd, gva_t uarg);

/* The hypercalls, each in the file named after it. */
hc_fn hc_set_trap_table, hc_set_gdt, hc_stack_switch, hc_set_callbacks,
	hc_fpu_taskswitch, hc_set_debugreg, hc_get_debugreg,
	hc_update_descriptor, hc_set_segment_base, hc_iret, hc_callback_op,
	hc_vm_assist, hc_nmi_op;			    /* cpu.c */
hc_fn hc_mmu_update, hc_update_va_mapping, hc_mmuext_op,
	hc_update_va_mapping_otherdomain;		    /* mmu*.c */
hc_fn hc_memory_op;					    /* memory.c */
hc_fn hc_multicall;					    /* multicall.c */
hc_fn hc_xen_version;					    /* version.c */
hc_fn hc_console_io;					    /* console.c */
hc_fn hc_grant_table_op;				    /* grant.c */
hc_fn hc_vcpu_op, hc_set_timer_op;			    /* vcpu.c */
hc_fn hc_sched_op;					    /* sched.c */
hc_fn hc_event_channel_op;				    /* event.c */
hc_fn hc_physdev_op;					    /* physdev.c */
hc_fn hc_platform_op;					    /* platform.c */
hc_fn hc_domctl;					    /* domctl*.c */
hc_fn hc_sysctl;					    /* sysctl.c */
hc_fn hc_mca;						    /* mca.c */
hc_fn hc_xsm_op, hc_pmu_op;				    /* table.c */

#endif

/* table.c - every hypercall there is. */
#include "hypercall/hc.h"

/* No XSM policies are built in; the tools expect exactly this error. */
long hc_xsm_op(struct hc *hc)
{
	(void)hc;
	return -ENOSYS;
}

/* No virtual performance counters. */
long hc_pmu_op(struct hc *hc)
{
	(void)hc;
	return -EOPNOTSUPP;
}

#define ROW(nr, func, n)	     [nr] = { .fn = hc_##func, .args = (n) }
#define PRIV(nr, func, n)                                                      \
	[nr] = { .fn = hc_##func, .args = (n), .privileged = true }

const struct hc_entry hc_table[64] = {
	ROW(__HYPERVISOR_set_trap_table, set_trap_table, 1),
	ROW(__HYPERVISOR_mmu_update, mmu_update, 4),
	ROW(__HYPERVISOR_set_gdt, set_gdt, 2),
	ROW(__HYPERVISOR_stack_switch, stack_switch, 2),
	ROW(__HYPERVISOR_set_callbacks, set_callbacks, 3),
	ROW(__HYPERVISOR_fpu_taskswitch, fpu_taskswitch, 1),
	PRIV(__HYPERVISOR_platform_op, platform_op, 1),
	ROW(__HYPERVISOR_set_debugreg, set_debugreg, 2),
	ROW(__HYPERVISOR_get_debugreg, get_debugreg, 1),
	ROW(__HYPERVISOR_update_descriptor, update_descriptor, 2),
	ROW(__HYPERVISOR_memory_op, memory_op, 2),
	ROW(__HYPERVISOR_multicall, multicall, 2),
	ROW(__HYPERVISOR_update_va_mapping, update_va_mapping, 3),
	ROW(__HYPERVISOR_set_timer_op, set_timer_op, 1),
	ROW(__HYPERVISOR_xen_version, xen_version, 2),
	ROW(__HYPERVISOR_console_io, console_io, 3),
	ROW(__HYPERVISOR_grant_table_op, grant_table_op, 3),
	ROW(__HYPERVISOR_vm_assist, vm_assist, 2),
	ROW(__HYPERVISOR_update_va_mapping_otherdomain,
	    update_va_mapping_otherdomain, 4),
	ROW(__HYPERVISOR_iret, iret, 0),
	ROW(__HYPERVISOR_vcpu_op, vcpu_op, 3),
	ROW(__HYPERVISOR_set_segment_base, set_segment_base, 2),
	ROW(__HYPERVISOR_mmuext_op, mmuext_op, 4),
	ROW(__HYPERVISOR_xsm_op, xsm_op, 1),
	ROW(__HYPERVISOR_nmi_op, nmi_op, 2),
	ROW(__HYPERVISOR_sched_op, sched_op, 2),
	ROW(__HYPERVISOR_callback_op, callback_op, 2),
	ROW(__HYPERVISOR_event_channel_op, event_channel_op, 2),
	ROW(__HYPERVISOR_physdev_op, physdev_op, 2),
	PRIV(__HYPERVISOR_sysctl, sysctl, 1),
	PRIV(__HYPERVISOR_domctl, domctl, 1),
	ROW(__HYPERVISOR_xenpmu_op, pmu_op, 2),
	PRIV(__HYPERVISOR_arch_0, mca, 1),
};

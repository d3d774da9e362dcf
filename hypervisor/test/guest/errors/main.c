/*
 * errors: what each sub-operation answers to nothing, to addresses that are
 * no memory of the caller's, to zeros and to ones.  One line per question;
 * the runner compares them with genuine Xen's, but for what `differs` names.
 */
#include "guest.h"

#include <xen/grant_table.h>

const char guest_subject[] = "errors";

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));

enum shape { WITH_CMD_FIRST, WITH_CMD_AND_VCPU, STRUCT_FIRST };

static const struct call {
	const char *name;
	unsigned int nr, commands;
	enum shape shape;
	uint64_t skip; /* commands that end the guest, or change it */
} calls[] = {
	{ "memory_op", __HYPERVISOR_memory_op, 30, WITH_CMD_FIRST, 0 },
	{ "xen_version", __HYPERVISOR_xen_version, 14, WITH_CMD_FIRST, 0 },
	{ "grant_table_op", __HYPERVISOR_grant_table_op, 14, WITH_CMD_FIRST,
	  0 },
	{ "vm_assist", __HYPERVISOR_vm_assist, 4, WITH_CMD_FIRST, 0x3 },
	{ "vcpu_op", __HYPERVISOR_vcpu_op, 16, WITH_CMD_AND_VCPU, 0x804 },
	{ "sched_op", __HYPERVISOR_sched_op, 9, WITH_CMD_FIRST, 0x7e },
	{ "callback_op", __HYPERVISOR_callback_op, 4, WITH_CMD_FIRST, 0 },
	{ "xenoprof_op", __HYPERVISOR_xenoprof_op, 3, WITH_CMD_FIRST, 0 },
	{ "event_channel_op", __HYPERVISOR_event_channel_op, 16,
	  WITH_CMD_FIRST, 1 << 10 },
	{ "physdev_op", __HYPERVISOR_physdev_op, 34, WITH_CMD_FIRST, 0 },
	{ "hvm_op", __HYPERVISOR_hvm_op, 4, WITH_CMD_FIRST, 0 },
	{ "nmi_op", __HYPERVISOR_nmi_op, 3, WITH_CMD_FIRST, 0x2 },
	{ "console_io", __HYPERVISOR_console_io, 4, WITH_CMD_FIRST, 0x3 },
	{ "kexec_op", __HYPERVISOR_kexec_op, 1, WITH_CMD_FIRST, 0 },
	{ "xenpmu_op", __HYPERVISOR_xenpmu_op, 8, WITH_CMD_FIRST, 0 },
	{ "argo_op", __HYPERVISOR_argo_op, 3, WITH_CMD_FIRST, 0 },
	{ "domctl", __HYPERVISOR_domctl, 1, STRUCT_FIRST, 0 },
	{ "sysctl", __HYPERVISOR_sysctl, 1, STRUCT_FIRST, 0 },
	{ "platform_op", __HYPERVISOR_platform_op, 1, STRUCT_FIRST, 0 },
	{ "xsm_op", __HYPERVISOR_xsm_op, 1, STRUCT_FIRST, 0 },
	{ "mca", __HYPERVISOR_arch_0, 1, STRUCT_FIRST, 0 },
};

static const struct {
	const char *name;
	uint64_t address;
	int fill;
} arguments[] = {
	{ "null", 0, 0 },
	{ "hypervisor", 0xffff830000000000, 0 },
	{ "non-canonical", 0x0000900000000000, 0 },
	{ "zeros", 1, 0 },
	{ "ones", 1, 0xff },
};

static long ask(const struct call *c, unsigned int cmd, uint64_t arg)
{
	switch (c->shape) {
	case WITH_CMD_FIRST:
		return hypercall5(c->nr, cmd, arg, 1, 0, 0);
	case WITH_CMD_AND_VCPU:
		return hypercall5(c->nr, cmd, 0, arg, 0, 0);
	default:
		return hypercall1(c->nr, arg);
	}
}

static void table(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct call *c = &calls[i];

		for (unsigned int cmd = 0; cmd < c->commands; cmd++) {
			for (size_t a = 0; a < 5; a++) {
				uint64_t arg = arguments[a].address;

				if (c->skip >> cmd & 1) {
					continue;
				}
				memset(page, arguments[a].fill, PAGE_SIZE);
				arg = arg == 1 ? hc_ptr(page) : arg;
				guest_printf("TEST errors/%s-%u-%s: RC %ld\n", c->name, cmd,
					     arguments[a].name,
					     ask(c, cmd, arg));
			}
		}
	}
}

/* Where each names a domain. Of grants the status counts. */
static const struct {
	const char *name;
	unsigned int nr, cmd;
	size_t domid, status;
} naming[] = {
#define EVENT(op)                                                              \
	#op, __HYPERVISOR_event_channel_op, EVTCHNOP_##op,                     \
		offsetof(struct evtchn_##op, dom), 0
#define GRANT(op, type, member)                                                \
	#op, __HYPERVISOR_grant_table_op, GNTTABOP_##op,                       \
		offsetof(struct gnttab_##type, member),                        \
		offsetof(struct gnttab_##type, status)
#define MEMORY(op, type, member)                                               \
	#op, __HYPERVISOR_memory_op, XENMEM_##op,                              \
		offsetof(struct xen_##type, member), 0
	{ EVENT(alloc_unbound) },
	{ EVENT(status) },
	{ EVENT(reset) },
	{ "bind_interdomain", __HYPERVISOR_event_channel_op,
	  EVTCHNOP_bind_interdomain, 0, 0 },
	{ GRANT(setup_table, setup_table, dom) },
	{ GRANT(query_size, query_size, dom) },
	{ GRANT(map_grant_ref, map_grant_ref, dom) },
	{ GRANT(copy, copy, source.domid) },
	{ "get_version", __HYPERVISOR_grant_table_op, GNTTABOP_get_version,
	  0, 0 },
	{ MEMORY(increase_reservation, memory_reservation, domid) },
	{ MEMORY(decrease_reservation, memory_reservation, domid) },
	{ MEMORY(populate_physmap, memory_reservation, domid) },
	{ MEMORY(exchange, memory_exchange, in.domid) },
	{ MEMORY(current_reservation, memory_domain, domid) },
	{ MEMORY(maximum_reservation, memory_domain, domid) },
	{ MEMORY(maximum_gpfn, memory_domain, domid) },
	{ MEMORY(set_memory_map, foreign_memory_map, domid) },
	{ "remote_shutdown", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
	  0, 0 },
};

static void others(const char *name, uint16_t who)
{
	for (size_t i = 0; i < sizeof(naming) / sizeof(naming[0]); i++) {
		struct xen_memory_reservation *r = (void *)page;
		int16_t status;
		long rc;

		memset(page, 0, PAGE_SIZE);
		if (naming[i].nr == __HYPERVISOR_memory_op) {
			set_xen_guest_handle(r->extent_start,
					     (xen_pfn_t *)(page + 2048));
			r->nr_extents = 1;
		}
		memcpy(page + naming[i].domid, &who, sizeof(who));
		rc = hypercall5(naming[i].nr, naming[i].cmd, hc_ptr(page), 1, 0,
				0);
		memcpy(&status, page + naming[i].status, sizeof(status));
		guest_printf("TEST errors/%s-%s: RC %ld\n", name,
			     naming[i].name,
			     naming[i].status && !rc ? status : rc);
	}
	memset(page, 0, PAGE_SIZE);
	guest_printf("TEST errors/%s-mmu_update: RC %ld\n", name,
		     hypercall5(__HYPERVISOR_mmu_update, hc_ptr(page), 1, 0,
				who, 0));
	guest_printf("TEST errors/%s-mmuext_op: RC %ld\n", name,
		     hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(page), 1, 0,
				who, 0));
}

/* Beyond the last, and the holes between. */
static void numbers(void)
{
	static const uint8_t nr[] = { 11, 19, 27, 38, 43, 44, 45, 46,
				      47, 50, 52, 55, 56, 60, 63, 64, 255 };

	for (size_t i = 0; i < sizeof(nr); i++) {
		guest_printf("TEST errors/number-%u: RC %ld\n", nr[i],
			     hypercall1(nr[i], 0));
	}
}

void guest_main(void)
{
	table();
	others("nobody", 1234);
	if (!(start_info->flags & SIF_INITDOMAIN)) {
		others("dom0", 0);
	}
	numbers();
	VERDICT("all-answered", true, "%s", "");
}

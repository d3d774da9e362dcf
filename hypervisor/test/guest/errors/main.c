/*
 * errors: what each sub-operation answers to nothing, to addresses that are
 * no memory of the caller's, to zeros and to ones.  One line per question;
 * the runner compares them with genuine Xen's, but for what `differs` names.
 */
#include "guest.h"

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
	numbers();
	VERDICT("all-answered", true, "%s", "");
}

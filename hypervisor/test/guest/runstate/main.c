/*
 * runstate: the registered area is right when the CPU has been switched,
 * although the guest's user mode, whose root does not map it, lost and got it.
 *
 * hypervisor: dom0_max_vcpus=2
 */
#include "user.h"

const char guest_subject[] = "runstate";

#define MS 1000000ul

USER_ASM(code_spin, "1: jmp 1b");

void user_leave(void) __attribute__((noreturn)); /* lib/user.S */

static struct vcpu_runstate_info area;
static struct vcpu_guest_context context;
static uint8_t stack[4096] __attribute__((aligned(4096)));
static uint64_t told, truth; /* since when it runs: the area, a hypercall */

static void busy(void)
{
	for (;;) {
		__asm__ volatile("pause");
	}
}

static void compare(void)
{
	struct vcpu_runstate_info now;

	do {
		told = READ(area.state_entry_time);
		hypercall_vcpu(VCPUOP_get_runstate_info, 0, &now);
	} while (told != READ(area.state_entry_time));
	truth = now.state_entry_time;
}

static bool on_event(struct trap_regs *r)
{
	shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
	shared_info->vcpu_info[0].evtchn_pending_sel = 0;
	shared_info->evtchn_pending[0] = 0;
	if ((r->cs & 3) == 3) {
		compare();
		user_leave();
	}
	return true;
}

static int start_other(void)
{
	guest_vcpu_context(&context, busy, NULL, stack + sizeof(stack));
	return (int)hypercall_vcpu(VCPUOP_initialise, 1, &context) |
	       (int)hypercall_vcpu(VCPUOP_up, 1, NULL);
}

void guest_main(void)
{
	struct vcpu_register_runstate_memory_area where = {
		.addr.v = &area,
	};
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };
	const struct trap_regs regs = { .rflags = 0x202 };

	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	guest_equal("user-root", 0, (uint64_t)user_init());
	hypercall_vcpu(VCPUOP_stop_periodic_timer, 0, NULL);
	guest_equal("register", 0,
		    (uint64_t)hypercall_vcpu(
			    VCPUOP_register_runstate_memory_area, 0, &where));
	guest_equal("bind-timer", 0,
		    (uint64_t)hypercall_op(__HYPERVISOR_event_channel_op,
					   EVTCHNOP_bind_virq, &bind));
	shared_info->evtchn_mask[0] &= ~(1ul << bind.port);
	event_hook = on_event;
	guest_equal("other", 0, (uint64_t)start_other());
	hypercall1(__HYPERVISOR_set_timer_op, guest_now() + 500 * MS);
	user_run(code_spin, code_spin_end, &regs);
	VERDICT("user-mode-switched", told == truth,
		"runs since %lu, the area says %lu", truth, told);
	hypercall_vcpu(VCPUOP_down, 1, NULL);
}

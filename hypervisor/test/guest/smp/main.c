/*
 * smp: bringing up a second vCPU, talking to it, taking it down.
 *
 * qemu: -smp 2
 * hypervisor: dom0_max_vcpus=2
 */
#include "guest.h"

const char guest_subject[] = "smp";

#define MS 1000000ul

static struct vcpu_guest_context context;
static uint8_t stack[16384] __attribute__((aligned(4096)));
static volatile unsigned int alive, command, answer;
static volatile uint64_t second_rsp, second_flags;
static unsigned int ipi_port;
static volatile unsigned int second_upcalls;

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

static int vcpu_op(unsigned int cmd, unsigned int vcpu, const void *arg)
{
	return (int)hypercall_vcpu(cmd, vcpu, arg);
}

/* What the second vCPU does: wait for commands, answer them. */
static void second(void)
{
	uint64_t rsp, flags;
	unsigned int seen = 0;

	__asm__ volatile("mov %%rsp, %0; pushfq; popq %1"
			 : "=r"(rsp), "=r"(flags));
	second_rsp = rsp;
	second_flags = flags;
	alive = 1;
	for (;;) {
		if (command == seen) {
			hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield,
				     NULL);
			continue;
		}
		seen = command;
		if (seen == 3) { /* take interrupts, sleeping */
			answer = 3;
			for (;;) {
				hypercall_op(__HYPERVISOR_sched_op,
					     SCHEDOP_block, NULL);
				shared_info->vcpu_info[1].evtchn_upcall_mask =
					1;
				if (second_upcalls >= 100) {
					answer = 4;
					break;
				}
			}
		} else {
			answer = seen;
		}
	}
}

static bool on_event(struct trap_regs *r)
{
	struct vcpu_info *v = &shared_info->vcpu_info[1];

	(void)r;
	if (!v->evtchn_upcall_pending) {
		return true;
	}
	v->evtchn_upcall_pending = 0;
	__atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_and(&shared_info->evtchn_pending[ipi_port / 64],
			       ~(1ul << ipi_port % 64), __ATOMIC_SEQ_CST) >>
		    (ipi_port % 64) & 1) {
		second_upcalls++;
	}
	return true;
}

/* Up to two seconds of yielding until *what is `value`. */
static bool wait_for(const volatile unsigned int *what, unsigned int value)
{
	uint64_t start = shared_info->vcpu_info[0].time.system_time;
	unsigned int i;

	for (i = 0; i < 20000000 && *what != value; i++) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		if (shared_info->vcpu_info[0].time.system_time - start >
		    2000 * MS) {
			break;
		}
	}
	return *what == value;
}

static void bring_up(void)
{
	equal("no-such-vcpu", -2, vcpu_op(VCPUOP_is_up, 2, NULL));
	equal("far-vcpu", -2, vcpu_op(VCPUOP_is_up, 8191, NULL));
	equal("self-is-up", 1, vcpu_op(VCPUOP_is_up, 0, NULL));
	equal("second-is-down", 0, vcpu_op(VCPUOP_is_up, 1, NULL));
	equal("up-without-context", -22, vcpu_op(VCPUOP_up, 1, NULL));
	context.ctrlreg[3] = 0;
	VERDICT("initialise-bad-root",
		vcpu_op(VCPUOP_initialise, 1, &context) < 0,
		"taken with no page table");
	guest_vcpu_context(&context, second, NULL, stack + sizeof(stack));
	equal("initialise", 0, vcpu_op(VCPUOP_initialise, 1, &context));
	equal("initialise-twice", -17,
	      vcpu_op(VCPUOP_initialise, 1, &context));
	equal("still-down", 0, vcpu_op(VCPUOP_is_up, 1, NULL));
	equal("up", 0, vcpu_op(VCPUOP_up, 1, NULL));
	VERDICT("runs", wait_for(&alive, 1), "no sign of life");
	equal("is-up", 1, vcpu_op(VCPUOP_is_up, 1, NULL));
	VERDICT("on-its-stack",
		second_rsp > (uint64_t)stack &&
			second_rsp < (uint64_t)stack + sizeof(stack),
		"rsp %lx", second_rsp);
	equal("starts-masked", 1,
	      shared_info->vcpu_info[1].evtchn_upcall_mask);
}

static void talk(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };
	struct evtchn_send send;
	unsigned int i;

	command = 1;
	VERDICT("answers", wait_for(&answer, 1), "no answer");
	equal("bind-ipi", 0,
	      hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi,
			   &ipi));
	ipi_port = ipi.port;
	shared_info->evtchn_mask[ipi_port / 64] &= ~(1ul << ipi_port % 64);
	command = 3;
	wait_for(&answer, 3);
	send.port = ipi_port;
	for (i = 1; i <= 100; i++) {
		hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_send,
			     &send);
		if (!wait_for(&second_upcalls, i)) {
			break;
		}
	}
	equal("hundred-ipis", 100, second_upcalls);
	VERDICT("wakes-from-block", wait_for(&answer, 4), "still asleep");
}

static void take_down(void)
{
	unsigned int i;

	equal("down", 0, vcpu_op(VCPUOP_down, 1, NULL));
	equal("is-down", 0, vcpu_op(VCPUOP_is_up, 1, NULL));
	command = 5;
	for (i = 0; i < 1000; i++) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
	equal("does-not-run", 4, answer);
	equal("up-again", 0, vcpu_op(VCPUOP_up, 1, NULL));
	VERDICT("goes-on-where-it-was", wait_for(&answer, 5), "no answer");
	equal("down-again", 0, vcpu_op(VCPUOP_down, 1, NULL));
	equal("no-initialise-of-running", -17,
	      vcpu_op(VCPUOP_initialise, 0, &context));
}

void guest_main(void)
{
	equal("map-shared-info", 0, guest_map_shared());
	event_hook = on_event;
	bring_up();
	talk();
	take_down();
}

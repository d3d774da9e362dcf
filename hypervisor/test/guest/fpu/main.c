/*
 * fpu: floating-point and vector registers belong to the vCPU, whatever the
 * hypervisor does meanwhile; and the lazy-switching bit works.
 */
#include "guest.h"

const char guest_subject[] = "fpu";

static uint64_t out[2] __attribute__((aligned(16)));
static unsigned int timer_port;

static void load(uint64_t a, uint64_t b)
{
	const uint64_t in[2] = { a, b };

	__asm__ volatile("movdqu %0, %%xmm7" ::"m"(*(const char(*)[16])in)
			 : "memory");
}

static bool holds(uint64_t a, uint64_t b)
{
	__asm__ volatile("movdqu %%xmm7, %0"
			 : "=m"(*(char(*)[16])out)::"memory");
	return out[0] == a && out[1] == b;
}

static bool on_event(struct trap_regs *r)
{
	(void)r;
	shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
	shared_info->vcpu_info[0].evtchn_pending_sel = 0;
	shared_info->evtchn_pending[timer_port / 64] = 0;
	return true;
}

/* Off the CPU and back, by a timer. */
static void sleep_ms(unsigned int ms)
{
	struct vcpu_set_singleshot_timer s = { .flags = 0 };

	s.timeout_abs_ns = shared_info->vcpu_info[0].time.system_time +
			   ms * 1000000ul;
	hypercall_vcpu(VCPUOP_set_singleshot_timer, 0, &s);
	hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
}

static void kept(void)
{
	uint32_t mxcsr = 0x1fa0, got = 0;
	uint16_t fcw = 0x027f, fcw_got = 0;
	unsigned int i;

	load(0x1111222233334444, 0x5555666677778888);
	for (i = 0; i < 1000; i++) {
		hypercall2(__HYPERVISOR_xen_version, 0, 0);
	}
	VERDICT("kept-over-hypercalls",
		holds(0x1111222233334444, 0x5555666677778888), "%lx %lx",
		out[0], out[1]);
	TRY("ud2", ::: "memory");
	VERDICT("kept-over-exception",
		holds(0x1111222233334444, 0x5555666677778888), "%lx %lx",
		out[0], out[1]);
	__asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(fcw));
	sleep_ms(5);
	VERDICT("kept-over-block",
		holds(0x1111222233334444, 0x5555666677778888), "%lx %lx",
		out[0], out[1]);
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(got), "=m"(fcw_got));
	guest_equal("mxcsr-kept", mxcsr, got);
	guest_equal("fcw-kept", fcw, fcw_got);
	hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	VERDICT("kept-over-yield",
		holds(0x1111222233334444, 0x5555666677778888), "%lx %lx",
		out[0], out[1]);
}

static void x87(void)
{
	double pi = 3.14159, got = 0;

	__asm__ volatile("fninit; fldl %0" ::"m"(pi));
	sleep_ms(5);
	__asm__ volatile("fstpl %0" : "=m"(got));
	VERDICT("x87-kept-over-block",
		memcmp(&pi, &got, sizeof(pi)) == 0, "another value");
	/* an unmasked division by zero is reported at the next instruction */
	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp"
			 ::"m"(*(uint16_t[]){ 0x037b }));
	TRY("fwait", ::: "memory");
	VERDICT("x87-exception", trap_seen.seen && trap_seen.vector == 16,
		"vector %lx", trap_seen.vector);
	__asm__ volatile("fninit");
}

static void switching(void)
{
	guest_equal("set-ts", 0,
		    (uint64_t)hypercall1(__HYPERVISOR_fpu_taskswitch, 1));
	TRY("movdqu %%xmm7, %0", : "=m"(*(char(*)[16])out)::"memory");
	VERDICT("ts-makes-nm", trap_seen.seen && trap_seen.vector == 7,
		"vector %lx", trap_seen.vector);
	TRY("movdqu %%xmm7, %0", : "=m"(*(char(*)[16])out)::"memory");
	guest_equal("nm-clears-ts", 0, trap_seen.seen);
	hypercall1(__HYPERVISOR_fpu_taskswitch, 1);
	guest_equal("clear-ts", 0,
		    (uint64_t)hypercall1(__HYPERVISOR_fpu_taskswitch, 0));
	TRY("movdqu %%xmm7, %0", : "=m"(*(char(*)[16])out)::"memory");
	guest_equal("no-nm-after-clear", 0, trap_seen.seen);
	/* TS survives a sleep, and so do the registers behind it */
	load(7, 8);
	hypercall1(__HYPERVISOR_fpu_taskswitch, 1);
	sleep_ms(5);
	TRY("movdqu %%xmm7, %0", : "=m"(*(char(*)[16])out)::"memory");
	VERDICT("ts-kept-over-block", trap_seen.seen && trap_seen.vector == 7,
		"vector %lx", trap_seen.vector);
	VERDICT("registers-kept-behind-ts", holds(7, 8), "%lx %lx", out[0],
		out[1]);
}

void guest_main(void)
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 0 };

	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	event_hook = on_event;
	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq);
	timer_port = virq.port;
	shared_info->evtchn_mask[timer_port / 64] &= ~(1ul << timer_port % 64);
	kept();
	x87();
	switching();
}

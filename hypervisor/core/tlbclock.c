/* tlbclock.c - see tlbclock.h.  No locks: one counter, one word per CPU. */
#include "core/tlbclock.h"
#include "include/port.h"

uint64_t tlbclock = 1;
/* 0: no guest's root is loaded there */
static uint64_t cpu_flushed_at[MAX_CPUS];

void tlbclock_cpu_busy(void)
{
	uint64_t t = __atomic_add_fetch(&tlbclock, 1, __ATOMIC_SEQ_CST);

	__atomic_store_n(&cpu_flushed_at[port_cpu()], t, __ATOMIC_RELEASE);
}

void tlbclock_cpu_flushed(void)
{
	if (cpu_flushed_at[port_cpu()]) {
		tlbclock_cpu_busy();
	}
}

void tlbclock_cpu_idle(void)
{
	__atomic_store_n(&cpu_flushed_at[port_cpu()], 0, __ATOMIC_RELEASE);
}

cpumask_t tlbclock_stale_cpus(uint64_t stamp)
{
	cpumask_t left = port_cpus_online(), stale = 0;
	unsigned int cpu;
	uint64_t at;

	if (stamp == 0) {
		return 0;
	}
	for (; left; left &= left - 1) {
		cpu = (unsigned int)__builtin_ctzll(left);
		at = __atomic_load_n(&cpu_flushed_at[cpu], __ATOMIC_ACQUIRE);
		if (at && at <= stamp) {
			stale |= 1ULL << cpu;
		}
	}
	return stale;
}

void tlbclock_flush_since(uint64_t stamp)
{
	cpumask_t stale = tlbclock_stale_cpus(stamp);

	if (stale) {
		port_flush_tlb(stale, FLUSH_TLB, GVA(0));
	}
}

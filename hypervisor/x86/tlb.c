/*
 * tlb.c - one request at a time, answered by IPI or from a spin loop.
 *
 * The requester holds flush_lock, publishes what to flush, sets a bit for
 * each CPU in `waiting` and waits until all are clear.  A CPU that spins for
 * any lock answers from port_relax(), so the requester may hold locks.
 */
#include "x86/tlb.h"
#include "core/tlbclock.h"
#include "include/port.h"
#include "lib/spinlock.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/smp.h"

static struct spinlock flush_lock;
static cpumask_t waiting;
static unsigned int request_flags;
static uint64_t request_va;

void tlb_flush_local(void)
{
	tlbclock_cpu_flushed();
	write_cr3(read_cr3());
}

static void flush_here(unsigned int flags, uint64_t va)
{
	if (flags & FLUSH_TLB) {
		tlb_flush_local();
	} else if (flags & FLUSH_VA) {
		cpu_invlpg(va);
	}
}

void tlb_service(void)
{
	cpumask_t bit = 1ULL << pcpu()->cpu;

	if (!(__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) & bit)) {
		return;
	}
	flush_here(request_flags, request_va);
	__atomic_fetch_and(&waiting, ~bit, __ATOMIC_RELEASE);
}

void port_flush_tlb(cpumask_t mask, unsigned int flags, gva_t va)
{
	unsigned int self = pcpu()->cpu;
	cpumask_t bit = 1ULL << self;
	cpumask_t others = mask & ~bit & port_cpus_online();

	if (mask & bit) {
		flush_here(flags, va.v);
	}
	if (!others) {
		return;
	}
	spin_lock(&flush_lock);
	request_flags = flags;
	request_va = va.v;
	__atomic_store_n(&waiting, others, __ATOMIC_RELEASE);
	smp_send_ipi_mask(others, VEC_FLUSH);
	while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE)) {
		cpu_pause();
	}
	spin_unlock(&flush_lock);
}

void port_relax(void)
{
	cpu_pause();
	if (__atomic_load_n(&waiting, __ATOMIC_RELAXED)) {
		tlb_service();
	}
}

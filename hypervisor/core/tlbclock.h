/*
 * tlbclock.h - does any CPU still hold translations from before?
 *
 * A clock ticks at every full TLB flush.  Whoever ends a use of a frame (the
 * last writable mapping, a page table, the owner) stamps it with the clock;
 * each CPU remembers the tick of its last flush.  A CPU whose last flush is
 * newer than the stamp cannot have a stale translation, so it is left alone:
 * nearly always all of them, for guests reload cr3 all the time.  A CPU that
 * has no guest's page tables loaded has nothing to flush at all; it must not
 * be woken from its sleep for that.
 *
 * Ordering: the page-table entry is cleared first, the stamp taken next; a
 * CPU takes its tick first and flushes next, without touching guest memory
 * in between.  64 bits do not wrap.
 */
#ifndef CORE_TLBCLOCK_H
#define CORE_TLBCLOCK_H

#include "include/types.h"

extern uint64_t tlbclock;

/* Now, for a frame's stamp.  Never 0, which stands for "no use yet". */
static inline uint64_t tlbclock_now(void)
{
	/*
	 * Full barrier: the caller's page-table write must be visible before
	 * the clock is read, or a CPU could flush, tick, and then load the
	 * old entry again with a newer tick than the stamp.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&tlbclock, __ATOMIC_RELAXED);
}
/* For x86/, the first two immediately before what they say, the last after. */
/* This CPU loads a guest's root (and so flushes), after none or another's. */
void tlbclock_cpu_busy(void);
/* It flushes all its non-global entries. */
void tlbclock_cpu_flushed(void);
/* It has loaded the hypervisor's own root: no guest's translations any more. */
void tlbclock_cpu_idle(void);

/* CPUs that have not flushed since the stamp was taken. */
cpumask_t tlbclock_stale_cpus(uint64_t stamp);
/* Flush those. */
void tlbclock_flush_since(uint64_t stamp);

#endif

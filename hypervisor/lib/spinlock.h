/*
 * spinlock.h - a ticket lock.  Interrupts are off in all of the hypervisor
 * (see port.h), so there is one kind only.  While it waits a CPU answers TLB
 * flush requests (port_relax), so that holding a lock over a flush cannot
 * deadlock.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

void port_relax(void);

struct spinlock {
	uint16_t next;	/* ticket of the next taker */
	uint16_t owner; /* ticket that holds the lock */
};

/* Apart, so that a lock that is free costs its taker few registers. */
static __attribute__((noinline, unused)) void spin_wait(struct spinlock *l,
						       uint16_t ticket)
{
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket) {
		port_relax();
	}
}

static inline void spin_lock(struct spinlock *l)
{
	uint16_t t = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);

	if (__builtin_expect(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != t,
			     0)) {
		spin_wait(l, t);
	}
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->owner, (uint16_t)(l->owner + 1),
			 __ATOMIC_RELEASE);
}

static inline bool spin_trylock(struct spinlock *l)
{
	uint16_t t = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
	uint16_t n = t;

	return __atomic_compare_exchange_n(&l->next, &n, (uint16_t)(t + 1),
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&l->next, __ATOMIC_RELAXED);
}

#endif

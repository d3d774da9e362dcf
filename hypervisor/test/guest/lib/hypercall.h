/*
 * hypercall.h - calls into the hypervisor from a PV test kernel.
 *
 * By inline SYSCALL, as Linux 6.1 does; rcx and r11 are lost.  The test
 * "hypercall_page" covers the other way.
 */
#ifndef GUEST_HYPERCALL_H
#define GUEST_HYPERCALL_H

#include <stdint.h>

static inline long hypercall5(unsigned int nr, uint64_t a, uint64_t b,
			      uint64_t c, uint64_t d, uint64_t e)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10),
			   "+r"(r8)
			 : "0"((uint64_t)nr)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline uint64_t hc_ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static inline long hypercall3(unsigned int nr, uint64_t a, uint64_t b,
			      uint64_t c)
{
	return hypercall5(nr, a, b, c, 0, 0);
}

static inline long hypercall2(unsigned int nr, uint64_t a, uint64_t b)
{
	return hypercall5(nr, a, b, 0, 0, 0);
}

static inline long hypercall1(unsigned int nr, uint64_t a)
{
	return hypercall5(nr, a, 0, 0, 0, 0);
}

/* A sub-operation with one structure: event_channel_op, sched_op, ... */
static inline long hypercall_op(unsigned int nr, unsigned int cmd,
				const void *arg)
{
	return hypercall5(nr, cmd, hc_ptr(arg), 0, 0, 0);
}

static inline long hypercall_vcpu(unsigned int cmd, unsigned int vcpu,
				  const void *arg)
{
	return hypercall5(24, cmd, vcpu, hc_ptr(arg), 0, 0);
}

#endif

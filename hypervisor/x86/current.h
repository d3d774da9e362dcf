/*
 * current.h - this physical CPU: its stack top holds its state.
 *
 * The CPU pushes a guest's ss..rip right below regs.es when it leaves the
 * guest on the main stack; entry.S pushes the rest.  So while a guest's trap
 * or hypercall is being handled, pcpu()->regs are that guest's registers.
 */
#ifndef X86_CURRENT_H
#define X86_CURRENT_H

#include "core/vcpu.h"
#include "include/abi.h"
#include "include/types.h"
#include "x86/layout.h"

/* pcpu.work: reasons to leave the fast exit path */
#define WORK_TIMER    0x01
#define WORK_RESCHED  0x02
#define WORK_SLOW     0x10 /* stays: the current vCPU is not for entry_fast.S */

struct pcpu {
	uint64_t pad0; /* keeps regs.es 16-byte aligned, see below */
	struct cpu_user_regs regs;
	struct vcpu *current;	  /* NULL: idle */
	uint64_t cr4;
	uint32_t cpu;
	uint8_t work;		  /* WORK_*; also set by interrupts */
	uint8_t xpti;		  /* leave by exit_xpti */
	uint8_t iret_vector;	  /* fault of our IRETQ, see trap.c */
	uint8_t pad1;
	uint32_t iret_error;
	uint32_t pad3;
	uint64_t entry_page;	  /* this CPU's part of the entry area */
	uint64_t scratch;	  /* guest's rax in entry_fast.S */
} __attribute__((aligned(16)));

static inline struct pcpu *pcpu(void)
{
	uint64_t sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct pcpu *)((sp | (STACK_SIZE - 1)) + 1) - 1;
}

/* Other CPUs add to it too. */
static inline void pcpu_add_work(struct pcpu *p, uint8_t w)
{
	__atomic_fetch_or(&p->work, w, __ATOMIC_SEQ_CST);
}

static inline struct pcpu *pcpu_of(unsigned int cpu)
{
	return (struct pcpu *)(STACKS_VA + ((uint64_t)cpu + 1) * STACK_SIZE) -
	       1;
}

static inline struct vcpu *current(void)
{
	return pcpu()->current;
}

/* v's registers, wherever they are now. */
static inline struct cpu_user_regs *vcpu_regs(struct vcpu *v)
{
	struct pcpu *p = pcpu();

	return p->current == v ? &p->regs : &v->regs;
}

_Static_assert((8 + offsetof(struct cpu_user_regs, es)) % 16 == 0,
	       "the CPU aligns its frame to 16");

#endif

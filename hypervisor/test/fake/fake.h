/*
 * fake.h - the machine that host tests run on, and how to break it.
 *
 * RAM is one mapping of fake_frames() frames; frame 0 exists but is never
 * handed out.  Guest memory is FAKE_GUEST_PAGES pages at FAKE_GUEST_BASE, one
 * address space for all domains.  CPUs are FAKE_CPUS numbers; the test says
 * which one it is on.  Time stands still but for fake_advance().
 */
#ifndef TEST_FAKE_FAKE_H
#define TEST_FAKE_FAKE_H

#include "include/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_CPUS	 4
#define FAKE_FRAMES	 16384 /* 64 MiB */
#define FAKE_GUEST_BASE	 0x10000000ULL
#define FAKE_GUEST_PAGES 64

struct domain;
struct vcpu;

/* Everything as after power-on; frees what the last test left behind. */
void fake_reset(void);

/* CPUs and time */
extern unsigned int fake_cpu;
void fake_set_cpus(unsigned int n);
extern uint64_t fake_time;
/*
 * Move the clock on by ns: timers fire, kicked CPUs schedule, vCPUs "run" on
 * CPUs (they do nothing but use time).
 */
void fake_advance(uint64_t ns);
/* Let every kicked CPU schedule; time stands still. */
void fake_settle(void);
/* Whom each CPU runs. */
extern struct vcpu *fake_current[MAX_CPUS];
/* Called when a CPU has taken up another vCPU (NULL: idle); may be NULL. */
extern void (*fake_switch_hook)(unsigned int cpu, struct vcpu *next);
/*
 * What the other CPUs do while this one waits for a lock: once, at the next
 * port_relax().  It has to end the wait.
 */
extern void (*fake_relax_hook)(void);
extern uint64_t fake_deadline[MAX_CPUS]; /* port_timer_arm() of each CPU */
extern unsigned int fake_kicks[MAX_CPUS];

/*
 * The n-th allocation from now on fails (0: the next); -1: none does.
 * fake_failed(): did it come to that?
 */
void fake_fail_alloc_at(long n);
bool fake_failed(void);
/* Objects of mem_alloc() that are alive. */
long fake_objects_out(void);

/* port_should_yield() is true once, at its n-th call from now; -1: never. */
void fake_yield_at(long n);
bool fake_yielded(void);

/* The n-th guest copy from now fails; -1: none. */
void fake_fault_at(long n);
bool fake_faulted(void);

/* Guest memory: test's own access, and pages that are not there. */
void *fake_guest(uint64_t offset);
gva_t fake_gva(uint64_t offset);
void fake_guest_hole(unsigned int page, bool hole);

/* What port_machine_off(), port_panic() were called with. */
extern int fake_machine_off; /* -1: not */
/* Text written to the console since fake_reset(). */
extern char fake_console[65536];
extern size_t fake_console_len;
/* Input that port_console_read() gives. */
void fake_console_input(const char *s);

/* PV effects that tests look at */
struct fake_pv {
	unsigned int load_gdt, load_ldt, load_cr3, set_segbase, set_ts;
	unsigned int iret, pirq_eoi, pirq_startup, pirq_shutdown;
	uint64_t segbase[8], debugreg[8];
	uint64_t xcr0;
	bool no_xsave;
	uint8_t xstate[832];
};
extern struct fake_pv fake_pv;

/* devices.c: what was asked of the devices. */
struct fake_devices {
	int reserved;
	unsigned int restored; /* segment << 16 | bus << 8 | devfn */
	uint16_t sleep_a, sleep_b;
	bool sleep_extended;
};
extern struct fake_devices fake_devices;

/* TLB flushes, newest last; the ring wraps. */
struct fake_flush {
	cpumask_t mask;
	unsigned int flags;
	uint64_t va;
};
#define FAKE_FLUSHES 256
extern struct fake_flush fake_flush[FAKE_FLUSHES];
extern unsigned int fake_flush_count;
/* These CPUs reload cr3, as guests do all the time. */
void fake_tlb_flushed(cpumask_t mask);
/* Called at each flush; a test's own check.  NULL: none. */
extern void (*fake_flush_hook)(cpumask_t mask, unsigned int flags, gva_t va);

#endif

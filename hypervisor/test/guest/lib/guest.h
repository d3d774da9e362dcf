/*
 * guest.h - the frame in which our PV test kernels run.
 *
 * One test kernel is one subject: it defines guest_subject and guest_main(),
 * and reports each case with VERDICT().  Every verdict is one console line
 *	TEST subject/case: PASS
 *	TEST subject/case: FAIL expected ..., got ...
 * and the last line is "TEST subject: DONE n passed, m failed".  The same
 * binary runs as dom0 on genuine Xen and on ours; the runner compares.
 *
 * No libc, no FPU, no red zone (the hypervisor pushes on our stack).
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/features.h>

#include "hypercall.h"

#define PAGE_SIZE  4096UL
extern char guest_base[]; /* the linker's */
#define VIRT_BASE  ((uint64_t)guest_base)
#define READ(x)	   (*(volatile __typeof__(x) *)&(x))

extern const char guest_subject[];
void guest_main(void);

extern struct start_info *start_info;
extern struct shared_info *shared_info;	/* NULL until guest_map_shared() */

/* --- report ---------------------------------------------------------- */
void guest_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void guest_verdict(const char *name, bool pass, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* PASS when cond; the rest of the arguments explain a FAIL. */
#define VERDICT(name, cond, ...) guest_verdict(name, (cond), __VA_ARGS__)
/* PASS when both numbers are equal. */
void guest_equal(const char *name, uint64_t expected, uint64_t got);
void guest_end(void) __attribute__((noreturn));

/* --- traps ------------------------------------------------------------ */
#define TRAP_EVENT    0x100
#define TRAP_FAILSAFE 0x101
#define TRAP_SYSCALL  0x102
#define TRAP_NMI      0x103

struct trap_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx,
		rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* What the last trap with a fix-up looked like. */
struct trap_seen {
	bool seen;
	uint64_t vector, error, rip, cs, rflags, rsp, cr2;
	uint64_t ss, frame_top, r11, rcx;
	uint8_t upcall_mask; /* while in the handler */
	uint64_t handler_rflags;
};
extern struct trap_seen trap_seen;
/* Returns true when it dealt with the trap. */
typedef bool trap_fn(struct trap_regs *r);
extern trap_fn *trap_hook;  /* every trap without a fix-up */
extern trap_fn *event_hook; /* event upcalls */
void trap_init(void);	    /* trap table and callbacks; done before main */
/* A vCPU that begins at entry(arg) in our tables, with our traps. */
void guest_vcpu_context(struct vcpu_guest_context *c, const void *entry,
			const void *arg, void *stack_top);

/*
 * Run one instruction that may trap.  If it does, trap_seen says how, and
 * execution goes on behind it.  Operands as in extended asm.
 */
#define TRY(insn, ...)                                                         \
	do {                                                                   \
		trap_seen.seen = false;                                        \
		__asm__ volatile("1: " insn "\n2:\n"                           \
				 ".pushsection .extable, \"a\"\n"              \
				 ".quad 1b, 2b\n"                              \
				 ".popsection\n" __VA_ARGS__);                 \
	} while (0)

/* --- memory ------------------------------------------------------------ */
static inline uint64_t *guest_p2m(void)
{
	return (uint64_t *)start_info->mfn_list;
}
static inline void *pfn_va(uint64_t pfn)
{
	return (void *)(VIRT_BASE + pfn * PAGE_SIZE);
}
static inline uint64_t va_pfn(const void *va)
{
	return ((uint64_t)(uintptr_t)va - VIRT_BASE) / PAGE_SIZE;
}
static inline uint64_t va_mfn(const void *va)
{
	return guest_p2m()[va_pfn(va)];
}
/* Index of va in a table of the given level (1..4). */
static inline unsigned int pt_index(const void *va, unsigned int level)
{
	return ((uint64_t)(uintptr_t)va >> (12 + 9 * (level - 1))) & 511;
}
/* The (read-only) table entry of the given level that maps va. */
uint64_t *pt_entry(const void *va, unsigned int level);
/* Machine address of that entry, for mmu_update. */
uint64_t pt_entry_ma(const void *va, unsigned int level);
/* An entry that maps va's frame. */
uint64_t guest_pte(const void *va, uint64_t flags);
int guest_make_readonly(const void *va);
int guest_make_writable(const void *va);
/* One mmuext_op with an mfn, or an address, as its argument. */
int guest_mmuext(unsigned int cmd, uint64_t arg1);
int guest_update_va(const void *va, uint64_t pte, uint64_t flags);
int guest_mmu_update(uint64_t ptr, uint64_t val);
/* Map shared_info at a page of ours.  0 or a negative error. */
int guest_map_shared(void);
/* The clock of vCPU 0, in ns; shared_info is mapped. */
uint64_t guest_now(void);

/* --- small things -------------------------------------------------------- */
/* The number after "NAME=" on the command line; 0 if there is none. */
uint64_t guest_option(const char *name);
/* The next of the numbers that *state (not 0) stands for; the
 * lowest bits are the weakest. */
uint64_t guest_random(uint64_t *state);

void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#endif

/*
 * user.h - a guest user process of one code, one data page, for tests.
 *
 * user_init() builds a second root with nothing but USER_CODE (read, execute)
 * and USER_DATA (read, write); both pages are also user_code and user_data
 * for the kernel.  user_run() executes until the first trap, which it
 * returns.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include "guest.h"

#define USER_CODE  0x400000UL
#define USER_DATA  0x401000UL
#define USER_STACK (USER_DATA + 0x800)

extern uint8_t user_code[PAGE_SIZE], user_data[PAGE_SIZE];
extern struct trap_regs user_trap;

/* 0 or what the hypervisor said. */
int user_init(void);
/* Have this pinned root for user mode. 0 or what the hypervisor said. */
int user_use_root(const void *root);
/* Run user mode from there with these registers until its first trap; cs 0: 64
 * bits. */
void user_run_at(uint64_t rip, uint64_t rsp, const struct trap_regs *regs);
/* Copy [from, to) to USER_CODE, run it with these registers. */
void user_run(const void *from, const void *to, const struct trap_regs *regs);

/*
 * Code for user_run: USER_ASM(name, "insns") defines it, and a verdict calls
 * user_run(name, name_end, ...).
 */
#define USER_ASM(name, code)                                                   \
	extern const char name[], name##_end[];                                \
	__asm__(".pushsection .rodata\n" #name ":\n" code "\n" #name           \
		"_end:\n.popsection\n")

#endif

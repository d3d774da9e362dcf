/*
 * debug: breakpoints - by MOV to a debug register and by hypercall, hit by
 * the kernel, by a user process, and by the hypervisor when it works on
 * memory that the guest watches (which must not be noticed by anybody);
 * INT1; single steps that end in a system call.
 */
#include "user.h"

const char guest_subject[] = "debug";

#define USER_FLAGS 0x202
#define FLAG_TF	   0x100

/* DR7: enable n locally, on condition c (R/W and LEN, 4 bits). */
#define DR7_ON(n, c) (1ul << (2 * (n)) | (uint64_t)(c) << (16 + 4 * (n)))
#define ON_EXECUTE   0x0
#define ON_WRITE_8   0x9
#define ON_ACCESS_8  0xb
#define ON_IO	     0x2

static uint64_t watched[8] __attribute__((aligned(64)));

USER_ASM(code_load, "mov (%rdi), %rax\n nop\n ud2");
USER_ASM(code_nops, "nop\n nop\n ud2");
USER_ASM(code_step_syscall, "syscall\n nop\n ud2");
USER_ASM(code_int1, ".byte 0xf1\n nop\n ud2");
USER_ASM(code_mov_ss, "mov (%rdi), %ss\n syscall\n ud2");
USER_ASM(code_mov_ss_int3, "mov (%rdi), %ss\n int3\n ud2");
USER_ASM(code_ud2, "ud2");
USER_ASM(code_dr, "mov %dr7, %rax");

static struct trap_regs regs = { .rflags = USER_FLAGS };

#define RUN(code) user_run(code, code##_end, &regs)

static long set_reg(unsigned int n, uint64_t val)
{
	return hypercall2(__HYPERVISOR_set_debugreg, n, val);
}

static uint64_t get_reg(unsigned int n)
{
	return (uint64_t)hypercall1(__HYPERVISOR_get_debugreg, n);
}

static void watch(const void *va, unsigned int condition)
{
	set_reg(7, 0);
	set_reg(6, 0);
	set_reg(0, hc_ptr(va));
	set_reg(7, DR7_ON(0, condition));
}

static void watch_nothing(void)
{
	set_reg(7, 0);
	set_reg(6, 0);
}

static void refused(const char *name, long got)
{
	VERDICT(name, got < 0, "expected an error, got %ld", got);
}

/* What may be put into them, and what comes back. */
static void values(void)
{
	uint64_t v = 0;

	guest_equal("set-dr0", 0, (uint64_t)set_reg(0, hc_ptr(watched)));
	guest_equal("get-dr0", hc_ptr(watched), get_reg(0));
	guest_equal("set-dr3", 0, (uint64_t)set_reg(3, 0x1234));
	guest_equal("get-dr3", 0x1234, get_reg(3));
	refused("set-dr0-hypervisor", set_reg(0, 0xffff830000000000));
	refused("set-dr0-non-canonical", set_reg(0, 0x0000900000000000));
	guest_equal("dr0-unharmed", hc_ptr(watched), get_reg(0));
	/* Without CR4.DE they are other names of DR6 and DR7. */
	guest_equal("set-dr4", 0, (uint64_t)set_reg(4, 1));
	guest_equal("get-dr4", 0xffff0ff1, get_reg(4));
	guest_equal("get-dr6-set-as-4", 0xffff0ff1, get_reg(6));
	guest_equal("set-dr5", 0, (uint64_t)set_reg(5, 0x20000));
	guest_equal("get-dr7-set-as-5", 0x20400, get_reg(7));
	refused("set-dr8", set_reg(8, 0));
	refused("get-dr8", (long)get_reg(8));
	refused("io-breakpoint", set_reg(7, DR7_ON(1, ON_IO)));
	guest_equal("io-breakpoint-off", 0,
		    (uint64_t)set_reg(7, (uint64_t)ON_IO << 20));
	refused("set-dr7-gd", set_reg(7, 0x2000));
	guest_equal("set-dr6", 0, (uint64_t)set_reg(6, 0x5));
	guest_equal("dr6-has-its-ones", 0xffff0ff5, get_reg(6));
	watch_nothing();
	TRY("mov %0, %%dr1", ::"r"(hc_ptr(watched)) : "memory");
	VERDICT("mov-to-dr1", !trap_seen.seen, "trap %lx", trap_seen.vector);
	TRY("mov %%dr1, %0", : "=r"(v)::"memory");
	guest_equal("mov-from-dr1", hc_ptr(watched), v);
	TRY("mov %0, %%dr1", ::"r"(0xffff830000000000) : "memory");
	VERDICT("mov-hypervisor-to-dr1", trap_seen.seen &&
		trap_seen.vector == 13, "expected d, got %lx",
		trap_seen.vector);
	TRY("mov %0, %%dr7", ::"r"(DR7_ON(1, ON_IO)) : "memory");
	VERDICT("mov-io-to-dr7", trap_seen.seen && trap_seen.vector == 13,
		"expected d, got %lx", trap_seen.vector);
}

static void hit(const char *name, uint64_t dr6)
{
	VERDICT(name, trap_seen.seen && trap_seen.vector == 1 &&
		trap_seen.error == 0, "expected #DB, got %lx",
		trap_seen.seen ? trap_seen.vector : 0);
	guest_equal("dr6", dr6, get_reg(6));
}

/* Breakpoints of the kernel's own. */
static void kernel(void)
{
	uint64_t v;

	watch(&watched[1], ON_WRITE_8);
	TRY("movq %1, %0", : "=m"(watched[1]) : "r"(5ul) : "memory");
	hit("write-watched", 0xffff0ff1);
	guest_equal("written-all-the-same", 5, READ(watched[1]));
	set_reg(6, 0);
	TRY("movq %1, %0", : "=r"(v) : "m"(watched[1]) : "memory");
	VERDICT("read-not-watched", !trap_seen.seen, "trap %lx",
		trap_seen.vector);
	watch(&watched[1], ON_ACCESS_8);
	TRY("movq %1, %0", : "=r"(v) : "m"(watched[1]) : "memory");
	hit("read-watched", 0xffff0ff1);
	watch_nothing();
	TRY("movq %1, %0", : "=r"(v) : "m"(watched[1]) : "memory");
	VERDICT("off-again", !trap_seen.seen, "trap %lx", trap_seen.vector);
	TRY(".byte 0xf1", ::: "memory");
	/* QEMU has no INT1 before 8.0. */
	VERDICT("int1", trap_seen.seen &&
		(trap_seen.vector == 1 || trap_seen.vector == 6),
		"expected #DB, got %lx", trap_seen.seen ? trap_seen.vector : 0);
	watch(&watched[1], ON_ACCESS_8);
	hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	TRY("movq %1, %0", : "=r"(v) : "m"(watched[1]) : "memory");
	hit("kept-over-yield", 0xffff0ff1);
	watch_nothing();
}

static void user_hit(const char *name, uint64_t vector, uint64_t rip)
{
	VERDICT(name, user_trap.vector == vector && user_trap.rip == rip,
		"expected vector %lx at %lx, got %lx at %lx", vector, rip,
		user_trap.vector, user_trap.rip);
}

/* Those of a user process, and what its single steps run into. */
static void user(void)
{
	regs.rdi = USER_DATA;
	watch((void *)USER_DATA, ON_ACCESS_8);
	RUN(code_load);
	user_hit("user-read-watched", 1, USER_CODE + 3);
	guest_equal("user-dr6", 0xffff0ff1, get_reg(6));
	watch((void *)(USER_CODE + 1), ON_EXECUTE);
	RUN(code_nops);
	user_hit("user-instruction", 1, USER_CODE + 1);
	watch_nothing();
	RUN(code_int1);
	VERDICT("user-int1", user_trap.vector == 1 || user_trap.vector == 6,
		"got %lx", user_trap.vector);
	RUN(code_dr);
	user_hit("user-mov-dr", 13, USER_CODE);
	regs.rflags = USER_FLAGS | FLAG_TF;
	RUN(code_step_syscall);
	user_hit("stepped-syscall", TRAP_SYSCALL, USER_CODE + 2);
	guest_equal("stepped-syscall-r11", FLAG_TF, user_trap.r11 & FLAG_TF);
	RUN(code_nops);
	user_hit("stepped-nop", 1, USER_CODE + 1);
	guest_equal("step-dr6", 0x4000, get_reg(6) & 0x4000);
	regs.rflags = USER_FLAGS;
	set_reg(6, 0);
	/* A pending #DB behind MOV SS meets the system call (XSA-260). */
	*(uint64_t *)user_data = FLAT_USER_SS;
	watch((void *)USER_DATA, ON_ACCESS_8);
	RUN(code_mov_ss);
	VERDICT("mov-ss-syscall", user_trap.vector == TRAP_SYSCALL ||
		user_trap.vector == 1, "got %lx", user_trap.vector);
	RUN(code_mov_ss_int3);
	VERDICT("mov-ss-int3", user_trap.vector == 3 || user_trap.vector == 1,
		"got %lx", user_trap.vector);
	watch_nothing();
}

/* The hypervisor works on what we watch: nothing may come of it. */
static void hypervisor(void)
{
	static struct vcpu_register_runstate_memory_area area;
	static struct vcpu_runstate_info runstate __attribute__((aligned(64)));
	static uint8_t stack[PAGE_SIZE] __attribute__((aligned(4096)));
	uint64_t *done = &watched[2];
	struct mmu_update *u = (struct mmu_update *)&watched[4];

	u->ptr = va_mfn(&watched) << 12 | MMU_MACHPHYS_UPDATE;
	u->val = va_pfn(&watched);
	watch(u, ON_ACCESS_8);
	guest_equal("argument-watched", 0,
		    (uint64_t)hypercall5(__HYPERVISOR_mmu_update, hc_ptr(u), 1,
					 hc_ptr(done), DOMID_SELF, 0));
	watch(done, ON_ACCESS_8);
	guest_equal("result-watched", 0,
		    (uint64_t)hypercall5(__HYPERVISOR_mmu_update, hc_ptr(u), 1,
					 hc_ptr(done), DOMID_SELF, 0));
	watch_nothing();
	guest_equal("result", 1, (uint32_t)READ(*done));
	area.addr.v = &runstate;
	hypercall_vcpu(VCPUOP_register_runstate_memory_area, 0, &area);
	watch(&runstate.state_entry_time, ON_ACCESS_8);
	hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	watch_nothing();
	VERDICT("runstate-watched", true, "unreachable");
	/* The frame of a trap out of user mode goes where we watch. */
	hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
		   hc_ptr(stack + sizeof(stack)));
	watch(stack + sizeof(stack) - 8, ON_WRITE_8);
	RUN(code_ud2);
	user_hit("frame-watched", 6, USER_CODE);
	watch(stack + sizeof(stack) - 40, ON_WRITE_8);
	RUN(code_step_syscall);
	user_hit("syscall-frame-watched", TRAP_SYSCALL, USER_CODE + 2);
	watch_nothing();
}

void guest_main(void)
{
	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	values();
	kernel();
	guest_equal("user-root", 0, (uint64_t)user_init());
	user();
	hypervisor();
}

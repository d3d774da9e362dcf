/*
 * usermode: guest user processes - the way in by iret, system calls,
 * exceptions and faults out of them, and what they may not do.
 */
#include "user.h"

#include <xen/physdev.h>

const char guest_subject[] = "usermode";

#define USER_FLAGS 0x202

void nmi_stub(void); /* lib/start.S */

USER_ASM(code_syscall, "syscall");
USER_ASM(code_ud2, "ud2");
USER_ASM(code_int3, "int3");
USER_ASM(code_int80, "int $0x80");
USER_ASM(code_cli, "cli");
USER_ASM(code_hlt, "hlt");
USER_ASM(code_in, "in $0x80, %al\n ud2");
USER_ASM(code_in_other, "in $0x81, %al\n ud2");
USER_ASM(code_cpuid, ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2\n ud2");
USER_ASM(code_read, "movb (%rdi), %al\n ud2");
USER_ASM(code_write, "movb $1, (%rdi)\n ud2");
USER_ASM(code_jump, "jmp *%rdi");
USER_ASM(code_gs, "mov %gs:0x100, %rax\n ud2");
USER_ASM(code_fs, "mov %fs:0x100, %rax\n ud2");
USER_ASM(code_flags, "pushfq\n pop %rax\n ud2");
USER_ASM(code_sysenter, "sysenter");
USER_ASM(code_rdmsr, "rdmsr");
USER_ASM(code_cr0, "mov %cr0, %rax");
USER_ASM(code_step, "nop\n nop\n ud2");

static struct trap_regs regs = { .rflags = USER_FLAGS };

#define RUN(code) user_run(code, code##_end, &regs)

static void expect(const char *name, uint64_t vector, uint64_t error)
{
	VERDICT(name, user_trap.vector == vector && user_trap.error == error,
		"expected vector %lx error %lx, got %lx error %lx rip %lx",
		vector, error, user_trap.vector, user_trap.error,
		user_trap.rip);
}

static void system_call(void)
{
	regs.rax = 0x123456789abcdef0;
	regs.rdi = 1;
	regs.r15 = 0xf00d;
	regs.rflags = USER_FLAGS | 0x400 | 0x1; /* DF, CF */
	RUN(code_syscall);
	expect("syscall", TRAP_SYSCALL, 0);
	guest_equal("syscall-rip", USER_CODE + 2, user_trap.rip);
	guest_equal("syscall-rcx-is-rip", USER_CODE + 2, user_trap.rcx);
	guest_equal("syscall-rax-kept", 0x123456789abcdef0, user_trap.rax);
	guest_equal("syscall-rdi-kept", 1, user_trap.rdi);
	guest_equal("syscall-r15-kept", 0xf00d, user_trap.r15);
	guest_equal("syscall-rsp", USER_STACK, user_trap.rsp);
	guest_equal("syscall-cs", FLAT_USER_CS, user_trap.cs & 0xffff);
	guest_equal("syscall-ss", FLAT_USER_SS, user_trap.ss & 0xffff);
	guest_equal("syscall-flags", 0x601,
		    user_trap.rflags & 0x601);
	guest_equal("syscall-r11-is-flags", user_trap.rflags, user_trap.r11);
	guest_equal("syscall-masks-events", 1,
		    shared_info->vcpu_info[0].evtchn_upcall_mask);
	regs.rflags = USER_FLAGS;
}

/* By 32-bit code: AMD's CPUs have it, Intel's do not. */
static void system_call_32(void)
{
	struct callback_register cb = {
		.type = CALLBACKTYPE_syscall32,
		.flags = CALLBACKF_mask_events,
		.address = (unsigned long)nmi_stub, /* another than for 64 */
	};

	guest_equal("register-syscall32", 0,
		    (uint64_t)hypercall_op(__HYPERVISOR_callback_op,
					   CALLBACKOP_register, &cb));
	regs.cs = FLAT_USER_CS32;
	RUN(code_syscall);
	if (user_trap.vector != 6) {
		expect("syscall32", TRAP_NMI, 0);
	}
	guest_equal("syscall32-cs", FLAT_USER_CS32, user_trap.cs & 0xffff);
	regs.cs = 0;
}

static void exceptions(void)
{
	RUN(code_ud2);
	expect("ud2", 6, 0);
	guest_equal("ud2-rip", USER_CODE, user_trap.rip);
	guest_equal("ud2-cs", FLAT_USER_CS, user_trap.cs & 0xffff);
	RUN(code_int3);
	expect("int3", 3, 0);
	guest_equal("int3-rip", USER_CODE + 1, user_trap.rip);
	RUN(code_int80);
	expect("int80", 0x80, 0);
	guest_equal("int80-rip", USER_CODE + 2, user_trap.rip);
	RUN(code_cli);
	expect("cli", 13, 0);
	RUN(code_hlt);
	expect("hlt", 13, 0);
	RUN(code_rdmsr);
	expect("rdmsr", 13, 0);
	RUN(code_cr0);
	expect("mov-from-cr0", 13, 0);
	RUN(code_sysenter);
	/* Intel: #GP by the hypervisor; AMD: the CPU has none in long mode */
	VERDICT("sysenter-unregistered",
		user_trap.vector == 13 || user_trap.vector == 6,
		"vector %lx", user_trap.vector);
	regs.rax = 0;
	RUN(code_cpuid);
	expect("forced-cpuid-in-user", 6, 0);
	guest_equal("forced-cpuid-rip", USER_CODE + 7, user_trap.rip);
	regs.rflags = USER_FLAGS | 0x100;
	RUN(code_step);
	expect("single-step", 1, 0);
	guest_equal("single-step-rip", USER_CODE + 1, user_trap.rip);
	regs.rflags = USER_FLAGS;
}

/* A kernel without int $0x80: its users' own fault, not its end. */
static void int80_without_handler(void)
{
	extern const uint64_t trap_stubs[256];
	struct trap_info t[2] = {
		{ .vector = 13, .flags = 4, .cs = FLAT_KERNEL_CS,
		  .address = trap_stubs[13] },
	};

	hypercall1(__HYPERVISOR_set_trap_table, 0);
	hypercall1(__HYPERVISOR_set_trap_table, hc_ptr(t));
	RUN(code_int80);
	expect("int80-without-handler", 13, 0x402);
	guest_equal("int80-without-handler-rip", USER_CODE, user_trap.rip);
	trap_init();
}

static void faults(void)
{
	regs.rax = 0xa0;
	regs.rcx = 0xa1;
	regs.rdx = 0xa2;
	regs.r11 = 0xa3;
	regs.r15 = 0xa4;
	regs.rflags = USER_FLAGS | 0x400 | 0x1; /* DF, CF */
	regs.rdi = 0x1000;
	RUN(code_read);
	expect("read-of-nothing", 14, 4);
	guest_equal("fault-rax-kept", 0xa0, user_trap.rax);
	guest_equal("fault-rcx-kept", 0xa1, user_trap.rcx);
	guest_equal("fault-rdx-kept", 0xa2, user_trap.rdx);
	guest_equal("fault-r11-kept", 0xa3, user_trap.r11);
	guest_equal("fault-r15-kept", 0xa4, user_trap.r15);
	guest_equal("fault-rsp", USER_STACK, user_trap.rsp);
	guest_equal("fault-cs", FLAT_USER_CS, user_trap.cs & 0xffffffff);
	guest_equal("fault-ss", FLAT_USER_SS, user_trap.ss & 0xffff);
	guest_equal("fault-flags", 0x601, user_trap.rflags & 0x601);
	regs.rflags = USER_FLAGS;
	guest_equal("cr2-of-read", 0x1000,
		    shared_info->vcpu_info[0].arch.cr2);
	RUN(code_write);
	expect("write-of-nothing", 14, 6);
	regs.rdi = USER_CODE;
	RUN(code_write);
	expect("write-of-code", 14, 7);
	regs.rdi = USER_DATA;
	user_data[0] = 0;
	RUN(code_write);
	expect("write-of-data", 6, 0);
	guest_equal("data-written", 1, user_data[0]);
	regs.rdi = 0x2000;
	RUN(code_jump);
	expect("jump-to-nothing", 14, 0x14);
	guest_equal("jump-rip", 0x2000, user_trap.rip);
	regs.rdi = (uint64_t)user_data;
	RUN(code_read);
	expect("kernel-memory", 14, 4);
	regs.rdi = 0xffff830000000000;
	RUN(code_read);
	VERDICT("hypervisor-memory", user_trap.vector == 14,
		"expected a page fault, got %lx", user_trap.vector);
	regs.rdi = 0x0000900000000000;
	RUN(code_read);
	expect("non-canonical", 13, 0);
}

static void segments(void)
{
	*(uint64_t *)&user_data[0x100] = 0xabcdef;
	hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, USER_DATA);
	RUN(code_gs);
	guest_equal("gs-base-of-user", 0xabcdef, user_trap.rax);
	hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_FS, USER_DATA);
	RUN(code_fs);
	guest_equal("fs-base", 0xabcdef, user_trap.rax);
	guest_equal("base-not-canonical", (uint64_t)-22L,
		    (uint64_t)hypercall2(__HYPERVISOR_set_segment_base,
					 SEGBASE_FS, 0x0000900000000000));
	RUN(code_fs);
	guest_equal("fs-base-unharmed", 0xabcdef, user_trap.rax);
}

static uint64_t set_iopl(unsigned int level)
{
	struct physdev_set_iopl iopl = { .iopl = level };

	return (uint64_t)hypercall_op(__HYPERVISOR_physdev_op,
				      PHYSDEVOP_set_iopl, &iopl);
}

static void io_privilege(void)
{
	RUN(code_in);
	expect("in-without-iopl", 13, 0);
	guest_equal("set-iopl", 0, set_iopl(3));
	RUN(code_in);
	expect("in-with-iopl-3", 6, 0);
	RUN(code_cli);
	expect("cli-with-iopl-3-is-ignored", 3, 0);
	set_iopl(1);
	RUN(code_in);
	expect("in-with-iopl-1", 13, 0);
	guest_equal("iopl-4", (uint64_t)-22L, set_iopl(4));
}

/* A port that the kernel opened for its user; the bitmap is kernel memory. */
static void io_bitmap(void)
{
	static uint8_t bitmap[8192];
	struct physdev_set_iobitmap set = { .nr_ports = 65536 };

	memset(bitmap, 0xff, sizeof(bitmap));
	bitmap[0x80 / 8] = 0xfe;
	set_xen_guest_handle(set.bitmap, bitmap);
	set_iopl(0);
	guest_equal("set-iobitmap", 0,
		    (uint64_t)hypercall_op(__HYPERVISOR_physdev_op,
					   PHYSDEVOP_set_iobitmap, &set));
	RUN(code_in);
	expect("in-by-bitmap", 6, 0);
	RUN(code_in_other);
	expect("in-not-by-bitmap", 13, 0);
	TRY("in $0x80, %%al", ::: "rax", "memory");
	VERDICT("kernel-in-by-bitmap", !trap_seen.seen, "trap %lx",
		trap_seen.vector);
	set.nr_ports = 0;
	hypercall_op(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &set);
	RUN(code_in);
	expect("in-without-bitmap", 13, 0);
}

/* The other way to IOPL: the flags of the frame count. */
static void assisted_io_privilege(void)
{
	guest_equal("assist-iopl", 0,
		    (uint64_t)hypercall2(__HYPERVISOR_vm_assist,
					 VMASST_CMD_enable,
					 VMASST_TYPE_architectural_iopl));
	regs.rflags = USER_FLAGS | 0x3000;
	RUN(code_in);
	expect("in-with-flags-iopl-3", 6, 0);
	guest_equal("frame-has-iopl", 0x3000, user_trap.rflags & 0x3000);
	RUN(code_flags);
	guest_equal("user-sees-no-iopl", 0, user_trap.rax & 0x3000);
	regs.rflags = USER_FLAGS | 0x2000;
	RUN(code_in);
	expect("in-with-flags-iopl-2", 13, 0);
	regs.rflags = USER_FLAGS;
	RUN(code_in);
	expect("in-with-flags-iopl-0", 13, 0);
	guest_equal("assist-iopl-off", 0,
		    (uint64_t)hypercall2(__HYPERVISOR_vm_assist,
					 VMASST_CMD_disable,
					 VMASST_TYPE_architectural_iopl));
}

static void flags(void)
{
	regs.rflags = 0x3002; /* IOPL 3, no IF: not for users */
	RUN(code_flags);
	expect("flags", 6, 0);
	guest_equal("user-has-if-and-no-iopl", 0x200, user_trap.rax & 0x3200);
	regs.rflags = USER_FLAGS | 0x4000; /* NT */
	RUN(code_flags);
	VERDICT("nt-flag", user_trap.vector == 6, "got %lx",
		user_trap.vector);
	regs.rflags = USER_FLAGS;
}

void guest_main(void)
{
	int rc = guest_map_shared();

	guest_equal("map-shared-info", 0, (uint64_t)rc);
	rc = user_init();
	guest_equal("user-root", 0, (uint64_t)rc);
	if (rc) {
		return;
	}
	system_call();
	system_call_32();
	exceptions();
	int80_without_handler();
	faults();
	segments();
	io_privilege();
	io_bitmap();
	assisted_io_privilege();
	flags();
}

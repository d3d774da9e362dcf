/*
 * exceptions: how an exception in guest kernel mode reaches the guest: its
 * number, error code, address, and every word of the frame.
 */
#include "guest.h"

const char guest_subject[] = "exceptions";

static uint8_t read_only[PAGE_SIZE] __attribute__((aligned(4096)));

static void expect(const char *name, uint64_t vector, uint64_t error)
{
	VERDICT(name,
		trap_seen.seen && trap_seen.vector == vector &&
			trap_seen.error == error,
		"expected vector %lx error %lx, got %lx error %lx", vector,
		error, trap_seen.seen ? trap_seen.vector : ~0ul,
		trap_seen.error);
}

static void numbers(void)
{
	TRY("divl %%ecx", ::"a"(1), "d"(0), "c"(0) : "memory");
	expect("divide-error", 0, 0);
	TRY("int3", ::: "memory");
	expect("breakpoint", 3, 0);
	TRY("ud2", ::: "memory");
	expect("invalid-opcode", 6, 0);
	TRY("hlt", ::: "memory");
	expect("hlt-is-gp", 13, 0);
	TRY("mov %%ax, %%ds", ::"a"(0x1234) : "memory");
	expect("bad-selector-is-gp", 13, 0x1234);
	TRY("int $0x80", ::: "memory");
	expect("int-80-by-trap-table", 0x80, 0);
	TRY("lgdt 0", ::: "memory");
	expect("lgdt-is-gp", 13, 0);
	TRY("invlpg 0", ::: "memory");
	expect("invlpg-is-gp", 13, 0);
	TRY("mov %%cr8, %%rax", ::: "rax", "memory");
	expect("cr8-is-gp", 13, 0);
	TRY("movb $0, (%0)", ::"r"(0x0000900000000000) : "memory");
	expect("non-canonical-is-gp", 13, 0);
}

static void page_faults(void)
{
	TRY("movb 0x1234, %%al", ::: "rax", "memory");
	expect("read-of-nothing", 14, 0);
	guest_equal("cr2-of-read", 0x1234, trap_seen.cr2);
	TRY("movb $1, 0x5678", ::: "memory");
	expect("write-of-nothing", 14, 2);
	guest_equal("cr2-of-write", 0x5678, trap_seen.cr2);
	guest_equal("make-readonly", 0,
		    (uint64_t)guest_make_readonly(read_only));
	TRY("movb $1, %0", : "=m"(read_only[7])::"memory");
	expect("write-of-read-only", 14, 3);
	guest_equal("cr2-of-read-only", (uint64_t)&read_only[7],
		    trap_seen.cr2);
	TRY("movb $1, (%0)", ::"r"(0xffff800000000000) : "memory");
	expect("write-of-m2p", 14, 3);
	TRY("movb (%0), %%al", ::"r"(0xffff830000000000) : "rax", "memory");
	VERDICT("hypervisor-is-not-readable",
		trap_seen.seen && trap_seen.vector == 14,
		"expected a page fault, got %lx", trap_seen.vector);
}

static void frame(void)
{
	uint64_t rsp;

	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
	__asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
	TRY("ud2", ::: "memory");
	guest_equal("rsp-in-frame", rsp, trap_seen.rsp);
	guest_equal("frame-16-aligned-below-rsp", rsp & ~15ul,
		    trap_seen.frame_top);
	guest_equal("cs-has-rpl-0", 0xe030, trap_seen.cs & 0xffff);
	guest_equal("ss", 0xe02b, trap_seen.ss & 0xffff);
	guest_equal("mask-in-cs", 1, (trap_seen.cs >> 32) & 0xff);
	guest_equal("if-clear-when-masked", 0, trap_seen.rflags & 0x200);

	shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
	TRY("ud2", ::: "memory");
	guest_equal("no-mask-in-cs", 0, (trap_seen.cs >> 32) & 0xff);
	guest_equal("if-set-when-unmasked", 0x200, trap_seen.rflags & 0x200);
	guest_equal("handler-runs-masked", 1, trap_seen.upcall_mask);
	guest_equal("iret-unmasks", 0,
		    shared_info->vcpu_info[0].evtchn_upcall_mask);
	shared_info->vcpu_info[0].evtchn_upcall_mask = 1;

}

static bool count_steps(struct trap_regs *r)
{
	if (r->vector != 1) {
		return false;
	}
	trap_seen.seen = true;
	trap_seen.vector = 1;
	trap_seen.rip = r->rip;
	__asm__ volatile("pushfq; popq %0" : "=r"(trap_seen.handler_rflags));
	r->rflags &= ~0x100ul;
	return true;
}

static void single_step(void)
{
	extern char step_here[];

	trap_seen.seen = false;
	trap_hook = count_steps;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n"
			 ".globl step_here\nstep_here: nop" ::
				 : "memory", "cc");
	trap_hook = NULL;
	VERDICT("single-step", trap_seen.seen && trap_seen.vector == 1,
		"no #DB");
	guest_equal("step-rip", (uint64_t)step_here, trap_seen.rip);
	guest_equal("handler-without-tf", 0, trap_seen.handler_rflags & 0x100);
}

/* Registers survive a trap and its iret. */
static void registers(void)
{
	uint64_t rcx = 0x1122334455667788, r11 = 0x99aabbccddeeff00, r15 = 77;

	trap_seen.seen = false;
	__asm__ volatile("mov %0, %%rcx; mov %1, %%r11; mov %2, %%r15\n"
			 "1: ud2\n2:\n"
			 ".pushsection .extable, \"a\"\n.quad 1b, 2b\n"
			 ".popsection\n"
			 "mov %%rcx, %0; mov %%r11, %1; mov %%r15, %2"
			 : "+m"(rcx), "+m"(r11), "+m"(r15)
			 :
			 : "rcx", "r11", "r15", "memory");
	guest_equal("rcx-in-frame", 0x1122334455667788, trap_seen.rcx);
	guest_equal("r11-in-frame", 0x99aabbccddeeff00, trap_seen.r11);
	guest_equal("rcx-kept", 0x1122334455667788, rcx);
	guest_equal("r11-kept", 0x99aabbccddeeff00, r11);
	guest_equal("r15-kept", 77, r15);
}

void guest_main(void)
{
	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	numbers();
	page_faults();
	frame();
	single_step();
	registers();
}

/*
 * low: a kernel at the bottom of the address space, where Linux has user
 * space and other people's PV kernels (Mini-OS, XTF) have themselves.
 */
#include "user.h"

const char guest_subject[] = "low";

static uint64_t page[512] __attribute__((aligned(4096)));
static uint64_t window[512] __attribute__((aligned(4096)));

static void where(void)
{
	uint64_t here = (uint64_t)(uintptr_t)&page;

	VERDICT("linked-low", here < 0x1000000, "page at %lx", here);
	VERDICT("start-info-low", (uint64_t)start_info < 0x10000000,
		"start_info at %lx", (uint64_t)start_info);
	VERDICT("mapped-by-p2m",
		(*pt_entry(page, 1) >> 12 & 0xffffffffff) == va_mfn(page),
		"entry %lx, mfn %lx", *pt_entry(page, 1), va_mfn(page));
}

static void updates(void)
{
	page[1] = 0x1234;
	guest_equal("update-va", 0,
		    (uint64_t)guest_update_va(window, guest_pte(page, 0x67),
					      UVMF_INVLPG));
	guest_equal("see", 0x1234, READ(window[1]));
	guest_equal("read-only", 0, (uint64_t)guest_make_readonly(window));
	TRY("movq $1, %0", : "=m"(window[1]) : : "memory");
	guest_equal("write-faults", 14, trap_seen.vector);
	guest_equal("write-error", 3, trap_seen.error);
	guest_equal("write-address", (uint64_t)(uintptr_t)&window[1],
		    trap_seen.cr2);
}

static void traps(void)
{
	TRY("ud2", : : : "memory");
	guest_equal("ud2", 6, trap_seen.vector);
	TRY("movq (%0), %%rax", : : "r"(1ul << 47) : "rax", "memory");
	guest_equal("non-canonical", 13, trap_seen.vector);
	TRY("int3", : : : "memory");
	guest_equal("int3", 3, trap_seen.vector);
}

void low_user_code(void);
__asm__(".pushsection .text\n"
	"low_user_code: movq $7, (%rdi)\n movq (%rsi), %rax\n"
	"int $0x80\n.popsection\n");

/* One root for kernel and user mode alike, as XTF has it. */
static void one_root(void)
{
	struct trap_regs regs = { .rflags = 0x202 };
	static uint8_t stack[PAGE_SIZE] __attribute__((aligned(4096)));
	uint64_t code = (uint64_t)(uintptr_t)low_user_code;

	regs.rdi = hc_ptr(&page[2]);
	regs.rsi = hc_ptr(&page[1]);
	guest_equal("same-root-for-users", 0,
		    (uint64_t)user_use_root((void *)start_info->pt_base));
	user_run_at(code, hc_ptr(stack + sizeof(stack)), &regs);
	guest_equal("user-int80", 0x80, user_trap.vector);
	guest_equal("user-read", 0x1234, user_trap.rax);
	guest_equal("user-wrote", 7, READ(page[2]));
	guest_equal("user-cs", FLAT_USER_CS, user_trap.cs & 0xffff);
	regs.rdi = hc_ptr(window);
	user_run_at(code, hc_ptr(stack + sizeof(stack)), &regs);
	guest_equal("user-write-of-read-only", 14, user_trap.vector);
	guest_equal("user-write-error", 7, user_trap.error);
	guest_equal("user-write-rip", code, user_trap.rip);
}

void guest_main(void)
{
	guest_equal("shared-info", 0, (uint64_t)guest_map_shared());
	where();
	updates();
	traps();
	one_root();
}

/* user.c - see user.h. */
#include "user.h"

uint8_t user_code[PAGE_SIZE] __attribute__((aligned(4096)));
uint8_t user_data[PAGE_SIZE] __attribute__((aligned(4096)));
struct trap_regs user_trap;

static uint64_t l4[512] __attribute__((aligned(4096)));
static uint64_t l3[512] __attribute__((aligned(4096)));
static uint64_t l2[512] __attribute__((aligned(4096)));
static uint64_t l1[512] __attribute__((aligned(4096)));
static uint8_t trap_stack[8192] __attribute__((aligned(4096)));

int user_enter(const struct iret_context *frame, const struct trap_regs *regs);
void user_leave(void) __attribute__((noreturn));

/* The first trap out of user mode ends user_run(). */
static bool user_trapped(struct trap_regs *r)
{
	if ((r->cs & 3) != 3) {
		return false;
	}
	user_trap = *r;
	user_leave();
}

int user_use_root(const void *root)
{
	int rc = guest_mmuext(MMUEXT_NEW_USER_BASEPTR, va_mfn(root));

	if (rc == 0) {
		rc = (int)hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
				     hc_ptr(trap_stack + sizeof(trap_stack)));
	}
	trap_hook = user_trapped;
	return rc;
}

int user_init(void)
{
	int rc;

	l1[pt_index((void *)USER_CODE, 1)] = guest_pte(user_code, 0x25);
	l1[pt_index((void *)USER_DATA, 1)] = guest_pte(user_data, 0x67);
	l2[pt_index((void *)USER_CODE, 2)] = guest_pte(l1, 0x67);
	l3[0] = guest_pte(l2, 0x67);
	l4[0] = guest_pte(l3, 0x67);
	rc = guest_make_readonly(l1) | guest_make_readonly(l2) |
	     guest_make_readonly(l3) | guest_make_readonly(l4);
	if (rc == 0) {
		rc = guest_mmuext(MMUEXT_PIN_L4_TABLE, va_mfn(l4));
	}
	return rc ? rc : user_use_root(l4);
}

void user_run_at(uint64_t rip, uint64_t rsp, const struct trap_regs *regs)
{
	struct iret_context frame = {
		.rax = regs->rax,
		.r11 = regs->r11,
		.rcx = regs->rcx,
		.rip = rip,
		.cs = regs->cs ? regs->cs : FLAT_USER_CS,
		.rflags = regs->rflags,
		.rsp = rsp,
		.ss = FLAT_USER_SS,
	};

	user_enter(&frame, regs);
}

void user_run(const void *from, const void *to, const struct trap_regs *regs)
{
	memset(user_code, 0xcc, sizeof(user_code));
	memcpy(user_code, from,
	       (size_t)((const char *)to - (const char *)from));
	user_run_at(USER_CODE, USER_STACK, regs);
}

/*
 * entry_fast.S - the ways a guest takes most: a system call or a page fault of
 * its user mode on the way to its kernel, the kernel's iret hypercall back,
 * its INVLPG, and every other hypercall on the way to C.
 *
 * They do what bounce_syscall(), bounce_page_fault(), port_vcpu_iret() and
 * op_flush_local() do, for the common case only, with few registers; anything
 * unusual leaves to the slow path before a thing has changed.  What each test
 * protects is said beside it.
 *
 * On entry (from the stub): rsp = &pcpu->regs.rip; on the stack rip, cs,
 * rflags, rsp, ss; rcx and r11 (copies of rip and rflags) are free to use.
 */
#include "asm-offsets.h"
#include "x86/layout.h"
#include "x86/save.h"

#define VF_KERNEL 1
#define LINUX_USER_CS 0x33 /* in the guest's own GDT */
#define LINUX_USER_DS 0x2b
#define FRAME	  56 /* bytes of a bounce frame without an error code */

/* Addresses from HOLE_END on, and only they, have this or more above bit 43. */
#define KERNEL_TOP 0x1ffff1

/* rsp is &regs.rip: members of struct pcpu and of regs from there. */
#define P(member) PCPU_##member - PCPU_regs - REGS_rip
#define R(member) REGS_##member - REGS_rip

/* RFLAGS that make a return unusual: TF IOPL NT RF VM AC VIF VIP. */
#define RFLAGS_UNUSUAL 0x1f7100
/* RFLAGS cleared for the handler: as in bounce.c, and DF. */
#define RFLAGS_CLEAR 0x74500
#define RFLAGS_CLEAR_PF 0x74100 /* DF stays */

	.macro EXTABLE fault fixup
	.pushsection .extable, "a"
	.balign 4
	.long \fault - .
	.long \fixup - .
	.popsection
	.endm

	.section .text.entry, "ax"
	.balign 64
	.globl entry_syscall
entry_syscall:
	movq P(current)(%rsp), %rcx
	/* A softirq, or the scheduler, wants the CPU. */
	cmpb $0, P(work)(%rsp)
	jne entry_syscall_slow
	testb $VF_KERNEL, VCPU_mode(%rcx)
	jnz hypercall

	/* --- system call: guest user -> guest kernel --------------------- */
	movq %rax, P(scratch)(%rsp)
	movq VCPU_kernel_sp(%rcx), %r11
	andq $-16, %r11
	subq $FRAME, %r11
	/* The stack must not lie in the hypervisor's hole. */
	movq %r11, %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 8f
	/* SYSRET to a non-canonical rip faults with ring 0 rights (XSA-7). */
	movq VCPU_syscall(%rcx), %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 8f
	/* This path masks events for the handler, as Linux asks. */
	cmpb $0, VCPU_syscall_mask(%rcx)
	je 8f
	/* A user mode with events masked has another frame. */
	movq VCPU_info(%rcx), %rax
	cmpb $0, 1(%rax)
	jne 8f
	cmpb $0, uaccess_smap(%rip)
	jne 7f
	/* Its stack is in the kernel's root alone, which XPTI has loaded. */
1:	cmpb $0, P(xpti)(%rsp)
	je 2f
	/* Any of these stores may fault: then nothing has changed yet. */
3:	movq R(rip)(%rsp), %rax
11:	movq %rax, (%r11) /* rcx */
12:	movq %rax, 16(%r11) /* rip */
	movq R(rflags)(%rsp), %rax
13:	movq %rax, 8(%r11) /* r11 */
	andl $~0x3000, %eax /* no IOPL; IF stays: events are unmasked */
14:	movq %rax, 32(%r11)
	movq R(rsp)(%rsp), %rax
15:	movq %rax, 40(%r11)
16:	movq $SEL_G_CS64, 24(%r11)
17:	movq $SEL_G_DS, 48(%r11)
	movq VCPU_info(%rcx), %rax
	movb $1, 1(%rax)
	orb $VF_KERNEL, VCPU_mode(%rcx)
	swapgs
	movq VCPU_hw_kernel_root(%rcx), %rax
	movq VCPU_syscall(%rcx), %rcx
	cmpb $0, P(xpti)(%rsp)
	jne 6f
	movq R(rflags)(%rsp), %rax
	xchgq %rax, %r11
	andl $~RFLAGS_CLEAR, %r11d
	movq %rax, R(rsp)(%rsp)
	movq P(scratch)(%rsp), %rax
	movq R(rsp)(%rsp), %rsp
	sysretq

6:	/* XPTI: rax, rsp by way of the CPU's entry page. */
	pushq %rdi
	movq P(entry_page) + 8(%rsp), %rdi
	movq %rax, ENTRY_guest_cr3(%rdi)
	movq %r11, 4096 - 8(%rdi)
	movq R(rflags) + 8(%rsp), %r11
	andl $~RFLAGS_CLEAR, %r11d
	movq P(scratch) + 8(%rsp), %rax
	movq %rax, 4096 - 16(%rdi)
	leaq 4096 - 16(%rdi), %rax
	movq %rax, 8(%rsp)
	movq ENTRY_guest_cr3(%rdi), %rax
	popq %rdi
	movq (%rsp), %rsp
	jmp *far_xexit_sysret(%rip)

2:	movq VCPU_hw_kernel_root(%rcx), %rax
	movq %rax, %cr3
	jmp 3b

7:	stac
	jmp 1b

9:	cmpb $0, uaccess_smap(%rip)
	je 1f
	clac
1:	cmpb $0, P(xpti)(%rsp)
	jne 8f
	movq VCPU_hw_user_root(%rcx), %rax
	movq %rax, %cr3
8:	movq P(scratch)(%rsp), %rax
	jmp entry_syscall_slow

	EXTABLE 11b 9b
	EXTABLE 12b 9b
	EXTABLE 13b 9b
	EXTABLE 14b 9b
	EXTABLE 15b 9b
	EXTABLE 16b 9b
	EXTABLE 17b 9b

	/* --- the iret hypercall, to guest user mode ----------------------- */
hypercall:
	cmpl $HYPERCALL_iret, %eax
	jne hypercall_other
	movq R(rsp)(%rsp), %r11
	/* The frame must not lie in the hole, nor wrap. */
	leaq 72(%r11), %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 5f
	movq VCPU_info(%rcx), %rax
	/* An event that unmasking makes due: the slow path delivers it. */
	cmpb $0, (%rax)
	jne 5f
	/* Returning from an NMI handler, or without a user root. */
	cmpb $0, VCPU_nmi_masked(%rcx)
	jne 5f
	cmpq $0, VCPU_hw_user_root(%rcx)
	je 5f
	cmpb $0, uaccess_smap(%rip)
	jne 6f
	/*
	 * rcx: where rip..ss for the CPU go: to regs, or under XPTI to the
	 * CPU's entry page, which nothing needs before the very end.
	 */
1:	movq %rsp, %rcx
	cmpb $0, P(xpti)(%rsp)
	je 21f
	movq P(entry_page)(%rsp), %rcx
	addq $4096 - 40, %rcx
	/* Linux's user selectors, or ours; another may mean kernel mode. */
21:	movl 40(%r11), %eax
	cmpl $LINUX_USER_CS, %eax
	je 31f
	cmpl $SEL_G_CS64, %eax
	jne 4f
31:	movq %rax, R(cs)(%rcx)
22:	movl 64(%r11), %eax
	cmpl $LINUX_USER_DS, %eax
	je 32f
	cmpl $SEL_G_DS, %eax
	jne 4f
32:	movq %rax, R(ss)(%rcx)
23:	cmpq $0, 24(%r11) /* flags: VGCF_in_syscall */
	jne 4f
24:	movq 48(%r11), %rax
	testl $RFLAGS_UNUSUAL, %eax
	jnz 4f
	testl $0x200, %eax /* IF clear: events stay masked */
	jz 4f
	andl $0x200ed5, %eax
	orl $0x2, %eax
	movq %rax, R(rflags)(%rcx)
	/* A rip at or beyond the canonical limit would fault (XSA-7). */
25:	movq 32(%r11), %rax
	movq %rax, R(rip)(%rcx)
	shrq $47, %rax
	jnz 4f
26:	movq (%r11), %rax
	movq %rax, -8(%rcx) /* rax */
27:	movq 16(%r11), %rax
	movq %rax, P(scratch)(%rsp) /* rcx */
28:	movq 56(%r11), %rax
	movq %rax, R(rsp)(%rcx)
	/* Were the last load to fault, the slow path would do this again. */
	movq P(current)(%rsp), %rax
	movq VCPU_info(%rax), %rax
	movb $0, 1(%rax)
29:	movq 8(%r11), %r11
	movq P(current)(%rsp), %rax
	andb $~VF_KERNEL, VCPU_mode(%rax)
	swapgs
	movq VCPU_hw_user_root(%rax), %rax
	cmpb $0, P(xpti)(%rsp)
	jne 2f
	movq %rax, %cr3
	movq P(scratch)(%rsp), %rcx
	movq -8(%rsp), %rax
	/* The CPU checks the selectors; a fault becomes the guest's. */
	jmp exit_iretq

2:	movq %rax, ENTRY_guest_cr3 - 4096 + 40(%rcx)
	subq $8, %rcx
	movq %rcx, R(rsp)(%rsp)
	movq P(scratch)(%rsp), %rcx
	movq R(rsp)(%rsp), %rsp
	jmp *far_xexit_iret(%rip)

6:	stac
	jmp 1b

	/*
	 * The frame was read half way: regs.rsp is still the frame's address
	 * in r11's place, rip and rflags are overwritten but an iret does not
	 * need them.
	 */
4:	movq %r11, R(rsp)(%rsp)
	cmpb $0, uaccess_smap(%rip)
	je 5f
	clac
5:	movl $HYPERCALL_iret, %eax
	jmp entry_hypercall
	EXTABLE 21b 4b
	EXTABLE 22b 4b
	EXTABLE 23b 4b
	EXTABLE 24b 4b
	EXTABLE 25b 4b
	EXTABLE 26b 4b
	EXTABLE 27b 4b
	EXTABLE 28b 4b
	EXTABLE 29b 4b

/* --- INVLPG_LOCAL alone: mprotect() and munmap() are full of it ---------- */

hypercall_other:
	cmpq $HYPERCALL_mmuext_op, %rax
	jne entry_hypercall
	/* One operation, no report wanted, of the caller itself. */
	cmpq $1, %rsi
	jne entry_hypercall
	testq %rdx, %rdx
	jnz entry_hypercall
	cmpq $DOMID_self, %r10
	jne entry_hypercall
	/* The operation must not lie in the hole. */
	movq %rdi, %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 5f
	/* SYSRET to a non-canonical rip faults with ring 0 rights (XSA-7). */
	movq R(rip)(%rsp), %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 5f
	/* An event: the slow path looks whether it is to be delivered. */
	movq VCPU_info(%rcx), %rax
	cmpb $0, (%rax)
	jne 5f
	cmpb $0, uaccess_smap(%rip)
	jne 6f
41:	cmpl $MMUEXT_op_invlpg_local, (%rdi)
	jne 4f
42:	movq MMUEXT_addr(%rdi), %rax
	/*
	 * Cannot fault, and what it drops is walked again: no address is
	 * dangerous, not even one of the hypervisor's.
	 */
	invlpg (%rax)
	movq R(rip)(%rsp), %rcx
	movq R(rflags)(%rsp), %r11
	cmpb $0, P(xpti)(%rsp)
	jne 3f
	xorl %eax, %eax
	movq R(rsp)(%rsp), %rsp
	sysretq

3:	pushq %rdi
	movq P(entry_page) + 8(%rsp), %rdi
	movq R(rsp) + 8(%rsp), %rax
	movq %rax, 4096 - 8(%rdi)
	movq $0, 4096 - 16(%rdi) /* rax: success */
	leaq 4096 - 16(%rdi), %rax
	movq %rax, 8(%rsp)
	movq ENTRY_guest_cr3(%rdi), %rax
	popq %rdi
	movq (%rsp), %rsp
	jmp *far_xexit_sysret(%rip)

6:	stac
	jmp 41b
4:	cmpb $0, uaccess_smap(%rip)
	je 5f
	clac
5:	movl $HYPERCALL_mmuext_op, %eax
	jmp entry_hypercall
	EXTABLE 41b 4b
	EXTABLE 42b 4b

/* --- any hypercall -------------------------------------------------------- */

/*
 * C keeps rbx, rbp and r12-r15, so they stay in their registers; their places
 * in regs are filled only where someone needs them: when another vCPU may get
 * this CPU, or the guest gets an event.  Back by SYSRET unless the hypercall
 * changed where to (entry_vector says so: iret, a bounce).
 */
	.globl entry_hypercall
entry_hypercall:
	pushq $0
	movl $VEC_SYSCALL, 4(%rsp)
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq R(rip) + 32(%rsp) /* rcx */
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq R(rflags) + 72(%rsp) /* r11 */
	subq $48, %rsp
	movq PCPU_current - PCPU_regs(%rsp), %rdi
	movq %rsp, %rsi
	call upcall_hypercall
	cmpb $0, PCPU_work - PCPU_regs(%rsp)
	jne 9f
	movq PCPU_current - PCPU_regs(%rsp), %rax
	movq VCPU_info(%rax), %rax
	cmpb $0, (%rax) /* evtchn_upcall_pending */
	jne 9f
	cmpl $VEC_SYSCALL, REGS_vector(%rsp)
	jne 9f
	movq REGS_rip(%rsp), %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax /* XSA-7, as above */
	jb 9f
	cmpb $0, PCPU_xpti - PCPU_regs(%rsp)
	jne 8f
	addq $56, %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	addq $8, %rsp
	popq %rdx
	popq %rsi
	popq %rdi
	addq $8, %rsp
	popq %rcx
	addq $8, %rsp
	popq %r11
	popq %rsp
	sysretq

8:	movq PCPU_entry_page - PCPU_regs(%rsp), %rcx
	movq REGS_rax(%rsp), %rax
	movq %rax, 4096 - 16(%rcx)
	movq REGS_rsp(%rsp), %rax
	movq %rax, 4096 - 8(%rcx)
	movq ENTRY_guest_cr3(%rcx), %rax
	leaq 4096 - 16(%rcx), %r11
	addq $56, %rsp
	popq %r10
	popq %r9
	popq %r8
	addq $16, %rsp
	popq %rdx
	popq %rsi
	popq %rdi
	movq 8(%rsp), %rcx
	xchgq %r11, 24(%rsp)
	movq 24(%rsp), %rsp
	jmp *far_xexit_sysret(%rip)

9:	movq %rbx, REGS_rbx(%rsp)
	movq %rbp, REGS_rbx - 8(%rsp)
	movq %r12, REGS_rbx - 16(%rsp)
	movq %r13, REGS_rbx - 24(%rsp)
	movq %r14, REGS_rbx - 32(%rsp)
	movq %r15, REGS_rbx - 40(%rsp)
	jmp exit_to_guest

/* --- a page fault of the guest's user mode -------------------------------- */

/*
 * rsp = &regs.error_code, with the frame of the CPU above it.  From guest user
 * mode it cannot be a write to a page table; what it may be besides the
 * guest's own affair is told by the address or the error code.
 */
#define F(member) PCPU_##member - PCPU_regs - REGS_error + 24
#define Q(member) REGS_##member - REGS_error + 24
#define PF_FRAME  64
#define PF_RESERVED 8

	.globl entry_page_fault
entry_page_fault:
	testb $3, REGS_cs - REGS_error(%rsp)
	jz entry_trap
	pushq %rcx
	movq F(current) - 16(%rsp), %rcx
	testb $VF_KERNEL, VCPU_mode(%rcx)
	jnz 7f
	pushq %rax
	pushq %rdx
	movq %cr2, %rax
	movq %rax, F(scratch)(%rsp)
	/* A softirq, or the scheduler, wants the CPU. */
	cmpb $0, F(work)(%rsp)
	jne 5f
	/* Such an entry is our own bug. */
	testb $PF_RESERVED, Q(error)(%rsp)
	jnz 5f
	/* In the hole it may be an LDT page that is not mapped yet. */
	shrq $47, %rax
	jnz 5f
	/* Frame and effect differ with events masked, or not to be masked. */
	movq VCPU_info(%rcx), %rax
	cmpb $0, 1(%rax)
	jne 5f
	testb $4, VCPU_pf_flags(%rcx)
	jz 5f
	cmpq $0, VCPU_pf_address(%rcx)
	je 5f
	/* The stack must not lie in the hypervisor's hole. */
	movq VCPU_kernel_sp(%rcx), %rdx
	andq $-16, %rdx
	subq $PF_FRAME, %rdx
	movq %rdx, %rax
	shrq $43, %rax
	cmpl $KERNEL_TOP, %eax
	jb 5f
	cmpb $0, uaccess_smap(%rip)
	jne 6f
	/* As for system calls: the kernel's stack needs the kernel's root. */
1:	cmpb $0, F(xpti)(%rsp)
	je 3f
	/* Any of these stores may fault: then nothing has changed yet. */
8:	movq 16(%rsp), %rax
11:	movq %rax, (%rdx) /* rcx */
12:	movq %r11, 8(%rdx)
	movl Q(error)(%rsp), %eax /* its user bit is set: both modes' is */
13:	movq %rax, 16(%rdx)
	movq Q(rip)(%rsp), %rax
14:	movq %rax, 24(%rdx)
	movzwl Q(cs)(%rsp), %eax
15:	movq %rax, 32(%rdx)
	movq Q(rflags)(%rsp), %rax
	andl $~0x3000, %eax /* no IOPL; IF stays: events are unmasked */
16:	movq %rax, 40(%rdx)
	movq Q(rsp)(%rsp), %rax
17:	movq %rax, 48(%rdx)
	movzwl Q(ss)(%rsp), %eax
18:	movq %rax, 56(%rdx)
	movq %rdx, Q(rsp)(%rsp)
	movq VCPU_info(%rcx), %rax
	movq F(scratch)(%rsp), %rdx
	movb $1, 1(%rax)
	movq %rdx, INFO_cr2(%rax)
	orb $VF_KERNEL, VCPU_mode(%rcx)
	swapgs
	andl $~RFLAGS_CLEAR_PF, Q(rflags)(%rsp)
	cmpb $0, F(xpti)(%rsp)
	jne 2f
	movq VCPU_pf_address(%rcx), %rax
	movq %rax, Q(rip)(%rsp)
	movzwl VCPU_pf_cs(%rcx), %eax
	movq %rax, Q(cs)(%rsp)
	movq $SEL_G_DS, Q(ss)(%rsp)
	popq %rdx
	popq %rax
	popq %rcx
	addq $8, %rsp
	jmp exit_iretq

2:	/* XPTI: the frame and rax by way of the CPU's entry page. */
	movq F(entry_page)(%rsp), %rdx
	movq VCPU_pf_address(%rcx), %rax
	movq %rax, 4096 - 40(%rdx)
	movzwl VCPU_pf_cs(%rcx), %eax
	movq %rax, 4096 - 32(%rdx)
	movq Q(rflags)(%rsp), %rax
	movq %rax, 4096 - 24(%rdx)
	movq Q(rsp)(%rsp), %rax
	movq %rax, 4096 - 16(%rdx)
	movq $SEL_G_DS, 4096 - 8(%rdx)
	movq 8(%rsp), %rax
	movq %rax, 4096 - 48(%rdx)
	movq VCPU_hw_kernel_root(%rcx), %rax
	movq %rax, ENTRY_guest_cr3(%rdx)
	leaq 4096 - 48(%rdx), %rcx
	movq %rcx, 8(%rsp)
	popq %rdx
	movq 8(%rsp), %rcx
	movq (%rsp), %rsp
	jmp *far_xexit_iret(%rip)

3:	movq VCPU_hw_kernel_root(%rcx), %rax
	movq %rax, %cr3
	jmp 8b

6:	stac
	jmp 1b

	/* The fault is that of the guest again, not of our store. */
4:	movq F(scratch)(%rsp), %rax
	movq %rax, %cr2
	cmpb $0, uaccess_smap(%rip)
	je 1f
	clac
1:	cmpb $0, F(xpti)(%rsp)
	jne 5f
	movq VCPU_hw_user_root(%rcx), %rax
	movq %rax, %cr3
5:	popq %rdx
	popq %rax
7:	popq %rcx
	SAVE_ALL
	movq %rsp, %rdi
	call trap_page_fault
	jmp exit_to_guest

	EXTABLE 11b 4b
	EXTABLE 12b 4b
	EXTABLE 13b 4b
	EXTABLE 14b 4b
	EXTABLE 15b 4b
	EXTABLE 16b 4b
	EXTABLE 17b 4b
	EXTABLE 18b 4b

	.section .note.GNU-stack, "", @progbits

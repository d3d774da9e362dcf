/*
 * entry_fast.S - the two paths a guest takes most: a system call on its way
 * to the guest kernel, and the guest kernel's iret hypercall back.
 *
 * Both do what bounce_syscall() and port_vcpu_iret() do, for the common case
 * only, with few registers; anything unusual leaves to entry_syscall_slow
 * before a thing has changed.  What each test protects is said beside it.
 *
 * On entry (from the stub): rsp = &pcpu->regs.rip; on the stack rip, cs,
 * rflags, rsp, ss; rcx and r11 (copies of rip and rflags) are free to use.
 */
#include "asm-offsets.h"
#include "x86/layout.h"

#define VF_KERNEL 1
#define NR_IRET	  23
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
1:
	/* Any of these stores may fault: then nothing has changed yet. */
	movq R(rip)(%rsp), %rax
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
	movq %rax, %cr3
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

7:	stac
	jmp 1b

9:	cmpb $0, uaccess_smap(%rip)
	je 8f
	clac
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
	cmpl $NR_IRET, %eax
	jne entry_syscall_slow
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
	jne 5f
	/* Linux's user selectors, or ours; another may mean kernel mode. */
21:	movq 40(%r11), %rax
	cmpl $LINUX_USER_CS, %eax
	je 31f
	cmpl $SEL_G_CS64, %eax
	jne 5f
31:	movw %ax, R(cs)(%rsp)
22:	movq 64(%r11), %rax
	cmpl $LINUX_USER_DS, %eax
	je 32f
	cmpl $SEL_G_DS, %eax
	jne 5f
32:	movw %ax, R(ss)(%rsp)
23:	cmpq $0, 24(%r11) /* flags: VGCF_in_syscall */
	jne 5f
24:	movq 48(%r11), %rax
	testl $RFLAGS_UNUSUAL, %eax
	jnz 5f
	testl $0x200, %eax /* IF clear: events stay masked */
	jz 5f
	andl $0x200ed5, %eax
	orl $0x2, %eax
	movq %rax, R(rflags)(%rsp)
	/* A rip at or beyond the canonical limit would fault (XSA-7). */
25:	movq 32(%r11), %rax
	movq %rax, R(rip)(%rsp)
	shrq $47, %rax
	jnz 4f
26:	movq 56(%r11), %rax
	movq %rax, R(rsp)(%rsp)
	/* Nothing can fail any more but the last loads, which were touched
	 * with this line or page; keep them before the change of mode. */
27:	movq (%r11), %rax
	movq %rax, P(scratch)(%rsp)
28:	movq 16(%r11), %rax
29:	movq 8(%r11), %r11
	andb $~VF_KERNEL, VCPU_mode(%rcx)
	pushq %rax
	movq VCPU_info(%rcx), %rax
	movb $0, 1(%rax)
	swapgs
	movq VCPU_hw_user_root(%rcx), %rax
	cmpb $0, P(xpti) + 8(%rsp)
	jne 3f
	movq %rax, %cr3
	popq %rcx
	movq P(scratch)(%rsp), %rax
	/* The CPU checks the selectors; a fault becomes the guest's. */
	jmp exit_iretq

3:	/* XPTI: the frame and rax by way of the CPU's entry page. */
	popq %rcx
	pushq %rdi
	movq P(entry_page) + 8(%rsp), %rdi
	movq %rax, ENTRY_guest_cr3(%rdi)
	movq P(scratch) + 8(%rsp), %rax
	movq %rax, 4096 - 48(%rdi)
	movq R(rip) + 8(%rsp), %rax
	movq %rax, 4096 - 40(%rdi)
	movq R(cs) + 8(%rsp), %rax
	movq %rax, 4096 - 32(%rdi)
	movq R(rflags) + 8(%rsp), %rax
	movq %rax, 4096 - 24(%rdi)
	movq R(rsp) + 8(%rsp), %rax
	movq %rax, 4096 - 16(%rdi)
	movq R(ss) + 8(%rsp), %rax
	movq %rax, 4096 - 8(%rdi)
	leaq 4096 - 48(%rdi), %rax
	movq %rax, 8(%rsp)
	movq ENTRY_guest_cr3(%rdi), %rax
	popq %rdi
	movq (%rsp), %rsp
	jmp *far_xexit_iret(%rip)

	/*
	 * The frame was read half way: regs.rsp is still the frame's address
	 * in r11's place, rip and rflags are overwritten but an iret does not
	 * need them.
	 */
4:	movq %r11, R(rsp)(%rsp)
5:	movl $NR_IRET, %eax
	jmp entry_syscall_slow
	EXTABLE 21b 5b
	EXTABLE 22b 5b
	EXTABLE 23b 5b
	EXTABLE 24b 5b
	EXTABLE 25b 5b
	EXTABLE 26b 4b
	EXTABLE 27b 4b
	EXTABLE 28b 4b
	EXTABLE 29b 4b

	.section .note.GNU-stack, "", @progbits

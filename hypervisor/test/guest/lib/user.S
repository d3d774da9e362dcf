/*
 * user.S - into guest user mode and back.
 *
 * int user_enter(const struct iret_context *frame, struct trap_regs *regs)
 * loads the general registers from *regs (all but rsp) and leaves by the
 * iret hypercall.  The next trap from user mode comes back through
 * user_leave(), as if user_enter() had returned.
 */
	.text
	.globl user_enter, user_leave
user_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, user_saved_rsp(%rip)
	/* ss rsp rflags cs rip flags rcx r11 rax, from the top down */
	mov	$9, %ecx
1:	push	-8(%rdi, %rcx, 8)
	loop	1b
	mov	%rsi, %rdi
	mov	0(%rdi), %r15
	mov	8(%rdi), %r14
	mov	16(%rdi), %r13
	mov	24(%rdi), %r12
	mov	32(%rdi), %rbp
	mov	40(%rdi), %rbx
	mov	56(%rdi), %r10
	mov	64(%rdi), %r9
	mov	72(%rdi), %r8
	mov	96(%rdi), %rdx
	mov	104(%rdi), %rsi
	mov	112(%rdi), %rdi
	mov	$23, %eax
	syscall
	ud2

user_leave:
	mov	user_saved_rsp(%rip), %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	xor	%eax, %eax
	ret

	.bss
	.balign 8
	.globl user_saved_rsp
user_saved_rsp:
	.skip 8
	.section .note.GNU-stack, "", @progbits

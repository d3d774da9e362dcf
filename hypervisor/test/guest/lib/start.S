/*
 * start.S - first instructions of a PV test kernel, its ELF notes, and the
 * trap stubs.
 *
 * At entry the builder guarantees: %rsi = start_info, %rsp = a bootstrap
 * stack, flat ring-3 segments, upcalls masked.  We take a stack of our own.
 */
#include <xen/elfnote.h>


.macro NOTE type, desc:vararg
	.balign 4
	.long 4, 9f - 8f, \type
	.asciz "Xen"
8:	\desc
9:	.balign 4
.endm

	.section .note.Xen, "a", @note
	NOTE XEN_ELFNOTE_GUEST_OS, .asciz "serai-test"
	NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
	NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	NOTE XEN_ELFNOTE_VIRT_BASE, .quad guest_base
	NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad 0
	NOTE XEN_ELFNOTE_ENTRY, .quad guest_entry
	NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
#ifndef GUEST_CLASSIC_LAYOUT
	NOTE XEN_ELFNOTE_INIT_P2M, .quad 0x8000000000
	NOTE XEN_ELFNOTE_MOD_START_PFN, .long 1
#endif
	NOTE XEN_ELFNOTE_HV_START_LOW, .quad 0xffff800000000000
	NOTE XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
	NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x8801
	NOTE XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
	NOTE XEN_ELFNOTE_L1_MFN_VALID, .quad 1, 1
	NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long 1

	.text
	.globl guest_entry
guest_entry:
	rdtsc
	mov	%eax, boot_tsc(%rip)
	mov	%edx, boot_tsc + 4(%rip)
	cld
	mov	%rsp, boot_rsp(%rip)
	lea	boot_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	guest_start
	ud2

	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip 4096

/*
 * The frame the hypervisor pushed: rcx, r11, [error,] rip, cs, rflags, rsp,
 * ss.  Stubs turn it into struct trap_regs (guest.h), and go back by the
 * iret hypercall, which also restores the event mask from rflags.IF.
 */
.macro STUB n, has_error
trap_stub_\n:
	pop	%rcx
	pop	%r11
	.if \has_error == 0
	push	$0
	.endif
	push	$\n
	jmp	trap_common
.endm

	.balign 16
	.altmacro
	.set i, 0
.macro STUB_ANY n
	STUB \n, %((\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21))
.endm
.macro STUB_ADDR n
	.quad trap_stub_\n
.endm
	.rept 256
	STUB_ANY %i
	.set i, i + 1
	.endr

	.section .rodata
	.balign 8
	.globl trap_stubs
trap_stubs:
	.set i, 0
	.rept 256
	STUB_ADDR %i
	.set i, i + 1
	.endr
	.noaltmacro
	.text

/* The event upcall: no vector, no error code. */
	.globl event_stub
event_stub:
	pop	%rcx
	pop	%r11
	push	$0
	push	$0x100
	jmp	trap_common

/* Failsafe callback: rcx, r11, ds, es, fs, gs, then rip... */
	.globl failsafe_stub
failsafe_stub:
	pop	%rcx
	pop	%r11
	add	$32, %rsp
	push	$0
	push	$0x101
	jmp	trap_common

/* A system call of guest user mode. */
	.globl syscall_stub
syscall_stub:
	pop	%rcx
	pop	%r11
	push	$0
	push	$0x102
	jmp	trap_common

	.globl nmi_stub
nmi_stub:
	pop	%rcx
	pop	%r11
	push	$0
	push	$0x103

trap_common:
	cld
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	trap_handler
	mov	%rbx, %rsp
	.globl trap_return
trap_return:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp
	push	$0		/* VGCF flags */
	push	%rcx
	push	%r11
	push	%rax
	mov	$23, %eax	/* __HYPERVISOR_iret */
	syscall
	ud2

	.bss
	.balign 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip 32768
boot_stack_top:
	.globl boot_rsp, boot_tsc
boot_rsp:
	.skip 8
boot_tsc:
	.skip 8

	.section .note.GNU-stack, "", @progbits

/*
 * entry_xpti.S - ways in and out on a CPU with Meltdown.
 *
 * A guest then runs on a companion root (root.c), in which only the entry
 * area of the hypervisor is mapped.  This section is that area's code: it
 * is linked like everything else, but also mapped at ENTRY_TEXT_VA, and runs
 * only there.  So it may use rip-relative operands within itself, the CPU's
 * struct entry_cpu page by way of rsp, and pointers to the rest (far_*).
 *
 * Each CPU's page has a tiny stack for the CPU to push on; the frame moves
 * to the main stack as soon as the hypervisor's root is loaded.
 *
 * What Meltdown can read of it: addresses, and the last guest's rip, rsp,
 * rflags and rax on each CPU - not the other registers.
 */
#include "asm-offsets.h"
#include "x86/layout.h"
#include "x86/save.h"

	.section .entry_text, "ax"
	.balign 4096
	.globl entry_text_start, entry_text_end
entry_text_start:

	.altmacro
	.macro XVECTOR n
	.balign 16
xvector_\n:
	.if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21)
	.else
	pushq $0
	.endif
	movl $\n, 4(%rsp)
	.if \n == 8
	jmp xentry_df
	.elseif \n == 2
	jmp xentry_nmi
	.elseif \n == 18
	jmp xentry_mce
	.elseif \n == 1
	jmp xentry_db
	.elseif \n == 14
	jmp xentry_page_fault
	.elseif \n < 32
	jmp xentry_trap
	.elseif \n == 0x80
	jmp xentry_trap
	.else
	jmp xentry_irq
	.endif
	.endm

	.set i, 0
	.rept 256
	XVECTOR %i
	.set i, i + 1
	.endr

	.macro XVECTOR_ADDR n
	.quad xvector_\n - entry_text_start + ENTRY_TEXT_VA
	.endm

	.section .rodata
	.balign 8
	.globl idt_handlers_xpti
idt_handlers_xpti:
	.set i, 0
	.rept 256
	XVECTOR_ADDR %i
	.set i, i + 1
	.endr
	.noaltmacro
	.section .entry_text, "ax"

/*
 * From a guest, on a tiny stack whose top is `area` bytes into the CPU's
 * page: load the hypervisor's root and move the frame (error code and
 * vector, rip..ss) to the main stack.  rax is kept.
 */
	.macro TO_MAIN_STACK area
	pushq %rax
	movq ENTRY_hv_cr3 - \area + 56(%rsp), %rax
	movq %rax, %cr3
	movq ENTRY_main_top - \area + 56(%rsp), %rax
	xchgq %rsp, %rax
	pushq 48(%rax)
	pushq 40(%rax)
	pushq 32(%rax)
	pushq 24(%rax)
	pushq 16(%rax)
	pushq 8(%rax)
	movq (%rax), %rax
	.endm

xentry_trap:
	testb $3, 16(%rsp)
	jz xentry_from_hypervisor
	TO_MAIN_STACK 4096
	jmp *far_entry_trap(%rip)

xentry_page_fault:
	testb $3, 16(%rsp)
	jz xentry_from_hypervisor
	TO_MAIN_STACK 4096
	jmp *far_entry_page_fault(%rip)

xentry_irq:
	testb $3, 16(%rsp)
	jz 1f
	TO_MAIN_STACK 4096
1:	jmp *far_entry_irq(%rip)

/*
 * The hypervisor's own fault.  Only one can happen with the guest's root
 * loaded: that of the IRETQ at the very end of the way out.  rsp was then at
 * rip..ss in the CPU's page.
 */
xentry_from_hypervisor:
	pushq %rax
	pushq %rcx
	leaq xexit_iretq(%rip), %rax
	cmpq %rax, 24(%rsp)
	je 1f
	popq %rcx
	popq %rax
	jmp *far_entry_trap(%rip)

1:	movq %rsp, %rcx
	andq $-4096, %rcx
	movq ENTRY_hv_cr3(%rcx), %rax
	movq %rax, %cr3
	movq ENTRY_main_top(%rcx), %rcx
	movq 48(%rsp), %rax /* rsp at the fault */
	pushq 32(%rax)
	popq -8(%rcx)
	pushq 24(%rax)
	popq -16(%rcx)
	pushq 16(%rax)
	popq -24(%rcx)
	pushq 8(%rax)
	popq -32(%rcx)
	pushq (%rax)
	popq -40(%rcx)
	movl 20(%rsp), %eax
	movb %al, PCPU_iret_vector - PCPU_regs - REGS_es(%rcx)
	movl 16(%rsp), %eax
	movl %eax, PCPU_iret_error - PCPU_regs - REGS_es(%rcx)
	movq (%rsp), %rax
	movq %rax, -48(%rcx)
	movq 8(%rsp), %rax
	movq %rax, -56(%rcx)
	leaq -56(%rcx), %rsp
	popq %rax
	popq %rcx
	jmp *far_exit_iretq_fault(%rip)

/* #DB: by a MOV SS shadow it may hit our first instruction; ignore that. */
xentry_db:
	testb $3, 16(%rsp)
	jz 1f
	TO_MAIN_STACK ENTRY_ist_db
	jmp *far_entry_trap(%rip)
1:	pushq %rax
	movl $0xffff0ff0, %eax
	movq %rax, %db6
	popq %rax
	addq $8, %rsp
	iretq

/*
 * NMI and #MC hit anywhere, with either root loaded: whichever it was is
 * put back.  `top`: the CPU's real stack for it.
 */
	.macro ANYWHERE top target
	pushq %rax
	pushq %rcx
	pushq %rdx
	movq %cr3, %rdx
	movq %rsp, %rcx
	andq $-4096, %rcx
	movq ENTRY_hv_cr3(%rcx), %rax
	movq %rax, %cr3
	movq \top(%rcx), %rax
	movq %rsp, %rcx
	movq %rax, %rsp
	pushq %rcx
	pushq %rdx
	pushq 64(%rcx)
	pushq 56(%rcx)
	pushq 48(%rcx)
	pushq 40(%rcx)
	pushq 32(%rcx)
	pushq 24(%rcx)
	movq (%rcx), %rdx
	movq 16(%rcx), %rax
	movq 8(%rcx), %rcx
	jmp *\target(%rip)
	.endm

xentry_nmi:
	ANYWHERE ENTRY_nmi_top, far_nmi_body
xentry_mce:
	ANYWHERE ENTRY_mce_top, far_nmi_body
xentry_df:
	ANYWHERE ENTRY_df_top, far_entry_df

/* rsp at the root and the tiny stack; registers but rax are as they were. */
xnmi_return:
	movq (%rsp), %rax
	movq 8(%rsp), %rsp
	movq %rax, %cr3
	popq %rdx
	popq %rcx
	popq %rax
	addq $8, %rsp
	iretq

/* --- out -------------------------------------------------------------- */

/* rax: guest's root; rsp in the CPU's page, at rax, rip..ss. */
xexit_iret:
	movq %rax, %cr3
	popq %rax
xexit_iretq:
	iretq

/* rax: guest's root; rsp in the CPU's page, at rax, rsp. */
xexit_sysret:
	movq %rax, %cr3
	popq %rax
	popq %rsp
	sysretq

	.balign 8
far_entry_trap:		.quad entry_trap
far_entry_page_fault:	.quad entry_page_fault
far_entry_irq:		.quad entry_irq
far_entry_df:		.quad entry_df
far_nmi_body:		.quad nmi_body
far_exit_iretq_fault:	.quad exit_iretq_fault
	.balign 4096
entry_text_end:

/*
 * The way out from the main stack, rsp = &pcpu->regs: put what must outlive
 * the switch of roots on the tiny stack, restore the rest.
 */
	.section .text.entry, "ax"
	.globl exit_xpti
exit_xpti:
	movq PCPU_entry_page - PCPU_regs(%rsp), %rdi
	movq REGS_rax(%rsp), %rax
	movq %rax, 4096 - 48(%rdi)
	movq REGS_rip(%rsp), %rax
	movq %rax, 4096 - 40(%rdi)
	movq REGS_cs(%rsp), %rax
	movq %rax, 4096 - 32(%rdi)
	movq REGS_rflags(%rsp), %rax
	movq %rax, 4096 - 24(%rdi)
	movq REGS_rsp(%rsp), %rax
	movq %rax, 4096 - 16(%rdi)
	movq REGS_ss(%rsp), %rax
	movq %rax, 4096 - 8(%rdi)
	movq ENTRY_guest_cr3(%rdi), %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	addq $8, %rsp
	popq %rcx
	popq %rdx
	popq %rsi
	movq PCPU_entry_page - PCPU_regs - REGS_rdi(%rsp), %rdi
	leaq 4096 - 48(%rdi), %rdi
	xchgq %rdi, (%rsp)
	movq (%rsp), %rsp
	jmp *far_xexit_iret(%rip)

nmi_body:
	SAVE_ALL
	movq %rsp, %rdi
	call trap_nmi
	RESTORE_ALL
	addq $40, %rsp
	jmp *far_xnmi_return(%rip)

	.section .rodata
	.balign 8
far_xnmi_return:
	.quad xnmi_return - entry_text_start + ENTRY_TEXT_VA
	.globl far_xexit_iret, far_xexit_sysret
far_xexit_iret:
	.quad xexit_iret - entry_text_start + ENTRY_TEXT_VA
far_xexit_sysret:
	.quad xexit_sysret - entry_text_start + ENTRY_TEXT_VA

/* The stubs of desc.c, in their XPTI form. */
	.section .text.entry, "ax"
	.macro XSTUB name off cs target
	.balign 64
	.globl \name\()_start, \name\()_end
\name\()_start:
	movq %rsp, \name\()_start - 4096 - \off + ENTRY_scratch_rsp(%rip)
	movq %rax, \name\()_start - 4096 - \off + ENTRY_scratch_rax(%rip)
	movq \name\()_start - 4096 - \off + ENTRY_hv_cr3(%rip), %rax
	movq %rax, %cr3
	movq \name\()_start - 4096 - \off + ENTRY_scratch_rax(%rip), %rax
	movq \name\()_start - 4096 - \off + ENTRY_main_top(%rip), %rsp
	pushq $SEL_G_DS
	pushq \name\()_start - 4096 - \off + ENTRY_scratch_rsp(%rip)
	pushq %r11
	pushq $\cs
	pushq %rcx
	jmp *\name\()_start - 4096 - \off + \target(%rip)
\name\()_end:
	.endm

	XSTUB syscall_stub_xpti, 0, SEL_G_CS64, ENTRY_syscall_target
	XSTUB syscall32_stub_xpti, 128, SEL_G_CS32, ENTRY_syscall32_target

	.section .note.GNU-stack, "", @progbits

/*
 * entry.S - every way into the hypervisor, and every way back.
 *
 * On the main stack, from the top: struct pcpu, whose regs member receives
 * the guest's registers.  The CPU (or the SYSCALL stub) pushes ss..rip, the
 * entry pushes an error code and the vector, SAVE_ALL the rest; then rsp is
 * &pcpu->regs.  Entries from hypervisor mode build the same frame wherever
 * the stack happens to be.
 *
 * Interrupts are off throughout.  No entry trusts a guest's segment base:
 * the hypervisor never uses GS.
 */
#include "asm-offsets.h"
#include "x86/layout.h"
#include "x86/save.h"

#define VF_KERNEL   1

	.section .text.entry, "ax"

/* --- exceptions and interrupts ---------------------------------------- */

	.altmacro
	.macro VECTOR n
vector_\n:
	.if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21)
	.else
	pushq $0
	.endif
	movl $\n, 4(%rsp)
	.if \n == 8
	jmp entry_df
	.elseif \n == 2
	jmp entry_nmi
	.elseif \n == 18
	jmp entry_nmi
	.elseif \n == 1
	jmp entry_db
	.elseif \n == 14
	jmp entry_page_fault
	.elseif \n < 32
	jmp entry_trap
	.elseif \n == 0x80
	jmp entry_trap
	.else
	jmp entry_irq
	.endif
	.endm

	.set i, 0
	.rept 256
	VECTOR %i
	.set i, i + 1
	.endr

	.macro VECTOR_ADDR n
	.quad vector_\n
	.endm

	.section .rodata
	.balign 8
	.globl idt_handlers
idt_handlers:
	.set i, 0
	.rept 256
	VECTOR_ADDR %i
	.set i, i + 1
	.endr
	.noaltmacro

	.section .text.entry, "ax"

	.globl entry_trap, entry_irq
entry_trap:
	SAVE_ALL
	movq %rsp, %rdi
	testb $3, REGS_cs(%rsp)
	jz 1f
	call trap_guest
	jmp exit_to_guest
1:	call trap_hypervisor
	jmp exit_to_hypervisor

entry_irq:
	SAVE_ALL
	movzbl REGS_vector(%rsp), %edi
	testb $3, REGS_cs(%rsp)
	jz 1f
	call irq_handle
	jmp exit_to_guest
1:	call irq_handle
exit_to_hypervisor:
	RESTORE_ALL
	iretq

/*
 * #DB has a stack of its own because it can hit on the first instruction of
 * a SYSCALL entry (MOV SS shadow, XSA-260), with the guest's stack pointer.
 * From a guest, go on as a normal trap on the main stack.
 */
entry_db:
	SAVE_ALL
	testb $3, REGS_cs(%rsp)
	jz 1f
	movq %rsp, %rsi
	orq $STACK_SIZE - 1, %rsp
	leaq 1 - PCPU_SIZE + PCPU_regs(%rsp), %rdi
	movl $REGS_es / 8, %ecx
	movq %rdi, %rsp
	rep movsq
	movq %rsp, %rdi
	call trap_guest
	jmp exit_to_guest
1:	movq %rsp, %rdi
	call trap_hypervisor
	jmp exit_to_hypervisor

/* NMI and #MC: only look and note; what follows from it comes later. */
entry_nmi:
	SAVE_ALL
	movq %rsp, %rdi
	call trap_nmi
	jmp exit_to_hypervisor

	.globl entry_df
entry_df:
	SAVE_ALL
	movq %rsp, %rdi
	call trap_double_fault
1:	hlt
	jmp 1b

/* --- SYSCALL ------------------------------------------------------------ */

/*
 * Copied to the page after each CPU's struct entry_cpu, so that rip-relative
 * operands reach it.  SYSCALL: rcx = rip, r11 = rflags, rsp the guest's.
 */
	.balign 64
	.globl syscall_stub_start, syscall_stub_end
syscall_stub_start:
	movq %rsp, syscall_stub_start - 4096 + ENTRY_scratch_rsp(%rip)
	movq syscall_stub_start - 4096 + ENTRY_main_top(%rip), %rsp
	pushq $SEL_G_DS
	pushq syscall_stub_start - 4096 + ENTRY_scratch_rsp(%rip)
	pushq %r11
	pushq $SEL_G_CS64
	pushq %rcx
	jmp *syscall_stub_start - 4096 + ENTRY_syscall_target(%rip)
syscall_stub_end:

	/* Placed 128 bytes into that page: from 32-bit code (AMD only). */
	.balign 64
	.globl syscall32_stub_start, syscall32_stub_end
syscall32_stub_start:
	movq %rsp, syscall32_stub_start - 4096 - 128 + ENTRY_scratch_rsp(%rip)
	movq syscall32_stub_start - 4096 - 128 + ENTRY_main_top(%rip), %rsp
	pushq $SEL_G_DS
	pushq syscall32_stub_start - 4096 - 128 + ENTRY_scratch_rsp(%rip)
	pushq %r11
	pushq $SEL_G_CS32
	pushq %rcx
	jmp *syscall32_stub_start - 4096 - 128 + ENTRY_syscall32_target(%rip)
syscall32_stub_end:

	.balign 64
	.globl entry_syscall_slow
entry_syscall_slow:
	movq PCPU_current - PCPU_regs - REGS_rip(%rsp), %rcx
	testb $VF_KERNEL, VCPU_mode(%rcx)
	jnz entry_hypercall
	movq (%rsp), %rcx
	movq REGS_rflags - REGS_rip(%rsp), %r11
	pushq $0
	SAVE_ALL
	movq PCPU_current - PCPU_regs(%rsp), %rdi
	movq %rsp, %rsi
	call bounce_syscall

/* --- the way back ------------------------------------------------------- */

	/*
	 * rsp = &pcpu->regs.  One byte says whether anything has to be done
	 * on this CPU, two more whether the guest has an unmasked event.
	 */
	.globl exit_to_guest
exit_to_guest:
	cmpb $0, PCPU_work - PCPU_regs(%rsp)
	jne 2f
	movq PCPU_current - PCPU_regs(%rsp), %rax
	testq %rax, %rax
	jz 2f
	movq VCPU_info(%rax), %rax
	cmpb $0, (%rax) /* evtchn_upcall_pending */
	jne 1f
restore_guest:
	cmpb $0, PCPU_xpti - PCPU_regs(%rsp)
	jne exit_xpti
	RESTORE_ALL
	.globl exit_iretq
exit_iretq:
	iretq

1:	cmpb $0, 1(%rax) /* evtchn_upcall_mask */
	jne restore_guest
2:	movq %rsp, %rdi
	call exit_work /* leaves nothing to do but WORK_SLOW */
	jmp restore_guest

/*
 * The IRETQ above faulted on what the guest asked to return to.  The frame
 * of that fault has been undone (trap_hypervisor): registers and rsp are as
 * they were, rsp at rip..ss.  The guest gets the fault.
 */
	.globl exit_iretq_fault
exit_iretq_fault:
	pushq $0
	SAVE_ALL
	movq %rsp, %rdi
	call trap_iret_fault
	jmp exit_to_guest

/* rdi: &pcpu->regs of this CPU.  Leave the start-up stack for good. */
	.globl enter_idle
enter_idle:
	movq %rdi, %rsp
	jmp exit_to_guest

	.section .note.GNU-stack, "", @progbits

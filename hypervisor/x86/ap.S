/*
 * ap.S - where a further CPU starts: from real mode to ap_main().
 *
 * Copied to the page at AP_TRAMPOLINE (below 1 MiB, as the start-up IPI
 * demands).  The boot page tables identity-map low memory and map the image.
 */
#include "x86/layout.h"

#define AP_TRAMPOLINE 0x8000
#define AT(sym) (AP_TRAMPOLINE + (sym) - ap_trampoline)

	.section .rodata
	.balign 16
	.globl ap_trampoline, ap_trampoline_end, ap_trampoline_root
	.code16
ap_trampoline:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AT(ap_gdtr)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x18, $AT(ap_start32)
	.code32
ap_start32:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl AT(ap_trampoline_root), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax /* SCE, LME, NXE */
	wrmsr
	movl %cr0, %eax
	andl $~0x6000000c, %eax
	orl $0x80010023, %eax
	movl %eax, %cr0
	ljmp $0x08, $AT(ap_start64)
	.code64
ap_start64:
	movabs $ap_high, %rax
	jmp *%rax

	.balign 8
ap_trampoline_root:
	.long 0 /* machine address of boot_l4 */
	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00cf9b000000ffff
ap_gdtr:
	.short 31
	.long AT(ap_gdt)
ap_trampoline_end:

	.section .text.head, "ax"
ap_high:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl $0x10, %eax
	movl %eax, %ss
	movq hv_root(%rip), %rax
	movq %rax, %cr3
	movq ap_stack(%rip), %rsp
	xorl %ebp, %ebp
	call ap_main
1:	hlt
	jmp 1b
	.section .note.GNU-stack, "", @progbits

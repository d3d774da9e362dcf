/*
 * head.S - from the boot loader's 32-bit entry to boot_main() in long mode.
 *
 * Loaders: multiboot 1 (`qemu -kernel`, found by the address fields, since
 * the image is ELF64) and multiboot 2 (GRUB, BIOS and UEFI).  The image may
 * be loaded at any 2 MiB boundary: every address below is taken relative to
 * %ebp, the difference between where we are and where we were linked.
 *
 * In: eax magic, ebx info, 32-bit protected mode, paging off (both specs).
 */
#include "x86/layout.h"

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, addresses */
#define MB2_MAGIC 0xe85250d6

#define PHYS(sym) ((sym) - IMAGE_VA)

	.section .multiboot, "a"
	.balign 8
mb1_header:
	.long MB1_MAGIC
	.long MB1_FLAGS
	.long -(MB1_MAGIC + MB1_FLAGS)
	.long PHYS(mb1_header)
	.long PHYS(image_start)
	.long PHYS(image_data_end)
	.long PHYS(image_end)
	.long PHYS(start)

	.balign 8
mb2_header:
	.long MB2_MAGIC
	.long 0 /* i386 */
	.long mb2_end - mb2_header
	.long -(MB2_MAGIC + (mb2_end - mb2_header))
	/* wanted: modules on page boundaries */
	.balign 8
	.short 6, 0
	.long 8
	/* relocatable: 2 MiB aligned, below 4 GiB, lowest first */
	.balign 8
	.short 10, 0
	.long 24
	.long IMAGE_LOAD
	.long 0x7fffffff
	.long 0x200000
	.long 1
	/*
	 * Addresses and entry: GRUB refuses to take the entry from the ELF
	 * header, since it is no *virtual* address of the only segment.
	 */
	.balign 8
	.short 2, 0
	.long 24
	.long PHYS(mb2_header)
	.long PHYS(image_start)
	.long PHYS(image_data_end)
	.long PHYS(image_end)
	.balign 8
	.short 3, 0
	.long 12
	.long PHYS(start)
	/* end */
	.balign 8
	.short 0, 0
	.long 8
mb2_end:

	.section .text.head, "ax"
	.code32
	.globl start
start:
	cli
	cld
	movl %eax, %edi /* magic */
	movl %ebx, %esi /* info */
	/* Some stack for one call: the info structure's last word is not
	 * ours, so use the boot stack by its linked place first. */
	movl $PHYS(boot_stack_end), %esp
	call 1f
1:	popl %ebp
	subl $PHYS(1b), %ebp
	leal PHYS(boot_stack_end)(%ebp), %esp

	/* Boot page tables: identity + direct map of 4 GiB, and the image. */
	leal PHYS(boot_l4)(%ebp), %eax
	leal PHYS(boot_l3_low)+7(%ebp), %ecx
	movl %ecx, (%eax)
	movl %ecx, SLOT_DIRECTMAP * 8(%eax)
	leal PHYS(boot_l3_image)+7(%ebp), %ecx
	movl %ecx, SLOT_IMAGE * 8(%eax)

	leal PHYS(boot_l3_low)(%ebp), %eax
	leal PHYS(boot_l2_low)+7(%ebp), %ecx
	xorl %edx, %edx
2:	movl %ecx, (%eax, %edx, 8)
	addl $4096, %ecx
	incl %edx
	cmpl $4, %edx
	jne 2b

	leal PHYS(boot_l2_low)(%ebp), %eax
	movl $0x83, %ecx /* present, write, 2 MiB */
	xorl %edx, %edx
3:	movl %ecx, (%eax, %edx, 8)
	addl $0x200000, %ecx
	incl %edx
	cmpl $2048, %edx
	jne 3b

	leal PHYS(boot_l3_image)(%ebp), %eax
	leal PHYS(boot_l2_image)+7(%ebp), %ecx
	movl %ecx, ((IMAGE_VA >> 30) & 511) * 8(%eax)
	leal PHYS(boot_l2_image)(%ebp), %eax
	leal 0x83(%ebp), %ecx
	addl $IMAGE_LOAD, %ecx
	movl $1, %edx /* VA IMAGE_VA + 2 MiB is the first image byte */
4:	movl %ecx, (%eax, %edx, 8)
	addl $0x200000, %ecx
	incl %edx
	cmpl $64, %edx
	jne 4b

	leal PHYS(boot_l4)(%ebp), %eax
	call enter_long_mode
	ljmp *PHYS(long_ptr)(%ebp)

/* eax: root.  Turns paging on; returns in 32-bit compatibility mode. */
	.globl enter_long_mode
enter_long_mode:
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax /* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax /* SCE, LME, NXE */
	wrmsr
	movl %cr0, %eax
	andl $~0x6000000c, %eax /* CD, NW, EM, TS off */
	orl $0x80010023, %eax /* PG, WP, NE, MP, PE */
	movl %eax, %cr0
	leal PHYS(boot_gdt)(%ebp), %eax
	movl %eax, PHYS(boot_gdtr)+2(%ebp)
	leal PHYS(long_start)(%ebp), %eax
	movl %eax, PHYS(long_ptr)(%ebp)
	lgdt PHYS(boot_gdtr)(%ebp)
	ret

	.code64
long_start:
	movl %edi, %edi
	movl %esi, %esi
	movl %ebp, %edx
	movabs $long_high, %rax
	jmp *%rax
long_high:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl $0x10, %eax
	movl %eax, %ss
	leaq boot_stack_end - 512(%rip), %rsp /* below struct pcpu */
	xorl %ebp, %ebp
	/* Loaders clear .bss by the ELF header; nothing is owed here. */
	addq $IMAGE_LOAD, %rdx /* where the image really is */
	call boot_main
1:	cli
	hlt
	jmp 1b

	.section .data.page_aligned, "aw"
	.balign 4096
	.globl boot_l4
boot_l4:	.fill 4096, 1, 0
boot_l3_low:	.fill 4096, 1, 0
boot_l3_image:	.fill 4096, 1, 0
boot_l2_low:	.fill 4 * 4096, 1, 0
boot_l2_image:	.fill 4096, 1, 0

	.data
	.balign 16
	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 64-bit code */
	.quad 0x00cf93000000ffff /* data */
	.quad 0x00cf9b000000ffff /* 32-bit code, for the AP trampoline */
boot_gdtr:
	.short 31
	.long 0
	.long 0
long_ptr:
	.long 0
	.short 8

	/* Aligned (image.lds) like every CPU's stack: pcpu() works on it. */
	.section .bss.boot_stack, "aw", @nobits
boot_stack:
	.fill STACK_SIZE, 1, 0
boot_stack_end:
	.section .note.GNU-stack, "", @progbits

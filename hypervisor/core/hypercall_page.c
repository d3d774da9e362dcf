/*
 * hypercall_page.c - see hypercall_page.h.
 *
 * Slot i is 32 bytes.  SYSCALL destroys rcx and r11, so a stub saves them.
 * The iret slot is jumped to with flags, rip, cs, ... on the stack; it pushes
 * the rest of struct iret_context and never comes back.
 */
#include "core/hypercall_page.h"
#include "include/abi.h"
#include "include/types.h"
#include "lib/string.h"

#define SLOT_SIZE 32
#define SLOTS	  (PAGE_SIZE / SLOT_SIZE)

void hypercall_page_fill(void *page)
{
	static const uint8_t call[] = {
		0x51,		   /* push %rcx */
		0x41, 0x53,	   /* push %r11 */
		0xb8, 0, 0, 0, 0,  /* mov $nr, %eax */
		0x0f, 0x05,	   /* syscall */
		0x41, 0x5b,	   /* pop %r11 */
		0x59,		   /* pop %rcx */
		0xc3,		   /* ret */
	};
	static const uint8_t iret[] = {
		0x51,						  /* push %rcx */
		0x41, 0x53,					  /* push %r11 */
		0x50,						  /* push %rax */
		0xb8, __HYPERVISOR_iret, 0, 0, 0, /* mov $23, %eax */
		0x0f, 0x05,					  /* syscall */
		0x0f, 0x0b,					  /* ud2 */
	};
	uint8_t *slot = page;
	unsigned int i;

	memset(page, 0xcc, PAGE_SIZE); /* int3 between the stubs */
	for (i = 0; i < SLOTS; i++, slot += SLOT_SIZE) {
		if (i == __HYPERVISOR_iret) {
			memcpy(slot, iret, sizeof(iret));
		} else {
			memcpy(slot, call, sizeof(call));
			slot[4] = (uint8_t)i;
		}
	}
}

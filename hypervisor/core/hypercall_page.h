/*
 * hypercall_page.h - the page of stubs that a guest may call instead of
 * executing SYSCALL itself.
 */
#ifndef CORE_HYPERCALL_PAGE_H
#define CORE_HYPERCALL_PAGE_H

/*
 * Write the stubs into the whole page at `page` (a hypervisor mapping of a
 * guest frame that the caller holds writable).  Toolstack, start-up.
 * Source: xen/arch-x86/xen-x86_64.h, "Hypercall interface".
 */
void hypercall_page_fill(void *page);

#endif

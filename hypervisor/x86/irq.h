/*
 * irq.h - interrupts: vectors on CPUs, and what stands behind each.
 *
 * An IRQ is a source of interrupts: an IO-APIC line (below the number of
 * GSIs, 0-15 being the ISA IRQs) or an MSI.  Its number is also the PIRQ
 * number that dom0 uses.
 *
 *	free --irq_setup_*--> masked --irq_start--> live --irq_stop--> masked
 *	free <--irq_release-- masked
 *
 * While live it has a vector on one CPU.  A level-triggered line is masked
 * when it fires and stays so (busy) until irq_eoi(): the handler is in a
 * guest, which may take its time.
 *
 * Locks: irq_lock for all changes; the dispatcher takes none (it reads
 * words that change once, in an order that is explained in irq.c).
 */
#ifndef X86_IRQ_H
#define X86_IRQ_H

#include "include/types.h"
#include "x86/msi.h"

/* Vectors that are not devices'.  Higher ones win. */
#define VEC_PIC		 0x20 /* 16 that never come, but spuriously */
#define VEC_DEVICE_FIRST 0x30
#define VEC_DEVICE_LAST	 0xef /* 0x80 is left out: int $0x80 */
#define VEC_CALL	 0xf8
#define VEC_KICK	 0xf9
#define VEC_FLUSH	 0xfa
#define VEC_TIMER	 0xfb
#define VEC_APIC_ERROR	 0xfe
#define VEC_SPURIOUS	 0xff

/*
 * Called by entry.S for every vector above 0x1f but 0x80, interrupts off, on
 * the main stack.  Sends the EOI itself.
 */
void irq_handle(unsigned int vector);
/* What to run for VEC_CALL..VEC_TIMER, after the EOI.  Start-up. */
void irq_set_ipi_handler(unsigned int vector, void (*fn)(void));

/* After ioapic_init().  Boot CPU, once. */
void irq_init(void);
/* The IO-APIC line of an ISA IRQ or GSI number. */
unsigned int irq_to_gsi(unsigned int irq);

/*
 * Line number n becomes usable; how it is wired is what ACPI or
 * irq_set_trigger() said.  0 (our own, too: it just cannot be started), or
 * -EINVAL (no such line).
 */
int irq_setup_gsi(unsigned int n);
/* 0; -EEXIST: in use already with another wiring; -EINVAL. */
int irq_set_trigger(unsigned int n, bool level, bool low);
/* An MSI gets number n (or any if n < 0): the number, -ENOSPC, -EBUSY. */
int irq_setup_msi(int n, const struct msi *msi);
/* A number without anything behind it yet: the number or -ENOSPC. */
int irq_reserve(void);
/* Back to free; stops it first.  -EINVAL if it is free or ours. */
int irq_release(unsigned int n);

/* Deliver: to dom0 as PIRQ n.  0, -EINVAL, -ENOSPC (no vector). */
int irq_start(unsigned int n);
void irq_stop(unsigned int n);
/* The guest is done with a level-triggered interrupt. */
void irq_eoi(unsigned int n);
bool irq_is_level(unsigned int n);
bool irq_is_mapped(unsigned int n);
/* Move it to a CPU.  A hint: 0 also where it stays.  -EINVAL. */
int irq_set_cpu(unsigned int n, unsigned int cpu);
/* Write the messages of a device again, if it has any.  0. */
int irq_restore_msi(unsigned int seg, unsigned int bus, unsigned int devfn);

/* An ISA IRQ for the hypervisor itself; fn runs in interrupt context. */
int irq_request_own(unsigned int isa_irq, void (*fn)(void));

#endif

/*
 * apic.h - the local APIC of a CPU: IPIs, end of interrupt, its timer.
 *
 * In x2APIC mode (where the CPU has it) registers are MSRs, else memory.
 * Intel SDM volume 3, chapter 10.  No locks: each CPU uses its own.
 */
#ifndef X86_APIC_H
#define X86_APIC_H

#include "include/types.h"

/* Interrupt command register, low half */
#define ICR_FIXED   0x00000
#define ICR_NMI	    0x00400
#define ICR_INIT    0x00500
#define ICR_STARTUP 0x00600
#define ICR_PENDING 0x01000
#define ICR_ASSERT  0x04000
#define ICR_LEVEL   0x08000

/* Interrupts can only be sent to APIC IDs that 8 bits can name. */
#define APIC_ID_MAX_IRQ 254

/*
 * Choose the mode, switch this CPU's APIC on, silence the 8259s.
 * allow_x2apic: `x2apic=` on the command line.  Boot CPU, once.
 */
void apic_init(bool allow_x2apic);
/* Set up this CPU's APIC; acpi_id names its NMI line.  Each CPU. */
void apic_init_cpu(uint32_t acpi_id);
bool apic_is_x2apic(void);
uint32_t apic_id(void);
void apic_eoi(void);
/* Send to one CPU; waits until it is accepted.  icr: ICR_* | vector. */
void apic_send_ipi(uint32_t apic_id, uint32_t icr);
/* Is any interrupt waiting for this CPU to take it? */
bool apic_irq_pending(void);
/* Is `vector` in service on this CPU? */
bool apic_in_service(unsigned int vector);

/* The timer as a down-counter (one-shot); ticks 0: off. */
void apic_timer_set(uint32_t ticks);
uint32_t apic_timer_left(void);
/* Deadline mode: interrupt when the TSC reaches this; 0: off. */
void apic_timer_set_deadline(uint64_t tsc);
bool apic_has_deadline(void);

/* An error interrupt: say what, rate-limited. */
void apic_error(void);

#endif

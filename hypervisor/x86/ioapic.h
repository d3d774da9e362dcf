/*
 * ioapic.h - interrupt lines (GSIs) to vectors.
 *
 * All IO-APICs of the MADT, addressed by GSI.  Physical destination mode,
 * one CPU per line.  Intel 82093AA data sheet.
 *
 * Lock: one, since index and data registers belong together.
 */
#ifndef X86_IOAPIC_H
#define X86_IOAPIC_H

#include "include/types.h"

/* Redirection entry */
#define RTE_LOW	   (1ULL << 13)
#define RTE_IRR	   (1ULL << 14) /* remote: accepted, no EOI yet */
#define RTE_LEVEL  (1ULL << 15)
#define RTE_MASKED (1ULL << 16)

/* The entry for a line: fixed delivery to one APIC. */
static inline uint64_t ioapic_entry(uint8_t vector, uint32_t apic_id,
				    bool level, bool low, bool masked)
{
	return (uint64_t)vector | (low ? RTE_LOW : 0) |
	       (level ? RTE_LEVEL : 0) | (masked ? RTE_MASKED : 0) |
	       ((uint64_t)(apic_id & 0xff) << 56);
}

/* Map all chips and mask every line.  Boot CPU, after acpi_init(). */
void ioapic_init(void);
/* One more than the highest GSI; 16 if there is no IO-APIC. */
unsigned int ioapic_gsi_count(void);
bool ioapic_has_gsi(unsigned int gsi);
/* Write the whole entry; the line is masked while it changes. */
void ioapic_set(unsigned int gsi, uint64_t entry);
void ioapic_mask(unsigned int gsi, bool masked);

#endif

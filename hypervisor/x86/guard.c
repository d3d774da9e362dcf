/*
 * guard.c - see guard.h.
 *
 * dom0 may look at an IO-APIC, which harms nobody; the local APIC's page it
 * may not even read, since a read of some registers has effects.  The HPET is
 * dom0's: the hypervisor needs it only to measure the TSC at start-up, and
 * firmware's AML (QEMU's \_SB.HPET._STA) maps it writable.
 */
#include "x86/guard.h"
#include "core/access.h"
#include "x86/acpi.h"
#include "x86/e820.h"

/* All CPUs' local APICs and the area of messages share this megabyte. */
#define LAPIC_AREA 0xfee00000ULL
#define LAPIC_SIZE 0x100000ULL

static void guard(uint64_t maddr, uint64_t size, bool readable)
{
	access_deny_mmio(MFN(maddr >> PAGE_SHIFT),
			 MFN((maddr + size - 1) >> PAGE_SHIFT), readable);
}

void guard_devices(void)
{
	uint64_t lapic = machine_acpi.lapic_addr;

	guard(LAPIC_AREA, LAPIC_SIZE, false);
	if (lapic && (lapic < LAPIC_AREA || lapic - LAPIC_AREA >= LAPIC_SIZE)) {
		guard(lapic, PAGE_SIZE, false);
	}
	e820_add(&machine_e820, LAPIC_AREA, LAPIC_SIZE, E820_RESERVED);
	for (unsigned int i = 0; i < machine_acpi.ioapic_count; i++) {
		uint64_t at = machine_acpi.ioapic[i].addr & PAGE_MASK;

		guard(at, PAGE_SIZE, true);
		e820_add(&machine_e820, at, PAGE_SIZE, E820_RESERVED);
	}
	e820_finish(&machine_e820);
}

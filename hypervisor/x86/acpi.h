/*
 * acpi.h - the firmware's static tables: CPUs, interrupt controllers, clocks.
 *
 * Read once at start-up, before the APIC and the clock.  No AML: what needs
 * an interpreter is dom0's business.  Every table is bounded by its length
 * field, checked by its sum, and read through acpi_map(), so that the same
 * source parses a fuzzer's bytes on the host.
 *
 * Specification: ACPI 6.4 chapter 5.  No locks: written by one CPU at
 * start-up, read-only after.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include "include/types.h"

#define ACPI_IOAPICS   32
#define ACPI_OVERRIDES 16
#define ACPI_NMIS      16
#define ACPI_MCFGS     16
#define ISA_IRQS       16

/* Where a register lives (ACPI generic address structure). */
struct acpi_gas {
	uint64_t addr; /* 0: there is none */
	uint8_t space; /* ACPI_SPACE_* */
	uint8_t bits;  /* width */
};
#define ACPI_SPACE_MEM 0
#define ACPI_SPACE_IO  1
#define ACPI_SPACE_PCI 2

struct acpi_cpu {
	uint32_t apic_id, acpi_id;
};

struct acpi_ioapic {
	uint64_t addr;
	uint32_t gsi_base;
	uint8_t id;
};

/* An ISA IRQ's pin; flags as in the MADT ("MPS INTI"). */
struct acpi_override {
	uint32_t gsi;
	uint16_t flags;
	bool present;
};
#define ACPI_POLARITY(flags) ((flags) & 3)	  /* 0 bus, 1 high, 3 low */
#define ACPI_TRIGGER(flags)  (((flags) >> 2) & 3) /* 0 bus, 1 edge, 3 level */

/* Which local interrupt pin is the NMI; acpi_id 0xffffffff: all CPUs. */
struct acpi_nmi {
	uint32_t acpi_id;
	uint16_t flags;
	uint8_t lint;
};

struct acpi_mcfg {
	uint64_t addr;
	uint16_t segment;
	uint8_t first_bus, last_bus;
};

struct acpi_info {
	uint64_t rsdp; /* machine address; 0: not known */
	bool rsdp_in_bios_area;

	/* MADT */
	bool has_madt, has_8259;
	uint64_t lapic_addr;
	unsigned int cpu_count; /* enabled ones that we can number */
	unsigned int cpus_left_out;
	struct acpi_cpu cpu[MAX_CPUS];
	unsigned int ioapic_count;
	struct acpi_ioapic ioapic[ACPI_IOAPICS];
	struct acpi_override isa[ISA_IRQS];
	unsigned int nmi_count;
	struct acpi_nmi nmi[ACPI_NMIS];

	/* FADT */
	bool has_fadt, hw_reduced, pm_timer_32bit;
	uint16_t sci_irq;
	uint8_t century; /* CMOS index of the century, 0: none */
	struct acpi_gas pm1a_evt, pm1a_cnt, pm1b_cnt, pm_timer;
	struct acpi_gas reset, sleep_control;
	uint8_t reset_value;

	struct acpi_gas hpet;
	unsigned int mcfg_count;
	struct acpi_mcfg mcfg[ACPI_MCFGS];
};

extern struct acpi_info machine_acpi;

/* What the boot loader knows; zeroes where it does not. */
struct acpi_hints {
	uint64_t rsdp;		   /* address */
	uint64_t efi_system_table; /* address */
	const void *rsdp_copy;	   /* contents (multiboot2 tags 14 and 15) */
	size_t rsdp_copy_len;
};

/*
 * Find and read all tables into *info and log a summary.  0, or -ENOENT (no
 * RSDP), -EINVAL (no usable root table).  A damaged table is left out with
 * a message; its has_* flag stays false.  Start-up.
 */
int acpi_init(struct acpi_info *info, const struct acpi_hints *hints);

/* acpi_find.c: the RSDP's address and contents; 0 or -ENOENT. */
int acpi_find_rsdp(struct acpi_info *info, const struct acpi_hints *hints,
		   uint64_t *root, unsigned int *entry_size);

/* Do the n bytes sum to 0? */
bool acpi_sum_ok(const void *p, size_t n);

/*
 * n bytes of machine memory at addr, readable until start-up ends; NULL if
 * there are none.  x86/acpi_map.c, or the test's.
 */
const void *acpi_map(uint64_t addr, size_t n);

#endif

/* ioapic.c - see ioapic.h. */
#include "x86/ioapic.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/spinlock.h"
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/mmio.h"

#define REG_SELECT  0x00
#define REG_DATA    0x10
#define IND_VERSION 0x01
#define IND_RTE	    0x10 /* + 2 * pin */
#define MAX_PINS    240

static struct spinlock lock;
static unsigned int count, gsi_count;
static struct chip {
	volatile uint8_t *base;
	uint64_t maddr;
	unsigned int gsi_base, pins;
} chip[ACPI_IOAPICS];

/* What the low half of each line's entry holds: saves slow reads. */
static uint32_t low_word[PIRQ_COUNT];

static uint32_t reg_read(const struct chip *c, unsigned int index)
{
	mmio_write32(c->base + REG_SELECT, index);
	return mmio_read32(c->base + REG_DATA);
}

static void reg_write(const struct chip *c, unsigned int index, uint32_t v)
{
	mmio_write32(c->base + REG_SELECT, index);
	mmio_write32(c->base + REG_DATA, v);
}

static const struct chip *chip_of(unsigned int gsi)
{
	for (unsigned int i = 0; i < count; i++) {
		if (gsi >= chip[i].gsi_base &&
		    gsi - chip[i].gsi_base < chip[i].pins) {
			return &chip[i];
		}
	}
	return NULL;
}

static void chip_init(struct chip *c, const struct acpi_ioapic *a)
{
	c->base = mmio_map(a->addr, 0x20);
	c->maddr = a->addr;
	c->gsi_base = a->gsi_base;
	c->pins = ((reg_read(c, IND_VERSION) >> 16) & 0xff) + 1;
	if (c->pins > MAX_PINS || a->gsi_base > PIRQ_COUNT - c->pins) {
		printk("IO-APIC %u: %u pins at GSI %u cannot be used\n", a->id,
		       c->pins, a->gsi_base);
		c->pins = 0;
		return;
	}
	for (unsigned int pin = 0; pin < c->pins; pin++) {
		reg_write(c, IND_RTE + 2 * pin, (uint32_t)RTE_MASKED);
		reg_write(c, IND_RTE + 2 * pin + 1, 0);
		low_word[c->gsi_base + pin] = (uint32_t)RTE_MASKED;
	}
	gsi_count = MAX(gsi_count, c->gsi_base + c->pins);
	printk("IO-APIC %u: GSI %u-%u at 0x%llx\n", a->id, c->gsi_base,
	       c->gsi_base + c->pins - 1, (unsigned long long)a->addr);
}

void ioapic_init(void)
{
	for (unsigned int i = 0; i < machine_acpi.ioapic_count; i++) {
		chip_init(&chip[count++], &machine_acpi.ioapic[i]);
	}
	if (gsi_count < ISA_IRQS) {
		printk("IO-APIC: none for the ISA interrupts\n");
	}
}

unsigned int ioapic_gsi_count(void)
{
	return MAX(gsi_count, (unsigned int)ISA_IRQS);
}

bool ioapic_has_gsi(unsigned int gsi)
{
	return chip_of(gsi) != NULL;
}

void ioapic_set(unsigned int gsi, uint64_t entry)
{
	const struct chip *c = chip_of(gsi);
	unsigned int reg;

	if (!c) {
		return;
	}
	reg = IND_RTE + 2 * (gsi - c->gsi_base);
	spin_lock(&lock);
	/* Never a vector with another entry's destination. */
	if (!(low_word[gsi] & RTE_MASKED)) {
		reg_write(c, reg, low_word[gsi] | (uint32_t)RTE_MASKED);
	}
	reg_write(c, reg + 1, (uint32_t)(entry >> 32));
	reg_write(c, reg, (uint32_t)entry);
	low_word[gsi] = (uint32_t)entry;
	spin_unlock(&lock);
}

void ioapic_mask(unsigned int gsi, bool masked)
{
	const struct chip *c = chip_of(gsi);
	uint32_t v;

	if (!c) {
		return;
	}
	spin_lock(&lock);
	v = low_word[gsi] & ~(uint32_t)RTE_MASKED;
	v |= masked ? (uint32_t)RTE_MASKED : 0;
	if (v != low_word[gsi]) {
		low_word[gsi] = v;
		reg_write(c, IND_RTE + 2 * (gsi - c->gsi_base), v);
		/* Posted: it must have arrived before the EOI is sent. */
		if (masked) {
			(void)mmio_read32(c->base + REG_DATA);
		}
	}
	spin_unlock(&lock);
}

int port_ioapic_read(uint64_t base, unsigned int reg, uint32_t *val)
{
	for (unsigned int i = 0; i < count; i++) {
		if (chip[i].maddr == base && reg < 0x100) {
			spin_lock(&lock);
			*val = reg_read(&chip[i], reg);
			spin_unlock(&lock);
			return 0;
		}
	}
	return -EINVAL;
}

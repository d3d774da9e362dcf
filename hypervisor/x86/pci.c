/* pci.c - see pci.h.  PCI Local Bus 3.0, section 3.2.2.3.2; PCIe 7.2.2. */
#include "x86/pci.h"
#include "include/port.h"
#include "lib/spinlock.h"
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/mmio.h"

#define CF8_ENABLE 0x80000000u
#define CAPS_MAX   48 /* as many as fit: a damaged list may be a circle */

static struct spinlock lock;

static volatile uint8_t *mmconfig(struct pci_addr a, unsigned int reg)
{
	for (unsigned int i = 0; i < machine_acpi.mcfg_count; i++) {
		const struct acpi_mcfg *m = &machine_acpi.mcfg[i];

		if (m->segment == a.seg && a.bus >= m->first_bus &&
		    a.bus <= m->last_bus) {
			/* The address is bus 0's, whatever first_bus is. */
			return mmio_map(m->addr + ((uint64_t)a.bus << 20) +
						((uint64_t)a.devfn << 12) +
						reg,
					4);
		}
	}
	return NULL;
}

static void select(struct pci_addr a, unsigned int reg)
{
	outl(0xcf8, CF8_ENABLE | ((uint32_t)a.bus << 16) |
			    ((uint32_t)a.devfn << 8) | (reg & 0xfc));
}

static bool access_ok(unsigned int reg, unsigned int size)
{
	return reg < 4096 && (size == 1 || size == 2 || size == 4) &&
	       !(reg & (size - 1));
}

uint32_t pci_read(struct pci_addr a, unsigned int reg, unsigned int size)
{
	uint32_t v = ~0U;
	volatile uint8_t *p;

	if (!access_ok(reg, size)) {
		return v;
	}
	if (a.seg == 0 && reg < 256) {
		uint16_t port = (uint16_t)(0xcfc + (reg & 3));

		spin_lock(&lock);
		select(a, reg);
		v = size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
		spin_unlock(&lock);
		return v;
	}
	p = mmconfig(a, reg & ~3u);
	if (p) {
		v = mmio_read32(p) >> (8 * (reg & 3));
	}
	return size == 4 ? v : v & ((1u << (8 * size)) - 1);
}

void pci_write(struct pci_addr a, unsigned int reg, unsigned int size,
	       uint32_t val)
{
	volatile uint8_t *p;

	if (!access_ok(reg, size)) {
		return;
	}
	if (a.seg == 0 && reg < 256) {
		uint16_t port = (uint16_t)(0xcfc + (reg & 3));

		spin_lock(&lock);
		select(a, reg);
		if (size == 1) {
			outb(port, (uint8_t)val);
		} else if (size == 2) {
			outw(port, (uint16_t)val);
		} else {
			outl(port, val);
		}
		spin_unlock(&lock);
		return;
	}
	p = mmconfig(a, reg & ~3u);
	if (!p) {
		return;
	}
	p += reg & 3;
	if (size == 1) {
		*p = (uint8_t)val;
	} else if (size == 2) {
		*(volatile uint16_t *)p = (uint16_t)val;
	} else {
		mmio_write32(p, val);
	}
}

bool pci_present(struct pci_addr a)
{
	return pci_read(a, PCI_VENDOR, 2) != 0xffff;
}

unsigned int pci_find_cap(struct pci_addr a, uint8_t id)
{
	unsigned int at;

	if (!pci_present(a) ||
	    !(pci_read(a, PCI_STATUS, 2) & PCI_STATUS_CAPS)) {
		return 0;
	}
	at = pci_read(a, PCI_CAP_LIST, 1) & 0xfc;
	for (unsigned int i = 0; i < CAPS_MAX && at >= 0x40; i++) {
		if (pci_read(a, at, 1) == id) {
			return at;
		}
		at = pci_read(a, at + 1, 1) & 0xfc;
	}
	return 0;
}

bool port_pci_mmcfg_known(uint64_t addr, unsigned int seg,
			  unsigned int first_bus, unsigned int last_bus)
{
	for (unsigned int i = 0; i < machine_acpi.mcfg_count; i++) {
		const struct acpi_mcfg *m = &machine_acpi.mcfg[i];

		if (m->addr == addr && m->segment == seg &&
		    m->first_bus <= first_bus && m->last_bus >= last_bus) {
			return true;
		}
	}
	return false;
}

/*
 * msi.h - message-signalled interrupts of a PCI function.
 *
 * The hypervisor writes address and data; dom0's driver core does the rest
 * (enabling the capability, INTx off).  PCI 3.0 section 6.8.
 *
 * Caller serialises (irq_lock).
 */
#ifndef X86_MSI_H
#define X86_MSI_H

#include "x86/pci.h"

struct msi {
	struct pci_addr dev;
	uint8_t cap;	/* offset of the capability */
	bool msix;	/* else plain MSI */
	bool is_64;	/* MSI: has a high address word */
	bool maskable;	/* MSI-X always is */
	uint16_t entry; /* MSI-X: index in the table */
	volatile uint32_t *slot; /* MSI-X: its four words */
};

#define MSI_ADDRESS 0xfee00000u

/* The message that raises `vector` on a CPU: fixed, edge, physical. */
static inline uint32_t msi_address(uint32_t apic_id)
{
	return MSI_ADDRESS | ((apic_id & 0xff) << 12);
}

static inline uint32_t msi_data(uint8_t vector)
{
	return vector;
}

/*
 * Describe one message of a device; masks it.  table_base: where dom0
 * believes the MSI-X table's BAR to be (checked; 0: not known).
 * 0, -ENODEV, -EINVAL (no capability, no such entry), -ENXIO (its memory
 * decoding is off), -ENOMEM (mapping).
 */
int msi_open(struct msi *m, struct pci_addr dev, bool msix, unsigned int entry,
	     uint64_t table_base);
/* Write the message; masked while it changes, then as before. */
void msi_write(const struct msi *m, uint32_t address, uint32_t data,
	       bool masked);
void msi_mask(const struct msi *m, bool masked);
/* Can the message change without the danger of a torn one? */
bool msi_can_move(const struct msi *m);

#endif

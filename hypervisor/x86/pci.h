/*
 * pci.h - PCI configuration space, by ports 0xcf8/0xcfc or MMCONFIG.
 *
 * Lock: one for the port pair.  dom0's own accesses to these ports are
 * emulated on pci_read()/pci_write() too, so the two never mix.
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "include/types.h"

struct pci_addr {
	uint16_t seg;
	uint8_t bus, devfn;
};

#define PCI_VENDOR	   0x00
#define PCI_COMMAND	   0x04
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_STATUS	   0x06
#define PCI_STATUS_CAPS	   0x0010
#define PCI_HEADER_TYPE	   0x0e
#define PCI_BAR0	   0x10
#define PCI_CAP_LIST	   0x34
#define PCI_CAP_MSI	   0x05
#define PCI_CAP_MSIX	   0x11

/*
 * size 1, 2 or 4, aligned.  Registers from 256 on, and segments but 0, need
 * MMCONFIG: without it they read as all ones and ignore writes.
 */
uint32_t pci_read(struct pci_addr a, unsigned int reg, unsigned int size);
void pci_write(struct pci_addr a, unsigned int reg, unsigned int size,
	       uint32_t val);
/* Offset of a capability, 0 if the device has none. */
unsigned int pci_find_cap(struct pci_addr a, uint8_t id);
bool pci_present(struct pci_addr a);

#endif

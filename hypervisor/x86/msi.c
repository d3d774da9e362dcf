/* msi.c - see msi.h. */
#include "x86/msi.h"
#include "include/errno.h"
#include "x86/insn.h"
#include "x86/mmio.h"

/* MSI capability */
#define MSI_CTRL	  2
#define MSI_CTRL_ENABLE	  0x0001
#define MSI_CTRL_MULTIPLE 0x0070 /* messages enabled */
#define MSI_CTRL_64	  0x0080
#define MSI_CTRL_MASKABLE 0x0100
#define MSI_ADDR_LO	  4
#define MSI_ADDR_HI	  8

/* MSI-X capability and table */
#define MSIX_CTRL      2
#define MSIX_CTRL_SIZE 0x07ff
#define MSIX_TABLE     4 /* BAR number and offset */
#define MSIX_SLOT      16
#define SLOT_ADDR      0
#define SLOT_ADDR_HI   1
#define SLOT_DATA      2
#define SLOT_CTRL      3

static unsigned int data_reg(const struct msi *m)
{
	return m->cap + (m->is_64 ? 12 : 8);
}

/* MSI's mask bits, one per message, follow the data. */
static unsigned int mask_reg(const struct msi *m)
{
	return m->cap + (m->is_64 ? 16 : 12);
}

static int open_msi(struct msi *m)
{
	uint32_t ctrl = pci_read(m->dev, m->cap + MSI_CTRL, 2);

	m->is_64 = ctrl & MSI_CTRL_64;
	m->maskable = ctrl & MSI_CTRL_MASKABLE;
	/* One message: the device must not alter the data word. */
	pci_write(m->dev, m->cap + MSI_CTRL, 2, ctrl & ~MSI_CTRL_MULTIPLE);
	return 0;
}

/* The machine address in a memory BAR; 0 if it is not one. */
static uint64_t bar_address(struct pci_addr dev, unsigned int bar)
{
	uint32_t low = pci_read(dev, PCI_BAR0 + 4 * bar, 4);
	uint64_t addr = low & ~0xfu;

	if (low & 1) {
		return 0;
	}
	if ((low & 6) == 4 && bar < 5) { /* 64 bits wide */
		addr |= (uint64_t)pci_read(dev, PCI_BAR0 + 4 * bar + 4, 4)
			<< 32;
	}
	return addr;
}

static int open_msix(struct msi *m, uint64_t table_base)
{
	uint32_t ctrl = pci_read(m->dev, m->cap + MSIX_CTRL, 2);
	uint32_t where = pci_read(m->dev, m->cap + MSIX_TABLE, 4);
	unsigned int bar = where & 7;
	uint64_t base;

	if (m->entry > (ctrl & MSIX_CTRL_SIZE) || bar > 5) {
		return -EINVAL;
	}
	if (!(pci_read(m->dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)) {
		return -ENXIO;
	}
	base = bar_address(m->dev, bar);
	/* A virtual function's BARs are its parent's: only dom0 knows. */
	if (!base) {
		base = table_base;
	}
	if (!base) {
		return -EINVAL;
	}
	m->slot = mmio_map(base + (where & ~7u) + m->entry * MSIX_SLOT,
			   MSIX_SLOT);
	m->maskable = true;
	return m->slot ? 0 : -ENOMEM;
}

int msi_open(struct msi *m, struct pci_addr dev, bool msix, unsigned int entry,
	     uint64_t table_base)
{
	int rc;

	if (!pci_present(dev)) {
		return -ENODEV;
	}
	*m = (struct msi){ .dev = dev, .msix = msix };
	m->entry = (uint16_t)entry;
	m->cap = (uint8_t)pci_find_cap(dev, msix ? PCI_CAP_MSIX : PCI_CAP_MSI);
	if (!m->cap || entry > MSIX_CTRL_SIZE || (!msix && entry)) {
		return -EINVAL;
	}
	rc = msix ? open_msix(m, table_base) : open_msi(m);
	if (rc == 0) {
		msi_mask(m, true);
	}
	return rc;
}

void msi_mask(const struct msi *m, bool masked)
{
	uint32_t v;

	if (m->msix) {
		v = m->slot[SLOT_CTRL] & ~1u;
		m->slot[SLOT_CTRL] = v | masked;
		(void)m->slot[SLOT_CTRL]; /* posted write: be sure */
	} else if (m->maskable) {
		v = pci_read(m->dev, mask_reg(m), 4) & ~1u;
		pci_write(m->dev, mask_reg(m), 4, v | masked);
	}
}

void msi_write(const struct msi *m, uint32_t address, uint32_t data,
	       bool masked)
{
	if (m->maskable) {
		msi_mask(m, true);
	}
	if (m->msix) {
		m->slot[SLOT_ADDR] = address;
		m->slot[SLOT_ADDR_HI] = 0;
		m->slot[SLOT_DATA] = data;
	} else {
		pci_write(m->dev, m->cap + MSI_ADDR_LO, 4, address);
		if (m->is_64) {
			pci_write(m->dev, m->cap + MSI_ADDR_HI, 4, 0);
		}
		pci_write(m->dev, data_reg(m), 2, data);
	}
	if (m->maskable && !masked) {
		msi_mask(m, false);
	}
}

bool msi_can_move(const struct msi *m)
{
	return m->maskable ||
	       !(pci_read(m->dev, m->cap + MSI_CTRL, 2) & MSI_CTRL_ENABLE);
}

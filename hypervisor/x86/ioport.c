/*
 * ioport.c - see ioport.h.
 */
#include "x86/ioport.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/port.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/root.h"
#include "x86/uart.h"

#define CMOS_INDEX  0x70
#define CMOS_DATA   0x71
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PIT_FIRST   0x40
#define PIT_LAST    0x43

static struct spinlock ioport_lock;
/* What dom0 last selected; written to the chip only with an access. */
static uint8_t cmos_index;
static uint32_t pci_address;

/* Kept from dom0: interrupt controllers and timer are the hypervisor's. */
static const struct {
	uint16_t first, last;
} reserved[] = {
	{ 0x20, 0x21 },
	{ PIT_FIRST, PIT_LAST },
	{ 0xa0, 0xa1 },
};

bool ioport_iopl_in_frames(const struct vcpu *v)
{
	return v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl);
}

bool ioport_guest_iopl(const struct vcpu *v)
{
	bool real = ioport_iopl_in_frames(v);
	/* a guest kernel counts as ring 1, or ring 0 if it asked for that */
	unsigned int level = v->mode & VF_KERNEL ? !real : 3;

	return v->pv.iopl >= level;
}

/* The bitmap is in the guest kernel's memory; what is not there is closed. */
static void read_bitmap(struct vcpu *v, unsigned int byte, unsigned int n,
			uint8_t *bits)
{
	mfn_t before = root_borrow(v->pv.cr3);

	if (port_copy_from_guest(bits, gva_add(v->pv.io_bitmap_gva, byte),
				 n) != 0) {
		memset(bits, 0xff, n);
	}
	root_borrow(before);
}

bool ioport_guest_allows(struct vcpu *v, uint16_t port, unsigned int bytes)
{
	unsigned int last = port + bytes - 1;
	uint8_t bits[2] = { 0xff, 0xff };
	uint16_t both;

	if (ioport_guest_iopl(v)) {
		return true;
	}
	if (!v->pv.io_bitmap_gva.v || last >= v->pv.io_bitmap_ports) {
		return false;
	}
	read_bitmap(v, port / 8, last / 8 - port / 8 + 1, bits);
	both = (uint16_t)(bits[0] | bits[1] << 8);
	return !((both >> (port & 7)) & ((1u << bytes) - 1));
}

static bool overlaps(unsigned int port, unsigned int bytes, unsigned int first,
		     unsigned int last)
{
	return port <= last && port + bytes - 1 >= first;
}

static bool reaches_hardware(const struct vcpu *v, uint16_t port,
			     unsigned int bytes)
{
	uint16_t uart_base;
	unsigned int i, uart_count = uart_ioports(&uart_base);

	if (!v->domain->privileged) {
		return false;
	}
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (overlaps(port, bytes, reserved[i].first,
			     reserved[i].last)) {
			return false;
		}
	}
	return uart_count == 0 ||
	       !overlaps(port, bytes, uart_base, uart_base + uart_count - 1u);
}

static uint32_t all_ones(unsigned int bytes)
{
	return bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
}

static uint32_t raw_read(uint16_t port, unsigned int bytes)
{
	switch (bytes) {
	case 1:
		return inb(port);
	case 2:
		return inw(port);
	default:
		return inl(port);
	}
}

static void raw_write(uint16_t port, unsigned int bytes, uint32_t val)
{
	switch (bytes) {
	case 1:
		outb(port, (uint8_t)val);
		break;
	case 2:
		outw(port, (uint16_t)val);
		break;
	default:
		outl(port, val);
	}
}

static bool is_pci_data(uint16_t port)
{
	return (port & ~3u) == PCI_DATA;
}

/* Index and data are written together, so that nobody comes between. */
static uint32_t dom0_read(uint16_t port, unsigned int bytes)
{
	uint32_t val;

	if (port == CMOS_INDEX && bytes == 1) {
		return cmos_index;
	}
	if (port == PCI_ADDRESS && bytes == 4) {
		return pci_address;
	}
	if (!is_pci_data(port) && port != CMOS_DATA) {
		return raw_read(port, bytes);
	}
	spin_lock(&ioport_lock);
	if (port == CMOS_DATA) {
		outb(CMOS_INDEX, cmos_index);
	} else {
		outl(PCI_ADDRESS, pci_address);
	}
	val = raw_read(port, bytes);
	spin_unlock(&ioport_lock);
	return val;
}

static void dom0_write(uint16_t port, unsigned int bytes, uint32_t val)
{
	if (port == CMOS_INDEX && bytes == 1) {
		cmos_index = (uint8_t)val;
		return;
	}
	if (port == PCI_ADDRESS && bytes == 4) {
		pci_address = val;
		return;
	}
	if (!is_pci_data(port) && port != CMOS_DATA) {
		raw_write(port, bytes, val);
		return;
	}
	spin_lock(&ioport_lock);
	if (port == CMOS_DATA) {
		outb(CMOS_INDEX, cmos_index);
	} else {
		outl(PCI_ADDRESS, pci_address);
	}
	raw_write(port, bytes, val);
	spin_unlock(&ioport_lock);
}

/*
 * Linux times its CPU against timer channel 2 at boot.  All ones would make
 * it try 50,000 times; zero fails its first plausibility check.
 */
uint32_t ioport_read(struct vcpu *v, uint16_t port, unsigned int bytes)
{
	if (port == PIT_FIRST + 2 && bytes == 1) {
		return 0;
	}
	if (!reaches_hardware(v, port, bytes)) {
		return all_ones(bytes);
	}
	return dom0_read(port, bytes);
}

void ioport_write(struct vcpu *v, uint16_t port, unsigned int bytes,
		  uint32_t val)
{
	if (reaches_hardware(v, port, bytes)) {
		dom0_write(port, bytes, val);
	}
}

/*
 * irq_test.c - vectors, lines and messages, on a machine of arrays.
 * uses: x86/irq.c
 * uses: x86/msi.c
 *
 * IO-APIC entries and PCI configuration space are plain memory here, which
 * shows what real hardware would have been told.
 */
#include "x86/irq.h"
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "test/unit/test.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/ioapic.h"
#include "x86/mmio.h"
#include "x86/smp.h"

#include <string.h>

#define GSIS 24

struct acpi_info machine_acpi;

static uint64_t rte[GSIS];
static unsigned int eois, eoi_while_unmasked;
static uint8_t config[256][256]; /* by devfn */
static uint32_t msix_table[8][4];
static unsigned int own_calls;
static int eoi_when_masking = -1; /* this IRQ, once */

/* --- the hardware ------------------------------------------------------ */

unsigned int ioapic_gsi_count(void)
{
	return GSIS;
}

bool ioapic_has_gsi(unsigned int gsi)
{
	return gsi < GSIS;
}

void ioapic_set(unsigned int gsi, uint64_t entry)
{
	rte[gsi] = entry;
}

void ioapic_mask(unsigned int gsi, bool masked)
{
	if (masked && eoi_when_masking >= 0) {
		unsigned int n = (unsigned int)eoi_when_masking;

		eoi_when_masking = -1;
		irq_eoi(n);
	}
	rte[gsi] = masked ? rte[gsi] | RTE_MASKED : rte[gsi] & ~RTE_MASKED;
}

void apic_eoi(void)
{
	eois++;
	for (unsigned int i = 0; i < GSIS; i++) {
		if ((rte[i] & RTE_LEVEL) && (rte[i] & 0xff) &&
		    !(rte[i] & RTE_MASKED)) {
			eoi_while_unmasked++;
		}
	}
}

bool apic_in_service(unsigned int vector)
{
	return vector >= VEC_DEVICE_FIRST;
}

void apic_error(void)
{
}

uint32_t smp_apic_id(unsigned int cpu)
{
	return cpu * 2;
}

uint32_t pci_read(struct pci_addr a, unsigned int reg, unsigned int size)
{
	uint32_t v = 0;

	memcpy(&v, &config[a.devfn][reg], size);
	return v;
}

void pci_write(struct pci_addr a, unsigned int reg, unsigned int size,
	       uint32_t v)
{
	memcpy(&config[a.devfn][reg], &v, size);
}

bool pci_present(struct pci_addr a)
{
	return config[a.devfn][0] != 0;
}

unsigned int pci_find_cap(struct pci_addr a, uint8_t id)
{
	if (config[a.devfn][0x40] == id) {
		return 0x40;
	}
	return config[a.devfn][0x60] == id ? 0x60 : 0;
}

volatile void *mmio_map(uint64_t maddr, size_t n)
{
	CHECK_EQ(n, 16);
	CHECK(maddr >= 0xfe000800 && maddr < 0xfe000880);
	return msix_table[(maddr - 0xfe000800) / 16];
}

/* --- helpers --------------------------------------------------------------- */

static void put(uint8_t devfn, unsigned int reg, uint32_t v, unsigned int n)
{
	memcpy(&config[devfn][reg], &v, n);
}

static void machine(void)
{
	for (unsigned int n = 0; n < PIRQ_COUNT; n++) {
		irq_release(n);
	}
	memset(rte, 0, sizeof(rte));
	memset(config, 0, sizeof(config));
	memset(msix_table, 0, sizeof(msix_table));
	memset(&machine_acpi, 0, sizeof(machine_acpi));
	machine_acpi.isa[0].present = true;
	machine_acpi.isa[0].gsi = 2;
	machine_acpi.isa[9].present = true;
	machine_acpi.isa[9].gsi = 9;
	machine_acpi.isa[9].flags = 0xd; /* level, high */
	irq_init();
	eois = eoi_while_unmasked = 0;
	fake_set_cpus(4);
	domain_dom0 = NULL;
	/* devfn 8: MSI with 64 bits, not maskable; 16: MSI-X of 8 */
	put(8, 0, 0x12345678, 4);
	put(8, 0x40, PCI_CAP_MSI, 1);
	put(8, 0x42, 0x0080, 2);
	put(16, 0, 0x12345678, 4);
	put(16, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	put(16, PCI_BAR0 + 4, 0xfe000000, 4);
	put(16, 0x60, PCI_CAP_MSIX, 1);
	put(16, 0x62, 7, 2);
	put(16, 0x64, 0x801, 4); /* BAR 1, offset 0x800 */
}

static int open_message(uint8_t devfn, bool msix, unsigned int entry)
{
	struct pci_addr a = { .devfn = devfn };
	struct msi m;
	int rc = msi_open(&m, a, msix, entry, msix ? 0xfe000000 : 0);

	return rc ? rc : irq_setup_msi(-1, &m);
}

/* --- tests ------------------------------------------------------------------ */

TEST(irq_lines_are_wired_as_acpi_says)
{
	machine();
	CHECK_EQ(irq_setup_gsi(0), 0);
	CHECK_EQ(irq_start(0), 0);
	CHECK((rte[2] & 0xff) >= VEC_DEVICE_FIRST);
	CHECK(!(rte[2] & (RTE_LEVEL | RTE_LOW | RTE_MASKED)));
	CHECK_EQ(rte[0], 0);
	CHECK_EQ(irq_setup_gsi(9), 0);
	CHECK_EQ(irq_start(9), 0);
	CHECK((rte[9] & RTE_LEVEL) && !(rte[9] & RTE_LOW));
	/* PCI lines: level, low */
	CHECK_EQ(irq_setup_gsi(16), 0);
	CHECK_EQ(irq_start(16), 0);
	CHECK((rte[16] & RTE_LEVEL) && (rte[16] & RTE_LOW));
	CHECK_EQ(irq_setup_gsi(GSIS), -EINVAL);
}

TEST(irq_trigger_is_settled_once)
{
	machine();
	CHECK_EQ(irq_set_trigger(20, true, false), 0);
	CHECK_EQ(irq_set_trigger(20, false, false), -EEXIST);
	/* What an override says stays, whatever dom0 thinks. */
	CHECK_EQ(irq_set_trigger(9, false, true), 0);
	CHECK_EQ(irq_set_trigger(9, false, true), -EEXIST);
	irq_setup_gsi(9);
	irq_start(9);
	CHECK((rte[9] & RTE_LEVEL) && !(rte[9] & RTE_LOW));
	CHECK_EQ(irq_set_trigger(GSIS, true, true), -EINVAL);
}

TEST(irq_level_stays_masked_until_eoi)
{
	machine();
	irq_setup_gsi(16);
	irq_start(16);
	irq_handle(rte[16] & 0xff);
	CHECK(rte[16] & RTE_MASKED);
	CHECK_EQ(eois, 1);
	CHECK_EQ(eoi_while_unmasked, 0);
	irq_eoi(16);
	CHECK(!(rte[16] & RTE_MASKED));
	/* an EOI for nothing changes nothing */
	rte[16] |= RTE_MASKED;
	irq_eoi(16);
	CHECK(rte[16] & RTE_MASKED);
	/* after a stop an EOI that comes late does not unmask */
	rte[16] &= ~RTE_MASKED;
	irq_handle(rte[16] & 0xff);
	irq_stop(16);
	irq_eoi(16);
	CHECK(rte[16] & RTE_MASKED);
}

/* dom0 may send an EOI on another CPU at any moment, also for nothing. */
TEST(irq_stray_eoi_does_not_mask_for_ever)
{
	machine();
	irq_setup_gsi(16);
	irq_start(16);
	eoi_when_masking = 16;
	irq_handle(rte[16] & 0xff);
	CHECK(rte[16] & RTE_MASKED);
	irq_eoi(16);
	CHECK(!(rte[16] & RTE_MASKED));
}

TEST(irq_reaches_dom0_as_event)
{
	struct xen_domctl_createdomain cfg = {
		.max_vcpus = 1, .max_evtchn_port = 1023
	};
	struct domain *d;
	uint32_t port;

	machine();
	CHECK_EQ(domain_create(0, &cfg, true, &d), 0);
	CHECK_EQ(vcpu_create(d, 0), 0);
	domain_dom0 = d;
	irq_setup_gsi(16);
	irq_start(16);
	/* no port: nothing happens, and nothing breaks */
	irq_handle(rte[16] & 0xff);
	CHECK(rte[16] & RTE_MASKED);
	irq_eoi(16);
	CHECK_EQ(evtchn_bind_pirq(d, 16, false, &port), 0);
	CHECK_EQ(evtchn_unmask(d, port), 0);
	irq_handle(rte[16] & 0xff);
	CHECK_EQ(d->shared_info->evtchn_pending[0], 1UL << port);
	/* stopped: one that was on its way is dropped */
	d->shared_info->evtchn_pending[0] = 0;
	irq_eoi(16);
	port = rte[16] & 0xff;
	irq_stop(16);
	irq_handle(port);
	CHECK_EQ(d->shared_info->evtchn_pending[0], 0);
	domain_dom0 = NULL;
}

static void own_handler(void)
{
	own_calls++;
}

TEST(irq_own_line)
{
	machine();
	own_calls = 0;
	CHECK_EQ(irq_request_own(4, own_handler), 0);
	irq_handle(rte[4] & 0xff);
	CHECK_EQ(own_calls, 1);
	CHECK(!(rte[4] & RTE_MASKED));
	/* dom0 may map it, but neither has nor frees it */
	CHECK_EQ(irq_setup_gsi(4), 0);
	CHECK(!irq_is_mapped(4));
	CHECK_EQ(irq_release(4), -EINVAL);
	CHECK_EQ(irq_set_trigger(4, true, true), -EEXIST);
}

TEST(irq_msi_message)
{
	uint32_t addr, data;
	int n;

	machine();
	n = open_message(8, false, 0);
	CHECK(n >= GSIS);
	CHECK_EQ(irq_start((unsigned int)n), 0);
	memcpy(&addr, &config[8][0x44], 4);
	memcpy(&data, &config[8][0x4c], 4);
	CHECK_EQ(addr, 0xfee00000);
	CHECK(data >= VEC_DEVICE_FIRST && data <= VEC_DEVICE_LAST);
	/* the same message again: refused; no such entry; no capability */
	CHECK_EQ(open_message(8, false, 0), -EBUSY);
	CHECK_EQ(open_message(8, false, 1), -EINVAL);
	CHECK_EQ(open_message(8, true, 0), -EINVAL);
	CHECK_EQ(open_message(24, false, 0), -ENODEV);
	CHECK_EQ(irq_release((unsigned int)n), 0);
	CHECK_EQ(irq_release((unsigned int)n), -EINVAL);
}

TEST(irq_msix_entries)
{
	int n, m;

	machine();
	n = open_message(16, true, 0);
	m = open_message(16, true, 7);
	CHECK(n >= GSIS && m == n + 1);
	CHECK_EQ(msix_table[7][3], 1);
	CHECK_EQ(irq_start((unsigned int)m), 0);
	CHECK_EQ(msix_table[7][3], 0);
	CHECK_EQ(msix_table[7][0], 0xfee00000);
	CHECK_EQ(msix_table[0][3], 1);
	CHECK_EQ(open_message(16, true, 8), -EINVAL);
	irq_stop((unsigned int)m);
	CHECK_EQ(msix_table[7][3], 1);
	put(16, PCI_COMMAND, 0, 2);
	CHECK_EQ(open_message(16, true, 1), -ENXIO);
}

TEST(irq_moves_to_another_cpu)
{
	uint32_t addr, old;
	int n;

	machine();
	n = open_message(16, true, 3);
	irq_start((unsigned int)n);
	old = msix_table[3][2];
	CHECK_EQ(irq_set_cpu((unsigned int)n, 3), 0);
	CHECK_EQ(msix_table[3][0], 0xfee00000 | 6 << 12);
	/* one on its way to the old place still finds its handler */
	fake_cpu = 0;
	irq_handle(old);
	CHECK_EQ(eois, 1);
	fake_cpu = 3;
	irq_handle(msix_table[3][2]);
	CHECK_EQ(eois, 2);
	fake_cpu = 0;
	CHECK_EQ(irq_set_cpu((unsigned int)n, 0), 0);
	CHECK_EQ(msix_table[3][0], 0xfee00000);
	CHECK_EQ(irq_set_cpu((unsigned int)n, 4), -EINVAL);

	/* not maskable and enabled: only the address changes */
	n = open_message(8, false, 0);
	irq_start((unsigned int)n);
	put(8, 0x42, 0x0081, 2);
	old = config[8][0x4c];
	CHECK_EQ(irq_set_cpu((unsigned int)n, 1), 0);
	memcpy(&addr, &config[8][0x44], 4);
	CHECK_EQ(config[8][0x4c], old);
	CHECK_EQ(addr, 0xfee00000 | 2 << 12);
}

/* How many messages get a vector on CPU 0 until there is none. */
static unsigned int count_vectors(void)
{
	unsigned int got = 0;
	int first = -1, n = -1;

	for (unsigned int devfn = 32; devfn < 256; devfn++) {
		put((uint8_t)devfn, 0, 0x12345678, 4);
		put((uint8_t)devfn, 0x40, PCI_CAP_MSI, 1);
		n = open_message((uint8_t)devfn, false, 0);
		CHECK(n > 0);
		if (first < 0) {
			first = n;
		}
		if (irq_start((unsigned int)n)) {
			break;
		}
		got++;
	}
	while (n >= first) {
		irq_release((unsigned int)n--);
	}
	return got;
}

/* However often things move, no vector is lost. */
TEST(irq_vectors_do_not_leak)
{
	unsigned int before;

	machine();
	before = count_vectors();
	CHECK(before > 180 && before < 200);
	for (unsigned int round = 0; round < 2000; round++) {
		unsigned int gsi = 16 + round % 8;

		CHECK_EQ(irq_setup_gsi(gsi), 0);
		CHECK_EQ(irq_start(gsi), 0);
		for (unsigned int i = 0; i < 5; i++) {
			CHECK_EQ(irq_set_cpu(gsi, (round + i) % 4), 0);
		}
		CHECK_EQ(irq_release(gsi), 0);
	}
	CHECK_EQ(count_vectors(), before);
}

TEST(irq_runs_out_of_numbers)
{
	unsigned int got = 0;
	int n;

	machine();
	while ((n = irq_reserve()) >= 0) {
		got++;
	}
	CHECK_EQ(n, -ENOSPC);
	CHECK_EQ(got, PIRQ_COUNT - GSIS);
	CHECK_EQ(irq_start(GSIS), -EINVAL);
	CHECK_EQ(irq_start(PIRQ_COUNT), -EINVAL);
}

/*
 * devices.c - the fake machine's devices: what physdev_op, platform_op and
 * mca ask of port.h beyond what port.c has.
 *
 * 4 CPUs by default; one IO-APIC at 0xfec00000; MMCONFIG of segment 0 at
 * 0xb0000000; PIRQs 64-67 can be reserved.
 */
#include "include/errno.h"
#include "test/fake/fake.h"

struct fake_devices fake_devices;

int port_pirq_reserve(struct domain *d)
{
	(void)d;
	return fake_devices.reserved < 4 ? 64 + fake_devices.reserved++ :
					   -ENOSPC;
}

bool port_pirq_shared(struct domain *d, unsigned int pirq)
{
	(void)d;
	(void)pirq;
	return false;
}

int port_pirq_restore_msi(unsigned int seg, unsigned int bus,
			  unsigned int devfn)
{
	fake_devices.restored = seg << 16 | bus << 8 | devfn;
	return 0;
}

int port_ioapic_read(uint64_t base, unsigned int reg, uint32_t *val)
{
	if (base != 0xfec00000) {
		return -EINVAL;
	}
	*val = 0x170000 + reg;
	return 0;
}

int port_acpi_sleep(unsigned int state, uint16_t val_a, uint16_t val_b,
		    bool extended)
{
	if (state != 5) {
		return -EINVAL;
	}
	fake_devices.sleep_a = val_a;
	fake_devices.sleep_b = val_b;
	fake_devices.sleep_extended = extended;
	return 0;
}

int port_cpu_ids(unsigned int cpu, uint32_t *apic_id, uint32_t *acpi_id)
{
	if (cpu >= port_cpu_count()) {
		return -ENOENT;
	}
	*apic_id = cpu * 2;
	*acpi_id = cpu + 100;
	return 0;
}

bool port_pci_mmcfg_known(uint64_t addr, unsigned int seg,
			  unsigned int first_bus, unsigned int last_bus)
{
	return addr == 0xb0000000 && seg == 0 && first_bus <= last_bus &&
	       last_bus <= 255;
}

void port_dump_interrupts(void)
{
}

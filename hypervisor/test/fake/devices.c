/* devices.c - what dom0's device hypercalls ask of the fake machine. */
#include "test/fake/fake.h"
#include "include/errno.h"

int port_pirq_reserve(struct domain *d)
{
	(void)d;
	return 65;
}

bool port_pirq_shared(struct domain *d, unsigned int pirq)
{
	(void)d;
	return pirq == 11;
}

int port_pirq_restore_msi(unsigned int seg, unsigned int bus,
			  unsigned int devfn)
{
	(void)devfn;
	return seg || bus > 3 ? -ENODEV : 0;
}

int port_ioapic_read(uint64_t base, unsigned int reg, uint32_t *val)
{
	if (base != 0xfec00000) {
		return -EINVAL;
	}
	*val = reg;
	return 0;
}

int port_acpi_sleep(unsigned int state, uint16_t val_a, uint16_t val_b,
		    bool extended)
{
	(void)val_a;
	(void)val_b;
	(void)extended;
	return state == 5 ? -EIO : -EINVAL;
}

int port_cpu_ids(unsigned int cpu, uint32_t *apic_id, uint32_t *acpi_id)
{
	if (cpu >= port_cpu_count()) {
		return -ENOENT;
	}
	*apic_id = *acpi_id = cpu;
	return 0;
}

bool port_pci_mmcfg_known(uint64_t addr, unsigned int seg,
			  unsigned int first_bus, unsigned int last_bus)
{
	return addr == 0xb0000000 && seg == 0 && first_bus <= last_bus;
}

/*
 * pirq.c - the physical interrupts that dom0 drives: port_pirq_* on irq.c.
 *
 * Only the privileged domain has hardware; PIRQ and IRQ numbers are equal.
 */
#include "core/domain.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/nospec.h"
#include "include/port.h"
#include "x86/irq.h"

static bool owns(const struct domain *d, unsigned int pirq)
{
	return d->privileged && irq_is_mapped(pirq);
}

static unsigned int masked(unsigned int pirq)
{
	return (unsigned int)index_nospec(pirq, PIRQ_COUNT);
}

int port_pirq_startup(struct domain *d, unsigned int pirq, bool shareable)
{
	/* One domain has them all, so a line is never shared between two. */
	(void)shareable;
	pirq = masked(pirq);
	return owns(d, pirq) ? irq_start(pirq) : -EINVAL;
}

void port_pirq_shutdown(struct domain *d, unsigned int pirq)
{
	pirq = masked(pirq);
	if (owns(d, pirq)) {
		irq_stop(pirq);
	}
}

void port_pirq_eoi(struct domain *d, unsigned int pirq)
{
	pirq = masked(pirq);
	if (owns(d, pirq)) {
		irq_eoi(pirq);
	}
}

bool port_pirq_needs_eoi(struct domain *d, unsigned int pirq)
{
	return owns(d, masked(pirq)) && irq_is_level(masked(pirq));
}

bool port_pirq_shared(struct domain *d, unsigned int pirq)
{
	(void)d;
	(void)pirq;
	return false;
}

int port_pirq_map_gsi(struct domain *d, unsigned int gsi, int *pirq)
{
	int rc;

	if (!d->privileged) {
		return -EPERM;
	}
	if (gsi >= PIRQ_COUNT || (*pirq >= 0 && (unsigned int)*pirq != gsi)) {
		return -EINVAL;
	}
	rc = irq_setup_gsi(gsi);
	if (rc == 0) {
		*pirq = (int)gsi;
	}
	return rc;
}

int port_pirq_map_msi(struct domain *d, struct physdev_map_pirq *map)
{
	struct pci_addr a = { .bus = (uint8_t)map->bus,
			      .devfn = (uint8_t)map->devfn };
	bool msix = map->type != MAP_PIRQ_TYPE_MULTI_MSI && map->table_base;
	struct msi msi;
	int n;

	if (!d->privileged) {
		return -EPERM;
	}
	if (map->type != MAP_PIRQ_TYPE_MSI) {
		a.seg = (uint16_t)((unsigned int)map->bus >> 16);
	}
	/* Several messages at once would need contiguous vectors. */
	if (map->type == MAP_PIRQ_TYPE_MULTI_MSI && map->entry_nr != 1) {
		return -EOPNOTSUPP;
	}
	if (msix && map->entry_nr < 0) {
		return -EINVAL;
	}
	n = msi_open(&msi, a, msix, msix ? (unsigned int)map->entry_nr : 0,
		     map->table_base);
	if (n == 0) {
		n = irq_setup_msi(map->pirq, &msi);
	}
	if (n >= 0) {
		map->pirq = n;
		return 0;
	}
	return n;
}

int port_pirq_unmap(struct domain *d, unsigned int pirq)
{
	if (!d->privileged) {
		return -EPERM;
	}
	return pirq < PIRQ_COUNT ? irq_release(masked(pirq)) : -EINVAL;
}

int port_pirq_reserve(struct domain *d)
{
	return d->privileged ? irq_reserve() : -EPERM;
}

int port_pirq_setup_gsi(unsigned int gsi, unsigned int triggering,
			unsigned int polarity)
{
	if (gsi >= PIRQ_COUNT || triggering > 1 || polarity > 1) {
		return -EINVAL;
	}
	return irq_set_trigger(masked(gsi), triggering, polarity);
}

int port_pirq_set_affinity(struct domain *d, unsigned int pirq,
			   unsigned int cpu)
{
	pirq = masked(pirq);
	return owns(d, pirq) ? irq_set_cpu(pirq, cpu) : -EINVAL;
}

int port_pirq_restore_msi(unsigned int seg, unsigned int bus,
			  unsigned int devfn)
{
	return irq_restore_msi(seg, bus, devfn);
}

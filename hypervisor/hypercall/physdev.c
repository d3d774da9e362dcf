/*
 * physdev.c - physdev_op: what dom0 tells and asks about real devices.
 *
 * Unprivileged domains have no hardware: they may set their virtual I/O
 * privilege level, and get an error for the rest.
 *
 * Each operation here is one that Linux's dom0 uses while it probes devices
 * (reference/xen-abi-surface.md section 2).
 */
#include "core/evtchn.h"
#include "core/pirq.h"
#include "hypercall/hc.h"

#define OPS 32

/* Is it the calling domain itself? */
static bool mine(const struct hc *hc, domid_t id)
{
	return id == DOMID_SELF || id == hc->d->id;
}

static long eoi(struct hc *hc, void *arg)
{
	const struct physdev_eoi *op = arg;

	if (op->irq >= PIRQ_COUNT) {
		return -EINVAL;
	}
	port_pirq_eoi(hc->d, op->irq);
	if (hc->d->pirq && hc->d->pirq->eoi_auto_unmask) {
		uint32_t port = pirq_port(hc->d, op->irq);

		return port ? evtchn_unmask(hc->d, port) : 0;
	}
	return 0;
}

static long irq_status_query(struct hc *hc, void *arg)
{
	struct physdev_irq_status_query *op = arg;

	if (op->irq >= PIRQ_COUNT) {
		return -EINVAL;
	}
	op->flags = port_pirq_needs_eoi(hc->d, op->irq) ?
			    XENIRQSTAT_needs_eoi :
			    0;
	if (port_pirq_shared(hc->d, op->irq)) {
		op->flags |= XENIRQSTAT_shared;
	}
	return 0;
}

static long set_iopl(struct hc *hc, void *arg)
{
	const struct physdev_set_iopl *op = arg;

	if (op->iopl > 3) {
		return -EINVAL;
	}
	port_vcpu_set_iopl(hc->v, op->iopl);
	return 0;
}

/* The bitmap stays in the guest's memory; each access looks at it. */
static long set_iobitmap(struct hc *hc, void *arg)
{
	const struct physdev_set_iobitmap *op = arg;
	gva_t map = GVA_OF(op->bitmap);

	if (op->nr_ports > 65536 ||
	    (op->nr_ports && !gva_range_ok(map, (op->nr_ports + 7) / 8))) {
		return -EINVAL;
	}
	hc->v->pv.io_bitmap_gva = map;
	hc->v->pv.io_bitmap_ports = op->nr_ports;
	return 0;
}

static long apic_read(struct hc *hc, void *arg)
{
	struct physdev_apic *op = arg;

	(void)hc;
	return port_ioapic_read(op->apic_physbase, op->reg, &op->value);
}

/* The IO-APICs are the hypervisor's; Linux as dom0 only reads. */
static long apic_write(struct hc *hc, void *arg)
{
	(void)hc;
	(void)arg;
	return -EPERM;
}

/* Old style: map a line under its own number; the vector is not dom0's. */
static long alloc_irq_vector(struct hc *hc, void *arg)
{
	struct physdev_irq *op = arg;
	int pirq = -1;
	int rc;

	if (op->irq >= PIRQ_COUNT) {
		return -EINVAL;
	}
	rc = port_pirq_map_gsi(hc->d, op->irq, &pirq);
	if (rc == 0) {
		op->vector = op->irq;
	}
	return rc;
}

static long free_irq_vector(struct hc *hc, void *arg)
{
	(void)hc;
	(void)arg;
	return 0;
}

static long map_pirq(struct hc *hc, void *arg)
{
	struct physdev_map_pirq *op = arg;

	if (!mine(hc, op->domid)) {
		return -EOPNOTSUPP; /* no device is passed through */
	}
	if (op->pirq >= (int)PIRQ_COUNT) {
		return -EINVAL;
	}
	switch (op->type) {
	case MAP_PIRQ_TYPE_GSI:
		if (op->index < 0 || op->index >= (int)PIRQ_COUNT) {
			return -EINVAL;
		}
		return port_pirq_map_gsi(hc->d, (unsigned int)op->index,
					 &op->pirq);
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
	case MAP_PIRQ_TYPE_MULTI_MSI:
		if (op->devfn < 0 || op->devfn > 255) {
			return -EINVAL;
		}
		return port_pirq_map_msi(hc->d, op);
	default:
		return -EINVAL;
	}
}

/* A number that an event channel still uses cannot go. */
static long unmap_pirq(struct hc *hc, void *arg)
{
	const struct physdev_unmap_pirq *op = arg;
	long rc;

	if (!mine(hc, op->domid)) {
		return -EOPNOTSUPP;
	}
	if (op->pirq < 0 || op->pirq >= (int)PIRQ_COUNT) {
		return -EINVAL;
	}
	spin_lock(&hc->d->event_lock);
	if (pirq_port(hc->d, (uint32_t)op->pirq)) {
		rc = -EBUSY;
	} else {
		rc = port_pirq_unmap(hc->d, (unsigned int)op->pirq);
	}
	spin_unlock(&hc->d->event_lock);
	return rc;
}

/* Devices need no book-keeping here: MSI looks into them when mapped. */
static long pci_noted(struct hc *hc, void *arg)
{
	(void)hc;
	(void)arg;
	return 0;
}

static long restore_msi(struct hc *hc, void *arg)
{
	const struct physdev_restore_msi *op = arg;

	(void)hc;
	return port_pirq_restore_msi(0, op->bus, op->devfn);
}

static long restore_msi_ext(struct hc *hc, void *arg)
{
	const struct physdev_pci_device *op = arg;

	(void)hc;
	return port_pirq_restore_msi(op->seg, op->bus, op->devfn);
}

static long setup_gsi(struct hc *hc, void *arg)
{
	const struct physdev_setup_gsi *op = arg;

	(void)hc;
	if (op->gsi < 0 || op->gsi >= (int)PIRQ_COUNT) {
		return -EINVAL;
	}
	return port_pirq_setup_gsi((unsigned int)op->gsi, op->triggering,
				   op->polarity);
}

static long get_free_pirq(struct hc *hc, void *arg)
{
	struct physdev_get_free_pirq *op = arg;
	int n;

	/* Lines have their own number already. */
	if (op->type != MAP_PIRQ_TYPE_MSI) {
		return -EINVAL;
	}
	n = port_pirq_reserve(hc->d);
	if (n < 0) {
		return n;
	}
	op->pirq = (uint32_t)n;
	return 0;
}

static long mmcfg_reserved(struct hc *hc, void *arg)
{
	const struct physdev_pci_mmcfg_reserved *op = arg;

	(void)hc;
	if (op->start_bus > op->end_bus) {
		return -EINVAL;
	}
	return port_pci_mmcfg_known(op->address, op->segment, op->start_bus,
				    op->end_bus) ?
		       0 :
		       -ENODEV;
}

static long eoi_page(struct hc *hc, const void *arg, bool auto_unmask)
{
	const struct physdev_pirq_eoi_gmfn *op = arg;
	long rc;

	spin_lock(&hc->d->mmu_lock);
	rc = pirq_set_eoi_page(hc->d, MFN(op->gmfn), auto_unmask);
	spin_unlock(&hc->d->mmu_lock);
	return rc;
}

static long pirq_eoi_gmfn_v1(struct hc *hc, void *arg)
{
	return eoi_page(hc, arg, true);
}

static long pirq_eoi_gmfn_v2(struct hc *hc, void *arg)
{
	return eoi_page(hc, arg, false);
}

/* No console over a USB debug port: nothing to prepare or to undo. */
static long dbgp_op(struct hc *hc, void *arg)
{
	const struct physdev_dbgp_op *op = arg;

	(void)hc;
	return op->op == PHYSDEVOP_DBGP_RESET_PREPARE ||
			       op->op == PHYSDEVOP_DBGP_RESET_DONE ?
		       0 :
		       -ENOSYS;
}

#define OP(name, type, dir, who)                                               \
	[PHYSDEVOP_##name] = { name, sizeof(struct type), dir, who }
#define NOTED(name, type)                                                      \
	[PHYSDEVOP_##name] = { pci_noted, sizeof(struct type), HC_IN, HC_DOM0 }

static const struct hc_op ops[OPS] = {
	OP(eoi, physdev_eoi, HC_IN, HC_ANY),
	OP(irq_status_query, physdev_irq_status_query, HC_IN | HC_OUT, HC_ANY),
	OP(set_iopl, physdev_set_iopl, HC_IN, HC_ANY),
	OP(set_iobitmap, physdev_set_iobitmap, HC_IN, HC_ANY),
	OP(apic_read, physdev_apic, HC_IN | HC_OUT, HC_DOM0),
	OP(apic_write, physdev_apic, HC_IN, HC_DOM0),
	OP(alloc_irq_vector, physdev_irq, HC_IN | HC_OUT, HC_DOM0),
	OP(free_irq_vector, physdev_irq, HC_IN, HC_DOM0),
	OP(map_pirq, physdev_map_pirq, HC_IN | HC_OUT, HC_DOM0),
	OP(unmap_pirq, physdev_unmap_pirq, HC_IN, HC_DOM0),
	NOTED(manage_pci_add, physdev_manage_pci),
	NOTED(manage_pci_remove, physdev_manage_pci),
	NOTED(manage_pci_add_ext, physdev_manage_pci_ext),
	NOTED(pci_device_add, physdev_pci_device_add),
	NOTED(pci_device_remove, physdev_pci_device),
	NOTED(prepare_msix, physdev_pci_device),
	NOTED(release_msix, physdev_pci_device),
	OP(restore_msi, physdev_restore_msi, HC_IN, HC_DOM0),
	OP(restore_msi_ext, physdev_pci_device, HC_IN, HC_DOM0),
	OP(setup_gsi, physdev_setup_gsi, HC_IN, HC_DOM0),
	OP(get_free_pirq, physdev_get_free_pirq, HC_IN | HC_OUT, HC_ANY),
	[PHYSDEVOP_pci_mmcfg_reserved] = {
		mmcfg_reserved, sizeof(struct physdev_pci_mmcfg_reserved),
		HC_IN, HC_DOM0 },
	OP(pirq_eoi_gmfn_v1, physdev_pirq_eoi_gmfn, HC_IN, HC_ANY),
	OP(pirq_eoi_gmfn_v2, physdev_pirq_eoi_gmfn, HC_IN, HC_ANY),
	OP(dbgp_op, physdev_dbgp_op, HC_IN, HC_DOM0),
};

long hc_physdev_op(struct hc *hc)
{
	return hc_call_op(hc, ops, OPS, (unsigned int)hc->arg[0],
			  GVA(hc->arg[1]));
}

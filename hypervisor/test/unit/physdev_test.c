/*
 * physdev_test.c - physdev_op, platform_op and mca as dom0 calls them, and
 * as it should not: every pointer into a hole, every caller without rights.
 */
#include "core/evtchn.h"
#include "core/pirq.h"
#include "test/unit/mm.h"

#include <string.h>
#include <xen/arch-x86/xen-mca.h>

#define ARG   0ULL /* offsets in guest memory */
#define EXTRA 0x1000ULL

static struct mm_domain dom0, domu;
static struct pirq_table table;

static void setup(void)
{
	mm_domain_init(&dom0, 0);
	mm_domain_init(&domu, 1);
	memset(&table, 0, sizeof(table));
	memset(&fake_devices, 0, sizeof(fake_devices));
	table.eoi_mfn = MFN_NONE;
	dom0.d.privileged = true;
	dom0.d.pirq = &table;
	domain_dom0 = &dom0.d;
}

static long physdev(struct mm_domain *m, unsigned int cmd)
{
	struct hc hc = mm_hc(m, cmd, fake_gva(ARG).v, 0, 0);

	return hc_physdev_op(&hc);
}

static long platform(struct mm_domain *m, struct xen_platform_op *op)
{
	struct hc hc = mm_hc(m, fake_gva(ARG).v, 0, 0, 0);
	long rc;

	memcpy(fake_guest(ARG), op, sizeof(*op));
	rc = hc_platform_op(&hc);
	memcpy(op, fake_guest(ARG), sizeof(*op));
	return rc;
}

static struct xen_platform_op op_of(uint32_t cmd)
{
	struct xen_platform_op op;

	memset(&op, 0, sizeof(op));
	op.cmd = cmd;
	op.interface_version = XENPF_INTERFACE_VERSION;
	return op;
}

TEST(physdev_only_dom0_has_devices)
{
	static const unsigned int privileged[] = {
		PHYSDEVOP_apic_read,	    PHYSDEVOP_apic_write,
		PHYSDEVOP_alloc_irq_vector, PHYSDEVOP_map_pirq,
		PHYSDEVOP_unmap_pirq,	    PHYSDEVOP_manage_pci_add,
		PHYSDEVOP_manage_pci_remove, PHYSDEVOP_restore_msi,
		PHYSDEVOP_manage_pci_add_ext, PHYSDEVOP_setup_gsi,
		PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_pci_device_add,
		PHYSDEVOP_pci_device_remove, PHYSDEVOP_restore_msi_ext,
		PHYSDEVOP_prepare_msix,	    PHYSDEVOP_release_msix,
		PHYSDEVOP_dbgp_op,
	};

	setup();
	memset(fake_guest(ARG), 0, PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(privileged); i++) {
		CHECK_EQ(physdev(&domu, privileged[i]), -EPERM);
	}
	CHECK(physdev(&domu, PHYSDEVOP_pirq_eoi_gmfn_v2) < 0);
	CHECK_EQ(physdev(&dom0, 4), -ENOSYS);
	CHECK_EQ(physdev(&dom0, 22), -ENOSYS);
	CHECK_EQ(physdev(&dom0, 32), -ENOSYS);
	CHECK_EQ(physdev(&dom0, ~0u), -ENOSYS);
}

/* Whatever the pointer: an error, no effect, no crash. */
TEST(physdev_bad_pointers)
{
	setup();
	for (unsigned int cmd = 0; cmd < 32; cmd++) {
		struct hc hc = mm_hc(&dom0, cmd, HOLE_START, 0, 0);
		long rc = hc_physdev_op(&hc);

		CHECK(rc == -EFAULT || rc == -ENOSYS);
	}
	for (unsigned int cmd = 0; cmd < 32; cmd++) {
		for (long n = 0; n < 3; n++) {
			memset(fake_guest(ARG), 0, 64);
			fake_fault_at(n);
			physdev(&dom0, cmd);
			fake_fault_at(-1);
		}
	}
	CHECK_EQ(dom0.d.event_lock.next, dom0.d.event_lock.owner);
}

TEST(physdev_map_pirq)
{
	struct physdev_map_pirq *m = fake_guest(ARG);

	setup();
	*m = (struct physdev_map_pirq){ .domid = DOMID_SELF,
					.type = MAP_PIRQ_TYPE_GSI,
					.index = 17,
					.pirq = -1 };
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), 0);
	CHECK_EQ(m->pirq, 17);
	m->index = -1;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EINVAL);
	m->index = PIRQ_COUNT;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EINVAL);
	m->index = 17;
	m->pirq = PIRQ_COUNT;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EINVAL);
	m->pirq = -1;
	m->domid = 7;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EOPNOTSUPP);
	m->domid = 0;
	m->type = MAP_PIRQ_TYPE_MSI_SEG;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), 0);
	CHECK_EQ(m->pirq, 64);
	m->devfn = 256;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EINVAL);
	m->type = MAP_PIRQ_TYPE_UNKNOWN;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_map_pirq), -EINVAL);
}

TEST(physdev_unmap_needs_an_unbound_pirq)
{
	struct physdev_unmap_pirq *m = fake_guest(ARG);

	setup();
	*m = (struct physdev_unmap_pirq){ .domid = DOMID_SELF, .pirq = 17 };
	table.port[17] = 5;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_unmap_pirq), -EBUSY);
	table.port[17] = 0;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_unmap_pirq), 0);
	m->pirq = -1;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_unmap_pirq), -EINVAL);
	m->pirq = PIRQ_COUNT;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_unmap_pirq), -EINVAL);
}

TEST(physdev_eoi_and_status)
{
	struct physdev_irq_status_query *q = fake_guest(ARG);

	setup();
	q->irq = 3;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_irq_status_query), 0);
	CHECK_EQ(q->flags, XENIRQSTAT_needs_eoi);
	q->irq = 20;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_irq_status_query), 0);
	CHECK_EQ(q->flags, 0);
	q->irq = PIRQ_COUNT;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_irq_status_query), -EINVAL);
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_eoi), -EINVAL);
	q->irq = 3;
	fake_pv.pirq_eoi = 0;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_eoi), 0);
	CHECK_EQ(fake_pv.pirq_eoi, 1);
}

TEST(physdev_eoi_page)
{
	struct physdev_pirq_eoi_gmfn *g = fake_guest(ARG);
	mfn_t m;
	const uint64_t *bits;

	setup();
	m = mm_frame(&dom0.d);
	g->gmfn = ~0ULL;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_pirq_eoi_gmfn_v2), -EINVAL);
	g->gmfn = m.v;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_pirq_eoi_gmfn_v2), 0);
	CHECK_EQ(frame_of(m)->type & FT_MASK, FT_WRITABLE);
	bits = frame_ptr(m);
	CHECK_EQ(bits[0], 0xffff); /* the fake's level lines */
	CHECK_EQ(bits[1], 0);
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_pirq_eoi_gmfn_v1), -EBUSY);
}

TEST(physdev_small_ones)
{
	struct physdev_apic *a = fake_guest(ARG);
	struct physdev_set_iopl *i = fake_guest(ARG);
	struct physdev_set_iobitmap *b = fake_guest(ARG);
	struct physdev_get_free_pirq *f = fake_guest(ARG);
	struct physdev_pci_mmcfg_reserved *r = fake_guest(ARG);
	struct physdev_pci_device *p = fake_guest(ARG);

	setup();
	*a = (struct physdev_apic){ 0xfec00000, 1, 0 };
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_apic_read), 0);
	CHECK_EQ(a->value, 0x170001);
	a->apic_physbase = 0xfee00000;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_apic_read), -EINVAL);
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_apic_write), -EPERM);
	i->iopl = 4;
	CHECK_EQ(physdev(&domu, PHYSDEVOP_set_iopl), -EINVAL);
	i->iopl = 3;
	CHECK_EQ(physdev(&domu, PHYSDEVOP_set_iopl), 0);
	memset(b, 0, sizeof(*b));
	b->nr_ports = 65537;
	CHECK_EQ(physdev(&domu, PHYSDEVOP_set_iobitmap), -EINVAL);
	b->nr_ports = 65536;
	b->bitmap.p = (void *)(HOLE_START - 1);
	CHECK_EQ(physdev(&domu, PHYSDEVOP_set_iobitmap), -EINVAL);
	b->bitmap.p = (void *)fake_gva(EXTRA).v;
	CHECK_EQ(physdev(&domu, PHYSDEVOP_set_iobitmap), 0);
	CHECK_EQ(domu.v.pv.io_bitmap_ports, 65536);
	*f = (struct physdev_get_free_pirq){ MAP_PIRQ_TYPE_MSI, 0 };
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_get_free_pirq), 0);
	CHECK_EQ(f->pirq, 64);
	f->type = MAP_PIRQ_TYPE_GSI;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_get_free_pirq), -EINVAL);
	*r = (struct physdev_pci_mmcfg_reserved){ 0xb0000000, 0, 0, 255, 1 };
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_pci_mmcfg_reserved), 0);
	r->segment = 1;
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_pci_mmcfg_reserved), -ENODEV);
	*p = (struct physdev_pci_device){ 1, 2, 3 };
	CHECK_EQ(physdev(&dom0, PHYSDEVOP_restore_msi_ext), 0);
	CHECK_EQ(fake_devices.restored, 0x10203);
}

TEST(platform_rights_version_unknown)
{
	struct xen_platform_op op = op_of(XENPF_get_cpuinfo);
	struct hc hc;

	setup();
	CHECK_EQ(platform(&domu, &op), -EPERM);
	op.interface_version++;
	CHECK_EQ(platform(&dom0, &op), -EACCES);
	op = op_of(XENPF_get_symbol);
	CHECK_EQ(platform(&dom0, &op), -ENOSYS);
	op = op_of(XENPF_efi_runtime_call);
	CHECK_EQ(platform(&dom0, &op), -ENOSYS);
	op = op_of(12345);
	CHECK_EQ(platform(&dom0, &op), -ENOSYS);
	hc = mm_hc(&dom0, HOLE_START, 0, 0, 0);
	CHECK_EQ(hc_platform_op(&hc), -EFAULT);
}

TEST(platform_settime)
{
	struct xen_platform_op op = op_of(XENPF_settime64);

	setup();
	op.u.settime64.secs = 1795244566;
	op.u.settime64.nsecs = 500000000;
	op.u.settime64.system_time = 1500000000;
	CHECK_EQ(platform(&dom0, &op), 0);
	CHECK_EQ(port_wallclock_ns(), 1795244565000000000ULL);
	op.u.settime64.mbz = 1;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	op.u.settime64.mbz = 0;
	op.u.settime64.nsecs = 1000000000;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	op.u.settime64.nsecs = 0;
	op.u.settime64.secs = ~0ULL;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	CHECK_EQ(port_wallclock_ns(), 1795244565000000000ULL);
}

TEST(platform_cpus)
{
	struct xen_platform_op op = op_of(XENPF_get_cpuinfo);

	setup();
	op.u.pcpu_info.xen_cpuid = 3;
	CHECK_EQ(platform(&dom0, &op), 0);
	CHECK_EQ(op.u.pcpu_info.max_present, FAKE_CPUS - 1);
	CHECK_EQ(op.u.pcpu_info.apic_id, 6);
	CHECK_EQ(op.u.pcpu_info.acpi_id, 103);
	op.u.pcpu_info.xen_cpuid = ~0u;
	CHECK_EQ(platform(&dom0, &op), 0);
	CHECK_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
	op = op_of(XENPF_cpu_offline);
	CHECK_EQ(platform(&dom0, &op), -EOPNOTSUPP);
	op.u.cpu_ol.cpuid = FAKE_CPUS;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
}

TEST(platform_sleep)
{
	struct xen_platform_op op = op_of(XENPF_enter_acpi_sleep);

	setup();
	op.u.enter_acpi_sleep.sleep_state = 3;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	op.u.enter_acpi_sleep.sleep_state = 5;
	op.u.enter_acpi_sleep.flags = 2;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	op.u.enter_acpi_sleep.flags = 0;
	op.u.enter_acpi_sleep.val_a = 0x3c00;
	CHECK_EQ(platform(&dom0, &op), 0);
	CHECK_EQ(fake_devices.sleep_a, 0x3c00);
}

TEST(platform_idletime)
{
	struct xen_platform_op op = op_of(XENPF_getidletime);
	uint8_t *map = fake_guest(EXTRA);
	uint64_t *idle = fake_guest(EXTRA + 64);

	setup();
	fake_set_cpus(FAKE_CPUS);
	map[0] = 0xff;
	idle[7] = 99;
	op.u.getidletime.cpumap_bitmap.p = (void *)fake_gva(EXTRA).v;
	op.u.getidletime.idletime.p = (void *)fake_gva(EXTRA + 64).v;
	op.u.getidletime.cpumap_nr_cpus = 8;
	CHECK_EQ(platform(&dom0, &op), 0);
	CHECK_EQ(map[0], (1u << FAKE_CPUS) - 1);
	CHECK_EQ(idle[7], 0);
	/* a number far beyond what there is reads and writes no further */
	op.u.getidletime.cpumap_nr_cpus = ~0u;
	CHECK_EQ(platform(&dom0, &op), 0);
}

TEST(platform_resource)
{
	struct xen_platform_op op = op_of(XENPF_resource_op);
	struct xenpf_resource_entry *e = fake_guest(EXTRA);

	setup();
	memset(e, 0, 2 * sizeof(*e));
	e[0].idx = 0x10;
	e[1].idx = 0x3a;
	op.u.resource_op.nr_entries = 2;
	op.u.resource_op.entries.p = (void *)fake_gva(EXTRA).v;
	CHECK_EQ(platform(&dom0, &op), 1);
	CHECK_EQ(e[0].u.ret, 0);
	CHECK_EQ(e[1].u.ret, -EACCES);
	op.u.resource_op.nr_entries = 1000;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
	op.u.resource_op.nr_entries = 1;
	op.u.resource_op.cpu = 63;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
}

TEST(platform_firmware_info)
{
	static const uint32_t none[] = { XEN_FW_DISK_INFO,
					 XEN_FW_DISK_MBR_SIGNATURE,
					 XEN_FW_VBEDDC_INFO };
	struct xen_platform_op op = op_of(XENPF_firmware_info);

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		op.u.firmware_info.type = none[i];
		CHECK_EQ(platform(&dom0, &op), -ESRCH);
	}
	op.u.firmware_info.type = XEN_FW_EFI_INFO;
	CHECK_EQ(platform(&dom0, &op), -EOPNOTSUPP);
	op.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
	CHECK_EQ(platform(&dom0, &op), 0);
	op.u.firmware_info.type = 99;
	CHECK_EQ(platform(&dom0, &op), -EINVAL);
}

TEST(mca_lists_cpus)
{
	struct xen_mc *mc = fake_guest(ARG);
	struct mcinfo_logical_cpu *cpu = fake_guest(EXTRA);
	struct hc hc;

	setup();
	hc = mm_hc(&dom0, fake_gva(ARG).v, 0, 0, 0);
	memset(mc, 0, sizeof(*mc));
	mc->cmd = XEN_MC_physcpuinfo;
	CHECK_EQ(hc_mca(&hc), -EACCES);
	mc->interface_version = XEN_MCA_INTERFACE_VERSION;
	CHECK_EQ(hc_mca(&hc), 0);
	CHECK_EQ(mc->u.mc_physcpuinfo.ncpus, FAKE_CPUS);
	mc->u.mc_physcpuinfo.ncpus = 2;
	mc->u.mc_physcpuinfo.info.p = (void *)fake_gva(EXTRA).v;
	cpu[2].mc_apicid = 77;
	CHECK_EQ(hc_mca(&hc), 0);
	CHECK_EQ(mc->u.mc_physcpuinfo.ncpus, 2);
	CHECK_EQ(cpu[1].mc_apicid, 2);
	CHECK_EQ(cpu[2].mc_apicid, 77);
	mc->cmd = XEN_MC_fetch;
	CHECK_EQ(hc_mca(&hc), 0);
	CHECK_EQ(mc->u.mc_fetch.flags, XEN_MC_NODATA);
	mc->cmd = XEN_MC_mceinject;
	CHECK_EQ(hc_mca(&hc), -EOPNOTSUPP);
	hc = mm_hc(&domu, fake_gva(ARG).v, 0, 0, 0);
	CHECK_EQ(hc_mca(&hc), -EPERM);
}

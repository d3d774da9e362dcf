/*
 * mca.c - the mca hypercall: dom0's machine-check driver.
 *
 * The hypervisor reports machine checks itself (x86/mce.c); the driver in
 * dom0 learns which CPUs there are, and that there is nothing to fetch.
 * Errors are not injected and not passed on to guests.
 */
#include "hypercall/hc.h"
#include "lib/string.h"

#include <xen/arch-x86/xen-mca.h>

static long fetch(struct xen_mc *mc)
{
	mc->u.mc_fetch.flags = XEN_MC_OK | XEN_MC_NODATA;
	mc->u.mc_fetch.fetch_id = 0;
	return 0;
}

/* With no array to fill only the number is wanted. */
static long physcpuinfo(struct xen_mc *mc)
{
	struct xen_mc_physcpuinfo *p = &mc->u.mc_physcpuinfo;
	gva_t at = GVA_OF(p->info);
	struct mcinfo_logical_cpu cpu;
	unsigned int n = port_cpu_count();
	uint32_t apic, acpi;

	if (at.v) {
		n = MIN(n, p->ncpus);
	}
	for (unsigned int i = 0; at.v && i < n; i++) {
		if (port_cpu_ids(i, &apic, &acpi)) {
			return -ENOENT;
		}
		memset(&cpu, 0, sizeof(cpu));
		cpu.mc_cpunr = i;
		cpu.mc_apicid = apic;
		cpu.mc_ncores = port_cpu_count();
		cpu.mc_ncores_active = port_cpu_count();
		cpu.mc_nthreads = 1;
		if (port_copy_to_guest(gva_add(at, i * sizeof(cpu)), &cpu,
				       sizeof(cpu))) {
			return -EFAULT;
		}
	}
	p->ncpus = n;
	return 0;
}

long hc_mca(struct hc *hc)
{
	gva_t at = GVA(hc->arg[0]);
	struct xen_mc mc;
	long rc;

	if (!hc->d->privileged) {
		return -EPERM;
	}
	if (port_copy_from_guest(&mc, at, sizeof(mc))) {
		return -EFAULT;
	}
	if (mc.interface_version != XEN_MCA_INTERFACE_VERSION) {
		return -EACCES;
	}
	switch (mc.cmd) {
	case XEN_MC_fetch:
		rc = fetch(&mc);
		break;
	case XEN_MC_physcpuinfo:
		rc = physcpuinfo(&mc);
		break;
	case XEN_MC_notifydomain:
		return -EINVAL;
	default:
		return -EOPNOTSUPP;
	}
	if (rc == 0 && port_copy_to_guest(at, &mc, sizeof(mc))) {
		rc = -EFAULT;
	}
	return rc;
}

/*
 * platform.c - platform_op: dom0 as the machine's firmware driver.
 *
 * The structure is one union with a command in front; each row of the table
 * says whether it is copied back.  A wrong interface version is -EACCES.
 * What a PC's firmware would have to be asked for in real mode (EDD, EDID)
 * is "not there": Linux ends its queries at the first error.
 */
#include "core/domain.h"
#include "core/pvclock.h"
#include "core/sched.h"
#include "hypercall/hc.h"

#define NS_PER_S 1000000000ULL
/* One call's bytes of CPU map: all CPUs that there can be. */
#define CPUMAP_BYTES (MAX_CPUS / 8)
/* Entries of one resource_op, which is not preempted. */
#define RESOURCES_MAX 16
#define MSR_IA32_TSC  0x10

/* At system_time it was secs.nsecs: what was it at 0?  Tell all guests. */
static long set_time(uint64_t secs, uint32_t nsecs, uint64_t system_time)
{
	struct domain *d;
	unsigned int id = 0;

	if (nsecs >= NS_PER_S || secs > ~0ULL / NS_PER_S - 1) {
		return -EINVAL;
	}
	port_set_wallclock(secs * NS_PER_S + nsecs - system_time);
	while ((d = domain_get_next(id)) != NULL) {
		id = d->id + 1u;
		pvclock_publish_wallclock(d);
		domain_put(d);
	}
	return 0;
}

static long settime32(struct hc *hc, struct xen_platform_op *op)
{
	const struct xenpf_settime32 *t = &op->u.settime32;

	(void)hc;
	return set_time(t->secs, t->nsecs, t->system_time);
}

static long settime64(struct hc *hc, struct xen_platform_op *op)
{
	const struct xenpf_settime64 *t = &op->u.settime64;

	(void)hc;
	return t->mbz ? -EINVAL :
			set_time(t->secs, t->nsecs, t->system_time);
}

static long firmware_info(struct hc *hc, struct xen_platform_op *op)
{
	struct xenpf_firmware_info *info = &op->u.firmware_info;

	(void)hc;
	switch (info->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
		return -ESRCH;
	case XEN_FW_KBD_SHIFT_FLAGS:
		info->u.kbd_shift_flags = 0;
		return 0;
	case XEN_FW_EFI_INFO:
		/* Runtime services are nobody's, as without EFI. */
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* Linux's poweroff ends here; there is no way back from S3. */
static long enter_acpi_sleep(struct hc *hc, struct xen_platform_op *op)
{
	const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

	(void)hc;
	if (s->flags & ~XENPF_ACPI_SLEEP_EXTENDED) {
		return -EINVAL;
	}
	return port_acpi_sleep(s->sleep_state, s->val_a, s->val_b,
			       s->flags & XENPF_ACPI_SLEEP_EXTENDED);
}

/* CPUs idle by HLT: what ACPI says of deeper states is not used. */
static long set_processor_pminfo(struct hc *hc, struct xen_platform_op *op)
{
	(void)hc;
	switch (op->u.set_pminfo.type) {
	case XEN_PM_CX:
	case XEN_PM_PX:
	case XEN_PM_TX:
	case XEN_PM_PDC:
		return 0;
	default:
		return -EINVAL;
	}
}

static long get_cpuinfo(struct hc *hc, struct xen_platform_op *op)
{
	struct xenpf_pcpuinfo *i = &op->u.pcpu_info;
	uint32_t cpu = i->xen_cpuid;

	(void)hc;
	i->max_present = port_cpu_count() - 1;
	if (port_cpu_ids(cpu, &i->apic_id, &i->acpi_id)) {
		i->flags = XEN_PCPU_FLAGS_INVALID;
	} else {
		i->flags = port_cpus_online() & (1ULL << cpu) ?
				   XEN_PCPU_FLAGS_ONLINE :
				   0;
	}
	return 0;
}

static long getidletime(struct hc *hc, struct xen_platform_op *op)
{
	struct xenpf_getidletime *i = &op->u.getidletime;
	gva_t map_at = GVA_OF(i->cpumap_bitmap), times = GVA_OF(i->idletime);
	unsigned int cpus = MIN(i->cpumap_nr_cpus, (uint32_t)MAX_CPUS);
	uint8_t map[CPUMAP_BYTES] = { 0 };
	size_t bytes = (cpus + 7) / 8;

	(void)hc;
	if (port_copy_from_guest(map, map_at, bytes)) {
		return -EFAULT;
	}
	i->now = port_now();
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		uint64_t idle = 0;

		if (!(map[cpu / 8] & (1u << (cpu % 8)))) {
			continue;
		}
		if (port_cpus_online() & (1ULL << cpu)) {
			idle = sched_idle_time(cpu);
		} else {
			map[cpu / 8] &= (uint8_t)~(1u << (cpu % 8));
		}
		if (port_copy_to_guest(gva_add(times, cpu * sizeof(idle)),
				       &idle, sizeof(idle))) {
			return -EFAULT;
		}
	}
	return port_copy_to_guest(map_at, map, bytes) ? -EFAULT : 0;
}

/* All CPUs that can run, run; none is taken away. */
static long cpu_online(struct hc *hc, struct xen_platform_op *op)
{
	uint32_t cpu = op->u.cpu_ol.cpuid;

	(void)hc;
	if (cpu >= port_cpu_count()) {
		return -EINVAL;
	}
	return port_cpus_online() & (1ULL << cpu) ? 0 : -EOPNOTSUPP;
}

static long cpu_offline(struct hc *hc, struct xen_platform_op *op)
{
	(void)hc;
	return op->u.cpu_ol.cpuid >= port_cpu_count() ? -EINVAL : -EOPNOTSUPP;
}

/*
 * The one resource that needs no MSR of the hypervisor's: the time.  An
 * entry that fails ends the batch; the result says how many were done.
 */
static long resource_op(struct hc *hc, struct xen_platform_op *op)
{
	struct xenpf_resource_op *r = &op->u.resource_op;
	struct xenpf_resource_entry e;
	gva_t at = GVA_OF(r->entries);
	uint32_t done = 0;

	(void)hc;
	if (r->nr_entries > RESOURCES_MAX || r->cpu >= MAX_CPUS ||
	    !(port_cpus_online() & (1ULL << r->cpu))) {
		return -EINVAL;
	}
	for (; done < r->nr_entries; done++) {
		bool ok;

		if (port_copy_from_guest(&e, at, sizeof(e))) {
			return -EFAULT;
		}
		ok = e.u.cmd == XEN_RESOURCE_OP_MSR_READ && !e.rsvd &&
		     e.idx == MSR_IA32_TSC;
		e.val = ok ? port_now() : e.val;
		e.u.ret = ok ? 0 : -EACCES;
		if (port_copy_to_guest(at, &e, sizeof(e))) {
			return -EFAULT;
		}
		if (!ok) {
			break;
		}
		at = gva_add(at, sizeof(e));
	}
	return done;
}

static long accept(struct hc *hc, struct xen_platform_op *op)
{
	(void)hc;
	(void)op;
	return 0;
}

struct row {
	long (*fn)(struct hc *hc, struct xen_platform_op *op);
	uint32_t cmd;
	bool out;
};

/* Whatever is not here is -ENOSYS: memtype, microcode, EFI, hot-plug ... */
static const struct row rows[] = {
	{ settime32, XENPF_settime32, false },
	{ settime64, XENPF_settime64, false },
	{ accept, XENPF_platform_quirk, false },
	{ firmware_info, XENPF_firmware_info, true },
	{ enter_acpi_sleep, XENPF_enter_acpi_sleep, false },
	{ getidletime, XENPF_getidletime, true },
	{ set_processor_pminfo, XENPF_set_processor_pminfo, false },
	{ get_cpuinfo, XENPF_get_cpuinfo, true },
	{ cpu_online, XENPF_cpu_online, false },
	{ cpu_offline, XENPF_cpu_offline, false },
	{ resource_op, XENPF_resource_op, false },
};

long hc_platform_op(struct hc *hc)
{
	gva_t at = GVA(hc->arg[0]);
	struct xen_platform_op op;
	long rc;

	if (!hc->d->privileged) {
		return -EPERM;
	}
	if (port_copy_from_guest(&op, at, sizeof(op))) {
		return -EFAULT;
	}
	if (op.interface_version != XENPF_INTERFACE_VERSION) {
		return -EACCES;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].cmd != op.cmd) {
			continue;
		}
		rc = rows[i].fn(hc, &op);
		if (rc == 0 && rows[i].out &&
		    port_copy_to_guest(at, &op, sizeof(op))) {
			rc = -EFAULT;
		}
		return rc;
	}
	return -ENOSYS;
}

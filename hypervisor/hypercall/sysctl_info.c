/* sysctl_info.c - what toolstacks ask about the machine. */
#include "core/domain_frames.h"
#include "core/heap.h"
#include "core/sched.h"
#include "hypercall/ctl.h"
#include "hypercall/sysctl.h"
#include "include/nospec.h"
#include "lib/string.h"

static unsigned int cpu_count(void)
{
	return 64u - (unsigned int)__builtin_clzll(port_cpus_online());
}

long sysctl_physinfo(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;
	uint32_t words[CPU_FEATURE_WORDS];

	(void)hc;
	memset(p, 0, sizeof(*p));
	p->threads_per_core = 1;
	p->cores_per_socket = cpu_count();
	p->nr_cpus = (uint32_t)__builtin_popcountll(port_cpus_online());
	p->max_cpu_id = cpu_count() - 1;
	p->nr_nodes = 1;
	p->cpu_khz = (uint32_t)port_tsc_khz();
	/* Without PV and a grant version libxl refuses to create guests. */
	p->capabilities = XEN_SYSCTL_PHYSCAP_pv |
			  XEN_SYSCTL_PHYSCAP_gnttab_v1;
	p->total_pages = frame_ram_count;
	p->free_pages = heap_free_frames();
	p->outstanding_pages = domain_claims_outstanding();
	p->max_mfn = frame_max - 1;
	cpu_policy_features(cpu_policy_system(XEN_SYSCTL_cpu_policy_host),
			    words);
	memcpy(p->hw_cap, words, sizeof(p->hw_cap));
	return 0;
}

/* One socket of single-threaded cores, on one node. */
long sysctl_cputopoinfo(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *p = &op->u.cputopoinfo;
	struct xen_sysctl_cputopo t = { 0 };
	gva_t at = GVA_OF(p->cputopo);
	uint32_t i, n;

	(void)hc;
	n = at.v ? MIN(p->num_cpus, cpu_count()) : 0;
	for (i = 0; i < n; i++) {
		t.core = i;
		if (!(port_cpus_online() >> i & 1)) {
			t.core = XEN_INVALID_CORE_ID;
		}
		if (port_copy_to_guest(gva_add(at, i * sizeof(t)), &t,
				       sizeof(t))) {
			return -EFAULT;
		}
	}
	p->num_cpus = cpu_count();
	return 0;
}

long sysctl_numainfo(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *p = &op->u.numainfo;
	struct xen_sysctl_meminfo mem = {
		.memsize = frame_ram_count << PAGE_SHIFT,
		.memfree = heap_free_frames() << PAGE_SHIFT,
	};
	uint32_t distance = 10; /* ACPI's "here" */

	(void)hc;
	if (p->num_nodes && GVA_OF(p->meminfo).v &&
	    port_copy_to_guest(GVA_OF(p->meminfo), &mem, sizeof(mem))) {
		return -EFAULT;
	}
	if (p->num_nodes && GVA_OF(p->distance).v &&
	    port_copy_to_guest(GVA_OF(p->distance), &distance,
			       sizeof(distance))) {
		return -EFAULT;
	}
	p->num_nodes = 1;
	return 0;
}

long sysctl_pcitopoinfo(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_pcitopoinfo *p = &op->u.pcitopoinfo;
	uint32_t node = 0, i;

	(void)hc;
	if (!GVA_OF(p->devs).v || !GVA_OF(p->nodes).v) {
		return -EINVAL;
	}
	for (i = 0; i < p->num_devs; i++) {
		if (i % 64 == 63 && port_should_yield()) {
			break; /* the caller asks again for the rest */
		}
		if (port_copy_to_guest(
			    gva_add(GVA_OF(p->nodes), i * sizeof(node)), &node,
			    sizeof(node))) {
			return -EFAULT;
		}
	}
	p->num_devs = i;
	return 0;
}

long sysctl_getcpuinfo(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *p = &op->u.getcpuinfo;
	struct xen_sysctl_cpuinfo info;
	uint32_t n = MIN(p->max_cpus, cpu_count()), i;

	(void)hc;
	for (i = 0; i < n; i++) {
		info.idletime = sched_idle_time(i);
		if (port_copy_to_guest(
			    gva_add(GVA_OF(p->info), i * sizeof(info)), &info,
			    sizeof(info))) {
			return -EFAULT;
		}
	}
	p->nr_cpus = n;
	return 0;
}

long sysctl_availheap(struct hc *hc, struct xen_sysctl *op)
{
	(void)hc;
	op->u.availheap.avail_bytes = heap_free_frames() << PAGE_SHIFT;
	return 0;
}

/* Feature sets are the feature words of policies. */
long sysctl_get_cpu_featureset(struct hc *hc, struct xen_sysctl *op)
{
	static const uint8_t policy[] = {
		[XEN_SYSCTL_cpu_featureset_raw] = XEN_SYSCTL_cpu_policy_raw,
		[XEN_SYSCTL_cpu_featureset_host] = XEN_SYSCTL_cpu_policy_host,
		[XEN_SYSCTL_cpu_featureset_pv] =
			XEN_SYSCTL_cpu_policy_pv_default,
		[XEN_SYSCTL_cpu_featureset_hvm] =
			XEN_SYSCTL_cpu_policy_hvm_default,
		[XEN_SYSCTL_cpu_featureset_pv_max] =
			XEN_SYSCTL_cpu_policy_pv_max,
		[XEN_SYSCTL_cpu_featureset_hvm_max] =
			XEN_SYSCTL_cpu_policy_hvm_max,
	};
	struct xen_sysctl_cpu_featureset *p = &op->u.cpu_featureset;
	uint32_t words[CPU_FEATURE_WORDS], n;
	const struct domain_policy *from;
	gva_t at = GVA_OF(p->features);

	(void)hc;
	if (!at.v) {
		p->nr_features = CPU_FEATURE_WORDS;
		return 0;
	}
	if (p->index >= ARRAY_SIZE(policy)) {
		return -EINVAL;
	}
	from = cpu_policy_system(
		policy[index_nospec(p->index, ARRAY_SIZE(policy))]);
	if (!from) {
		return -EOPNOTSUPP; /* no HVM */
	}
	cpu_policy_features(from, words);
	n = MIN(p->nr_features, CPU_FEATURE_WORDS);
	if (port_copy_to_guest(at, words, n * sizeof(words[0]))) {
		return -EFAULT;
	}
	p->nr_features = n;
	return n < CPU_FEATURE_WORDS ? -ENOBUFS : 0;
}

long sysctl_get_cpu_policy(struct hc *hc, struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
	const struct domain_policy *from;

	(void)hc;
	if (p->_rsvd) {
		return -EINVAL;
	}
	if (p->index > XEN_SYSCTL_cpu_policy_hvm_default) {
		return -ENOENT;
	}
	from = cpu_policy_system(p->index);
	if (!from) {
		return -EOPNOTSUPP;
	}
	return ctl_write_policy(from, GVA_OF(p->leaves), &p->nr_leaves,
				GVA_OF(p->msrs), &p->nr_msrs);
}

/* Nothing about CPUs is levelled behind the guests' backs. */
long sysctl_get_cpu_levelling_caps(struct hc *hc, struct xen_sysctl *op)
{
	(void)hc;
	op->u.cpu_levelling_caps.caps = 0;
	return 0;
}

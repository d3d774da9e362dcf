/*
 * memory_map.c - memory maps: the machine's, a guest's, and where the
 * machine-to-physical table is.
 */
#include "core/access.h"
#include "core/frame.h"
#include "core/heap.h"
#include "hypercall/memory.h"
#include "include/e820.h"

/* More than any toolstack sets. */
#define MAP_ENTRIES_MAX 256
#define MIB2_FRAMES	512
#define M2P_PER_EXTENT	(MIB2_FRAMES * PAGE_SIZE / sizeof(uint64_t))

/* Copy n entries out as far as there is room, and say how many. */
static long map_put(gva_t arg, struct xen_memory_map *m,
		    const struct e820_entry *map, unsigned int n)
{
	uint64_t buf = (uint64_t)(uintptr_t)m->buffer.p;

	if (buf) {
		n = MIN(n, m->nr_entries);
		if (port_copy_to_guest(GVA(buf), map, n * sizeof(*map)) != 0) {
			return -EFAULT;
		}
	}
	m->nr_entries = n;
	return port_copy_to_guest(arg, m, sizeof(*m)) ? -EFAULT : 0;
}

long memory_map_machine(struct hc *hc, gva_t arg)
{
	const struct e820_entry *map;
	struct xen_memory_map m;
	unsigned int n;

	if (!hc->d->privileged) {
		return -EPERM;
	}
	if (port_copy_from_guest(&m, arg, sizeof(m)) != 0) {
		return -EFAULT;
	}
	n = port_machine_e820(&map);
	return map_put(arg, &m, map, n);
}

long memory_map_get(struct hc *hc, gva_t arg)
{
	struct domain *d = hc->d;
	struct xen_memory_map m;
	long rc;

	if (port_copy_from_guest(&m, arg, sizeof(m)) != 0) {
		return -EFAULT;
	}
	/* The toolstack may be replacing it. */
	spin_lock(&d->page_lock);
	rc = d->e820_count ? map_put(arg, &m, d->e820, d->e820_count) :
			     -ENOSYS;
	spin_unlock(&d->page_lock);
	return rc;
}

long memory_map_set(struct hc *hc, gva_t arg)
{
	struct xen_foreign_memory_map fm;
	struct e820_entry *map, *old;
	struct domain *d;
	unsigned int n;
	long rc;

	if (port_copy_from_guest(&fm, arg, sizeof(fm)) != 0) {
		return -EFAULT;
	}
	n = fm.map.nr_entries;
	if (n > MAP_ENTRIES_MAX) {
		return -E2BIG;
	}
	rc = access_get_domain(hc->d, fm.domid, &d);
	if (rc) {
		return rc;
	}
	map = mem_alloc(MAX(n, 1U) * sizeof(*map));
	if (!map) {
		rc = -ENOMEM;
		goto out;
	}
	if (port_copy_from_guest(map, GVA_OF(fm.map.buffer),
				 n * sizeof(*map)) != 0) {
		mem_free(map);
		rc = -EFAULT;
		goto out;
	}
	spin_lock(&d->page_lock);
	old = d->e820;
	d->e820 = map;
	d->e820_count = n;
	spin_unlock(&d->page_lock);
	mem_free(old);
out:
	domain_put(d);
	return rc;
}

long memory_machphys_mapping(struct hc *hc, gva_t arg)
{
	struct xen_machphys_mapping m = {
		.v_start = MACH2PHYS_VIRT_START,
		.v_end = MACH2PHYS_VIRT_END,
		.max_mfn = port_m2p_count - 1,
	};

	(void)hc;
	return port_copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

/* The toolstack maps the table by these, as pages of DOMID_XEN. */
long memory_machphys_mfn_list(struct hc *hc, gva_t arg)
{
	uint64_t n = DIV_ROUND_UP(port_m2p_count, M2P_PER_EXTENT);
	struct xen_machphys_mfn_list l;
	unsigned int i;
	xen_pfn_t m;

	if (!hc->d->privileged) {
		return -EPERM;
	}
	if (port_copy_from_guest(&l, arg, sizeof(l)) != 0) {
		return -EFAULT;
	}
	l.nr_extents = (unsigned int)MIN((uint64_t)l.max_extents, n);
	for (i = 0; i < l.nr_extents; i++) {
		m = port_m2p_extent(i).v;
		if (port_copy_to_guest(gva_add(GVA_OF(l.extent_start),
					       i * sizeof(m)),
				       &m, sizeof(m)) != 0) {
			return -EFAULT;
		}
	}
	return port_copy_to_guest(arg, &l, sizeof(l)) ? -EFAULT : 0;
}

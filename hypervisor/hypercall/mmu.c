/* mmu.c - see mmu.h. */
#include "hypercall/mmu.h"
#include "core/access.h"
#include "lib/string.h"

int mmu_get_owner(struct hc *hc, domid_t id, struct domain **out)
{
	if (likely(id == DOMID_SELF)) {
		domain_get(hc->d);
		*out = hc->d;
		return 0;
	}
	if (id == DOMID_IO || id == DOMID_XEN) {
		/* domain_may_map_mmio() and the frame's owner decide. */
		*out = id == DOMID_IO ? &domain_io : &domain_xen;
		if (id == DOMID_XEN && !hc->d->privileged) {
			return -EPERM;
		}
		domain_get(*out);
		return 0;
	}
	return access_get_domain(hc->d, id, out);
}

int mmu_vcpus_to_cpus(struct hc *hc, gva_t bitmap, cpumask_t *out)
{
	uint8_t bits[DIV_ROUND_UP(MAX_VCPUS, 8)];
	struct domain *d = hc->d;
	size_t n = DIV_ROUND_UP(MIN(d->vcpu_count, (unsigned)MAX_VCPUS), 8);
	unsigned int i;

	memset(bits, 0, sizeof(bits));
	if (port_copy_from_guest(bits, bitmap, n) != 0) {
		return -EFAULT;
	}
	*out = 0;
	for (i = 0; i < d->vcpu_count && i < MAX_VCPUS; i++) {
		if ((bits[i / 8] & (1U << (i % 8))) && d->vcpu[i]) {
			*out |= 1ULL << READ_ONCE(d->vcpu[i]->cpu);
		}
	}
	*out &= __atomic_load_n(&d->running_cpus, __ATOMIC_RELAXED);
	return 0;
}

int mmu_batch_begin(struct hc *hc, struct mmu_batch *b)
{
	uint32_t count = (uint32_t)hc->arg[1];

	b->count = count & ~MMU_CONTINUED;
	b->done = 0;
	if ((count & MMU_CONTINUED) && hc->arg[2] &&
	    port_copy_from_guest(&b->done, GVA(hc->arg[2]), 4) != 0) {
		return -EFAULT;
	}
	return 0;
}

long mmu_batch_end(struct hc *hc, struct mmu_batch *b, uint64_t i,
		   unsigned int size, long rc)
{
	b->done += (uint32_t)i;
	if (hc->arg[2] &&
	    port_copy_to_guest(GVA(hc->arg[2]), &b->done, 4) != 0 &&
	    rc == 0) {
		rc = -EFAULT;
	}
	if (rc == -ERESTART) {
		hc->arg[0] += i * size;
		hc->arg[1] = (b->count - i) | MMU_CONTINUED;
	}
	return rc;
}

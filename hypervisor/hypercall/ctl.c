/* ctl.c - see ctl.h. */
#include "hypercall/ctl.h"
#include "core/sched.h"
#include "lib/spinlock.h"
#include "lib/string.h"

/*
 * Tried, never waited for: its holder may wait until a vCPU of dom0 leaves
 * its CPU, and that may be the one that wants the lock.
 */
static struct spinlock lock;

bool ctl_lock(void)
{
	return spin_trylock(&lock);
}

void ctl_unlock(void)
{
	spin_unlock(&lock);
}

int ctl_read_cpus(const struct xenctl_bitmap *map, cpumask_t *out)
{
	uint32_t bits = MIN(map->nr_bits, (uint32_t)MAX_CPUS);

	*out = 0;
	if (port_copy_from_guest(out, GVA_OF(map->bitmap),
				 DIV_ROUND_UP(bits, 8))) {
		return -EFAULT;
	}
	if (bits < MAX_CPUS) {
		*out &= (1ULL << bits) - 1;
	}
	return 0;
}

int ctl_write_cpus(const struct xenctl_bitmap *map, cpumask_t mask)
{
	uint32_t bytes = DIV_ROUND_UP(map->nr_bits, 8), i;
	uint8_t byte;

	if (bytes > PAGE_SIZE) {
		return -EINVAL;
	}
	if (map->nr_bits < MAX_CPUS) {
		mask &= (1ULL << map->nr_bits) - 1;
	}
	for (i = 0; i < bytes; i++) {
		byte = i < sizeof(mask) ? (uint8_t)(mask >> (8 * i)) : 0;
		if (port_copy_to_guest(gva_add(GVA_OF(map->bitmap), i), &byte,
				       1)) {
			return -EFAULT;
		}
	}
	return 0;
}

/* --- domains --------------------------------------------------------------- */

static uint32_t state_flags(struct domain *d, bool running, bool blocked)
{
	uint32_t f = (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;

	if (d->is_dying) {
		f |= XEN_DOMINF_dying;
	}
	if (d->is_shut_down) {
		f |= XEN_DOMINF_shutdown;
	}
	if (d->paused_by_controller) {
		f |= XEN_DOMINF_paused;
	}
	if (d->create_flags & XEN_DOMCTL_CDF_xs_domain) {
		f |= XEN_DOMINF_xs_domain;
	}
	if (running) {
		f |= XEN_DOMINF_running;
	} else if (blocked) {
		f |= XEN_DOMINF_blocked;
	}
	return f;
}

void ctl_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	bool running = false, blocked = true;
	struct vcpu *v;
	unsigned int i;

	memset(info, 0, sizeof(*info));
	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for (i = 0; i < d->vcpu_count; i++) {
		v = d->vcpu[i];
		if (!v) {
			continue;
		}
		info->cpu_time += sched_runtime(v);
		info->max_vcpu_id = i;
		if (v->pause_flags & VPF_DOWN) {
			continue;
		}
		info->nr_online_vcpus++;
		blocked &= (v->pause_flags & VPF_BLOCKED) != 0;
		running |= sched_is_on_cpu(v);
	}
	info->domain = d->id;
	info->flags = state_flags(d, running, blocked);
	info->tot_pages = d->tot_pages;
	info->max_pages = d->max_pages;
	info->outstanding_pages = d->claimed_pages;
	info->shared_info_frame = d->shared_info_mfn.v;
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info->gpaddr_bits = 64;
}

/* --- CPU policies ------------------------------------------------------------- */

int ctl_write_policy(const struct domain_policy *p, gva_t leaves,
		     uint32_t *leaf_count, gva_t msrs, uint32_t *msr_count)
{
	if (leaves.v) {
		if (*leaf_count < p->leaf_count) {
			return -ENOBUFS;
		}
		if (port_copy_to_guest(leaves, p->leaf,
				       p->leaf_count * sizeof(p->leaf[0]))) {
			return -EFAULT;
		}
	}
	*leaf_count = leaves.v ? p->leaf_count : CPU_POLICY_LEAVES;
	if (msrs.v) {
		if (*msr_count < p->msr_count) {
			return -ENOBUFS;
		}
		if (port_copy_to_guest(msrs, p->msr,
				       p->msr_count * sizeof(p->msr[0]))) {
			return -EFAULT;
		}
	}
	*msr_count = msrs.v ? p->msr_count : CPU_POLICY_MSRS;
	return 0;
}

/*
 * ctl.h - what domctl and sysctl share: maps of CPUs, info about domains and
 * CPU policies.
 */
#ifndef HYPERCALL_CTL_H
#define HYPERCALL_CTL_H

#include "core/cpu_policy.h"
#include "hypercall/hc.h"

/* A guest's bitmap of CPUs; bits beyond MAX_CPUS are dropped.  0, -EFAULT. */
int ctl_read_cpus(const struct xenctl_bitmap *map, cpumask_t *out);
/* Bits beyond the guest's are dropped, missing ones are cleared. */
int ctl_write_cpus(const struct xenctl_bitmap *map, cpumask_t mask);

void ctl_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/*
 * Copy a policy out, or say how large it is where a handle is null.
 * 0, -ENOBUFS, -EFAULT.
 */
int ctl_write_policy(const struct domain_policy *p, gva_t leaves,
		     uint32_t *leaf_count, gva_t msrs, uint32_t *msr_count);

/* All domctls and some sysctls, one at a time: try, else -ERESTART. */
bool ctl_lock(void);
void ctl_unlock(void);

#endif

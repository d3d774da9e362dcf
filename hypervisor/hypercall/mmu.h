/*
 * mmu.h - what the memory-management hypercalls share.
 *
 * Their `foreigndom`, their counts with a mark for "continued", their sets of
 * vCPUs, and the way they wait for left-over work.
 */
#ifndef HYPERCALL_MMU_H
#define HYPERCALL_MMU_H

#include "hypercall/hc.h"

/* In `count`: this is a call re-executed after preemption. */
#define MMU_CONTINUED 0x80000000u

/*
 * The owner of pages that `id` names: a domain, or domain_io, domain_xen.
 * With a reference.  0, -EPERM, -ESRCH.
 */
int mmu_get_owner(struct hc *hc, domid_t id, struct domain **out);

/* The CPUs on which the vCPUs of a guest's bitmap may have translations. */
int mmu_vcpus_to_cpus(struct hc *hc, gva_t bitmap, cpumask_t *out);

/*
 * mmu_update of one element of d's own tables, that wants no report; d is the
 * caller.  -ERESTART: again, with the same argument.
 */
long mmu_update_single(struct domain *d, gva_t request);

/*
 * A batch of n elements of `size` bytes at arg[0], `count` in arg[1], a
 * progress word for the guest at arg[2].
 */
struct mmu_batch {
	uint64_t count; /* elements to do in this call */
	uint32_t done;	/* elements done, in earlier calls too */
};

/* Decode arg[1] and, when continued, the progress word.  0 or -EFAULT. */
int mmu_batch_begin(struct hc *hc, struct mmu_batch *b);
/*
 * `i` elements were done and rc is the last one's result; on -ERESTART store
 * how to go on.  Returns what the hypercall returns.
 */
long mmu_batch_end(struct hc *hc, struct mmu_batch *b, uint64_t i,
		   unsigned int size, long rc);

#endif

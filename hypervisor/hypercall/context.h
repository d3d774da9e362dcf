/*
 * context.h - a vCPU's whole state as struct vcpu_guest_context: what
 * VCPUOP_initialise and XEN_DOMCTL_setvcpucontext give, and getvcpucontext
 * reads.
 */
#ifndef HYPERCALL_CONTEXT_H
#define HYPERCALL_CONTEXT_H

#include "core/domain.h"
#include "include/types.h"

/*
 * Give v, which is not running, the state c, or new registers if it has a
 * context and may get one `again`.  Everything is checked before anything is
 * changed.  Takes the domain's mmu_lock.
 * 0; -EEXIST (it has a context); -EINVAL (an address, a frame or a flag it may
 * not have); -EBUSY (a frame is in other use); -EOPNOTSUPP (it has a context,
 * with other tables); -ERESTART: call again with the same arguments.
 */
int context_set(struct vcpu *v, const struct vcpu_guest_context *c, bool again);
/* Fill *c from v, which is not running. */
void context_get(struct vcpu *v, struct vcpu_guest_context *c);

/*
 * Make the n entries in these frames v's GDT; the old one is let go.
 * 0, -EINVAL, -EBUSY.  Caller holds the domain's mmu_lock.
 */
int context_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int n);

#endif

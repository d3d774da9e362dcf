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
 * Give v the state c: a v that has none yet and so does not run, or, `again`,
 * one that its caller keeps from running.  Everything is checked before
 * anything is changed.
 * 0; -EINVAL (an address, a frame or a flag it may not have); -EBUSY (a frame
 * is in other use); -EEXIST (it has a context); -EOPNOTSUPP (it has one with
 * other tables); -ERESTART: call again with the same arguments.
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

/*
 * msr.h - model-specific registers as PV guests see them.
 *
 * Whatever the table in msr.c does not name raises #GP in the guest, as on
 * genuine Xen; the values and verdicts there were taken from it.
 */
#ifndef X86_MSR_H
#define X86_MSR_H

#include "include/types.h"

struct vcpu;

/* True: *val is set / the write is done.  False: #GP.  v is current. */
bool msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *val);
bool msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t val);

#endif

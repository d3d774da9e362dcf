/*
 * pvclock.h - the clocks that guests read without a hypercall.
 *
 * Both follow the version protocol: odd while being written.
 */
#ifndef CORE_PVCLOCK_H
#define CORE_PVCLOCK_H

#include "include/abi.h"

struct domain;
struct vcpu;

/*
 * Write v's vcpu_time_info (and its registered copy): at each switch to v,
 * and when its info page moves.  v's address space is loaded.
 */
void pvclock_publish(struct vcpu *v);
/* Write d's wall clock: at creation, and when the time of day is set. */
void pvclock_publish_wallclock(struct domain *d);

#endif

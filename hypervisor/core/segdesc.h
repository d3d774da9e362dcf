/*
 * segdesc.h - a segment descriptor that a guest may have in its GDT or LDT.
 */
#ifndef CORE_SEGDESC_H
#define CORE_SEGDESC_H

#include "include/types.h"

/*
 * Present code and data segments of ring 3 only; no gate, no system segment:
 * a call gate would be a way into ring 0 (XSA-193's neighbours).  In 64-bit
 * mode base and limit do not protect the hypervisor, so they are the guest's
 * own affair.  Not present: anything.
 */
bool segdesc_valid(uint64_t desc);

/*
 * The descriptor as it may be loaded: ring 0..2 of a non-system segment
 * becomes ring 3, as genuine Xen does for guests that ask for ring 1.
 */
uint64_t segdesc_adjust(uint64_t desc);

#endif

/*
 * access.h - who may name which domain, and who may map which device page.
 */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "core/domain.h"
#include "include/types.h"

/*
 * Owners that are not domains: DOMID_IO stands for device memory, DOMID_XEN
 * for pages the hypervisor shares with toolstacks (the M2P table).
 */
extern struct domain domain_io, domain_xen;

/*
 * The domain that `id` means when `caller` says it, with a reference for
 * domain_put().  DOMID_SELF and the caller's own id are the caller; any
 * other needs privilege.  0, -ESRCH (asked first, as on Xen), -EPERM.
 */
int access_get_domain(struct domain *caller, domid_t id, struct domain **out);

/*
 * May d map frame m, which is not RAM, (writable)?  Only the privileged
 * domain, below the CPU's address limit, and nothing that was denied.
 */
bool domain_may_map_mmio(const struct domain *d, mfn_t m, bool writable);

/*
 * Start-up: keep [first, last] from every guest, or let them only read it:
 * local APIC, IO-APIC, HPET in use by the hypervisor.
 */
void access_deny_mmio(mfn_t first, mfn_t last, bool readable);

#endif

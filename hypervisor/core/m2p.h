/*
 * m2p.h - the machine-to-physical table: for each frame, the number its
 * owner calls it by.  Guests read it at 0xffff800000000000 and, for their own
 * frames, write it with MMU_MACHPHYS_UPDATE.  The hypervisor trusts nothing
 * in it; toolstacks do (save and restore).
 */
#ifndef CORE_M2P_H
#define CORE_M2P_H

#include "include/port.h"

#define M2P_INVALID (~0ULL)

static inline void m2p_set(mfn_t m, uint64_t gfn)
{
	if (m.v < port_m2p_count) {
		WRITE_ONCE(port_m2p[m.v], gfn);
	}
}

static inline uint64_t m2p_get(mfn_t m)
{
	return m.v < port_m2p_count ? READ_ONCE(port_m2p[m.v]) : M2P_INVALID;
}

/*
 * Start-up: let toolstacks map the table's frames, read-only, as DOMID_XEN's
 * (what XENMEM_machphys_mfn_list tells them); saving a domain needs it.
 */
void m2p_share(void);

#endif

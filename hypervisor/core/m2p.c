/* m2p.c - see m2p.h. */
#include "core/m2p.h"
#include "core/access.h"
#include "core/heap.h"

#define EXTENT_FRAMES 512

void m2p_share(void)
{
	unsigned int i, k;
	mfn_t m;

	for (i = 0; (uint64_t)i * EXTENT_FRAMES * PAGE_SIZE <
		    port_m2p_count * sizeof(*port_m2p); i++) {
		m = port_m2p_extent(i);
		for (k = 0; m.v && k < EXTENT_FRAMES; k++) {
			frame_share_with_guest(frame_ptr(mfn_add(m, k)),
					       &domain_xen, false);
		}
	}
}

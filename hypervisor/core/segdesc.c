/* segdesc.c - see segdesc.h; layout: SDM vol. 3, 3.4.5. */
#include "core/segdesc.h"

#define DESC_PRESENT (1ULL << 47)
#define DESC_DPL     (3ULL << 45)
#define DESC_S	     (1ULL << 44) /* code or data, not system */
#define DESC_CODE    (1ULL << 43)
#define DESC_LONG    (1ULL << 53)
#define DESC_DEFAULT (1ULL << 54)

uint64_t segdesc_adjust(uint64_t desc)
{
	if ((desc & DESC_PRESENT) && (desc & DESC_S)) {
		desc |= DESC_DPL;
	}
	return desc;
}

bool segdesc_valid(uint64_t desc)
{
	if (!(desc & DESC_PRESENT)) {
		return true;
	}
	if (!(desc & DESC_S) || (desc & DESC_DPL) != DESC_DPL) {
		return false;
	}
	/* L and D at once is reserved. */
	return !((desc & DESC_CODE) && (desc & DESC_LONG) &&
		 (desc & DESC_DEFAULT));
}

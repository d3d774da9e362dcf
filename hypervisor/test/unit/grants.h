/* grants.h - for tests of grants: a, who grants `page`, and b, who maps it. */
#ifndef TEST_UNIT_GRANTS_H
#define TEST_UNIT_GRANTS_H

#include "test/unit/mm.h"
#include "test/unit/world.h"

#define VA(slot) ((uint64_t)(slot) * PAGE_SIZE)

static struct domain *dom0, *a, *b;
static struct mm_space space; /* of b, who maps */
static mfn_t page;	      /* of a, who grants */

static inline void setup(void)
{
	dom0 = world_domain(0, 1);
	a = world_domain(1, 1);
	b = world_domain(2, 1);
	world_start(a);
	world_start(b);
	CHECK_EQ(gnttab_grow(a, 1), 0);
	mm_space_build(b, &space);
	spin_lock(&b->mmu_lock);
	CHECK_EQ(ptype_get_frame(space.l4, FT_L4, b), 0);
	spin_unlock(&b->mmu_lock);
	b->vcpu[0]->pv.cr3 = space.l4;
	page = mm_frame(a);
	memset(frame_ptr(page), 0xaa, PAGE_SIZE);
}

static inline grant_entry_v1_t *entry(uint32_t ref)
{
	return &a->gnttab->shared[ref / GNTTAB_PER_FRAME]
				 [ref % GNTTAB_PER_FRAME];
}

static inline void grant(uint32_t ref, domid_t to, mfn_t m, uint16_t flags)
{
	grant_entry_v1_t *e = entry(ref);

	e->domid = to;
	e->frame = (uint32_t)m.v;
	e->flags = GTF_permit_access | flags;
}

static inline long call(unsigned int cmd, const void *op, size_t n, uint32_t count)
{
	memcpy(fake_guest(0), op, n * count);
	return world_call(b->vcpu[0], __HYPERVISOR_grant_table_op, cmd,
			  fake_gva(0).v, count, 0);
}

static inline int16_t map(uint32_t ref, uint64_t addr, uint32_t flags,
		   uint32_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = addr, .flags = flags, .ref = ref, .dom = 1,
	};

	CHECK_EQ(call(GNTTABOP_map_grant_ref, &op, sizeof(op), 1), 0);
	memcpy(&op, fake_guest(0), sizeof(op));
	*handle = op.handle;
	return op.status;
}

static inline int16_t unmap(uint32_t handle, uint64_t addr)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = addr,
					     .handle = handle };

	CHECK_EQ(call(GNTTABOP_unmap_grant_ref, &op, sizeof(op), 1), 0);
	memcpy(&op, fake_guest(0), sizeof(op));
	return op.status;
}

static inline void audit(void)
{
	gnttab_audit(a);
	gnttab_audit(b);
	ptype_audit(a);
	ptype_audit(b);
}

static inline uint64_t refs(void)
{
	return frame_of(page)->count & FC_COUNT_MASK;
}

#endif

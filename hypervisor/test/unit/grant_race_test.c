/* grant_race_test.c - what another vCPU does while one waits for a lock. */
#include "test/unit/grants.h"

static struct spinlock queue; /* of b's mmu_lock, while others are ahead */

/* Others are ahead of the one that waits: they find the lock free. */
static void others_begin(void)
{
	queue = b->mmu_lock;
	b->mmu_lock = (struct spinlock){ 0 };
}

static void others_end(void)
{
	queue.owner++;
	b->mmu_lock = queue;
}

static struct {
	uint32_t first, second, reused;
} race;

static void unmap_first_and_map_another(void)
{
	others_begin();
	CHECK_EQ(unmap(race.first, VA(2)), GNTST_okay);
	CHECK_EQ(map(8, VA(3), GNTMAP_host_map, &race.reused), GNTST_okay);
	others_end();
}

/* A handle that means something else by now is not the one to give up. */
TEST(grant_handle_reused_while_unmapping)
{
	mfn_t other;

	setup();
	other = mm_frame(a);
	grant(7, 2, page, 0);
	grant(8, 2, other, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &race.first), GNTST_okay);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map, &race.second), GNTST_okay);
	spin_lock(&b->mmu_lock);
	fake_relax_hook = unmap_first_and_map_another;
	CHECK_EQ(unmap(race.first, VA(1)), GNTST_bad_handle);
	CHECK(!fake_relax_hook);
	CHECK_EQ(race.reused, race.first);
	CHECK_EQ(entry(7)->flags & GTF_writing, GTF_writing);
	audit();
	CHECK_EQ(unmap(race.reused, VA(3)), GNTST_okay);
	CHECK_EQ(entry(8)->flags, GTF_permit_access);
	world_kill(b);
	CHECK_EQ(entry(7)->flags, GTF_permit_access);
	CHECK_EQ(refs(), 1);
	gnttab_audit(a);
}

/* The same for a mapping that fails: its handle was given up meanwhile. */
TEST(grant_handle_reused_while_mapping_fails)
{
	uint32_t h;

	setup();
	grant(7, 2, page, 0);
	grant(8, 2, mm_frame(a), 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &h), GNTST_okay);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map, &race.second), GNTST_okay);
	CHECK_EQ(unmap(h, VA(1)), GNTST_okay);
	race.first = h; /* what it is going to be */
	spin_lock(&b->mmu_lock);
	fake_relax_hook = unmap_first_and_map_another;
	CHECK_EQ(map(7, HOLE_START, GNTMAP_host_map, &h), GNTST_general_error);
	CHECK_EQ(race.reused, race.first);
	audit();
	CHECK_EQ(unmap(race.reused, VA(3)), GNTST_okay);
	CHECK_EQ(entry(8)->flags, GTF_permit_access);
	world_kill(b);
	CHECK_EQ(refs(), 1);
	gnttab_audit(a);
}

static void unmap_second(void)
{
	others_begin();
	CHECK_EQ(unmap(race.second, VA(2)), GNTST_okay);
	others_end();
}

/* The waiting one gets the lock; another vCPU has queued up after it. */
static void one_more_behind(void)
{
	b->mmu_lock.owner++;
	b->mmu_lock.next++;
	fake_relax_hook = unmap_second;
}

/* The entry that is put in place must not be one of the grant's frame. */
TEST(grant_replaced_by_its_own_frame)
{
	struct gnttab_unmap_and_replace op = { .host_addr = VA(1),
					       .new_addr = VA(2) };

	setup();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &race.first), GNTST_okay);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map, &race.second), GNTST_okay);
	op.handle = race.first;
	spin_lock(&b->mmu_lock);
	fake_relax_hook = one_more_behind;
	CHECK_EQ(call(GNTTABOP_unmap_and_replace, &op, sizeof(op), 1), 0);
	CHECK(!fake_relax_hook);
	/* Whatever was answered: no mapping without a use. */
	CHECK(entry(7)->flags & GTF_writing ||
	      !(*mm_entry(space.l1, 1) & PTE_PRESENT));
	audit();
	CHECK_EQ(unmap(race.first, VA(1)), GNTST_okay);
	CHECK_EQ(entry(7)->flags, GTF_permit_access);
	CHECK_EQ(refs(), 1);
}

static void map_read_only(void)
{
	others_begin();
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map | GNTMAP_readonly,
		     &race.second),
		 GNTST_okay);
	others_end();
}

/* The granter is to see a writer for as long as there is a writable entry. */
TEST(grant_mixed_while_unmapping)
{
	setup();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &race.first), GNTST_okay);
	spin_lock(&b->mmu_lock);
	fake_relax_hook = map_read_only;
	CHECK_EQ(unmap(race.first, VA(2)), GNTST_general_error);
	CHECK(!fake_relax_hook);
	CHECK_EQ(entry(7)->flags & GTF_writing, GTF_writing);
	CHECK_EQ(unmap(race.first, VA(1)), GNTST_okay);
	CHECK_EQ(unmap(race.second, VA(2)), GNTST_okay);
	CHECK_EQ(refs(), 1);
	audit();
}

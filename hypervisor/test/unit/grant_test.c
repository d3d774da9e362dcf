/* grant_test.c - grants: every way to map, copy and let go, and to cheat. */
#include "test/unit/grants.h"

#include <stdlib.h>

TEST(grant_map_and_unmap_by_address)
{
	uint64_t before, count;
	uint32_t h;

	setup();
	before = refs();
	grant(8, 2, page, 0);
	count = fake_flush_count;
	CHECK_EQ(map(8, VA(5), GNTMAP_host_map, &h), GNTST_okay);
	CHECK_EQ(*mm_entry(space.l1, 5) & PTE_FRAME, page.v << PAGE_SHIFT);
	CHECK(*mm_entry(space.l1, 5) & PTE_WRITE);
	CHECK_EQ(entry(8)->flags & (GTF_reading | GTF_writing),
		 GTF_reading | GTF_writing);
	CHECK_EQ(refs(), before + 2); /* the use and the entry */
	audit();
	CHECK_EQ(unmap(h, VA(5)), GNTST_okay);
	CHECK(fake_flush_count > count);
	CHECK_EQ(*mm_entry(space.l1, 5), 0);
	CHECK_EQ(entry(8)->flags, GTF_permit_access);
	CHECK_EQ(refs(), before);
	CHECK_EQ(unmap(h, VA(5)), GNTST_bad_handle);
	audit();
}

TEST(grant_map_by_entry_and_read_only)
{
	uint64_t at;
	uint32_t h, h2;

	setup();
	at = (space.l1.v << PAGE_SHIFT) + 8 * 9;
	grant(3, 2, page, GTF_readonly);
	CHECK_EQ(map(3, at, GNTMAP_host_map | GNTMAP_contains_pte, &h),
		 GNTST_general_error);
	CHECK_EQ(map(3, at,
		     GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		     &h),
		 GNTST_okay);
	CHECK(!(*mm_entry(space.l1, 9) & PTE_WRITE));
	CHECK_EQ(entry(3)->flags & (GTF_reading | GTF_writing), GTF_reading);
	/* Not an L1 table of ours, not aligned, not RAM. */
	CHECK(map(3, (space.l2.v << PAGE_SHIFT),
		  GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		  &h2) != GNTST_okay);
	CHECK(map(3, at + 4,
		  GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		  &h2) != GNTST_okay);
	CHECK(map(3, 1ULL << 51,
		  GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		  &h2) != GNTST_okay);
	CHECK(map(3, HOLE_START, GNTMAP_host_map | GNTMAP_readonly, &h2) !=
	      GNTST_okay);
	audit();
	CHECK_EQ(b->gnttab->track_used, 1);
	CHECK_EQ(unmap(h, at), GNTST_okay);
	audit();
}

TEST(grant_refusals)
{
	uint32_t h;
	mfn_t table;

	setup();
	grant(4, 3, page, 0); /* for another domain */
	CHECK_EQ(map(4, VA(1), GNTMAP_host_map, &h), GNTST_general_error);
	entry(5)->flags = 0;
	CHECK_EQ(map(5, VA(1), GNTMAP_host_map, &h), GNTST_general_error);
	CHECK_EQ(map(512, VA(1), GNTMAP_host_map, &h), GNTST_bad_gntref);
	CHECK_EQ(map(~0u, VA(1), GNTMAP_host_map, &h), GNTST_bad_gntref);
	grant(6, 2, space.l1, 0); /* a frame that is not the granter's */
	CHECK_EQ(map(6, VA(1), GNTMAP_host_map, &h), GNTST_bad_page);
	CHECK_EQ(entry(6)->flags, GTF_permit_access);
	grant(6, 2, MFN(0xfffffff), 0);
	CHECK_EQ(map(6, VA(1), GNTMAP_host_map, &h), GNTST_bad_page);
	/* A page table may be read by others, never written. */
	table = mm_frame(a);
	spin_lock(&a->mmu_lock);
	CHECK_EQ(ptype_pin(frame_of(table), FT_L1), 0);
	spin_unlock(&a->mmu_lock);
	grant(6, 2, table, 0);
	CHECK_EQ(map(6, VA(1), GNTMAP_host_map, &h), GNTST_general_error);
	CHECK_EQ(map(6, VA(1), GNTMAP_host_map | GNTMAP_readonly, &h),
		 GNTST_okay);
	CHECK_EQ(map(6, VA(1), 0, &h), GNTST_bad_gntref);
	audit();
}

TEST(grant_is_frozen_while_in_use)
{
	mfn_t other;
	uint32_t h, h2;

	setup();
	other = mm_frame(a);
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &h), GNTST_okay);
	/* The guest writes another frame: the first one stays in force. */
	grant(7, 2, other, 0);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map, &h2), GNTST_okay);
	CHECK_EQ(*mm_entry(space.l1, 2) & PTE_FRAME, page.v << PAGE_SHIFT);
	audit();
	CHECK_EQ(unmap(h, VA(1)), GNTST_okay);
	CHECK_EQ(unmap(h2, VA(2)), GNTST_okay);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map, &h2), GNTST_okay);
	CHECK_EQ(*mm_entry(space.l1, 2) & PTE_FRAME, other.v << PAGE_SHIFT);
}

/* A writable entry may not be traded for a read-only handle's. */
TEST(grant_mixed_handles_keep_their_rights)
{
	uint32_t rw, ro;

	setup();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &rw), GNTST_okay);
	CHECK_EQ(map(7, VA(2), GNTMAP_host_map | GNTMAP_readonly, &ro),
		 GNTST_okay);
	CHECK_EQ(unmap(rw, VA(2)), GNTST_general_error);
	CHECK_EQ(unmap(ro, VA(1)), GNTST_general_error);
	CHECK_EQ(unmap(rw, VA(3)), GNTST_general_error);
	CHECK_EQ(unmap(rw, VA(1)), GNTST_okay);
	CHECK_EQ(entry(7)->flags & GTF_writing, 0);
	CHECK_EQ(unmap(ro, VA(2)), GNTST_okay);
	audit();
}

/* XSA-224: an entry the guest overwrote by itself upsets no count. */
TEST(grant_entry_overwritten_behind_our_back)
{
	uint64_t before, old;
	uint32_t h;

	setup();
	before = refs();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &h), GNTST_okay);
	spin_lock(&b->mmu_lock);
	CHECK_EQ(pt_update_l1(b, b, mm_entry(space.l1, 1), 0, PT_SET, &old),
		 0);
	spin_unlock(&b->mmu_lock);
	audit();
	CHECK_EQ(unmap(h, VA(1)), GNTST_general_error);
	CHECK_EQ(entry(7)->flags & GTF_writing, GTF_writing);
	world_kill(b);
	CHECK_EQ(refs(), before);
	CHECK_EQ(entry(7)->flags, GTF_permit_access);
	gnttab_audit(a);
}

TEST(grant_granter_dies_first)
{
	uint64_t free = heap_free_frames();
	uint32_t h;

	setup();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, VA(1), GNTMAP_host_map, &h), GNTST_okay);
	world_kill(a);
	CHECK(domain_get_by_id(1) != NULL); /* kept by the mapping */
	domain_put(domain_get_by_id(1));
	domain_put(domain_get_by_id(1));
	CHECK_EQ(frame_of(page)->owner->id, 1);
	CHECK_EQ(unmap(h, VA(1)), GNTST_okay);
	world_kill(b);
	world_kill(dom0);
	CHECK_EQ(heap_free_frames(), free);
}

TEST(grant_copy_between_all_kinds)
{
	struct gnttab_copy op = {
		.source = { .u.ref = 7, .domid = 1, .offset = 16 },
		.len = 64,
		.flags = GNTCOPY_source_gref,
	};
	struct gnttab_copy *out = fake_guest(0);
	uint64_t before;
	mfn_t own;

	setup();
	before = refs();
	own = mm_frame(b);
	memset(frame_ptr(own), 0, PAGE_SIZE);
	op.dest.u.gmfn = own.v;
	op.dest.domid = DOMID_SELF;
	op.dest.offset = 4000;
	grant(7, 2, page, GTF_readonly);
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_okay);
	CHECK_EQ(((uint8_t *)frame_ptr(own))[4000], 0xaa);
	CHECK_EQ(((uint8_t *)frame_ptr(own))[3999], 0);
	CHECK_EQ(refs(), before);
	CHECK_EQ(entry(7)->flags, GTF_permit_access | GTF_readonly);
	op.len = 97;
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_bad_copy_arg);
	op.len = 0xffff;
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_bad_copy_arg);
	op.len = 8;
	op.dest.u.gmfn = page.v; /* another domain's frame by number */
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_bad_page);
	op.dest.domid = 1;
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_permission_denied);
	op.dest.domid = DOMID_SELF;
	op.dest.u.gmfn = space.l1.v; /* our own page table */
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_bad_page);
	op.dest.domid = 1;
	op.dest.u.ref = 7; /* granted read-only */
	op.flags |= GNTCOPY_dest_gref;
	CHECK_EQ(call(GNTTABOP_copy, &op, sizeof(op), 1), 0);
	CHECK_EQ(out->status, GNTST_general_error);
	CHECK_EQ(refs(), before);
	audit();
}

TEST(grant_table_calls)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3 };
	struct gnttab_set_version ver = { .version = 2 };
	uint64_t *list = fake_guest(0x1000);

	setup();
	CHECK_EQ(call(GNTTABOP_query_size, &q, sizeof(q), 1), 0);
	memcpy(&q, fake_guest(0), sizeof(q));
	CHECK_EQ(q.max_nr_frames, 4);
	s.frame_list.p = (void *)(uintptr_t)fake_gva(0x1000).v;
	CHECK_EQ(call(GNTTABOP_setup_table, &s, sizeof(s), 1), 0);
	memcpy(&s, fake_guest(0), sizeof(s));
	CHECK_EQ(s.status, GNTST_okay);
	CHECK_EQ(list[2], ptr_mfn(b->gnttab->shared[2]).v);
	s.nr_frames = 5;
	CHECK_EQ(call(GNTTABOP_setup_table, &s, sizeof(s), 1), 0);
	memcpy(&s, fake_guest(0), sizeof(s));
	CHECK_EQ(s.status, GNTST_general_error);
	s.dom = 1;
	CHECK_EQ(call(GNTTABOP_setup_table, &s, sizeof(s), 1), 0);
	memcpy(&s, fake_guest(0), sizeof(s));
	CHECK_EQ(s.status, GNTST_permission_denied);
	CHECK_EQ(world_call(b->vcpu[0], __HYPERVISOR_grant_table_op,
			    GNTTABOP_setup_table, fake_gva(0).v, 2, 0),
		 -EINVAL);
	CHECK_EQ(call(GNTTABOP_set_version, &ver, sizeof(ver), 1), -ENOSYS);
	CHECK_EQ(call(GNTTABOP_transfer, &q, sizeof(q), 1), -ENOSYS);
	CHECK_EQ(call(99, &q, sizeof(q), 1), -ENOSYS);
	CHECK_EQ(world_call(b->vcpu[0], __HYPERVISOR_grant_table_op, 0,
			    fake_gva(0).v, 1u << 31, 0),
		 -EINVAL);
}

TEST(grant_batches_yield_anywhere)
{
	struct gnttab_map_grant_ref m[40];
	struct gnttab_unmap_grant_ref u[40];
	uint64_t before;
	unsigned int i;
	long n;

	setup();
	before = refs();
	grant(7, 2, page, 0);
	for (n = 0;; n++) {
		memset(m, 0, sizeof(m));
		memset(u, 0, sizeof(u));
		for (i = 0; i < 40; i++) {
			m[i].host_addr = VA(i + 1);
			m[i].flags = GNTMAP_host_map;
			m[i].ref = 7;
			m[i].dom = 1;
		}
		fake_yield_at(n);
		CHECK_EQ(call(GNTTABOP_map_grant_ref, m, sizeof(m[0]), 40), 0);
		memcpy(m, fake_guest(0), sizeof(m));
		for (i = 0; i < 40; i++) {
			CHECK_EQ(m[i].status, GNTST_okay);
			u[i].handle = m[i].handle;
			u[i].host_addr = m[i].host_addr;
		}
		CHECK_EQ(refs(), before + 80);
		CHECK_EQ(call(GNTTABOP_unmap_grant_ref, u, sizeof(u[0]), 40),
			 0);
		memcpy(u, fake_guest(0), sizeof(u));
		for (i = 0; i < 40; i++) {
			CHECK_EQ(u[i].status, GNTST_okay);
		}
		CHECK_EQ(refs(), before);
		if (!fake_yielded()) {
			break;
		}
	}
	CHECK(n > 30);
	audit();
}

TEST(grant_random_games)
{
	uint32_t handles[32] = { 0 }, h, i;
	unsigned int step;
	mfn_t frames[4];

	setup();
	for (i = 0; i < 4; i++) {
		frames[i] = mm_frame(a);
	}
	srand(5);
	for (step = 0; step < 20000; step++) {
		i = (uint32_t)rand() % 32;
		fake_fail_alloc_at(rand() % 32 ? -1 : 0);
		switch (rand() % 5) {
		case 0:
			grant((uint32_t)rand() % 6, rand() % 4 ? 2 : 3,
			      frames[rand() % 4],
			      rand() % 3 ? 0 : GTF_readonly);
			break;
		case 1:
		case 2:
			if (map((uint32_t)rand() % 7, VA(rand() % 8),
				rand() % 2 ? GNTMAP_host_map :
					     GNTMAP_host_map | GNTMAP_readonly,
				&h) == GNTST_okay) {
				handles[i] = h;
			}
			break;
		case 3:
			unmap(handles[i], VA(rand() % 8));
			break;
		default:
			*(volatile uint16_t *)&entry((uint32_t)rand() % 6)
				 ->flags = (uint16_t)rand();
			break;
		}
		fake_fail_alloc_at(-1);
		if (step % 16 == 0) {
			audit();
		}
	}
	world_kill(b);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(frame_of(frames[i])->count & FC_COUNT_MASK, 1);
		CHECK_EQ(frame_of(frames[i])->type & FT_COUNT_MASK, 0);
	}
	gnttab_audit(a);
}


/* A table full of handles given up long ago is not gone through in one go. */
TEST(grant_handles_released_a_few_at_a_time)
{
	struct gnttab_unmap_grant_ref op = { .dev_bus_addr = 1 };
	uint32_t h, i;

	setup();
	grant(7, 2, page, 0);
	for (i = 0; i < 500; i++) {
		CHECK_EQ(map(7, 0, GNTMAP_device_map, &h), GNTST_okay);
	}
	for (i = 0; i < 500; i++) {
		op.handle = i;
		if (i != h) {
			CHECK_EQ(call(GNTTABOP_unmap_grant_ref, &op,
				      sizeof(op), 1),
				 0);
		}
	}
	CHECK_EQ(b->gnttab->track_used, 1);
	fake_yield_at(0);
	CHECK_EQ(gnttab_release_mappings(b), -ERESTART);
	CHECK(b->gnttab->release_cursor <= 64);
	CHECK_EQ(gnttab_release_mappings(b), 0);
	CHECK_EQ(b->gnttab->track_used, 0);
	CHECK_EQ(entry(7)->flags, GTF_permit_access);
	CHECK_EQ(refs(), 1);
}

/* A domain that may have no handles (a VPS) maps nothing, at no cost. */
TEST(grant_to_one_without_handles)
{
	uint64_t free;
	uint32_t h;

	setup();
	b->gnttab->track_frames_max = 0;
	free = heap_free_frames();
	grant(7, 2, page, 0);
	CHECK_EQ(map(7, 0, GNTMAP_device_map, &h), GNTST_no_device_space);
	CHECK_EQ(entry(7)->flags, GTF_permit_access);
	CHECK_EQ(refs(), 1);
	CHECK_EQ(heap_free_frames(), free);
}

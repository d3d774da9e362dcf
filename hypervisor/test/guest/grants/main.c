/*
 * grants: grant table version 1, all within one domain: setting it up,
 * mapping and unmapping granted pages, copying, and every refusal.
 */
#include "guest.h"

#include <xen/grant_table.h>

const char guest_subject[] = "grants";

static grant_entry_v1_t table[512] __attribute__((aligned(4096)));
static uint64_t source[512] __attribute__((aligned(4096)));
static uint64_t other[512] __attribute__((aligned(4096)));
static uint64_t window[512] __attribute__((aligned(4096)));
static uint64_t window2[512] __attribute__((aligned(4096)));

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

static void refused(const char *name, int64_t got)
{
	VERDICT(name, got < 0, "expected an error, got %ld", got);
}

static int op(unsigned int cmd, void *arg, unsigned int n)
{
	return (int)hypercall3(__HYPERVISOR_grant_table_op, cmd, hc_ptr(arg),
			       n);
}

static bool set_up(void)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF,
					    .nr_frames = 1 };
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	xen_pfn_t frame = 0;

	equal("query-size", 0, op(GNTTABOP_query_size, &query, 1));
	equal("query-status", GNTST_okay, query.status);
	VERDICT("max-frames", query.max_nr_frames >= 4, "got %u",
		query.max_nr_frames);
	set_xen_guest_handle(setup.frame_list, &frame);
	equal("setup-table", 0, op(GNTTABOP_setup_table, &setup, 1));
	equal("setup-status", GNTST_okay, setup.status);
	equal("get-version", 0, op(GNTTABOP_get_version, &version, 1));
	equal("version-1", 1, (int64_t)version.version);
	setup.nr_frames = 100000;
	op(GNTTABOP_setup_table, &setup, 1);
	refused("setup-too-many-frames", setup.status);
	equal("map-table", 0,
	      guest_update_va(table, frame << 12 | 0x67, UVMF_INVLPG));
	return setup.status != 0 && frame != 0;
}

/* Grant ref names `page` to ourselves. */
static void grant(unsigned int ref, const void *page, uint16_t flags)
{
	table[ref].domid = 0;
	table[ref].frame = (uint32_t)va_mfn(page);
	__atomic_store_n(&table[ref].flags, GTF_permit_access | flags,
			 __ATOMIC_SEQ_CST);
}

static struct gnttab_map_grant_ref map(unsigned int ref, const void *va,
				       uint32_t flags)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = (uint64_t)(uintptr_t)va,
		.flags = GNTMAP_host_map | flags,
		.ref = ref,
		.dom = 0,
	};

	if (op(GNTTABOP_map_grant_ref, &m, 1) != 0) {
		m.status = -99;
	}
	return m;
}

static int unmap(const void *va, uint32_t handle)
{
	struct gnttab_unmap_grant_ref u = {
		.host_addr = (uint64_t)(uintptr_t)va,
		.handle = handle,
	};

	if (op(GNTTABOP_unmap_grant_ref, &u, 1) != 0) {
		return -99;
	}
	return u.status;
}

static void mapping(void)
{
	struct gnttab_map_grant_ref m, ro;
	uint16_t in_use = GTF_reading | GTF_writing;

	guest_update_va(window, 0, UVMF_INVLPG);
	guest_update_va(window2, 0, UVMF_INVLPG);
	READ(source[3]) = 0x1234;
	grant(9, source, 0);
	m = map(9, window, 0);
	equal("map", GNTST_okay, m.status);
	equal("see-granted-page", 0x1234, (int64_t)READ(window[3]));
	READ(window[4]) = 0x77;
	equal("write-granted-page", 0x77, (int64_t)READ(source[4]));
	equal("entry-in-use", in_use, table[9].flags & in_use);
	ro = map(9, window2, GNTMAP_readonly);
	equal("map-read-only", GNTST_okay, ro.status);
	TRY("movq $1, %0", : "=m"(window2[0])::"memory");
	VERDICT("read-only-is", trap_seen.seen && trap_seen.vector == 14,
		"no page fault");
	equal("unmap-read-only", GNTST_okay, unmap(window2, ro.handle));
	equal("still-writing", GTF_writing, table[9].flags & GTF_writing);
	equal("unmap", GNTST_okay, unmap(window, m.handle));
	equal("entry-free", 0, table[9].flags & in_use);
	TRY("movq %0, %%rax", ::"m"(window[3]) : "rax", "memory");
	VERDICT("unmapped", trap_seen.seen && trap_seen.vector == 14,
		"no page fault");
	refused("unmap-twice", unmap(window, m.handle));
	refused("unmap-bad-handle", unmap(window, 0x7ffffff));
}

static void refusals(void)
{
	struct gnttab_map_grant_ref m;

	table[10].flags = 0;
	m = map(10, window, 0);
	refused("map-invalid-entry", m.status);
	grant(11, source, GTF_readonly);
	m = map(11, window, 0);
	refused("map-rw-of-read-only", m.status);
	m = map(11, window, GNTMAP_readonly);
	equal("map-ro-of-read-only", GNTST_okay, m.status);
	unmap(window, m.handle);
	m = map(100000, window, 0);
	refused("map-ref-out-of-range", m.status);
	grant(12, source, 0);
	table[12].domid = 77;
	m = map(12, window, 0);
	refused("map-granted-to-other", m.status);
	grant(13, source, 0);
	table[13].frame = 0xfffffff;
	m = map(13, window, 0);
	refused("map-frame-that-is-not", m.status);
	grant(14, (void *)start_info->pt_base, 0);
	m = map(14, window, 0);
	refused("map-page-table-rw", m.status);
	equal("failed-maps-leave-no-trace", 0,
	      table[14].flags & (GTF_reading | GTF_writing));
	grant(15, source, 0);
	m = map(15, (void *)0xffff830000000000, 0);
	refused("map-into-hypervisor", m.status);
	m = map(15, (void *)0x7000000000, 0);
	refused("map-where-no-table-is", m.status);
}

static int copy(unsigned int ref, uint16_t from, const void *to, uint16_t at,
		uint16_t len)
{
	struct gnttab_copy c = {
		.source = { .u.ref = ref, .domid = DOMID_SELF,
			    .offset = from },
		.dest = { .u.gmfn = va_mfn(to), .domid = DOMID_SELF,
			  .offset = at },
		.len = len,
		.flags = GNTCOPY_source_gref,
	};

	if (op(GNTTABOP_copy, &c, 1) != 0) {
		return -99;
	}
	return c.status;
}

static void copying(void)
{
	struct gnttab_copy c = {
		.source = { .u.gmfn = va_mfn(other), .domid = DOMID_SELF },
		.dest = { .u.ref = 16, .domid = DOMID_SELF },
		.len = 8,
		.flags = GNTCOPY_dest_gref,
	};

	memcpy(&source[0], "hello, granted world", 20);
	grant(9, source, GTF_readonly);
	equal("copy", GNTST_okay, copy(9, 7, other, 100, 7));
	VERDICT("copied", !memcmp((char *)other + 100, "granted", 7),
		"other bytes");
	equal("copy-leaves-entry-free", 0,
	      table[9].flags & (GTF_reading | GTF_writing));
	refused("copy-over-page-end", copy(9, 4090, other, 0, 10));
	refused("copy-to-over-page-end", copy(9, 0, other, 4090, 10));
	refused("copy-from-invalid", copy(10, 0, other, 0, 8));
	grant(16, source, GTF_readonly);
	op(GNTTABOP_copy, &c, 1);
	refused("copy-into-read-only", c.status);
	grant(16, source, 0);
	c.status = 1;
	op(GNTTABOP_copy, &c, 1);
	equal("copy-into-grant", GNTST_okay, c.status);
	refused("copy-into-page-table",
		copy(9, 0, (void *)start_info->pt_base, 0, 8));
	equal("copy-of-nothing", GNTST_okay, copy(9, 0, other, 0, 0));
}

void guest_main(void)
{
	equal("map-shared-info", 0, guest_map_shared());
	if (!set_up()) {
		return;
	}
	mapping();
	refusals();
	copying();
	equal("bad-pointer", -14, op(GNTTABOP_map_grant_ref, (void *)0x1000,
				     1));
	equal("unknown-op", -38, op(77, source, 1));
}

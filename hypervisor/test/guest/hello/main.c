/*
 * hello: what the builder hands over - start_info, ELF notes honoured, the
 * bootstrap address space - and the three calls that any bring-up needs.
 */
#include "guest.h"

const char guest_subject[] = "hello";
extern char guest_image_start[], guest_image_end[];
extern uint64_t boot_rsp, boot_tsc;

static void show(void)
{
	/* Under -icount: instructions from reset to here (ci/bench.d/boot.sh). */
	guest_printf("first instruction at TSC %lu\n", boot_tsc);
	guest_printf("magic %s nr_pages %lu shared_info %lx flags %x\n",
		     start_info->magic, start_info->nr_pages,
		     start_info->shared_info, start_info->flags);
	guest_printf("pt_base %lx nr_pt_frames %lu mfn_list %lx\n",
		     start_info->pt_base, start_info->nr_pt_frames,
		     start_info->mfn_list);
	guest_printf("mod_start %lx mod_len %lx first_p2m_pfn %lx (%lu)\n",
		     start_info->mod_start, start_info->mod_len,
		     start_info->first_p2m_pfn, start_info->nr_p2m_frames);
	guest_printf("start_info at %lx stack %lx cmd_line %s\n",
		     (unsigned long)start_info, boot_rsp,
		     (const char *)start_info->cmd_line);
}

static void check_start_info(void)
{
	uint32_t flags = start_info->flags & ~SIF_PM_MASK;
	uint64_t end = start_info->pt_base +
		       start_info->nr_pt_frames * PAGE_SIZE;

	VERDICT("magic", !strcmp(start_info->magic, "xen-3.0-x86_64p"),
		"expected xen-3.0-x86_64p, got %s", start_info->magic);
	VERDICT("flags",
		(flags & (SIF_PRIVILEGED | SIF_INITDOMAIN)) ==
			(SIF_PRIVILEGED | SIF_INITDOMAIN),
		"expected privileged and initdomain, got %x", flags);
	VERDICT("shared-info-aligned", (start_info->shared_info & 4095) == 0,
		"got %lx", start_info->shared_info);
	VERDICT("p2m-where-asked", start_info->mfn_list == 0x8000000000,
		"expected 8000000000, got %lx", start_info->mfn_list);
	VERDICT("p2m-frames-named",
		start_info->nr_p2m_frames * 512 >= start_info->nr_pages,
		"%lu frames for %lu pages", start_info->nr_p2m_frames,
		start_info->nr_pages);
	VERDICT("order",
		(uint64_t)guest_image_end <= (uint64_t)start_info &&
			(uint64_t)start_info < start_info->pt_base &&
			end <= boot_rsp,
		"image end %lx start_info %lx pt %lx..%lx stack %lx",
		(uint64_t)guest_image_end, (uint64_t)start_info,
		start_info->pt_base, end, boot_rsp);
	VERDICT("padding-512k",
		pt_entry((void *)(boot_rsp + 0x7f000), 1) != NULL &&
			(*pt_entry((void *)(boot_rsp + 0x7f000), 1) & 1),
		"no mapping 508 KiB behind the stack %lx", boot_rsp);
}

static void check_maps(void)
{
	uint64_t i, bad = 0, writable = 0;

	for (i = 0; i < start_info->nr_pages; i++) {
		if (machine_to_phys_mapping[guest_p2m()[i]] != i) {
			bad++;
		}
	}
	guest_equal("m2p-inverts-p2m", 0, bad);

	for (i = 0; i < start_info->nr_pt_frames; i++) {
		uint64_t *e = pt_entry((void *)(start_info->pt_base +
						i * PAGE_SIZE), 1);

		writable += (*e >> 1) & 1;
	}
	guest_equal("page-tables-read-only", 0, writable);
	guest_equal("p2m-writable", 1,
		    (guest_p2m()[0] = READ(guest_p2m()[0]), 1));
	*(volatile char *)(start_info->pt_base - 1) =
		*(volatile char *)(start_info->pt_base - 1);
	VERDICT("bootstrap-writable", true, "unreachable");
}

void guest_main(void)
{
	long version;

	show();
	version = hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
	guest_equal("xen-version", 0x40011, (uint64_t)version);
	check_start_info();
	check_maps();
	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	if (shared_info) {
		guest_equal("upcalls-masked", 1,
			    shared_info->vcpu_info[0].evtchn_upcall_mask);
		VERDICT("wall-clock", shared_info->wc_sec > 1500000000u,
			"expected a date after 2017, got %u",
			shared_info->wc_sec);
	}
	guest_equal("unknown-hypercall", (uint64_t)-38L,
		    (uint64_t)hypercall1(55, 0));
	guest_equal("hypercall-number-out-of-range", (uint64_t)-38L,
		    (uint64_t)hypercall1(0x7fffffff, 0));
	TRY("ud2", ::: "memory");
	VERDICT("ud2-bounces", trap_seen.seen && trap_seen.vector == 6,
		"vector %lx", trap_seen.vector);
	TRY("movq $0, 0x10", ::: "memory");
	VERDICT("null-write-bounces",
		trap_seen.seen && trap_seen.vector == 14 &&
			trap_seen.error == 2 && trap_seen.cr2 == 0x10,
		"vector %lx error %lx cr2 %lx", trap_seen.vector,
		trap_seen.error, trap_seen.cr2);
}

/* dispatch_test.c - hypercalls from register to register. */
#include "test/unit/world.h"
#include "hypercall/version.h"

#define SCRATCH 0x2000u /* offset of a spare area in guest memory */

static struct domain *dom0, *a;
static struct vcpu *v;

static void setup(void)
{
	dom0 = world_domain(0, 2);
	a = world_domain(1, 2);
	v = a->vcpu[0];
	world_start(a);
	fake_cpu = v->cpu;
}

static uint64_t put(uint64_t offset, const void *p, size_t n)
{
	memcpy(fake_guest(offset), p, n);
	return fake_gva(offset).v;
}

TEST(dispatch_unknown_numbers)
{
	setup();
	CHECK_EQ(world_call(v, 64, 0, 0, 0, 0), -ENOSYS);
	CHECK_EQ(world_call(v, 63, 0, 0, 0, 0), -ENOSYS);
	v->regs.rax = ~0ULL;
	upcall_hypercall(v, port_vcpu_regs(v));
	CHECK_EQ(v->regs.rax, -ENOSYS);
	v->regs.rax = 1ULL << 32 | __HYPERVISOR_xen_version;
	upcall_hypercall(v, port_vcpu_regs(v));
	CHECK_EQ(v->regs.rax, -ENOSYS);
}

TEST(dispatch_privileged_calls)
{
	static const unsigned int nr[] = { __HYPERVISOR_domctl,
					   __HYPERVISOR_sysctl,
					   __HYPERVISOR_platform_op };
	size_t i;

	setup();
	for (i = 0; i < ARRAY_SIZE(nr); i++) {
		CHECK_EQ(world_call(v, nr[i], fake_gva(0).v, 0, 0, 0),
			 -EPERM);
	}
	CHECK_EQ(world_call(v, __HYPERVISOR_console_io, CONSOLEIO_read, 8,
			    fake_gva(0).v, 0),
		 -EPERM);
}

TEST(dispatch_version)
{
	struct xen_feature_info fi = { .submap_idx = 0 };

	setup();
	CHECK_EQ(world_call(v, __HYPERVISOR_xen_version, XENVER_version, 0, 0,
			    0),
		 4 << 16 | 17);
	CHECK_EQ(world_call(v, __HYPERVISOR_xen_version, XENVER_capabilities,
			    fake_gva(0).v, 0, 0),
		 0);
	CHECK(strcmp(fake_guest(0), "xen-3.0-x86_64 ") == 0);
	CHECK_EQ(world_call(v, __HYPERVISOR_xen_version, XENVER_get_features,
			    put(0, &fi, sizeof(fi)), 0, 0),
		 0);
	memcpy(&fi, fake_guest(0), sizeof(fi));
	CHECK(fi.submap >> XENFEAT_mmu_pt_update_preserve_ad & 1);
	CHECK(!(fi.submap >> XENFEAT_dom0 & 1));
	CHECK(!(fi.submap >> XENFEAT_auto_translated_physmap & 1));
	version_set_command_line("secret");
	CHECK_EQ(world_call(v, __HYPERVISOR_xen_version, XENVER_commandline,
			    fake_gva(0).v, 0, 0),
		 0);
	CHECK(strcmp(fake_guest(0), "<denied>") == 0);
	CHECK_EQ(world_call(dom0->vcpu[0], __HYPERVISOR_xen_version,
			    XENVER_commandline, fake_gva(0).v, 0, 0),
		 0);
	CHECK(strcmp(fake_guest(0), "secret") == 0);
	fake_guest_hole(0, true);
	CHECK_EQ(world_call(v, __HYPERVISOR_xen_version, XENVER_extraversion,
			    fake_gva(0).v, 0, 0),
		 -EFAULT);
}

/* No output structure of a failed call has changed, and no state either. */
TEST(dispatch_copy_faults_change_nothing)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF };
	long n, rc;

	setup();
	for (n = 0;; n++) {
		uint64_t at = put(0, &op, sizeof(op));

		fake_fault_at(n);
		rc = world_call(v, __HYPERVISOR_event_channel_op,
				EVTCHNOP_alloc_unbound, at, 0, 0);
		fake_fault_at(-1);
		if (rc == 0) {
			break;
		}
		CHECK_EQ(rc, -EFAULT);
		/* But for the last: the guest unmapped it after the probe. */
		if (a->evtchn->used) {
			CHECK_EQ(n, 2);
			evtchn_close(a, 1);
		}
	}
	CHECK_EQ(n, 3);
	evtchn_audit(a);
}

static uint64_t fill_multicall(unsigned int n)
{
	struct multicall_entry m = { .op = __HYPERVISOR_event_channel_op };
	struct evtchn_bind_ipi op = { .vcpu = 0 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		m.args[0] = EVTCHNOP_bind_ipi;
		m.args[1] = put(SCRATCH + i * sizeof(op), &op, sizeof(op));
		m.result = 0x5555;
		put(i * sizeof(m), &m, sizeof(m));
	}
	return fake_gva(0).v;
}

static long multicall_result(unsigned int i)
{
	struct multicall_entry *m = fake_guest(0);

	return (long)m[i].result;
}

TEST(dispatch_multicall_yields_anywhere)
{
	unsigned int i;
	long n;

	setup();
	for (n = 0;; n++) {
		uint64_t list = fill_multicall(10);

		fake_yield_at(n);
		CHECK_EQ(world_call(v, __HYPERVISOR_multicall, list, 10, 0, 0),
			 0);
		for (i = 0; i < 10; i++) {
			CHECK_EQ(multicall_result(i), 0);
		}
		/* Each entry once, no more. */
		CHECK_EQ(a->evtchn->used, 10 * (unsigned int)(n + 1));
		if (!fake_yielded()) {
			break;
		}
	}
	CHECK(n >= 8);
}

TEST(dispatch_multicall_refusals)
{
	struct multicall_entry *m;
	uint64_t list;

	setup();
	list = fill_multicall(5);
	m = fake_guest(0);
	m[0].op = __HYPERVISOR_iret; /* XSA-213 */
	m[1].op = __HYPERVISOR_multicall;
	m[2].op = 64;
	m[3].op = __HYPERVISOR_domctl;
	CHECK_EQ(world_call(v, __HYPERVISOR_multicall, list, 5, 0, 0), 0);
	CHECK_EQ(multicall_result(0), -ENOSYS);
	CHECK_EQ(multicall_result(1), -ENOSYS);
	CHECK_EQ(multicall_result(2), -ENOSYS);
	CHECK_EQ(multicall_result(3), -EPERM);
	CHECK_EQ(multicall_result(4), 0);
	CHECK_EQ(fake_pv.iret, 0);
	CHECK_EQ(world_call(v, __HYPERVISOR_multicall, HOLE_START, 1, 0, 0),
		 -EFAULT);
	CHECK_EQ(world_call(v, __HYPERVISOR_multicall, ~0ULL - 7, 1, 0, 0),
		 -EFAULT);
	CHECK_EQ(world_call(v, __HYPERVISOR_multicall, ~0ULL, 0, 0, 0), 0);
}

TEST(dispatch_vcpu_op)
{
	struct vcpu_set_singleshot_timer one = { .timeout_abs_ns = 1 };
	struct vcpu_register_vcpu_info info = { .offset = 0x100 };
	struct vcpu_runstate_info *run;
	uint64_t area = fake_gva(SCRATCH).v;
	uint32_t port;
	mfn_t m;

	setup();
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0, 0),
		 1);
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 8191, 0,
			    0),
		 -ENOENT);
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, 99, 0, 0, 0), -ENOSYS);
	/* A time in the past fires at once, and is no error. */
	CHECK_EQ(evtchn_bind_virq(a, VIRQ_TIMER, 0, &port), 0);
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op,
			    VCPUOP_set_singleshot_timer, 0,
			    put(0, &one, sizeof(one)), 0),
		 0);
	fake_advance(1);
	CHECK(evtchn_is_pending(a, port));
	one.flags = VCPU_SSHOTTMR_future;
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op,
			    VCPUOP_set_singleshot_timer, 0,
			    put(0, &one, sizeof(one)), 0),
		 -ETIME);
	/* vcpu_info moves, with what was pending, and only once. */
	CHECK_EQ(domain_frames_alloc(a, 0, 0, &m), 0);
	info.mfn = m.v;
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info,
			    0, put(0, &info, sizeof(info)), 0),
		 0);
	CHECK(v->info == (void *)((uint8_t *)frame_ptr(m) + 0x100));
	CHECK(v->info->evtchn_upcall_pending);
	CHECK_EQ(frame_of(m)->type & FT_MASK, FT_WRITABLE);
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info,
			    0, put(0, &info, sizeof(info)), 0),
		 -EINVAL);
	info.offset = PAGE_SIZE - 8;
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info,
			    1, put(0, &info, sizeof(info)), 0),
		 -EINVAL);
	/* The runstate area is written at once. */
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op,
			    VCPUOP_register_runstate_memory_area, 0,
			    put(0, &area, sizeof(area)), 0),
		 0);
	run = fake_guest(SCRATCH);
	CHECK_EQ(run->state, RUNSTATE_running);
	area = HOLE_START;
	CHECK_EQ(world_call(v, __HYPERVISOR_vcpu_op,
			    VCPUOP_register_runstate_memory_area, 0,
			    put(0, &area, sizeof(area)), 0),
		 -EFAULT);
}

TEST(dispatch_sched_op)
{
	struct sched_shutdown last = { .reason = SHUTDOWN_crash };
	struct sched_watchdog wd = { .id = 0, .timeout = 2 };
	struct sched_poll poll = { .nr_ports = 1 };
	evtchn_port_t port;
	long id;

	setup();
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0),
		 0);
	fake_settle();
	CHECK(!v->running);
	CHECK_EQ(v->info->evtchn_upcall_mask, 0);
	CHECK_EQ(evtchn_bind_ipi(a, 0, &port), 0);
	evtchn_send(a, port);
	fake_settle();
	CHECK(v->running);
	/* Pending already: poll returns without sleeping. */
	poll.ports.p = (void *)(uintptr_t)put(SCRATCH, &port, sizeof(port));
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_poll,
			    put(0, &poll, sizeof(poll)), 0, 0),
		 0);
	fake_settle();
	CHECK(v->running);
	poll.nr_ports = 129;
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_poll,
			    put(0, &poll, sizeof(poll)), 0, 0),
		 -EINVAL);
	/* Two watchdogs, no third; one that is not fed bites. */
	id = world_call(v, __HYPERVISOR_sched_op, SCHEDOP_watchdog,
			put(0, &wd, sizeof(wd)), 0, 0);
	CHECK_EQ(id, 1);
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_watchdog,
			    put(0, &wd, sizeof(wd)), 0, 0),
		 2);
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_watchdog,
			    put(0, &wd, sizeof(wd)), 0, 0),
		 -ENOSPC);
	wd.id = 2;
	wd.timeout = 0;
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_watchdog,
			    put(0, &wd, sizeof(wd)), 0, 0),
		 0);
	fake_advance(1900000000ULL);
	CHECK(!a->is_shut_down);
	fake_advance(200000000ULL);
	CHECK(a->is_shut_down);
	CHECK_EQ(a->shutdown_code, SHUTDOWN_watchdog);
	/* A reason that was latched is the one that is told. */
	domain_resume(a);
	CHECK_EQ(world_call(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown_code,
			    put(0, &last, sizeof(last)), 0, 0),
		 0);
	domain_shutdown(a, SHUTDOWN_poweroff);
	CHECK_EQ(a->shutdown_code, SHUTDOWN_crash);
}

TEST(dispatch_cpu_state)
{
	struct callback_register cb = { .type = CALLBACKTYPE_event,
					.address = 0xffffffff81000000UL };
	struct trap_info traps[3] = {
		{ .vector = 14, .flags = 4, .cs = 0xe030, .address = 0x1000 },
		{ .vector = 128, .flags = 3, .cs = 0xe030, .address = 0x2000 },
		{ .address = 0 },
	};

	setup();
	CHECK_EQ(world_call(v, __HYPERVISOR_set_trap_table,
			    put(0, traps, sizeof(traps)), 0, 0, 0),
		 0);
	CHECK_EQ(v->pv.trap[14].address, 0x1000);
	CHECK_EQ(v->pv.trap[14].cs, 0xe033);
	CHECK_EQ(v->pv.trap[128].flags, 3);
	traps[1].address = 1UL << 60;
	CHECK_EQ(world_call(v, __HYPERVISOR_set_trap_table,
			    put(0, traps, sizeof(traps)), 0, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_callback_op, CALLBACKOP_register,
			    put(0, &cb, sizeof(cb)), 0, 0),
		 0);
	CHECK_EQ(v->pv.event.address, cb.address);
	CHECK(v->pv.event.mask_events);
	cb.address = 1UL << 50;
	CHECK_EQ(world_call(v, __HYPERVISOR_callback_op, CALLBACKOP_register,
			    put(0, &cb, sizeof(cb)), 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_stack_switch, 0xe028, 0x7000, 0,
			    0),
		 0);
	CHECK_EQ(v->pv.kernel_sp, 0x7000);
	CHECK_EQ(v->pv.kernel_ss, 0xe02b);
	CHECK_EQ(world_call(v, __HYPERVISOR_stack_switch, 0, 1UL << 55, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_segment_base, SEGBASE_FS,
			    1UL << 55, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 99,
			    0, 0),
		 -EINVAL);
}

/* As on Xen: whether a domain is there is asked before who asks. */
TEST(dispatch_names_of_others)
{
	struct evtchn_alloc_unbound alloc = { .dom = 1234 };
	struct xen_memory_domain md = { .domid = 1234 };
	struct xen_memory_reservation r = { .domid = 1234, .nr_extents = 1 };
	struct gnttab_copy copy = { .source.domid = 1234 };
	int i;

	setup();
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)fake_gva(SCRATCH).v;
	for (i = 0; i < 2; i++) {
		CHECK_EQ(world_call(v, __HYPERVISOR_event_channel_op,
				    EVTCHNOP_alloc_unbound,
				    put(0, &alloc, sizeof(alloc)), 0, 0),
			 i ? -EPERM : -ESRCH);
		CHECK_EQ(world_call(v, __HYPERVISOR_memory_op,
				    XENMEM_maximum_reservation,
				    put(0, &md, sizeof(md)), 0, 0),
			 i ? -EPERM : -ESRCH);
		CHECK_EQ(world_call(v, __HYPERVISOR_memory_op,
				    XENMEM_decrease_reservation,
				    put(0, &r, sizeof(r)), 0, 0),
			 0);
		CHECK_EQ(world_call(v, __HYPERVISOR_grant_table_op,
				    GNTTABOP_copy, put(0, &copy, sizeof(copy)),
				    1, 0),
			 0);
		CHECK_EQ(((struct gnttab_copy *)fake_guest(0))->status,
			 i ? GNTST_permission_denied : GNTST_bad_domain);
		alloc.dom = md.domid = r.domid = copy.source.domid = 0;
	}
	CHECK_EQ(world_call(v, __HYPERVISOR_console_io, 2, 0, 0, 0), -EPERM);
}

/* XSA-444 and before: no breakpoint inside the hypervisor, none on I/O. */
TEST(dispatch_debug_registers)
{
	setup();
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 0, 0x1000, 0, 0), 0);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 1, HOLE_START, 0,
			    0),
		 -EPERM);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 2, HOLE_END - 4, 0,
			    0),
		 -EPERM);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 3,
			    HOLE_START - 4, 0, 0),
		 -EPERM);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 8, 0, 0, 0),
		 -ENODEV);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 7, 0x20003, 0, 0),
		 -EPERM);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 7, 0x10003, 0, 0),
		 0);
	CHECK_EQ(fake_pv.debugreg[7], 0x10403);
	/* General detect would trap us. */
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 7, 0x12003, 0, 0),
		 -EPERM);
	/* DR4 and DR5 are DR6 and DR7, until the guest sets CR4.DE. */
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 5, 0x400, 0, 0), 0);
	CHECK_EQ(fake_pv.debugreg[7], 0x400);
	v->pv.cr4_guest = 0x8;
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 5, 0, 0, 0),
		 -ENODEV);
	CHECK_EQ(world_call(v, __HYPERVISOR_get_debugreg, 5, 0, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_debugreg, 6, 0, 0, 0), 0);
	CHECK_EQ(fake_pv.debugreg[6], 0xffff0ff0);
}

TEST(dispatch_gdt_and_descriptors)
{
	const uint64_t code = 0x00affb000000ffffULL; /* ring 3 code, 64 bit */
	const uint64_t gate = 0x00008c0000080000ULL; /* call gate */
	uint64_t list[2];
	mfn_t m[2];

	setup();
	CHECK_EQ(domain_frames_alloc(a, 0, 0, &m[0]), 0);
	CHECK_EQ(domain_frames_alloc(a, 0, 0, &m[1]), 0);
	memset(frame_ptr(m[0]), 0, PAGE_SIZE);
	memset(frame_ptr(m[1]), 0, PAGE_SIZE);
	list[0] = m[0].v;
	list[1] = m[1].v;
	CHECK_EQ(world_call(v, __HYPERVISOR_set_gdt,
			    put(0, list, sizeof(list)), 600, 0, 0),
		 0);
	CHECK_EQ(frame_of(m[1])->type & FT_MASK, FT_SEGDESC);
	CHECK_EQ(v->pv.gdt_entries, 600);
	CHECK_EQ(world_call(v, __HYPERVISOR_set_gdt, fake_gva(0).v,
			    14 * 512 + 1, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_update_descriptor,
			    (m[0].v << PAGE_SHIFT) + 8, code, 0, 0),
		 0);
	CHECK_EQ(((uint64_t *)frame_ptr(m[0]))[1], code);
	CHECK_EQ(world_call(v, __HYPERVISOR_update_descriptor,
			    (m[0].v << PAGE_SHIFT) + 16, gate, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_update_descriptor,
			    (m[0].v << PAGE_SHIFT) + 4, code, 0, 0),
		 -EINVAL);
	CHECK_EQ(world_call(v, __HYPERVISOR_update_descriptor,
			    1ULL << 51, code, 0, 0),
		 -EINVAL);
	/* Not someone else's memory. */
	CHECK_EQ(domain_frames_alloc(dom0, 0, 0, &m[1]), 0);
	CHECK_EQ(world_call(v, __HYPERVISOR_update_descriptor,
			    m[1].v << PAGE_SHIFT, code, 0, 0),
		 -EINVAL);
	/* A shorter table lets the second page go. */
	CHECK_EQ(world_call(v, __HYPERVISOR_set_gdt,
			    put(0, list, sizeof(list)), 16, 0, 0),
		 0);
	CHECK_EQ(frame_of(MFN(list[1]))->type & FT_COUNT_MASK, 0);
	world_kill(a);
	CHECK(domain_get_by_id(1) == NULL);
}

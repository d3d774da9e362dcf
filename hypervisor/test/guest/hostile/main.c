/*
 * hostile: a guest kernel that makes random hypercalls out of values that
 * are nearly right - its own frames, its page tables, pointers that end in
 * nothing, the hypervisor's addresses - and page-table, event, grant and
 * descriptor operations among them.
 *
 * It may well destroy itself; what must survive is everybody else.  Its
 * command line says seed=N and calls=N.  As dom0 it leaves out what a dom0
 * may rightly do to the machine.  With storm=1 it makes what costs the
 * hypervisor most, or wakes others, as fast as it can, for ever: its neighbours
 * must keep their share; with roots=1 it pins all its memory as roots.
 *
 * cmdline: seed=1 calls=200000
 * only: serai
 * may: crash
 */
#include "guest.h"

#include <xen/grant_table.h>
#include <xen/physdev.h>
#include <xen/platform.h>

const char guest_subject[] = "hostile";

#define VICTIMS 16

static uint8_t scratch[4 * PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t victim[VICTIMS][PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t spare_table[512] __attribute__((aligned(4096)));
static uint64_t state, seed, calls, done, repairs;
static bool privileged;

static uint64_t pick(uint64_t n)
{
	return (guest_random(&state) >> 11) % n;
}

/* A frame number, likely one of ours, sometimes anybody's. */
static uint64_t some_mfn(void)
{
	switch (pick(8)) {
	case 0:
		return va_mfn((void *)(start_info->pt_base +
				       pick(start_info->nr_pt_frames) *
					       PAGE_SIZE));
	case 1:
		return start_info->shared_info >> 12;
	case 2:
		return pick(1u << 20);
	case 3:
		return va_mfn(spare_table);
	case 4:
		return pick(2) ? 0 : guest_random(&state);
	default:
		return va_mfn(victim[pick(VICTIMS)]);
	}
}

static uint64_t some_pointer(void)
{
	switch (pick(10)) {
	case 0:
		return 0;
	case 1:
		return 0xffff830000000000 + pick(1u << 30);
	case 2:
		return 0x0000800000000000 - pick(64);
	case 3:
		return 0xffff87fffffffff0 + pick(32);
	case 4:
		return guest_random(&state);
	case 5: /* ends in nothing */
		return (uint64_t)scratch + sizeof(scratch) - pick(64);
	case 6:
		return (uint64_t)victim[pick(VICTIMS)];
	default:
		return (uint64_t)scratch + pick(sizeof(scratch) - 512);
	}
}

static uint64_t some_number(void)
{
	static const uint64_t special[] = {
		0x7ff0, 0x7ff1, 0x7ff2, 0x7fff, 0xffffffff, ~0ul, 1ul << 63,
		0x80000000, 4096, 4095, 512, 1024, 255, 256,
	};

	switch (pick(6)) {
	case 0:
		return special[pick(sizeof(special) / sizeof(special[0]))];
	case 1:
		return guest_random(&state);
	case 2:
		return some_mfn();
	case 3:
		return some_mfn() << 12 | pick(4096);
	case 4:
		return some_pointer();
	default:
		return pick(40);
	}
}

static void fill_scratch(void)
{
	uint64_t *w = (uint64_t *)scratch;
	unsigned int i, n = 64;

	for (i = 0; i < n; i++) {
		switch (pick(5)) {
		case 0:
			w[i] = some_number();
			break;
		case 1:
			w[i] = some_mfn() << 12 | pick(256);
			break;
		case 2:
			w[i] = pick(16) | pick(16) << 32;
			break;
		case 3:
			w[i] = some_pointer();
			break;
		default:
			w[i] = pick(8);
		}
	}
	memcpy(scratch + PAGE_SIZE, scratch, n * 8);
}

/* What would end the test, or what a dom0 may do to its machine. */
static bool leave_out(uint64_t nr, uint32_t cmd)
{
	switch (nr) {
	case __HYPERVISOR_iret:
		return true;
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_sched_op_compat:
		return cmd != SCHEDOP_yield && cmd <= SCHEDOP_remote_shutdown;
	case __HYPERVISOR_vcpu_op:
		return cmd == VCPUOP_down;
	case __HYPERVISOR_console_io: /* would fill the log */
		return cmd == CONSOLEIO_write;
	case __HYPERVISOR_set_trap_table:
	case __HYPERVISOR_stack_switch:
	case __HYPERVISOR_set_callbacks:
	case __HYPERVISOR_callback_op:
		return pick(50) != 0; /* mostly the end of us */
	case __HYPERVISOR_multicall: /* hides calls from this list */
	case __HYPERVISOR_platform_op:
	case __HYPERVISOR_physdev_op:
	case __HYPERVISOR_physdev_op_compat:
	case __HYPERVISOR_sysctl:
	case __HYPERVISOR_domctl:
	case __HYPERVISOR_kexec_op:
		return privileged;
	default:
		return false;
	}
}

static uint64_t some_call(void)
{
	static const uint8_t likely[] = {
		__HYPERVISOR_mmu_update,
		__HYPERVISOR_mmuext_op,
		__HYPERVISOR_update_va_mapping,
		__HYPERVISOR_memory_op,
		__HYPERVISOR_grant_table_op,
		__HYPERVISOR_event_channel_op,
		__HYPERVISOR_set_gdt,
		__HYPERVISOR_update_descriptor,
		__HYPERVISOR_vcpu_op,
		__HYPERVISOR_multicall,
		__HYPERVISOR_set_debugreg,
		__HYPERVISOR_set_segment_base,
	};

	return pick(5) ? likely[pick(sizeof(likely))] : pick(64);
}

static void random_call(void)
{
	uint64_t nr = some_call(), a[5];
	unsigned int i;

	fill_scratch();
	for (i = 0; i < 5; i++) {
		a[i] = pick(3) ? some_number() : some_pointer();
	}
	/* most calls take a command first, or an array and its length */
	if (pick(2)) {
		a[0] = pick(35);
		a[1] = some_pointer();
	} else if (pick(2)) {
		a[0] = some_pointer();
		a[1] = pick(20);
		a[3] = DOMID_SELF;
	}
	/* commands are 32 bits wide */
	if (!leave_out(nr, (uint32_t)a[0])) {
		hypercall5((unsigned int)nr, a[0], a[1], a[2], a[3], a[4]);
	}
}

/* Games with one table: pin it, write into it, unpin it, in any order. */
static void table_game(void)
{
	switch (pick(7)) {
	case 0:
		guest_make_readonly(spare_table);
		break;
	case 1:
		guest_make_writable(spare_table);
		break;
	case 2:
		guest_mmuext(MMUEXT_PIN_L1_TABLE + (unsigned int)pick(4),
			     va_mfn(spare_table));
		break;
	case 3:
		guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(spare_table));
		break;
	case 4:
		TRY("movq %1, %0", : "=m"(spare_table[pick(512)])
		    : "r"(some_mfn() << 12 | pick(256))
		    : "memory");
		break;
	case 5:
		guest_mmu_update(va_mfn(spare_table) * PAGE_SIZE +
					 pick(512) * 8,
				 some_mfn() << 12 | pick(256));
		break;
	default:
		guest_update_va(victim[pick(VICTIMS)],
				some_mfn() << 12 | pick(256), pick(8));
	}
}

static void forbidden_instruction(void)
{
	uint64_t v = some_number();

	switch (pick(6)) {
	case 0:
		TRY("mov %0, %%cr4", ::"r"(v) : "memory");
		break;
	case 1:
		TRY("wrmsr", ::"c"((uint32_t)some_number()), "a"((uint32_t)v),
		    "d"((uint32_t)(v >> 32))
		    : "memory");
		break;
	case 2:
		TRY("mov %0, %%dr7", ::"r"(v & ~0xfful) : "memory");
		break;
	case 3:
		TRY("movb (%0), %%al", ::"r"(some_pointer()) : "rax",
		    "memory");
		break;
	case 4:
		TRY("outl %%eax, %%dx", ::"a"(0), "d"(0x80) : "memory");
		break;
	default:
		TRY("mov %w0, %%fs", ::"r"((uint32_t)v) : "memory");
	}
}

/* Our own page went away under us: put it back, and go on. */
static bool repair(uint64_t va)
{
	const void *page = (const void *)(va & ~(PAGE_SIZE - 1));
	bool ours = (va >= (uint64_t)scratch &&
		     va < (uint64_t)scratch + sizeof(scratch)) ||
		    (va >= (uint64_t)victim &&
		     va < (uint64_t)victim + sizeof(victim)) ||
		    (va >= (uint64_t)spare_table &&
		     va < (uint64_t)spare_table + PAGE_SIZE);

	repairs++;
	if (!ours) {
		return false;
	}
	guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(page));
	return guest_make_writable(page) == 0;
}

/* Whatever is left of us: go, without touching much. */
static void give_up(void)
{
	static struct sched_shutdown s = { .reason = SHUTDOWN_crash };

	hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
	__asm__ volatile("ud2");
}

static bool own_trap(struct trap_regs *r)
{
	static bool ending;

	if (ending) {
		give_up();
	}
	if (r->vector == 1) { /* a breakpoint that we set somewhere */
		hypercall2(__HYPERVISOR_set_debugreg, 7, 0);
		r->rflags &= ~0x100ul;
		return true;
	}
	if (r->vector == 14 && shared_info &&
	    repair(shared_info->vcpu_info[0].arch.cr2)) {
		return true;
	}
	ending = true;
	guest_printf("hostile: seed %lu ended by trap %lx at %lx after %lu, %lu "
		     "repairs\n",
		     seed, r->vector, r->rip, done, repairs);
	VERDICT("went-on-to-its-own-end", true, "unreachable");
	guest_end();
}

static bool on_event(struct trap_regs *r)
{
	(void)r;
	if (shared_info) {
		shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
	}
	return true;
}

/* Pin and unpin, flush everybody, give frames back and take them again, wake
 * xenstored and xenconsoled, expired timers, our own events. */
static void storm(void)
{
	struct evtchn_send send[] = {
		{ start_info->store_evtchn },
		{ start_info->console.domU.evtchn },
	};
	uint64_t frame = va_mfn(victim[0]);
	struct xen_memory_reservation res = {
		.nr_extents = 1,
		.domid = DOMID_SELF,
	};
	unsigned int i;

	set_xen_guest_handle(res.extent_start, &frame);
	guest_make_readonly(spare_table);
	for (;; done++) {
		guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(spare_table));
		guest_mmuext(MMUEXT_TLB_FLUSH_ALL, 0);
		guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(spare_table));
		for (i = 0; i < 2; i++) {
			hypercall_op(__HYPERVISOR_event_channel_op,
				     EVTCHNOP_send, &send[i]);
		}
		hypercall1(__HYPERVISOR_set_timer_op, 1);
		guest_update_va(victim[0], 0, UVMF_INVLPG);
		hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation,
			   hc_ptr(&res));
		hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap,
			   hc_ptr(&res));
		guest_update_va(victim[0], frame << 12 | 0x67, UVMF_INVLPG);
		if (done % 100000 == 0) {
			guest_printf("hostile: storm %lu\n", done);
		}
	}
}

/* Memory that no entry maps is full of empty tables: pin them all as roots, of
 * which each costs the hypervisor a page under XPTI. */
static void pin_roots(void)
{
	const uint64_t *p2m = (const uint64_t *)start_info->mfn_list;
	uint64_t pfn, pinned = 0;

	for (pfn = start_info->nr_pages; pfn-- > 0;) {
		pinned += guest_mmuext(MMUEXT_PIN_L4_TABLE, p2m[pfn]) == 0;
	}
	guest_printf("hostile: %lu of %lu pages are roots\n", pinned,
		     start_info->nr_pages);
	for (;;) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
	}
}

void guest_main(void)
{
	privileged = start_info->flags & SIF_INITDOMAIN;
	seed = guest_option("seed");
	calls = guest_option("calls");
	state = (seed + 1) * 0x9e3779b97f4a7c15;
	guest_map_shared();
	trap_hook = own_trap;
	event_hook = on_event;
	if (guest_option("roots")) {
		pin_roots();
	}
	if (guest_option("storm")) {
		storm();
	}
	for (done = 0; done < calls; done++) {
		switch (pick(4)) {
		case 0:
			table_game();
			break;
		case 1:
			forbidden_instruction();
			break;
		default:
			random_call();
		}
		if (done % 50000 == 0) {
			guest_printf("hostile: seed %lu call %lu\n", seed,
				     done);
		}
	}
	VERDICT("all-calls-made", done == calls, "made %lu", done);
}

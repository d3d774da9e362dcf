/*
 * storm: a guest kernel that does one kind of thing as fast as it can, or
 * several in turn, for ever: its neighbours must keep their share.
 *
 * Its command line says which by name (the table at the end) or "all", and
 * rounds=N if it is to end.
 *
 * cmdline: all rounds=300
 */
#include "guest.h"

#include <xen/grant_table.h>

const char guest_subject[] = "storm";

#define BURST	20 /* of what is cheap, in a round */
#define NAP_NS	4000
#define DATA	0x00cff3000000ffffUL /* a flat data segment */

void failsafe_stub(void); /* lib/start.S */

static uint64_t page[512] __attribute__((aligned(4096)));
static uint64_t target[512] __attribute__((aligned(4096)));
static uint64_t table[512] __attribute__((aligned(4096)));
static uint64_t gdt[512] __attribute__((aligned(4096)));
static uint32_t own_port;

static void calls(void)
{
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
		hypercall5(40 + i, i, i, i, i, i); /* some are none */
	}
}

/* Arguments where nothing is, the hypervisor is, or no address can be. */
static void malformed(void)
{
	static const uint64_t bad[] = {
		0, 0xffff830000000000, 0xffff820000000ff8, 0x0000800000000000,
		0x7ffffffffffc, 0xfffffffffffffff8, 0x8000000000000000,
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hypercall5(__HYPERVISOR_mmu_update, bad[i], ~0u, bad[i],
			   DOMID_SELF, 0);
		hypercall5(__HYPERVISOR_mmuext_op, bad[i], 0x7fffffff, 0,
			   DOMID_SELF, 0);
		hypercall2(__HYPERVISOR_multicall, bad[i], ~0u);
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, bad[i],
			   ~0u);
		hypercall2(__HYPERVISOR_memory_op,
			   XENMEM_populate_physmap | ~0u << 6, bad[i]);
		hypercall2(__HYPERVISOR_update_descriptor, bad[i], DATA);
		hypercall2(__HYPERVISOR_set_gdt, bad[i], 8192);
	}
}

/* A table becomes one and none again, everybody's TLB is flushed. */
static void tables(void)
{
	guest_mmuext(MMUEXT_PIN_L1_TABLE, va_mfn(table));
	guest_mmuext(MMUEXT_TLB_FLUSH_ALL, 0);
	guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(table));
	guest_mmuext(MMUEXT_PIN_L4_TABLE, va_mfn(table));
	guest_mmuext(MMUEXT_NEW_USER_BASEPTR, 0);
	guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(table));
}

/* Entries by hypercall, and by writes that the hypervisor has to emulate. */
static void entries(void)
{
	uint64_t *e = pt_entry(page, 1), old = READ(*e);
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		guest_update_va(page, 0, UVMF_INVLPG | UVMF_ALL);
		guest_mmu_update(pt_entry_ma(page, 1), old);
		TRY("movq %1, %0", : "=m"(*e) : "r"(0ul) : "memory");
		TRY("movq %1, %0", : "=m"(*e) : "r"(old) : "memory");
		guest_mmu_update(pt_entry_ma(page, 1), ~0ul);
	}
}

/* Gives a frame back and takes one; asks for more than there is. */
static void memory(void)
{
	uint64_t mfn = va_mfn(page), more[8] = { 0 };
	struct xen_memory_reservation res = {
		.nr_extents = 1,
		.domid = DOMID_SELF,
	};

	set_xen_guest_handle(res.extent_start, &mfn);
	guest_update_va(page, 0, UVMF_INVLPG);
	if (hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation,
		       hc_ptr(&res)) == 1) {
		mfn = va_pfn(page);
		if (hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap,
			       hc_ptr(&res)) == 1) {
			guest_p2m()[va_pfn(page)] = mfn;
		}
	}
	guest_make_writable(page);
	for (res.extent_order = 0; res.extent_order < 12; res.extent_order++) {
		res.nr_extents = 8;
		set_xen_guest_handle(res.extent_start, more);
		hypercall2(__HYPERVISOR_memory_op, XENMEM_increase_reservation,
			   hc_ptr(&res));
	}
}

/* Copies between its own pages, and maps what nobody granted. */
static void grants(void)
{
	struct gnttab_copy copy[BURST] = { 0 };
	struct gnttab_map_grant_ref map = {
		.host_addr = (uint64_t)target,
		.flags = GNTMAP_host_map,
	};
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		copy[i].source.u.gmfn = va_mfn(page);
		copy[i].source.domid = DOMID_SELF;
		copy[i].dest.u.gmfn = va_mfn(target);
		copy[i].dest.domid = DOMID_SELF;
		copy[i].len = PAGE_SIZE;
	}
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, hc_ptr(copy),
		   BURST);
	for (map.ref = 0; map.ref < 64; map.ref++) {
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
			   hc_ptr(&map), 1);
	}
}

static void descriptors(void)
{
	unsigned long frame = va_mfn(gdt);
	unsigned int i;

	guest_make_readonly(gdt);
	hypercall2(__HYPERVISOR_set_gdt, hc_ptr(&frame), 512);
	for (i = 1; i <= BURST; i++) {
		hypercall2(__HYPERVISOR_update_descriptor,
			   (va_mfn(gdt) << 12) + 8 * i, DATA);
		hypercall2(__HYPERVISOR_update_descriptor,
			   (va_mfn(gdt) << 12) + 8 * i, 0x0000ec00e0080000);
		TRY("mov %w0, %%ds", ::"r"(8 * i | 3) : "memory");
		TRY("mov %w0, %%fs", ::"r"(0xfff8u) : "memory");
	}
	hypercall2(__HYPERVISOR_set_gdt, hc_ptr(&frame), 0);
	guest_make_writable(gdt);
}

static void exceptions(void)
{
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		TRY("ud2", ::: "memory");
		TRY("int3", ::: "memory");
		TRY("int $0x81", ::: "memory");
		TRY("movb (%0), %%al", ::"r"(0ul) : "rax", "memory");
		TRY("movb (%0), %%al", ::"r"(0x0000800000000000) : "rax",
		    "memory");
		TRY("movb (%0), %%al", ::"r"(0xffff830000000000) : "rax",
		    "memory");
		TRY("divl %0", ::"r"(0), "a"(1), "d"(0) : "memory");
	}
}

/* What is emulated, or refused. */
static void privileged(void)
{
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		TRY("cpuid", ::"a"(i), "c"(0) : "rbx", "rdx", "memory");
		TRY("rdmsr", ::"c"(0xc0000080) : "rax", "rdx", "memory");
		TRY("wrmsr", ::"c"(0x1b + i), "a"(0), "d"(0) : "memory");
		TRY("outb %%al, %%dx", ::"a"(0), "d"(0x80) : "memory");
		TRY("mov %%cr3, %0", : "=r"(target[0])::"memory");
		TRY("lgdt (%0)", ::"r"(gdt) : "memory");
		TRY("hlt", ::: "memory");
	}
}

/* Timers that have expired already, and events to itself. */
static void interrupts(void)
{
	struct evtchn_send send = { own_port };
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		hypercall1(__HYPERVISOR_set_timer_op, 1);
		hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_send,
			     &send);
	}
}

/* Asleep for a moment each time, and due when it wakes. */
static void wakeups(void)
{
	struct sched_poll poll = { .nr_ports = 0 };
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		poll.timeout = guest_now() + NAP_NS;
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
	}
}

/* Channels made and closed; doorbells of xenstored and xenconsoled. */
static void channels(void)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF,
		.remote_dom = DOMID_SELF,
	};
	struct evtchn_send send;
	struct evtchn_close close;
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		if (hypercall_op(__HYPERVISOR_event_channel_op,
				 EVTCHNOP_alloc_unbound, &alloc) == 0) {
			close.port = alloc.port;
			hypercall_op(__HYPERVISOR_event_channel_op,
				     EVTCHNOP_close, &close);
		}
		send.port = i;
		hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_send,
			     &send);
	}
}

static const struct {
	const char *name;
	void (*round)(void);
} kinds[] = {
	{ "calls", calls },
	{ "malformed", malformed },
	{ "tables", tables },
	{ "entries", entries },
	{ "memory", memory },
	{ "grants", grants },
	{ "descriptors", descriptors },
	{ "exceptions", exceptions },
	{ "privileged", privileged },
	{ "interrupts", interrupts },
	{ "channels", channels },
	{ "wakeups", wakeups },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool on_event(struct trap_regs *r)
{
	(void)r;
	shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
	shared_info->vcpu_info[0].evtchn_pending_sel = 0;
	shared_info->evtchn_pending[0] = 0;
	return true;
}

/*
 * A selector is loaded when we get the CPU back, its descriptor is gone.
 * Genuine Xen may then bounce the exception it was about as if the callback had
 * raised it: what did raise it is made again after the callback.
 */
static bool on_failsafe(struct trap_regs *r)
{
	return r->vector == TRAP_FAILSAFE ||
	       r->rip == (uint64_t)failsafe_stub;
}

/* The words of the command line: kinds as a mask, and rounds. */
static uint64_t read_options(uint64_t *rounds)
{
	const char *s = (const char *)start_info->cmd_line;
	uint64_t mask = 0;
	size_t n, i;

	for (; *s; s += n + (s[n] == ' ')) {
		for (n = 0; s[n] && s[n] != ' '; n++) {
			if (!strncmp(s, "rounds=", 7) && n >= 7) {
				*rounds = *rounds * 10 + (uint64_t)(s[n] - '0');
			}
		}
		if (n == 3 && !strncmp(s, "all", n)) {
			mask = ~0ul;
		}
		for (i = 0; i < KINDS; i++) {
			if (n == strlen(kinds[i].name) &&
			    !strncmp(s, kinds[i].name, n)) {
				mask |= 1ul << i;
			}
		}
	}
	return mask;
}

static void prepare(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };

	guest_equal("shared-info", 0, (uint64_t)guest_map_shared());
	event_hook = on_event;
	trap_hook = on_failsafe;
	if (hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi,
			 &ipi) == 0) {
		own_port = ipi.port;
		shared_info->evtchn_mask[0] &= ~(1ul << ipi.port);
	}
	shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
	guest_equal("table-read-only", 0, (uint64_t)guest_make_readonly(table));
}

void guest_main(void)
{
	uint64_t rounds = 0, n, mask = read_options(&rounds);
	unsigned int i;

	prepare();
	for (n = 0; !rounds || n < rounds; n++) {
		for (i = 0; i < KINDS; i++) {
			if (mask >> i & 1) {
				kinds[i].round();
			}
		}
		if (n == 0) {
			guest_printf("STORM\n");
		}
	}
	VERDICT("all-rounds-made", true, "made %lu", n);
}

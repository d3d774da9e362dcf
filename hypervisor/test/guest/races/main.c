/*
 * races: all vCPUs of one guest do the same few things to the same few pages,
 * grants, ports and to each other, at once and without any order.
 *
 * What a lock or a reference in the hypervisor fails to keep apart shows as
 * a panic, as a wait that does not end, or in the audit of all reference
 * counts that the last lines ask for (as dom0; else its toolstack may).
 * No player touches the pages but by hypercalls and guarded writes, so
 * nothing that another one does to them ends this kernel.
 *
 * The last vCPU is taken down and up again by the others; nobody waits for it.
 * Options: rounds=N of each player (default 1000), seed=N.
 *
 * qemu: -smp 4
 * hypervisor: dom0_max_vcpus=4
 * only: serai
 */
#define __XEN_TOOLS__ /* sysctl */
#include "guest.h"

#include <xen/grant_table.h>
#include <xen/sysctl.h>

const char guest_subject[] = "races";

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PLAYERS_MAX   8u
#define PAGES	      8u /* plain ones, and as many page tables to be */
#define REFS	      8u /* grant entries in use */
#define BATCH	      16u
#define FIRST_REF     8u /* those before are the toolstack's */
#define GONE	      (~0ul)
#define SECOND	      1000000000ul

typedef uint8_t page_t[PAGE_SIZE];

struct player {
	uint64_t random;
	uint32_t id;
	uint32_t rounds; /* made so far */
	uint8_t stack[16384] __attribute__((aligned(16)));
};

/* Played with: plain pages, then tables; mapped over, given away, exchanged. */
static page_t pool[2 * PAGES] __attribute__((aligned(4096)));
/* Where grants are mapped. */
static page_t window[PAGES] __attribute__((aligned(4096)));
static grant_entry_v1_t entries[512] __attribute__((aligned(4096)));
static struct player player[PLAYERS_MAX];
static uint32_t players, rounds;
static domid_t self;

static uint64_t pick(struct player *p, uint64_t n)
{
	return (guest_random(&p->random) >> 11) % n;
}

static const void *some_page(struct player *p)
{
	return pool[pick(p, 2 * PAGES)];
}

static const void *some_table(struct player *p)
{
	return pool[PAGES + pick(p, PAGES)];
}

/* Of one of the pages; there may be none just now. */
static uint64_t some_mfn(struct player *p)
{
	return READ(guest_p2m()[va_pfn(some_page(p))]);
}

static uint64_t some_entry(struct player *p)
{
	static const uint16_t flags[] = {0,    0x01, 0x05, 0x25, 0x65,
					 0x63, 0x67, 0x07, 0xe7};

	return some_mfn(p) << 12 | flags[pick(p, ARRAY_SIZE(flags))];
}

/* --- page tables ----------------------------------------------------- */

static void map_something(struct player *p)
{
	static const uint64_t flush[] = {0, UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL,
					 UVMF_TLB_FLUSH | UVMF_ALL};

	guest_update_va(some_page(p), some_entry(p), flush[pick(p, 4)]);
}

/* Read-only or writable where it belongs: what makes a table possible. */
static void map_itself(struct player *p)
{
	const void *va = some_page(p);

	guest_update_va(va, guest_pte(va, pick(p, 2) ? 0x65 : 0x67),
			UVMF_INVLPG | UVMF_ALL);
}

static void pin(struct player *p)
{
	guest_mmuext(MMUEXT_PIN_L1_TABLE + (unsigned int)pick(p, 4),
		     va_mfn(some_table(p)));
}

static void unpin(struct player *p)
{
	guest_mmuext(MMUEXT_UNPIN_TABLE, va_mfn(some_table(p)));
}

static void update_entries(struct player *p)
{
	struct mmu_update u[BATCH];
	uint64_t n = 1 + pick(p, BATCH), i;

	for (i = 0; i < n; i++) {
		u[i].ptr = va_mfn(some_table(p)) << 12 | pick(p, 512) << 3 |
			   (pick(p, 4) ? MMU_NORMAL_PT_UPDATE
				       : MMU_PT_UPDATE_PRESERVE_AD);
		u[i].val = some_entry(p);
	}
	hypercall5(__HYPERVISOR_mmu_update, hc_ptr(u), n, 0, DOMID_SELF, 0);
}

static void write_entry(struct player *p)
{
	uint64_t *entry = (uint64_t *)some_table(p) + pick(p, 512);
	uint64_t val = some_entry(p), old = 0;

	if (pick(p, 2)) {
		TRY("movq %1, %0", : "=m"(*entry) : "r"(val) : "memory");
	} else {
		TRY("lock cmpxchgq %2, %1",
		    : "+a"(old), "+m"(*entry)
		    : "r"(val)
		    : "memory");
	}
}

static void use_root(struct player *p)
{
	if (pick(p, 2)) {
		guest_mmuext(MMUEXT_NEW_USER_BASEPTR,
			     pick(p, 4) ? va_mfn(some_table(p)) : 0);
	} else {
		guest_mmuext(MMUEXT_NEW_BASEPTR,
			     va_mfn((void *)start_info->pt_base));
	}
}

static void flush(struct player *p)
{
	static const unsigned int cmds[] = {
		MMUEXT_TLB_FLUSH_LOCAL,
		MMUEXT_TLB_FLUSH_ALL,
		MMUEXT_INVLPG_LOCAL,
		MMUEXT_INVLPG_ALL,
	};

	guest_mmuext(cmds[pick(p, ARRAY_SIZE(cmds))], hc_ptr(some_page(p)));
}

static void clear_or_copy(struct player *p)
{
	struct mmuext_op op = {.cmd = pick(p, 2) ? MMUEXT_CLEAR_PAGE
						 : MMUEXT_COPY_PAGE};

	op.arg1.mfn = some_mfn(p);
	op.arg2.src_mfn = some_mfn(p);
	hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(&op), 1, 0, DOMID_SELF, 0);
}

static void descriptors(struct player *p)
{
	unsigned long frames[2] = {some_mfn(p), some_mfn(p)};
	struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};

	switch (pick(p, 4)) {
	case 0:
		hypercall2(__HYPERVISOR_set_gdt, hc_ptr(frames),
			   pick(p, 2) * 512);
		break;
	case 1:
		op.arg1.linear_addr = hc_ptr(some_page(p));
		op.arg2.nr_ents = (unsigned int)pick(p, 2) * 64;
		hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(&op), 1, 0,
			   DOMID_SELF, 0);
		/* An entry of the LDT, so that its page is taken up. */
		TRY("mov %w0, %%fs", ::"r"(0x0fu) : "memory");
		TRY("mov %w0, %%fs", ::"r"(0u) : "memory");
		break;
	default:
		hypercall2(__HYPERVISOR_update_descriptor,
			   some_mfn(p) << 12 | pick(p, 512) << 3,
			   pick(p, 2) ? 0 : 0x00cff3000000ffff);
	}
}

/* --- memory ----------------------------------------------------- */

static long reservation(unsigned int cmd, uint64_t *frame)
{
	struct xen_memory_reservation r = {.nr_extents = 1,
					   .domid = DOMID_SELF};

	set_xen_guest_handle(r.extent_start, frame);
	return hypercall2(__HYPERVISOR_memory_op, cmd, hc_ptr(&r));
}

static void exchange(uint64_t *frame)
{
	uint64_t in = *frame;
	struct xen_memory_exchange x = {
		.in = {.nr_extents = 1, .domid = DOMID_SELF},
		.out = {.nr_extents = 1, .domid = DOMID_SELF},
	};

	set_xen_guest_handle(x.in.extent_start, &in);
	set_xen_guest_handle(x.out.extent_start, frame);
	hypercall2(__HYPERVISOR_memory_op, XENMEM_exchange, hc_ptr(&x));
}

/* The p2m entry says who has the page in hand: who finds GONE leaves it. */
static void change_frame(struct player *p)
{
	uint64_t pfn = va_pfn(some_page(p)), frame;
	uint64_t *at = &guest_p2m()[pfn];
	unsigned int tries;

	frame = __atomic_exchange_n(at, GONE, __ATOMIC_SEQ_CST);
	if (frame == GONE) {
		return;
	}
	if (pick(p, 2)) {
		exchange(&frame);
	} else if (reservation(XENMEM_decrease_reservation, &frame) == 1) {
		/* Until its last mapping goes the old one counts as well. */
		for (tries = 0; tries < 100; tries++) {
			frame = pfn;
			if (reservation(XENMEM_populate_physmap, &frame) == 1) {
				break;
			}
			frame = GONE;
			guest_update_va(some_page(p), 0, UVMF_INVLPG);
		}
	}
	/* GONE for good, if so: then there is one page less to play with. */
	__atomic_store_n(at, frame, __ATOMIC_SEQ_CST);
}

/* --- grants ----------------------------------------------------- */

static uint32_t some_ref(struct player *p)
{
	return FIRST_REF + (uint32_t)pick(p, REFS);
}

static void grant(struct player *p)
{
	grant_entry_v1_t *e = &entries[some_ref(p)];

	e->domid = self;
	e->frame = (uint32_t)some_mfn(p);
	__atomic_store_n(
		&e->flags,
		pick(p, 4) ? GTF_permit_access | pick(p, 2) * GTF_readonly : 0,
		__ATOMIC_SEQ_CST);
}

static void gnttab_op(unsigned int cmd, void *arg)
{
	hypercall3(__HYPERVISOR_grant_table_op, cmd, hc_ptr(arg), 1);
}

static uint64_t some_window(struct player *p)
{
	return hc_ptr(window[pick(p, PAGES)]);
}

static void grant_map(struct player *p)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = some_window(p),
		.flags = GNTMAP_host_map |
			 (uint32_t)pick(p, 2) * GNTMAP_readonly |
			 (uint32_t)pick(p, 2) * GNTMAP_device_map,
		.ref = some_ref(p),
		.dom = self,
	};

	gnttab_op(GNTTABOP_map_grant_ref, &m);
}

static void grant_unmap(struct player *p)
{
	struct gnttab_unmap_grant_ref u = {
		.host_addr = some_window(p),
		.handle = (uint32_t)pick(p, 2 * PAGES),
	};
	struct gnttab_unmap_and_replace r = {
		.host_addr = some_window(p),
		.new_addr = some_window(p),
		.handle = u.handle,
	};

	if (pick(p, 4)) {
		gnttab_op(GNTTABOP_unmap_grant_ref, &u);
	} else {
		gnttab_op(GNTTABOP_unmap_and_replace, &r);
	}
}

static void grant_copy(struct player *p)
{
	struct gnttab_copy c = {
		.len = 64,
		.flags = GNTCOPY_source_gref,
		.source.u.ref = some_ref(p),
		.source.domid = self,
		.dest.u.gmfn = some_mfn(p),
		.dest.domid = DOMID_SELF,
	};

	gnttab_op(GNTTABOP_copy, &c);
}

/* --- events and vCPUs ----------------------------------------------------- */

static void events(struct player *p)
{
	/* Not the ports that it had from the start. */
	evtchn_port_t port = 8 + (evtchn_port_t)pick(p, 16);
	union {
		struct evtchn_alloc_unbound unbound;
		struct evtchn_bind_interdomain both;
		struct evtchn_bind_ipi ipi;
		struct evtchn_bind_virq virq;
		struct evtchn_bind_vcpu vcpu;
		struct evtchn_close close;
		struct evtchn_send send;
	} u = {.unbound = {0}};
	unsigned int cmd;

	switch (pick(p, 8)) {
	case 0:
		cmd = EVTCHNOP_alloc_unbound;
		u.unbound.dom = DOMID_SELF;
		u.unbound.remote_dom = DOMID_SELF;
		break;
	case 1:
		cmd = EVTCHNOP_bind_interdomain;
		u.both.remote_dom = DOMID_SELF;
		u.both.remote_port = port;
		break;
	case 2:
		cmd = EVTCHNOP_bind_ipi;
		u.ipi.vcpu = (uint32_t)pick(p, players);
		break;
	case 3:
		cmd = EVTCHNOP_bind_virq;
		u.virq.virq = VIRQ_TIMER;
		u.virq.vcpu = (uint32_t)pick(p, players);
		break;
	case 4:
		cmd = EVTCHNOP_bind_vcpu;
		u.vcpu.port = port;
		u.vcpu.vcpu = (uint32_t)pick(p, players);
		break;
	case 5:
		cmd = EVTCHNOP_close;
		u.close.port = port;
		break;
	default:
		cmd = EVTCHNOP_send;
		u.send.port = port;
	}
	hypercall_op(__HYPERVISOR_event_channel_op, cmd, &u);
}

static void play(struct player *p);

static void fill_context(struct vcpu_guest_context *c, struct player *p)
{
	guest_vcpu_context(c, play, p, p->stack + sizeof(p->stack));
}

static void other_vcpu(struct player *p)
{
	static struct vcpu_guest_context context;
	unsigned int last = players - 1;
	struct vcpu_register_runstate_memory_area area = {
		.addr.p = hc_ptr(some_page(p)) + pick(p, PAGE_SIZE),
	};
	struct vcpu_set_singleshot_timer shot = {.timeout_abs_ns = 1};
	struct vcpu_runstate_info state;

	switch (pick(p, 6)) {
	case 0:
		/* Two may write it at once: it is the same for both. */
		fill_context(&context, &player[last]);
		hypercall_vcpu(VCPUOP_initialise, last, &context);
		break;
	case 1:
		hypercall_vcpu(VCPUOP_up, last, NULL);
		break;
	case 2:
		hypercall_vcpu(VCPUOP_down, last, NULL);
		break;
	case 3:
		hypercall_vcpu(VCPUOP_register_runstate_memory_area,
			       (unsigned int)pick(p, players), &area);
		break;
	case 4:
		hypercall_vcpu(VCPUOP_set_singleshot_timer, p->id, &shot);
		break;
	default:
		hypercall_vcpu(VCPUOP_get_runstate_info,
			       (unsigned int)pick(p, players), &state);
	}
}

/* --- the game ----------------------------------------------------- */

static void (*const move[])(struct player *) = {
	map_something,	map_something, map_itself,
	map_itself,	pin,	       pin,
	unpin,		unpin,	       update_entries,
	update_entries, write_entry,   write_entry,
	use_root,	flush,	       clear_or_copy,
	descriptors,	change_frame,  change_frame,
	grant,		grant,	       grant_map,
	grant_map,	grant_unmap,   grant_unmap,
	grant_copy,	events,	       events,
	other_vcpu,
};

static void make_move(struct player *p)
{
	move[pick(p, ARRAY_SIZE(move))](p);
	__atomic_store_n(&p->rounds, p->rounds + 1, __ATOMIC_SEQ_CST);
}

/* A vCPU starts here, its player in rdi; it may be taken down and up. */
static void play(struct player *p)
{
	while (p->rounds < rounds || p->id == players - 1) {
		make_move(p);
	}
	for (;;) {
		hypercall_vcpu(VCPUOP_down, p->id, NULL);
	}
}

/* All but the last have made all rounds; those that make none are stuck. */
static bool all_over(void)
{
	uint32_t i;

	for (i = 1; i < players - 1; i++) {
		if (READ(player[i].rounds) < rounds ||
		    hypercall_vcpu(VCPUOP_is_up, i, NULL) == 1) {
			return false;
		}
	}
	return true;
}

static bool set_up(void)
{
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
	struct evtchn_alloc_unbound port = {.dom = DOMID_SELF,
					    .remote_dom = DOMID_SELF};
	struct evtchn_status status = {.dom = DOMID_SELF};
	xen_pfn_t frame = 0;

	/* Who we are, a port of our own says. */
	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
		     &port);
	status.port = port.port;
	hypercall_op(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status);
	self = status.u.unbound.dom;
	set_xen_guest_handle(setup.frame_list, &frame);
	gnttab_op(GNTTABOP_setup_table, &setup);
	return setup.status == GNTST_okay &&
	       guest_update_va(entries, frame << 12 | 0x67, UVMF_INVLPG) == 0;
}

/* Players that are there: the vCPUs of this guest. */
static void start_players(void)
{
	static struct vcpu_guest_context context;
	uint32_t i;

	while (players < PLAYERS_MAX &&
	       hypercall_vcpu(VCPUOP_is_up, players, NULL) >= 0) {
		players++;
	}
	for (i = 0; i < players; i++) {
		player[i].id = i;
		player[i].random = (guest_option("seed") + 1) * (i + 1) *
				   0x9e3779b97f4a7c15;
	}
	for (i = 1; i + 1 < players; i++) {
		fill_context(&context, &player[i]);
		hypercall_vcpu(VCPUOP_initialise, i, &context);
		hypercall_vcpu(VCPUOP_up, i, NULL);
	}
}

/* As dom0: the hypervisor stops the machine if a count is wrong. */
static void audit(void)
{
	static char key = 'A';
	struct xen_sysctl s = {
		.cmd = XEN_SYSCTL_debug_keys,
		.interface_version = XEN_SYSCTL_INTERFACE_VERSION,
	};

	set_xen_guest_handle(s.u.debug_keys.keys, &key);
	s.u.debug_keys.nr_keys = 1;
	guest_equal("books", 0,
		    (uint64_t)hypercall1(__HYPERVISOR_sysctl, hc_ptr(&s)));
}

void guest_main(void)
{
	uint64_t start;
	unsigned int last;

	rounds = (uint32_t)guest_option("rounds");
	rounds = rounds ? rounds : 1000;
	guest_map_shared();
	VERDICT("set-up", set_up(), "no grant table");
	start_players();
	VERDICT("players", players >= 3, "only %u vCPUs", players);
	while (player[0].rounds < rounds) {
		make_move(&player[0]);
	}
	start = guest_now();
	while (!all_over() && guest_now() - start < 200 * SECOND) {
		hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
	VERDICT("all-come-through", all_over(), "rounds %u %u of %u",
		player[1].rounds, player[2].rounds, rounds);
	last = players - 1;
	hypercall_vcpu(VCPUOP_down, last, NULL);
	if (start_info->flags & SIF_INITDOMAIN) {
		audit();
	}
	guest_printf("races: the last one made %u\n", player[last].rounds);
}

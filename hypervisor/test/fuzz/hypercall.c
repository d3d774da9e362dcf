/*
 * hypercall.c - fuzz target: bytes as hypercalls of dom0 and two guests.
 *
 * Each call: who, which, arguments from small sets that collide (ids, ports,
 * references, frames, guest addresses), whether an allocation, a guest copy
 * or a yield strikes.  After each one every module counts its books; at the
 * end all domains are destroyed and all memory must be back.
 */
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/gnttab.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "core/sched.h"
#include "hypercall/hc.h"
#include "include/log.h"
#include "include/upcall.h"
#include "test/fake/fake.h"
#include "test/unit/mm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/physdev.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOMAINS 3
#define FRAMES	12 /* of each, that arguments name */
#define CALLS	120
#define ARG	0x1000 /* where the argument structure lies */

static struct {
	const uint8_t *p;
	size_t n;
} input;

static mfn_t pool[DOMAINS][FRAMES];

void test_fail(const char *file, int line, const char *fmt, ...)
{
	fprintf(stderr, "PANIC: %s:%d: %s\n", file, line, fmt);
	abort();
}

static uint8_t byte(void)
{
	if (!input.n) {
		return 0;
	}
	input.n--;
	return *input.p++;
}

static mfn_t any_frame(void)
{
	uint8_t x = byte();

	return x >= 0xf8 ? MFN(x << 20) :
			   pool[x % DOMAINS][(x / DOMAINS) % FRAMES];
}

/* One 64-bit word of an argument. */
static uint64_t word(void)
{
	uint8_t kind = byte(), x = byte();

	switch (kind % 12) {
	case 0:
	case 1:
		return x;
	case 2:
	case 3: /* two small halves: ids, ports, references */
		return (uint64_t)(x & 15) << 32 | x >> 4;
	case 4:
	case 5:
		return fake_gva(0x4000u + x * 64u).v;
	case 6:
	case 7:
		return any_frame().v;
	case 8:
		return any_frame().v << PAGE_SHIFT | (x & 0xf8);
	case 9: /* a low virtual address: the test's page tables */
		return (uint64_t)(x & 63) << PAGE_SHIFT;
	case 10:
		return (uint64_t)DOMID_SELF << (x & 48) | (x & 7);
	default:
		return x & 1 ? ~0ULL : 1ULL << (x & 63);
	}
}

static void fill_area(uint32_t offset, unsigned int words)
{
	uint64_t *to = fake_guest(offset);

	while (words--) {
		*to++ = word();
	}
}

/* domctl and sysctl: the right version, a known command, an existing id. */
static void fill_ctl(uint32_t version)
{
	struct xen_domctl *op = fake_guest(ARG);

	op->cmd = byte() % 90;
	op->interface_version = version;
	if (version == XEN_DOMCTL_INTERFACE_VERSION) {
		op->domain = byte() % 5;
	}
}

static struct vcpu *running_vcpu(domid_t id)
{
	struct domain *d = domain_get_by_id(id);
	struct vcpu *v;

	if (!d) {
		return NULL;
	}
	v = d->vcpu[0];
	if (!d->is_dying && !d->is_shut_down) {
		domain_unpause_by_controller(d);
		vcpu_up(v);
		vcpu_wake(v);
		vcpu_flags_clear(v, VPF_BLOCKED);
		sched_wake(v);
		fake_settle();
	}
	if (!v->running) {
		v = NULL;
	}
	domain_put(d);
	return v;
}

/* These would stop the fake machine, or keep a page of dom0, which never ends,
 * for ever. */
static bool stops_machine(const struct vcpu *v, unsigned int nr, uint64_t a0)
{
	return nr == __HYPERVISOR_platform_op ||
	       (nr == __HYPERVISOR_sched_op && v->domain->privileged &&
		a0 >= SCHEDOP_shutdown && a0 != SCHEDOP_poll) ||
	       (nr == __HYPERVISOR_physdev_op &&
		(a0 == PHYSDEVOP_pirq_eoi_gmfn_v1 ||
		 a0 == PHYSDEVOP_pirq_eoi_gmfn_v2)) ||
	       (nr == __HYPERVISOR_sysctl &&
		((struct xen_sysctl *)fake_guest(ARG))->cmd ==
			XEN_SYSCTL_debug_keys);
}

static void one_call(void)
{
	static const uint8_t numbers[] = {
		__HYPERVISOR_event_channel_op, __HYPERVISOR_grant_table_op,
		__HYPERVISOR_vcpu_op, __HYPERVISOR_sched_op,
		__HYPERVISOR_domctl, __HYPERVISOR_domctl, __HYPERVISOR_sysctl,
		__HYPERVISOR_multicall, __HYPERVISOR_callback_op,
		__HYPERVISOR_set_gdt, __HYPERVISOR_update_descriptor,
		__HYPERVISOR_xen_version, __HYPERVISOR_console_io,
		__HYPERVISOR_set_trap_table, __HYPERVISOR_set_debugreg,
		__HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op,
		__HYPERVISOR_memory_op, __HYPERVISOR_physdev_op,
		__HYPERVISOR_set_timer_op, __HYPERVISOR_vm_assist,
	};
	unsigned int nr = numbers[byte() % sizeof(numbers)], n;
	struct vcpu *v = running_vcpu(byte() % DOMAINS);
	uint64_t arg[4];
	uint8_t trouble = byte();

	arg[0] = byte() % 36;
	arg[1] = fake_gva(ARG).v;
	arg[2] = 1 + byte() % 4;
	arg[3] = word();
	fill_area(ARG, 20);
	fill_area(0x4000, 8);
	if (nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl) {
		arg[0] = arg[1];
		fill_ctl(nr == __HYPERVISOR_domctl ?
				 XEN_DOMCTL_INTERFACE_VERSION :
				 XEN_SYSCTL_INTERFACE_VERSION);
	} else if (nr == __HYPERVISOR_vcpu_op) {
		arg[2] = arg[1];
		arg[1] = byte() % 3;
	} else if (nr == __HYPERVISOR_set_debugreg ||
		   nr == __HYPERVISOR_update_descriptor) {
		arg[0] = word();
		arg[1] = word();
	} else if (arg[0] > 32) {
		arg[0] = arg[1];
		arg[1] = byte() % 5;
		arg[2] = fake_gva(0x8000).v;
	}
	if (!v || stops_machine(v, nr, arg[0])) {
		return;
	}
	switch (trouble >> 6) {
	case 1:
		fake_fail_alloc_at(trouble & 15);
		break;
	case 2:
		fake_fault_at(trouble & 15);
		break;
	case 3:
		fake_yield_at(trouble & 31);
		break;
	default:
		break;
	}
	fake_cpu = v->cpu;
	for (n = 0; n < 10000; n++) {
		v->regs.rip = 2;
		v->regs.rax = nr;
		if (n == 0) {
			v->regs.rdi = arg[0];
			v->regs.rsi = arg[1];
			v->regs.rdx = arg[2];
			v->regs.r10 = arg[3];
		}
		upcall_hypercall(v, port_vcpu_regs(v));
		if (v->regs.rip == 2) {
			break;
		}
	}
	if (n == 10000) {
		port_panic("hypercall %u does not end", nr);
	}
	fake_fail_alloc_at(-1);
	fake_fault_at(-1);
	fake_yield_at(-1);
}

static void audit(void)
{
	struct domain *d;
	unsigned int id = 0;

	while ((d = domain_get_next(id)) != NULL) {
		id = d->id + 1u;
		if (!d->is_dying) {
			domain_audit(d);
			gnttab_audit(d);
			ptype_audit(d);
		}
		domain_put(d);
	}
	sched_audit();
}

static void make_domain(domid_t id)
{
	struct xen_domctl_createdomain cfg = {
		.max_vcpus = 2,
		.max_evtchn_port = 200,
		.max_grant_frames = 2,
		.max_maptrack_frames = 2,
	};
	struct mm_space space;
	struct domain *d;
	unsigned int i;

	if (domain_create(id, &cfg, id == 0, &d) || vcpu_create(d, 0) ||
	    vcpu_create(d, 1)) {
		abort();
	}
	d->max_pages = 64;
	mm_space_build(d, &space);
	pool[id][0] = space.l1;
	pool[id][1] = space.l2;
	pool[id][2] = space.l4;
	for (i = 3; i < FRAMES; i++) {
		pool[id][i] = mm_frame(d);
		memset(frame_ptr(pool[id][i]), 0, PAGE_SIZE);
		*mm_entry(space.l1, i) = pte(pool[id][i], RW);
	}
	spin_lock(&d->mmu_lock);
	if (ptype_get_frame(space.l4, FT_L4, d)) {
		abort();
	}
	spin_unlock(&d->mmu_lock);
	d->vcpu[0]->pv.cr3 = space.l4;
	d->vcpu[0]->initialised = true;
	gnttab_grow(d, 1);
	vcpu_up(d->vcpu[0]);
	domain_unpause_by_controller(d);
	fake_settle();
}

static void destroy_all(void)
{
	struct domain *d;
	unsigned int id = 0, rounds = 0;

	while ((d = domain_get_next(id)) != NULL) {
		domain_pause_nosync(d);
		id = d->id + 1u;
		domain_put(d);
	}
	fake_settle();
	fake_cpu = FAKE_CPUS - 1;
	id = 1; /* dom0 last: it hears of the others' end */
	while ((d = domain_get_next(id)) || (d = domain_get_by_id(0))) {
		id = d->id + 1u;
		while (domain_kill(d) == -ERESTART) {
		}
		if (rounds++ > 1000) {
			port_panic("domain %u is kept by %u references, "
				   "%u frames", d->id, d->refs - 1,
				   d->tot_pages);
		}
		domain_put(d);
	}
	domain_dom0 = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t free_before;
	long objects;
	unsigned int i;

	input.p = data;
	input.n = size;
	fake_reset();
	free_before = heap_free_frames();
	objects = fake_objects_out();
	for (i = 0; i < DOMAINS; i++) {
		make_domain((domid_t)i);
	}
	for (i = 0; i < CALLS && input.n; i++) {
		one_call();
		fake_advance(1000);
		audit();
	}
	destroy_all();
	if (domain_get_next(0)) {
		port_panic("a domain is left");
	}
	if (heap_free_frames() != free_before ||
	    fake_objects_out() != objects) {
		port_panic("memory is lost: %lld frames, %ld objects",
			   (long long)(free_before - heap_free_frames()),
			   fake_objects_out() - objects);
	}
	return 0;
}

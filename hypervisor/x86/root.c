/* root.c - see root.h. */
#include "x86/root.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/heap.h"
#include "core/tlbclock.h"
#include "include/compiler.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/arch.h"
#include "x86/cpu.h"
#include "x86/current.h"
#include "x86/desc.h"
#include "x86/insn.h"
#include "x86/pte.h"
#include "x86/vmap.h"

#define COMPANIONS_MIN 32u /* of a domain, however small */
#define PAGES_PER_ROOT 16u

static uint64_t hw_root(mfn_t m)
{
	uint64_t frame = m.v;

	if (frame && cpu_xpti) {
		frame = frame_of(m)->companion;
	}
	return frame << PAGE_SHIFT;
}

void root_changed(struct vcpu *v)
{
	v->hw_kernel_root = hw_root(v->pv.cr3);
	v->hw_user_root = hw_root(v->pv.user_cr3);
}

void root_load(struct pcpu *p, struct vcpu *v)
{
	uint64_t cr3 = v->mode & VF_KERNEL ? v->hw_kernel_root
					   : v->hw_user_root;

	if (cpu_xpti) {
		struct entry_cpu *e = entry_cpu_of(p->cpu);

		e->guest_cr3 = cr3;
		cr3 = v->pv.cr3.v << PAGE_SHIFT;
		e->hv_cr3 = cr3;
	}
	/*
	 * Also when it is loaded already: the callers told the TLB clock, and
	 * what the hypervisor copies next must not go through a translation
	 * of a page that has changed hands on the strength of that.
	 */
	write_cr3(cr3);
}

mfn_t root_borrow(mfn_t root)
{
	uint64_t cr3 = root.v << PAGE_SHIFT, before = read_cr3();

	if (before != cr3) {
		write_cr3(cr3);
	}
	return MFN(before >> PAGE_SHIFT);
}

void root_load_idle(struct pcpu *p)
{
	write_cr3(hv_root);
	tlbclock_cpu_idle();
	if (cpu_xpti) {
		entry_cpu_of(p->cpu)->hv_cr3 = hv_root;
	}
}

static uint64_t perdomain_entry(const struct domain *d)
{
	return virt_to_maddr(d->arch->l3) | MAP_TABLE;
}

static void fill_companion(uint64_t *c, const uint64_t *l4)
{
	const unsigned int above = HOLE_L4_LAST + 1;

	memcpy(c, l4, HOLE_L4_FIRST * sizeof(*c));
	c[SLOT_M2P_RO] = l4[SLOT_M2P_RO];
	c[SLOT_ENTRY] = l4[SLOT_ENTRY];
	c[SLOT_PERDOMAIN] = l4[SLOT_PERDOMAIN];
	memcpy(c + above, l4 + above, (512 - above) * sizeof(*c));
}

/*
 * Companions are the hypervisor's memory, and how many there are is for guests
 * to say. Each domain has a number for sure, which the heap's reserve has room
 * for; more only as long as there is memory to give away, and never more than
 * the smallest of processes need (two roots of 40 pages and more).
 */
static bool may_have_companion(const struct domain *d)
{
	uint32_t n = READ_ONCE(d->arch->companions);

	return n < d->tot_pages / HEAP_RESERVE_SHARE + COMPANIONS_MIN ||
	       (n < d->tot_pages / PAGES_PER_ROOT + COMPANIONS_MIN &&
		heap_free_frames() > 0);
}

int port_root_init(struct domain *d, mfn_t m)
{
	const uint64_t *own = (uint64_t *)(port_directmap + hv_root);
	uint64_t *l4 = frame_ptr(m);
	uint64_t *c;

	memcpy(l4 + HOLE_L4_FIRST, own + HOLE_L4_FIRST,
	       (HOLE_L4_LAST - HOLE_L4_FIRST + 1) * sizeof(*l4));
	l4[SLOT_PERDOMAIN] = perdomain_entry(d);
	if (!cpu_xpti) {
		return 0;
	}
	c = may_have_companion(d) ? heap_alloc_page() : NULL;
	if (!c) {
		return -ENOMEM;
	}
	fill_companion(c, l4);
	frame_of(m)->companion = (uint32_t)ptr_mfn(c).v;
	__atomic_fetch_add(&d->arch->companions, 1, __ATOMIC_RELAXED);
	return 0;
}

void port_root_fini(struct domain *d, mfn_t m)
{
	struct frame *f = frame_of(m);

	if (f->companion) {
		__atomic_fetch_sub(&d->arch->companions, 1, __ATOMIC_RELAXED);
		heap_free_page(frame_ptr(MFN(f->companion)));
		f->companion = 0;
	}
}

void port_root_update(mfn_t m, unsigned int slot, uint64_t val)
{
	uint32_t c = frame_of(m)->companion;

	if (c) {
		WRITE_ONCE(((uint64_t *)frame_ptr(MFN(c)))[slot], val);
	}
}

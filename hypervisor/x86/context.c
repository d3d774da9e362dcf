/*
 * context.c - switching a CPU between vCPUs.
 *
 * There is no hypervisor stack per vCPU: a switch happens only in
 * exit_work(), when nothing but the guest's registers is on the stack, so
 * it is a matter of exchanging those and the CPU state behind them.
 */
#include "x86/context.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "core/tlbclock.h"
#include "core/vcpu.h"
#include "hypercall/walk.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/arch.h"
#include "x86/bounce.h"
#include "x86/cpu.h"
#include "x86/current.h"
#include "x86/desc.h"
#include "x86/insn.h"
#include "x86/pte.h"
#include "x86/root.h"
#include "x86/tlb.h"
#include "x86/spec.h"
#include "x86/uaccess.h"
#include "x86/vmap.h"

#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define GDT_WINDOW_RESERVED 14 /* page of the hypervisor's descriptors */
#define LDT_WINDOW	    32 /* first LDT page of a vCPU's window */

/* Load a selector; false when the CPU refuses it (then it is null). */
#define LOAD_SELECTOR(reg, sel)                                                \
	({                                                                     \
		int bad = 0;                                                   \
		__asm__ volatile("1:\tmovl %k1, %%" #reg "\n"                  \
				 "3:\t"                                        \
				 ".pushsection .text.fixup, \"ax\"\n"          \
				 "2:\txorl %0, %0\n\t"                         \
				 "movl %0, %%" #reg "\n\t"                     \
				 "incl %0\n\t"                                 \
				 "jmp 3b\n\t"                                  \
				 ".popsection\n\t" EXTABLE("1b", "2b")         \
				 : "+r"(bad)                                   \
				 : "r"((uint32_t)(sel)));                      \
		!bad;                                                          \
	})

#define READ_SELECTOR(reg)                                                     \
	({                                                                     \
		uint16_t sel;                                                  \
		__asm__ volatile("movw %%" #reg ", %0" : "=r"(sel));           \
		sel;                                                           \
	})

static void save_segments(struct vcpu *v, struct cpu_user_regs *regs)
{
	uint64_t active = rdmsr(MSR_GS_BASE);
	uint64_t other = rdmsr(MSR_KERNEL_GS_BASE);

	regs->ds = READ_SELECTOR(ds);
	regs->es = READ_SELECTOR(es);
	regs->fs = READ_SELECTOR(fs);
	regs->gs = READ_SELECTOR(gs);
	v->pv.fs_base = rdmsr(MSR_FS_BASE);
	v->pv.gs_base_kernel = v->mode & VF_KERNEL ? active : other;
	v->pv.gs_base_user = v->mode & VF_KERNEL ? other : active;
}

/* False when a selector was refused: the guest's failsafe callback is due. */
static bool load_segments(struct vcpu *v, const struct cpu_user_regs *regs)
{
	bool kernel = v->mode & VF_KERNEL;
	bool ok = true;

	ok &= LOAD_SELECTOR(ds, regs->ds);
	ok &= LOAD_SELECTOR(es, regs->es);
	ok &= LOAD_SELECTOR(fs, regs->fs);
	ok &= LOAD_SELECTOR(gs, regs->gs);
	wrmsr(MSR_FS_BASE, v->pv.fs_base);
	wrmsr(MSR_GS_BASE,
	      kernel ? v->pv.gs_base_kernel : v->pv.gs_base_user);
	wrmsr(MSR_KERNEL_GS_BASE,
	      kernel ? v->pv.gs_base_user : v->pv.gs_base_kernel);
	return ok;
}

static void load_debugregs(const struct vcpu *v)
{
	if (!(v->pv.dr[7] & 0xff)) {
		return;
	}
	__asm__ volatile("mov %0, %%db0" : : "r"(v->pv.dr[0]));
	__asm__ volatile("mov %0, %%db1" : : "r"(v->pv.dr[1]));
	__asm__ volatile("mov %0, %%db2" : : "r"(v->pv.dr[2]));
	__asm__ volatile("mov %0, %%db3" : : "r"(v->pv.dr[3]));
	__asm__ volatile("mov %0, %%db6" : : "r"(v->pv.dr[6]));
	__asm__ volatile("mov %0, %%db7" : : "r"(v->pv.dr[7]));
}

static void save_vcpu(struct pcpu *p, struct vcpu *v)
{
	save_segments(v, &p->regs);
	v->regs = p->regs;
	fpu_save(v);
	if (v->pv.dr[7] & 0xff) {
		__asm__ volatile("mov %0, %%db7" : : "r"(0x400ULL));
	}
}

static void load_ldt(struct vcpu *v)
{
	desc_load_ldt(pcpu()->cpu, vcpu_ldt_va(v->id), v->pv.ldt_entries);
}

static void load_vcpu(struct pcpu *p, struct vcpu *v)
{
	__atomic_fetch_or(&v->domain->running_cpus, 1ULL << p->cpu,
			  __ATOMIC_SEQ_CST);
	p->regs = v->regs;
	tlbclock_cpu_busy();
	root_changed(v);
	root_load(p, v);
	desc_load_gdt(vcpu_gdt_va(v->id));
	load_ldt(v);
	cpu_load_cr4(p, v);
	if (cpu_has_tsc_aux) {
		wrmsr(MSR_TSC_AUX, v->arch->tsc_aux);
	}
	load_debugregs(v);
	fpu_load(v);
	if (!load_segments(v, &p->regs)) {
		pcpu_add_work(p, WORK_FAILSAFE);
	}
}

void context_switch(struct pcpu *p, struct vcpu *next)
{
	struct vcpu *prev = p->current;
	cpumask_t bit = 1ULL << p->cpu;

	if (prev) {
		save_vcpu(p, prev);
		p->current = NULL;
		/*
		 * Leave its root, also for a vCPU of the same domain: once it
		 * may run elsewhere, it can free that root while this CPU
		 * still waits for `next`.
		 */
		desc_load_idle_gdt();
		root_load_idle(p);
		if (!next || next->domain != prev->domain) {
			__atomic_fetch_and(&prev->domain->running_cpus, ~bit,
					   __ATOMIC_SEQ_CST);
		}
		/* From here on another CPU may run it. */
		__atomic_store_n(&prev->running, false, __ATOMIC_RELEASE);
	}
	if (!next) {
		desc_load_ldt(p->cpu, 0, 0);
	} else {
		while (__atomic_load_n(&next->running, __ATOMIC_ACQUIRE)) {
			port_relax();
		}
		next->running = true;
		next->cpu = (uint16_t)p->cpu;
		p->current = next;
		spec_enter_domain(p->cpu, next->domain);
		load_vcpu(p, next);
	}
}

/* --- port.h: state that a hypercall changed ----------------------------- */

void port_vcpu_load_gdt(struct vcpu *v)
{
	uint64_t *pte = v->arch->pte;

	for (unsigned int i = 0; i < PV_GDT_PAGES; i++) {
		mfn_t m = v->pv.gdt_frame[i];
		bool used = i * 512 < v->pv.gdt_entries;

		WRITE_ONCE(pte[i], used ? (m.v << PAGE_SHIFT) | MAP_RW : 0);
		if (current() == v) {
			cpu_invlpg(vcpu_gdt_va(v->id) + i * PAGE_SIZE);
		}
	}
}

/* The LDT's pages are mapped one by one, as the CPU touches them. */
void port_vcpu_load_ldt(struct vcpu *v)
{
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t *e = &v->arch->pte[LDT_WINDOW + i];
		mfn_t m = MFN((*e & PTE_ADDR) >> PAGE_SHIFT);

		if (!(*e & PTE_P)) {
			continue;
		}
		WRITE_ONCE(*e, 0);
		if (current() == v) {
			cpu_invlpg(vcpu_ldt_va(v->id) + i * PAGE_SIZE);
		}
		ptype_put_frame(m, false);
	}
	if (current() == v) {
		load_ldt(v);
	}
}

bool context_ldt_fault(struct vcpu *v, uint64_t va)
{
	uint64_t base = vcpu_ldt_va(v->id);
	unsigned int i = (unsigned int)((va - base) >> PAGE_SHIFT);
	uint64_t *l1e, entry;
	mfn_t m, l1;
	int rc;

	if (va < base || va >= base + v->pv.ldt_entries * 8ULL) {
		return false;
	}
	spin_lock(&v->domain->mmu_lock);
	l1e = walk_l1e(v->pv.cr3, GVA(v->pv.ldt_base + i * PAGE_SIZE), &l1);
	entry = l1e ? READ_ONCE(*l1e) : 0;
	m = MFN((entry & PTE_ADDR) >> PAGE_SHIFT);
	rc = -1;
	if ((entry & PTE_P) && frame_valid(m)) {
		rc = ptype_get_frame(m, FT_SEGDESC, v->domain);
	}
	spin_unlock(&v->domain->mmu_lock);
	if (rc) {
		return false;
	}
	WRITE_ONCE(v->arch->pte[LDT_WINDOW + i], (m.v << PAGE_SHIFT) | MAP_RW);
	return true;
}

void port_vcpu_load_cr3(struct vcpu *v)
{
	root_changed(v);
	if (current() == v) {
		tlbclock_cpu_flushed();
		root_load(pcpu(), v);
	}
}

int port_vcpu_set_segbase(struct vcpu *v, unsigned int which, uint64_t base)
{
	bool kernel = v->mode & VF_KERNEL;

	switch (which) {
	case SEGBASE_FS:
		wrmsr(MSR_FS_BASE, base);
		return 0;
	case SEGBASE_GS_USER:
		wrmsr(kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE, base);
		return 0;
	case SEGBASE_GS_KERNEL:
		wrmsr(kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE, base);
		return 0;
	case SEGBASE_GS_USER_SEL:
		/* Into the inactive GS; a bad selector becomes null. */
		__asm__ volatile("swapgs");
		(void)LOAD_SELECTOR(gs, (uint16_t)base);
		__asm__ volatile("swapgs");
		return 0;
	default:
		return -EINVAL;
	}
}

void port_vcpu_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val)
{
	bool was = v->pv.dr[7] & 0xff;

	v->pv.dr[reg] = val;
	if (current() != v) {
		return;
	}
	if (v->pv.dr[7] & 0xff) {
		load_debugregs(v);
	} else if (was) {
		__asm__ volatile("mov %0, %%db7" : : "r"(0x400ULL));
	}
}

uint64_t port_vcpu_get_debugreg(struct vcpu *v, unsigned int reg)
{
	return v->pv.dr[reg];
}

void port_vcpu_set_iopl(struct vcpu *v, unsigned int iopl)
{
	v->pv.iopl = iopl;
}

void port_vcpu_sync_regs(struct vcpu *v)
{
	if (current() == v) {
		save_segments(v, &pcpu()->regs);
		v->regs = pcpu()->regs;
	}
}

/* --- the per-domain slot -------------------------------------------------- */

int port_domain_init(struct domain *d)
{
	struct domain_arch *a = mem_alloc(sizeof(*a));

	if (!a) {
		return -ENOMEM;
	}
	a->l3 = heap_alloc_page();
	a->l2 = heap_alloc_page();
	d->arch = a;
	if (!a->l3 || !a->l2) {
		port_domain_fini(d);
		return -ENOMEM;
	}
	a->l3[(PERDOMAIN_VA >> 30) & 511] = virt_to_maddr(a->l2) | MAP_TABLE;
	return 0;
}

void port_domain_fini(struct domain *d)
{
	struct domain_arch *a = d->arch;

	if (!a) {
		return;
	}
	for (unsigned int i = 0; i < PERDOMAIN_L1S; i++) {
		if (a->l1[i]) {
			heap_free_page(a->l1[i]);
		}
	}
	if (a->l2) {
		heap_free_page(a->l2);
	}
	if (a->l3) {
		heap_free_page(a->l3);
	}
	mem_free(a);
	d->arch = NULL;
}

static uint64_t *domain_window(struct domain *d, unsigned int vcpu)
{
	struct domain_arch *a = d->arch;
	unsigned int i = vcpu / 8;

	if (!a->l1[i]) {
		a->l1[i] = heap_alloc_page();
		if (!a->l1[i]) {
			return NULL;
		}
		a->l2[i] = virt_to_maddr(a->l1[i]) | MAP_TABLE;
	}
	return a->l1[i] + (vcpu % 8) * 64;
}

int port_vcpu_init(struct vcpu *v)
{
	struct vcpu_arch *a = mem_alloc(sizeof(*a));

	if (!a) {
		return -ENOMEM;
	}
	v->arch = a;
	a->pte = domain_window(v->domain, v->id);
	if (!a->pte || fpu_vcpu_init(v)) {
		v->arch = NULL;
		mem_free(a);
		return -ENOMEM;
	}
	a->pte[GDT_WINDOW_RESERVED] = desc_gdt_maddr() | MAP_RW;
	v->mode |= VF_KERNEL;
	return 0;
}

void port_vcpu_fini(struct vcpu *v)
{
	if (!v->arch) {
		return;
	}
	fpu_vcpu_fini(v);
	mem_free(v->arch);
	v->arch = NULL;
}

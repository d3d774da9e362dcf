/* cpu.c - see cpu.h.  Bits from SDM vol. 2 (CPUID) and vol. 4 (MSRs). */
#include "x86/cpu.h"
#include "core/vcpu.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/context.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/uaccess.h"

#define MSR_ARCH_CAPS 0x10a
#define CAPS_RDCL_NO  0x1

#define CR4_OURS (CR4_DE | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMM)
/* Bits that follow the guest. */
#define CR4_GUEST (CR4_TSD | CR4_DE | CR4_FSGSBASE)

bool cpu_xpti;
bool cpu_has_tsc_aux;
unsigned int port_phys_bits = 36;
uint64_t port_l1tf_limit;
static int xpti_option = -1;
static bool smep_off, smap_off;
static uint64_t cr4_base;
static uint64_t cr4_guest_mask;

void cpu_set_options(int xpti, bool no_smep, bool no_smap)
{
	xpti_option = xpti;
	smep_off = no_smep;
	smap_off = no_smap;
}

/* Does a guest's speculation read memory that its page tables forbid? */
static bool has_meltdown(void)
{
	struct cpuid_regs v = cpuid(0);
	uint64_t caps;

	if (v.b == 0x68747541 || v.b == 0x6f677948) { /* AMD, Hygon */
		return false;
	}
	if (v.a >= 7 && (cpuid_count(7, 0).d & (1u << 29))) {
		return rdmsr_safe(MSR_ARCH_CAPS, &caps) ||
		       !(caps & CAPS_RDCL_NO);
	}
	return true;
}

void cpu_detect(void)
{
	struct cpuid_regs l7 = { 0, 0, 0, 0 };

	if (cpuid(0).a >= 7) {
		l7 = cpuid_count(7, 0);
	}
	cr4_base = CR4_OURS;
	if (!smep_off && (l7.b & (1u << 7))) {
		cr4_base |= CR4_SMEP;
	}
	if (!smap_off && (l7.b & (1u << 20))) {
		cr4_base |= CR4_SMAP;
		uaccess_smap = true;
	}
	if (port_xcr0_mask()) {
		cr4_base |= CR4_OSXSAVE;
	}
	if (cpuid(0x80000000).a >= 0x80000008) {
		port_phys_bits = cpuid(0x80000008).a & 0xff;
	}
	/*
	 * L1TF affects the same CPUs: the physical address in a non-present
	 * entry is used to look into L1, unless it is far beyond RAM.
	 */
	if (has_meltdown()) {
		port_l1tf_limit = 3ULL << (port_phys_bits - 2);
	}
	cr4_guest_mask = CR4_GUEST;
	if (!(l7.b & 1)) {
		cr4_guest_mask &= ~(uint64_t)CR4_FSGSBASE;
	}
	cpu_has_tsc_aux = (cpuid(0x80000001).d & (1u << 27)) ||
			  (l7.c & (1u << 22));
	cpu_xpti = xpti_option < 0 ? has_meltdown() : xpti_option;
	printk("CPU: %s%s%s, XPTI %s%s\n",
	       cr4_base & CR4_SMEP ? "SMEP " : "",
	       cr4_base & CR4_SMAP ? "SMAP " : "",
	       cr4_base & CR4_OSXSAVE ? "XSAVE" : "FXSAVE",
	       cpu_xpti ? "on" : "off",
	       xpti_option < 0 ? " (by CPU)" : " (command line)");
}

void cpu_init_this(void)
{
	struct pcpu *p = pcpu();

	p->cr4 = cr4_base;
	write_cr4(cr4_base);
	write_cr0(read_cr0() | 0x10023); /* WP, NE, MP, PE */
	fpu_init_cpu();
}

void cpu_load_cr4(struct pcpu *p, const struct vcpu *v)
{
	uint64_t cr4 = cr4_base;

	cr4 &= ~(cr4_guest_mask & ~(uint64_t)CR4_DE);
	cr4 |= v->pv.cr4_guest & cr4_guest_mask;
	if (p->cr4 != cr4) {
		p->cr4 = cr4;
		write_cr4(cr4);
	}
}

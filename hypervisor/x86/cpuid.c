/* cpuid.c - see cpuid.h.  Leaves 0x40000000...: xen/arch-x86/cpuid.h. */
#include "x86/cpuid.h"
#include "core/cpu_policy.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/arch.h"
#include "x86/context.h"
#include "x86/cpu.h"
#include "x86/current.h"
#include "x86/insn.h"
#include "x86/root.h"
#include "x86/uaccess.h"

#include <xen/arch-x86/cpuid.h>

#define XEN_VERSION_417	  0x40011u
#define CPUID_INTEL_EBX	  0x756e6547u /* "Genu" */
#define CPUID1_XSAVE	  (1u << 26)
#define CPUID1_OSXSAVE	  (1u << 27)
#define CPUID7_AVX2	  (1u << 5)
#define CPUID7_ARCH_CAPS  (1u << 29)
#define MSR_ARCH_CAPS	  0x10a
#define ARCH_CAPS_GDS_NO  (1ULL << 26)
#define FORCED_LENGTH	  7
#define XSAVE_LEGACY_SIZE 576 /* FXSAVE area and header */

static void read_cpu(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	struct cpuid_regs r = cpuid_count(leaf, subleaf);

	out[0] = r.a;
	out[1] = r.b;
	out[2] = r.c;
	out[3] = r.d;
}

/*
 * ARCH_CAPABILITIES tell a kernel which leaks its CPU does not have.  Only
 * Intel's kernels look, and older CPUs lack the register: what is known of
 * them (no gather instruction, nothing to sample) is said all the same, as
 * genuine Xen 4.17.7 does.
 */
static void find_arch_caps(struct cpu_policy_means *means)
{
	struct cpuid_regs l7 = { 0, 0, 0, 0 };

	if (cpuid(0).b != CPUID_INTEL_EBX || cpuid(0).a < 7) {
		return;
	}
	l7 = cpuid_count(7, 0);
	means->has_arch_caps = true;
	if (l7.d & CPUID7_ARCH_CAPS) {
		(void)rdmsr_safe(MSR_ARCH_CAPS, &means->arch_caps);
	}
	if (!(l7.b & CPUID7_AVX2)) {
		means->arch_caps |= ARCH_CAPS_GDS_NO;
	}
}

void cpuid_init(void)
{
	static struct domain_policy raw;
	struct cpu_policy_means means = { .xcr0 = port_xcr0_mask() };

	cpu_policy_from_cpu(&raw, read_cpu);
	find_arch_caps(&means);
	means.fsgsbase = cpuid(0).a >= 7 && (cpuid_count(7, 0).b & 1);
	cpu_policy_init(&raw, &means);
}

/* Address bits that cover all RAM of the machine. */
static uint32_t machine_width(void)
{
	uint64_t top = port_m2p_count << PAGE_SHIFT;

	return top > 1 ? 64 - (uint32_t)__builtin_clzll(top - 1) : 1;
}

static void leaf_xen(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 4 * sizeof(out[0]));
	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		out[0] = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
		out[1] = XEN_CPUID_SIGNATURE_EBX;
		out[2] = XEN_CPUID_SIGNATURE_ECX;
		out[3] = XEN_CPUID_SIGNATURE_EDX;
		break;
	case 1:
		out[0] = XEN_VERSION_417;
		break;
	case 2:
		/* hypercall pages, the MSR that places one (HVM's way) */
		out[0] = 1;
		out[1] = 0x40000000;
		out[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	case 3:
		/* the TSC is never emulated; its true rate */
		if (subleaf == 2) {
			out[0] = (uint32_t)port_tsc_khz();
		}
		break;
	case 5:
		out[1] = machine_width();
		break;
	default:
		break;
	}
}

/* XSAVE area for the parts that are enabled in xcr0. */
static uint32_t xsave_size(const struct domain_policy *p, uint64_t xcr0)
{
	uint32_t size = XSAVE_LEGACY_SIZE, r[4], i;

	for (i = 2; i < 10; i++) {
		if ((xcr0 >> i) & 1) {
			cpu_policy_get(p, 0xd, i, r);
			size = MAX(size, r[0] + r[1]);
		}
	}
	return size;
}

void cpuid_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf,
		 uint32_t out[4])
{
	const struct domain_policy *p =
		v->domain->policy
			? v->domain->policy
			: cpu_policy_system(XEN_SYSCTL_cpu_policy_pv_default);

	/* Kernels scan 0x40000000-0x4000ff00 for hypervisors. */
	if ((leaf & 0xffff0000) == XEN_CPUID_FIRST_LEAF) {
		leaf_xen(leaf, subleaf, out);
		return;
	}
	cpu_policy_get(p, leaf, subleaf, out);
	if (leaf == 1) {
		out[1] = (out[1] & 0x00ffffff) | (uint32_t)v->id << 25;
		/* Linux takes this, not CR4, for a PV guest's permission. */
		if (out[2] & CPUID1_XSAVE) {
			out[2] |= CPUID1_OSXSAVE;
		}
	} else if (leaf == 0xd && subleaf == 0 && out[0]) {
		out[1] = xsave_size(p, v->arch->xcr0);
		out[2] = xsave_size(p, out[0]);
	}
}

/* Genuine Xen answers a guest's user processes as well. */
static bool is_forced(struct vcpu *v, const struct cpu_user_regs *regs)
{
	static const uint8_t wanted[FORCED_LENGTH] = { 0x0f, 0x0b, 'x',  'e',
					  'n',	0x0f, 0xa2 };
	uint8_t bytes[FORCED_LENGTH];
	bool user = !(v->mode & VF_KERNEL);
	int rc;

	if (user) {
		root_borrow(pcpu(), v->pv.user_cr3);
	}
	rc = port_copy_from_guest(bytes, GVA(regs->rip), sizeof(bytes));
	if (user) {
		root_load(pcpu(), v);
	}
	return rc == 0 && memcmp(bytes, wanted, sizeof(wanted)) == 0;
}

bool cpuid_forced(struct vcpu *v)
{
	struct cpu_user_regs *regs = &pcpu()->regs;
	uint32_t out[4];

	if (!is_forced(v, regs)) {
		return false;
	}
	cpuid_guest(v, regs->eax, regs->ecx, out);
	regs->rax = out[0];
	regs->rbx = out[1];
	regs->rcx = out[2];
	regs->rdx = out[3];
	regs->rip += FORCED_LENGTH;
	regs->rflags &= ~0x10000ULL; /* RF */
	return true;
}

/*
 * cpu_policy.c - see cpu_policy.h.
 *
 * The list of features that a PV guest may see follows the marks ('A') in
 * xen/arch-x86/cpufeatureset.h, less SPEC_CTRL, which this hypervisor does
 * not switch per guest.
 */
#include "core/cpu_policy.h"
#include "include/errno.h"
#include "include/nospec.h"
#include "lib/string.h"

#include <xen/arch-x86/cpufeatureset.h>

#define F(name) XEN_X86_FEATURE_##name
#define VENDOR_AMD_EBX	   0x68747541u /* "Auth" */
#define VENDOR_HYGON_EBX   0x6f677948u /* "Hygo" */
#define AMD_REPEATED	   0x0183f3ffu /* 80000001.edx as 1.edx */
#define MSR_PLATFORM_INFO 0xce
#define MSR_ARCH_CAPS	  0x10a
/* Bits of ARCH_CAPABILITIES that speak of the CPU, not of further MSRs. */
#define CAP(name) (1ULL << (F(name) % 32))
#define ARCH_CAPS_GUEST                                                        \
	(CAP(RDCL_NO) | CAP(INTEL_SSB_NO) | CAP(MDS_NO) |                      \
	 CAP(IF_PSCHANGE_MC_NO) | CAP(TAA_NO) | CAP(SBDR_SSDP_NO) |            \
	 CAP(FBSDP_NO) | CAP(PSDP_NO) | CAP(FB_CLEAR) | CAP(RRSBA) |           \
	 CAP(BHI_NO) | CAP(PBRSB_NO) | CAP(GDS_NO) | CAP(RFDS_NO) |            \
	 CAP(RFDS_CLEAR) | (1ULL << 62))

/* Where feature word i is: leaf, subleaf, register (a b c d). */
static const struct {
	uint32_t leaf, subleaf, reg;
} word_at[CPU_FEATURE_WORDS] = {
	{ 1, 0, 3 },	       { 1, 0, 2 },	     { 0x80000001, 0, 3 },
	{ 0x80000001, 0, 2 },  { 0xd, 1, 0 },	     { 7, 0, 1 },
	{ 7, 0, 2 },	       { 0x80000007, 0, 3 }, { 0x80000008, 0, 1 },
	{ 7, 0, 3 },	       { 7, 1, 0 },	     { 0x80000021, 0, 0 },
	{ 7, 1, 1 },	       { 7, 2, 3 },	     { 7, 1, 2 },
	{ 7, 1, 3 },	       { 0, 0, 4 },	     { 0, 0, 4 }, /* MSRs */
	{ 0x80000021, 0, 2 },
};

static const uint16_t pv_features[] = {
	F(FPU), F(DE), F(TSC), F(MSR), F(PAE), F(MCE), F(CX8), F(APIC), F(SEP),
	F(MCA), F(CMOV), F(PAT), F(CLFLUSH), F(ACPI), F(MMX), F(FXSR), F(SSE),
	F(SSE2), F(SS), F(HTT), F(SSE3), F(PCLMULQDQ), F(SSSE3), F(FMA),
	F(CX16), F(SSE4_1), F(SSE4_2), F(MOVBE), F(POPCNT), F(AESNI), F(XSAVE),
	F(AVX), F(F16C), F(RDRAND), F(HYPERVISOR), F(SYSCALL), F(NX),
	F(MMXEXT), F(FFXSR), F(RDTSCP), F(LM), F(3DNOWEXT), F(3DNOW), F(LAHF_LM),
	F(CMP_LEGACY), F(ABM), F(SSE4A), F(MISALIGNSSE), F(3DNOWPREFETCH),
	F(XOP), F(FMA4), F(TBM), F(DBEXT), F(XSAVEOPT), F(XSAVEC), F(XGETBV1),
	F(FSGSBASE), F(BMI1), F(AVX2), F(BMI2), F(ERMS), F(AVX512F),
	F(AVX512DQ), F(RDSEED), F(ADX), F(AVX512_IFMA), F(CLFLUSHOPT), F(CLWB),
	F(AVX512PF), F(AVX512ER), F(AVX512CD), F(SHA), F(AVX512BW),
	F(AVX512VL), F(PREFETCHWT1), F(AVX512_VBMI), F(AVX512_VBMI2), F(GFNI),
	F(VAES), F(VPCLMULQDQ), F(AVX512_VNNI), F(AVX512_BITALG),
	F(AVX512_VPOPCNTDQ), F(RDPID), F(CLDEMOTE), F(MOVDIRI), F(MOVDIR64B), F(ITSC),
	F(CLZERO), F(RSTR_FP_ERR_PTRS), F(SSB_NO), F(BTC_NO), F(IBPB_RET),
	F(AVX512_4VNNIW), F(AVX512_4FMAPS), F(FSRM), F(AVX512_VP2INTERSECT),
	F(MD_CLEAR), F(ARCH_CAPS), F(SERIALIZE), F(AVX512_FP16), F(AVX_VNNI),
	F(AVX512_BF16), F(FZRM), F(FSRS), F(FSRCS), F(LFENCE_DISPATCH),
	F(NSCB), F(SRSO_NO), F(MCDT_NO), F(TSA_SQ_NO), F(TSA_L1_NO),
};

/* Allowed on request, but not by default: migration, or moving pages. */
static const uint16_t pv_on_request[] = {
	F(ITSC), F(MOVDIRI), F(MOVDIR64B), F(AVX512_VP2INTERSECT),
};

/* Meaningless, or faulting, without XSAVE; without AVX; without AVX-512. */
static const uint16_t needs_xsave[] = {
	F(XSAVE), F(AVX), F(XSAVEOPT), F(XSAVEC), F(XGETBV1),
};
static const uint16_t needs_avx[] = {
	F(AVX), F(FMA), F(F16C), F(XOP), F(FMA4), F(AVX2), F(VAES),
	F(VPCLMULQDQ), F(AVX_VNNI),
};
static const uint16_t needs_avx512[] = {
	F(AVX512F), F(AVX512DQ), F(AVX512_IFMA), F(AVX512PF), F(AVX512ER),
	F(AVX512CD), F(AVX512BW), F(AVX512VL), F(AVX512_VBMI),
	F(AVX512_VBMI2), F(AVX512_VNNI), F(AVX512_BITALG),
	F(AVX512_VPOPCNTDQ), F(AVX512_4VNNIW), F(AVX512_4FMAPS),
	F(AVX512_VP2INTERSECT), F(AVX512_FP16), F(AVX512_BF16),
};

static struct domain_policy raw_policy, host_policy, pv_max, pv_default;

struct domain_policy *cpu_policy_system(unsigned int index)
{
	static struct domain_policy *const all[] = {
		[XEN_SYSCTL_cpu_policy_raw] = &raw_policy,
		[XEN_SYSCTL_cpu_policy_host] = &host_policy,
		[XEN_SYSCTL_cpu_policy_pv_max] = &pv_max,
		[XEN_SYSCTL_cpu_policy_hvm_max] = NULL,
		[XEN_SYSCTL_cpu_policy_pv_default] = &pv_default,
		[XEN_SYSCTL_cpu_policy_hvm_default] = NULL,
	};

	if (index >= ARRAY_SIZE(all)) {
		return NULL;
	}
	return all[index_nospec(index, ARRAY_SIZE(all))];
}

/* --- the list ---------------------------------------------------------- */

static bool has_subleaves(uint32_t leaf)
{
	return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
}

static xen_cpuid_leaf_t *find(struct domain_policy *p, uint32_t leaf,
			      uint32_t subleaf)
{
	uint32_t i;

	if (!has_subleaves(leaf)) {
		subleaf = XEN_CPUID_NO_SUBLEAF;
	}
	for (i = 0; i < p->leaf_count; i++) {
		if (p->leaf[i].leaf == leaf && p->leaf[i].subleaf == subleaf) {
			return &p->leaf[i];
		}
	}
	return NULL;
}

static uint32_t *reg_of(xen_cpuid_leaf_t *l, uint32_t reg)
{
	uint32_t *const r[] = { &l->a, &l->b, &l->c, &l->d };

	return r[reg];
}

void cpu_policy_get(const struct domain_policy *p, uint32_t leaf,
		    uint32_t subleaf, uint32_t out[4])
{
	const xen_cpuid_leaf_t *l =
		find((struct domain_policy *)(uintptr_t)p, leaf, subleaf);

	out[0] = l ? l->a : 0;
	out[1] = l ? l->b : 0;
	out[2] = l ? l->c : 0;
	out[3] = l ? l->d : 0;
}

static bool append(struct domain_policy *p, uint32_t leaf, uint32_t subleaf,
		   const uint32_t r[4])
{
	xen_cpuid_leaf_t *l = &p->leaf[p->leaf_count];

	if (p->leaf_count == CPU_POLICY_LEAVES) {
		return false;
	}
	l->leaf = leaf;
	l->subleaf = subleaf;
	l->a = r[0];
	l->b = r[1];
	l->c = r[2];
	l->d = r[3];
	p->leaf_count++;
	return true;
}

/* How many subleaves of `leaf` are worth keeping at most. */
static uint32_t subleaf_limit(uint32_t leaf)
{
	switch (leaf) {
	case 4:
		return 6;
	case 7:
		return 3;
	case 0xb:
		return 2;
	default:
		return 10; /* 0xd: XSAVE parts up to PKRU */
	}
}

void cpu_policy_from_cpu(struct domain_policy *p, cpu_policy_read_fn *read)
{
	static const uint32_t base[] = { 0, 0x80000000 };
	static const uint32_t last_kept[] = { 0xd, 0x80000021 };
	uint32_t r[4], leaf, sub, max;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < ARRAY_SIZE(base); i++) {
		read(base[i], 0, r);
		max = r[0] >= base[i] ? MIN(r[0], last_kept[i]) : base[i];
		for (leaf = base[i]; leaf <= max; leaf++) {
			if (!has_subleaves(leaf)) {
				read(leaf, 0, r);
				append(p, leaf, XEN_CPUID_NO_SUBLEAF, r);
				continue;
			}
			for (sub = 0; sub < subleaf_limit(leaf); sub++) {
				read(leaf, sub, r);
				append(p, leaf, sub, r);
			}
		}
	}
}

/* --- masking ------------------------------------------------------------ */

static void set_bits(uint32_t *words, const uint16_t *list, size_t n)
{
	while (n--) {
		words[list[n] / 32] |= 1u << (list[n] % 32);
	}
}

static void clear_bits(uint32_t *words, const uint16_t *list, size_t n)
{
	while (n--) {
		words[list[n] / 32] &= ~(1u << (list[n] % 32));
	}
}

void cpu_policy_features(const struct domain_policy *p, uint32_t *words)
{
	uint32_t r[4];
	unsigned int i;

	for (i = 0; i < CPU_FEATURE_WORDS; i++) {
		words[i] = 0;
		if (word_at[i].reg < 4) {
			cpu_policy_get(p, word_at[i].leaf, word_at[i].subleaf,
				       r);
			words[i] = r[word_at[i].reg];
		}
	}
}

static void put_features(struct domain_policy *p, const uint32_t *words)
{
	xen_cpuid_leaf_t *l;
	unsigned int i;

	for (i = 0; i < CPU_FEATURE_WORDS; i++) {
		l = word_at[i].reg < 4 ? find(p, word_at[i].leaf,
					      word_at[i].subleaf)
				       : NULL;
		if (l) {
			*reg_of(l, word_at[i].reg) = words[i];
		}
	}
}

static bool is_amd(const struct domain_policy *p)
{
	uint32_t r[4];

	cpu_policy_get(p, 0, 0, r);
	return r[1] == VENDOR_AMD_EBX || r[1] == VENDOR_HYGON_EBX;
}

static void blank(struct domain_policy *p, uint32_t leaf, uint32_t a_keep,
		  uint32_t b_keep, uint32_t c_keep, uint32_t d_keep)
{
	uint32_t i;

	for (i = 0; i < p->leaf_count; i++) {
		xen_cpuid_leaf_t *l = &p->leaf[i];

		if (l->leaf == leaf) {
			l->a &= a_keep;
			l->b &= b_keep;
			l->c &= c_keep;
			l->d &= d_keep;
		}
	}
}

/*
 * What is neither a feature word nor of use to a guest: power and thermal
 * (5, 6), performance counters (0xa), topology by x2APIC id (0xb), the parts
 * of 0xd that are not switched.  As genuine Xen shows it.
 */
static void blank_rest(struct domain_policy *p, uint64_t xcr0)
{
	static const uint32_t gone[] = { 3, 5, 6, 8, 9, 0xa, 0xb, 0xc,
					 0x80000005 };
	uint32_t sub, i;
	const uint32_t all = ~0u;
	xen_cpuid_leaf_t *l;

	for (i = 0; i < ARRAY_SIZE(gone); i++) {
		blank(p, gone[i], 0, 0, 0, 0);
	}
	for (i = 0x80000009; i <= 0x80000020; i++) {
		blank(p, i, 0, 0, 0, 0);
	}
	if (!is_amd(p)) {
		blank(p, 0x80000000, all, 0, 0, 0);
	}
	blank(p, 0x80000006, 0, 0, all, 0);
	blank(p, 0x80000007, 0, 0, 0, all);
	blank(p, 0x80000008, 0xff, all, 0, 0);
	l = find(p, 0x80000008, 0);
	if (l) {
		l->a |= 48u << 8; /* no 57-bit addresses for PV */
	}
	for (sub = 0; sub < subleaf_limit(0xd); sub++) {
		l = find(p, 0xd, sub);
		if (!l) {
			continue;
		}
		if (sub == 0) {
			l->a = (uint32_t)xcr0;
			l->d = (uint32_t)(xcr0 >> 32);
			l->b = l->c = xcr0 ? l->b : 0;
		} else if (sub == 1) {
			l->b = l->c = l->d = 0;
		} else if (!((xcr0 >> sub) & 1)) {
			l->a = l->b = l->c = l->d = 0;
		}
	}
}

/*
 * AMD's extended leaf repeats what leaf 1 says, and its CPUs have no SYSENTER
 * in long mode.
 */
static void adjust_amd(const struct domain_policy *p, uint32_t *words)
{
	if (is_amd(p)) {
		words[0] &= ~(1u << F(SEP));
		words[2] |= words[0] & AMD_REPEATED;
	}
}

static void mask(struct domain_policy *p, const struct cpu_policy_means *means,
		 bool by_default)
{
	uint32_t have[CPU_FEATURE_WORDS], may[CPU_FEATURE_WORDS] = { 0 };
	static const uint16_t fsgsbase[] = { F(FSGSBASE) };
	unsigned int i;

	set_bits(may, pv_features, ARRAY_SIZE(pv_features));
	if (by_default) {
		clear_bits(may, pv_on_request, ARRAY_SIZE(pv_on_request));
	}
	if (!(means->xcr0 & 1)) {
		clear_bits(may, needs_xsave, ARRAY_SIZE(needs_xsave));
	}
	if (!(means->xcr0 & 4)) {
		clear_bits(may, needs_avx, ARRAY_SIZE(needs_avx));
	}
	if (!(means->xcr0 & 0x20)) {
		clear_bits(may, needs_avx512, ARRAY_SIZE(needs_avx512));
	}
	if (!means->fsgsbase) {
		clear_bits(may, fsgsbase, 1);
	}
	cpu_policy_features(p, have);
	for (i = 0; i < CPU_FEATURE_WORDS; i++) {
		have[i] &= may[i];
	}
	adjust_amd(p, have);
	have[F(HYPERVISOR) / 32] |= 1u << (F(HYPERVISOR) % 32);
	have[F(ARCH_CAPS) / 32] &= ~(1u << (F(ARCH_CAPS) % 32));
	if (means->has_arch_caps) {
		have[F(ARCH_CAPS) / 32] |= 1u << (F(ARCH_CAPS) % 32);
		p->msr_count = 1;
		p->msr[0].idx = MSR_ARCH_CAPS;
		p->msr[0].val = means->arch_caps & ARCH_CAPS_GUEST;
	}
	put_features(p, have);
	blank_rest(p, means->xcr0);
}

void cpu_policy_init(const struct domain_policy *raw,
		     const struct cpu_policy_means *means)
{
	raw_policy = *raw;
	host_policy = *raw;
	pv_max = *raw;
	mask(&pv_max, means, false);
	pv_default = *raw;
	mask(&pv_default, means, true);
}

void cpu_policy_domain_init(struct domain_policy *p, bool privileged)
{
	uint32_t host[4];
	xen_cpuid_leaf_t *l;

	*p = pv_default;
	l = find(p, 1, 0);
	if (l && privileged) {
		cpu_policy_get(&host_policy, 1, 0, host);
		l->d |= host[3] & (1u << F(MTRR));
	}
}

int cpu_policy_set(struct domain_policy *p, const xen_cpuid_leaf_t *leaf)
{
	uint32_t limit[4];
	const uint32_t want[4] = { leaf->a, leaf->b, leaf->c, leaf->d };
	xen_cpuid_leaf_t *l;
	unsigned int i;

	for (i = 0; i < CPU_FEATURE_WORDS; i++) {
		uint32_t sub = has_subleaves(word_at[i].leaf)
				       ? word_at[i].subleaf
				       : XEN_CPUID_NO_SUBLEAF;

		if (word_at[i].reg > 3 || word_at[i].leaf != leaf->leaf ||
		    sub != leaf->subleaf) {
			continue;
		}
		cpu_policy_get(&pv_max, leaf->leaf, leaf->subleaf, limit);
		if (want[word_at[i].reg] & ~limit[word_at[i].reg]) {
			return -EINVAL;
		}
	}
	l = find(p, leaf->leaf, leaf->subleaf);
	if (l) {
		*l = *leaf;
		return 0;
	}
	/* A CPU would answer zero to what its list does not have. */
	if (!(leaf->a | leaf->b | leaf->c | leaf->d)) {
		return 0;
	}
	return append(p, leaf->leaf, leaf->subleaf, want) ? 0 : -ENOSPC;
}

bool cpu_policy_get_msr(const struct domain_policy *p, uint32_t msr,
			uint64_t *val)
{
	uint32_t i;

	for (i = 0; i < p->msr_count; i++) {
		if (p->msr[i].idx == msr) {
			*val = p->msr[i].val;
			return true;
		}
	}
	return false;
}

int cpu_policy_set_msr(struct domain_policy *p, const xen_msr_entry_t *m)
{
	uint64_t limit = 0;
	uint32_t i;

	if (m->flags ||
	    (m->idx != MSR_PLATFORM_INFO && m->idx != MSR_ARCH_CAPS)) {
		return -EINVAL;
	}
	cpu_policy_get_msr(&pv_max, m->idx, &limit);
	if (m->val & ~limit) {
		return -EINVAL;
	}
	for (i = 0; i < p->msr_count; i++) {
		if (p->msr[i].idx == m->idx) {
			p->msr[i].val = m->val;
			return 0;
		}
	}
	/* Not listed means zero. */
	return m->val == 0 ? 0 : -EINVAL;
}

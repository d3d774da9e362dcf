/*
 * cpu_policy_test.c - what guests see of the CPU.
 *
 * The raw values are those of QEMU's Nehalem; what a dom0 must be shown was
 * read from a forced CPUID on genuine Xen 4.17 there.
 */
#include "core/cpu_policy.h"
#include "include/errno.h"
#include "test/unit/test.h"

#include <string.h>

#include <xen/arch-x86/cpufeatureset.h>

static void nehalem(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	static const struct {
		uint32_t leaf, sub, r[4];
	} rows[] = {
		{ 0, 0, { 0xb, 0x756e6547, 0x6c65746e, 0x49656e69 } },
		{ 1, 0, { 0x106a3, 0x800, 0x80982201, 0x78bfbfd } },
		{ 2, 0, { 1, 0, 0x4d, 0x2c307d } },
		{ 4, 0, { 0x121, 0x1c0003f, 0x3f, 1 } },
		{ 4, 3, { 0x163, 0x3c0003f, 0x3fff, 6 } },
		{ 5, 0, { 0, 0, 3, 0 } },
		{ 0xb, 0, { 0, 1, 0x100, 0 } },
		{ 0xb, 1, { 0, 1, 0x201, 0 } },
		{ 0x80000000, 0,
		  { 0x80000008, 0x756e6547, 0x6c65746e, 0x49656e69 } },
		{ 0x80000001, 0, { 0x106a3, 0, 1, 0x20100800 } },
		{ 0x80000005, 0,
		  { 0x1ff01ff, 0x1ff01ff, 0x40020140, 0x40020140 } },
		{ 0x80000006, 0, { 0, 0x42004200, 0x2008140, 0x808140 } },
		{ 0x80000008, 0, { 0x3028, 0, 0, 0 } },
	};
	unsigned int i;

	memset(out, 0, 16);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].leaf == leaf && rows[i].sub == sub) {
			memcpy(out, rows[i].r, 16);
		}
	}
}

/* Every bit set, XSAVE parts and all. */
static void everything(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	(void)sub;
	memset(out, 0xff, 16);
	if (leaf == 0) {
		out[0] = 0xd;
	} else if (leaf == 0x80000000) {
		out[0] = 0x80000021;
	}
}

static struct domain_policy dom;

static void set_up(cpu_policy_read_fn *cpu, uint64_t xcr0, bool privileged)
{
	static struct domain_policy raw;
	struct cpu_policy_means means = {
		.xcr0 = xcr0,
		.has_arch_caps = true,
		.arch_caps = 0xffff,
	};

	cpu_policy_from_cpu(&raw, cpu);
	cpu_policy_init(&raw, &means);
	cpu_policy_domain_init(&dom, privileged);
}

static bool is(uint32_t leaf, uint32_t sub, uint32_t a, uint32_t b,
	       uint32_t c, uint32_t d)
{
	uint32_t r[4];

	cpu_policy_get(&dom, leaf, sub, r);
	return r[0] == a && r[1] == b && r[2] == c && r[3] == d;
}

TEST(cpu_policy_dom0_as_genuine_xen)
{
	set_up(nehalem, 0, true);
	CHECK(is(0, 0, 0xb, 0x756e6547, 0x6c65746e, 0x49656e69));
	CHECK(is(1, 0, 0x106a3, 0x800, 0x80982201, 0x789dbf5));
	CHECK(is(2, 0, 1, 0, 0x4d, 0x2c307d));
	CHECK(is(4, 3, 0x163, 0x3c0003f, 0x3fff, 6));
	CHECK(is(5, 0, 0, 0, 0, 0));
	CHECK(is(0xb, 0, 0, 0, 0, 0));
	CHECK(is(0xb, 1, 0, 0, 0, 0));
	CHECK(is(0x80000000, 0, 0x80000008, 0, 0, 0));
	CHECK(is(0x80000006, 0, 0, 0, 0x2008140, 0));
	CHECK(is(0x80000008, 0, 0x3028, 0, 0, 0));
}

TEST(cpu_policy_guest_sees_no_mtrr)
{
	uint32_t r[4];

	set_up(nehalem, 0, false);
	cpu_policy_get(&dom, 1, 0, r);
	CHECK_EQ(r[3], 0x789dbf5 & ~(1u << XEN_X86_FEATURE_MTRR));
}

TEST(cpu_policy_unknown_leaf_is_zero)
{
	set_up(nehalem, 0, true);
	CHECK(is(0x12345678, 0, 0, 0, 0, 0));
	CHECK(is(0xc0000000, 0, 0, 0, 0, 0));
	CHECK(is(4, 77, 0, 0, 0, 0));
	/* a leaf without subleaves ignores ecx */
	CHECK(is(2, 5, 1, 0, 0x4d, 0x2c307d));
}

static bool has(uint32_t feature)
{
	uint32_t w[CPU_FEATURE_WORDS];

	cpu_policy_features(&dom, w);
	return (w[feature / 32] >> (feature % 32)) & 1;
}

/* What a PV guest must never be told that it has. */
TEST(cpu_policy_hides_what_pv_cannot_have)
{
	static const uint32_t never[] = {
		XEN_X86_FEATURE_VMX,	  XEN_X86_FEATURE_SVM,
		XEN_X86_FEATURE_SMEP,	  XEN_X86_FEATURE_SMAP,
		XEN_X86_FEATURE_UMIP,	  XEN_X86_FEATURE_PKU,
		XEN_X86_FEATURE_PCID,	  XEN_X86_FEATURE_INVPCID,
		XEN_X86_FEATURE_PGE,	  XEN_X86_FEATURE_PSE,
		XEN_X86_FEATURE_PAGE1GB,  XEN_X86_FEATURE_X2APIC,
		XEN_X86_FEATURE_MONITOR,  XEN_X86_FEATURE_TSC_DEADLINE,
		XEN_X86_FEATURE_CET_SS,	  XEN_X86_FEATURE_CET_IBT,
		XEN_X86_FEATURE_ENQCMD,	  XEN_X86_FEATURE_XSAVES,
		XEN_X86_FEATURE_SGX,	  XEN_X86_FEATURE_PROC_TRACE,
		XEN_X86_FEATURE_ITSC,	  XEN_X86_FEATURE_OSXSAVE,
	};
	unsigned int i;

	set_up(everything, 0xe7, true);
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		CHECK(!has(never[i]));
	}
	CHECK(has(XEN_X86_FEATURE_AVX512F) && has(XEN_X86_FEATURE_AVX2));
}

TEST(cpu_policy_follows_xsave)
{
	set_up(everything, 0, true);
	CHECK(!has(XEN_X86_FEATURE_XSAVE) && !has(XEN_X86_FEATURE_AVX));
	CHECK(is(0xd, 0, 0, 0, 0, 0));
	set_up(everything, 3, true);
	CHECK(has(XEN_X86_FEATURE_XSAVE) && !has(XEN_X86_FEATURE_AVX));
	CHECK(!has(XEN_X86_FEATURE_VAES));
	set_up(everything, 7, true);
	CHECK(has(XEN_X86_FEATURE_AVX2) && !has(XEN_X86_FEATURE_AVX512F));
}

TEST(cpu_policy_toolstack_may_narrow_not_widen)
{
	xen_cpuid_leaf_t l = { .leaf = 1, .subleaf = XEN_CPUID_NO_SUBLEAF };
	uint32_t r[4];

	set_up(nehalem, 0, false);
	cpu_policy_get(&dom, 1, 0, r);
	l.a = r[0];
	l.b = r[1];
	l.c = r[2] & ~1u;
	l.d = r[3];
	CHECK_EQ(cpu_policy_set(&dom, &l), 0);
	CHECK(!has(XEN_X86_FEATURE_SSE3));
	l.c = r[2] | 1u << 5; /* VMX */
	CHECK_EQ(cpu_policy_set(&dom, &l), -EINVAL);
	CHECK(!has(XEN_X86_FEATURE_VMX) && !has(XEN_X86_FEATURE_SSE3));
	/* brand string and cache leaves are the toolstack's to choose */
	l = (xen_cpuid_leaf_t){ .leaf = 0x80000002,
				.subleaf = XEN_CPUID_NO_SUBLEAF, .a = 77 };
	CHECK_EQ(cpu_policy_set(&dom, &l), 0);
	CHECK(is(0x80000002, 0, 77, 0, 0, 0));
}

TEST(cpu_policy_list_is_bounded)
{
	xen_cpuid_leaf_t l = { .subleaf = XEN_CPUID_NO_SUBLEAF, .a = 1 };
	unsigned int i;
	int rc = 0;

	set_up(nehalem, 0, false);
	for (i = 0; i <= CPU_POLICY_LEAVES && rc == 0; i++) {
		l.leaf = 0x1000 + i;
		rc = cpu_policy_set(&dom, &l);
	}
	CHECK_EQ(rc, -ENOSPC);
	CHECK_EQ(dom.leaf_count, CPU_POLICY_LEAVES);
}

/* TSX_CTRL and its like need MSRs that guests do not get. */
TEST(cpu_policy_arch_caps_without_controls)
{
	uint64_t val;

	set_up(nehalem, 0, false);
	CHECK(has(XEN_X86_FEATURE_ARCH_CAPS));
	CHECK(cpu_policy_get_msr(&dom, 0x10a, &val));
	CHECK_EQ(val, 0xe171);
	CHECK(!cpu_policy_get_msr(&dom, 0xce, &val));
}

TEST(cpu_policy_msrs)
{
	xen_msr_entry_t m = { .idx = 0xce };
	uint64_t val;

	set_up(nehalem, 0, false);
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), 0);
	m.val = 1;
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), -EINVAL);
	m.idx = 0x10a;
	m.val = 0x21;
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), 0);
	CHECK(cpu_policy_get_msr(&dom, 0x10a, &val));
	CHECK_EQ(val, 0x21);
	m.val = 1u << 7;
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), -EINVAL);
	m.val = 0;
	m.flags = 1;
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), -EINVAL);
	m.flags = 0;
	m.idx = 0x10;
	CHECK_EQ(cpu_policy_set_msr(&dom, &m), -EINVAL);
}

/*
 * cpuid: what a guest kernel sees of the CPU - forced CPUID, MSRs, control
 * registers, I/O ports - and which privileged instructions work for it.
 */
#include "guest.h"

#include <xen/arch-x86/cpuid.h>
#include <xen/physdev.h>

const char guest_subject[] = "cpuid";

struct leaf {
	uint32_t a, b, c, d;
};

static struct leaf forced(uint32_t leaf, uint32_t sub)
{
	struct leaf l;

	__asm__ volatile(XEN_CPUID
			 : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
			 : "a"(leaf), "c"(sub));
	return l;
}

static struct leaf native(uint32_t leaf, uint32_t sub)
{
	struct leaf l;

	__asm__ volatile("cpuid"
			 : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
			 : "a"(leaf), "c"(sub));
	return l;
}

static void xen_leaves(void)
{
	struct leaf l = forced(0x40000000, 0);

	VERDICT("signature",
		l.b == XEN_CPUID_SIGNATURE_EBX &&
			l.c == XEN_CPUID_SIGNATURE_ECX &&
			l.d == XEN_CPUID_SIGNATURE_EDX,
		"got %x %x %x", l.b, l.c, l.d);
	guest_equal("max-leaf", 0x40000005, l.a);
	guest_equal("version-leaf", 0x40011, forced(0x40000001, 0).a);
	guest_equal("hypercall-pages", 1, forced(0x40000002, 0).a);
	guest_equal("preserve-ad", 1, forced(0x40000002, 0).c);
	VERDICT("tsc-khz", forced(0x40000003, 2).a > 100000, "got %u",
		forced(0x40000003, 2).a);
	VERDICT("machine-width",
		forced(0x40000005, 0).b >= 28 && forced(0x40000005, 0).b <= 52,
		"got %u", forced(0x40000005, 0).b);
	l = forced(0x40000100, 0);
	guest_equal("no-second-hypervisor", 0, l.a | l.b | l.c | l.d);
}

static void basic_leaves(void)
{
	struct leaf f = forced(0, 0), n = native(0, 0);

	VERDICT("vendor", f.b == n.b && f.c == n.c && f.d == n.d,
		"forced %x %x %x native %x %x %x", f.b, f.c, f.d, n.b, n.c,
		n.d);
	f = forced(1, 0);
	n = native(1, 0);
	guest_equal("family-model", n.a, f.a);
	/* PSE, PGE, PSE36 (and VME) are never a PV guest's */
	guest_equal("hidden-1d", 0, f.d & (1u << 1 | 1u << 3 | 1u << 13 |
					   1u << 17));
	/* the rest of 1.edx as it is, without DS, TM, PBE */
	guest_equal("shown-1d", n.d & 0x0f8955f5 & ~(1u << 13), f.d &
		    0x0f8955f5);
	/* MONITOR, VMX, SMX, EIST, x2APIC, deadline */
	guest_equal("hidden-1c", 0, f.c & (0xf8u | 1u << 17 | 1u << 21 |
					   1u << 24));
	guest_equal("hypervisor-bit", 1u << 31, f.c & 1u << 31);
	guest_equal("osxsave-with-xsave", f.c >> 26 & 1, f.c >> 27 & 1);
	f = forced(7, 0);
	/* SMEP, INVPCID, SMAP */
	guest_equal("hidden-7b", 0, f.b & (1u << 7 | 1u << 10 | 1u << 20));
	/* UMIP, PKU */
	guest_equal("hidden-7c", 0, f.c & (1u << 2 | 1u << 3));
	f = forced(0x80000001, 0);
	guest_equal("lm-nx-syscall", 1u << 29 | 1u << 20 | 1u << 11,
		    f.d & (1u << 29 | 1u << 20 | 1u << 11));
	guest_equal("no-1g-pages", 0, f.d & 1u << 26);
	guest_equal("no-svm", 0, f.c & 1u << 2);
	guest_equal("address-width", native(0x80000008, 0).a & 0xff,
		    forced(0x80000008, 0).a & 0xff);
	guest_equal("48-bit-virtual", 48, forced(0x80000008, 0).a >> 8);
	guest_equal("no-mwait-leaf", 0, forced(5, 0).a | forced(5, 0).d);
	guest_equal("unknown-leaf", 0, forced(0x12345678, 0).a |
					       forced(0x12345678, 0).b);
}

static bool rdmsr(uint32_t msr, uint64_t *val)
{
	uint32_t lo = 0, hi = 0;

	TRY("rdmsr", : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	*val = (uint64_t)hi << 32 | lo;
	return !trap_seen.seen;
}

static bool wrmsr(uint32_t msr, uint64_t val)
{
	TRY("wrmsr", ::"c"(msr), "a"((uint32_t)val),
	    "d"((uint32_t)(val >> 32))
	    : "memory");
	return !trap_seen.seen;
}

/* What Linux's PV kernel reads and writes, and what nobody may. */
static void msrs(void)
{
	static const struct {
		const char *name;
		uint32_t msr;
		bool readable, same, other; /* writes: same value, ^1 */
		bool intel;		    /* AMD has it otherwise */
	} rows[] = {
		{ "msr-tsc", 0x10, true, false, false, false },
		{ "msr-apic-base", 0x1b, true, false, false, false },
		{ "msr-smi-count", 0x34, false, false, false, false },
		{ "msr-feature-control", 0x3a, true, false, false, true },
		{ "msr-platform-info", 0xce, true, false, false, false },
		{ "msr-misc-features", 0x140, true, true, false, false },
		{ "msr-sysenter-cs", 0x174, false, false, false, false },
		{ "msr-mcg-cap", 0x179, true, true, true, false },
		{ "msr-mcg-status", 0x17a, true, true, true, false },
		{ "msr-misc-enable", 0x1a0, true, true, true, false },
		{ "msr-debugctl", 0x1d9, false, false, false, false },
		{ "msr-mtrr", 0x200, false, false, false, false },
		{ "msr-pat", 0x277, true, false, false, false },
		{ "msr-mtrr-default", 0x2ff, false, false, false, false },
		{ "msr-mc0-ctl", 0x400, true, true, true, false },
		{ "msr-mc0-status", 0x401, true, true, false, false },
		{ "msr-x2apic", 0x800, false, false, false, false },
		{ "msr-efer", 0xc0000080, true, true, false, false },
		{ "msr-star", 0xc0000081, false, false, false, false },
		{ "msr-lstar", 0xc0000082, false, false, false, false },
		{ "msr-fmask", 0xc0000084, false, false, false, false },
		{ "msr-amd-de-cfg", 0xc0011029, false, false, false, true },
		{ "msr-unknown", 0x12345, false, false, false, false },
	};
	uint64_t val;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool readable, same, other;

		if (rows[i].intel && forced(0, 0).b != 0x756e6547) {
			continue;
		}
		readable = rdmsr(rows[i].msr, &val);
		same = readable && wrmsr(rows[i].msr, val);
		other = readable && wrmsr(rows[i].msr, val ^ 1);

		VERDICT(rows[i].name,
			readable == rows[i].readable && same == rows[i].same &&
				other == rows[i].other,
			"read %d, same write %d, other write %d", readable,
			same, other);
	}
	rdmsr(0x277, &val);
	guest_equal("pat-value", 0x50100070406, val);
	rdmsr(0xc0000080, &val);
	guest_equal("efer-value", 0xd01, val);
	guest_equal("fs-base-write", 1, wrmsr(0xc0000100, 0x1234560));
	rdmsr(0xc0000100, &val);
	guest_equal("fs-base-read", 0x1234560, val);
	guest_equal("gs-base-write", 1, wrmsr(0xc0000101, 0x2234560));
	rdmsr(0xc0000101, &val);
	guest_equal("gs-base-read", 0x2234560, val);
	guest_equal("user-gs-base-write", 1, wrmsr(0xc0000102, 0x3234560));
	rdmsr(0xc0000102, &val);
	guest_equal("user-gs-base-read", 0x3234560, val);
	guest_equal("fs-base-not-canonical", 0,
		    wrmsr(0xc0000100, 0x0000900000000000));
}

static void control_registers(void)
{
	uint64_t v = 0, cr4 = 0;

	TRY("mov %%cr0, %0", : "=r"(v)::"memory");
	guest_equal("cr0", 0x80050033, v);
	TRY("mov %0, %%cr0", ::"r"(v | 8) : "memory");
	guest_equal("cr0-set-ts", 0, trap_seen.seen);
	TRY("mov %%cr0, %0", : "=r"(v)::"memory");
	guest_equal("cr0-with-ts", 0x8005003b, v);
	TRY("clts", ::: "memory");
	TRY("mov %%cr0, %0", : "=r"(v)::"memory");
	guest_equal("clts-works", 0x80050033, v);
	TRY("mov %0, %%cr0", ::"r"(v & ~0x80000000) : "memory");
	VERDICT("cr0-without-pg-is-gp",
		trap_seen.seen && trap_seen.vector == 13, "no #GP");
	TRY("mov %0, %%cr2", ::"r"(0x123456ul) : "memory");
	TRY("mov %%cr2, %0", : "=r"(v)::"memory");
	guest_equal("cr2-write-and-read", 0x123456, v);
	TRY("mov %%cr3, %0", : "=r"(v)::"memory");
	guest_equal("cr3-is-machine-address",
		    va_mfn((void *)start_info->pt_base) << 12, v);
	TRY("mov %%cr4, %0", : "=r"(cr4)::"memory");
	/* PAE, MCE, OSFXSR, OSXMMEXCPT are on; SMEP, SMAP, PGE not shown */
	guest_equal("cr4", 0x660, cr4 & 0x3006e0);
	TRY("mov %0, %%cr4", ::"r"(cr4 ^ 0x2080) : "memory");
	guest_equal("cr4-pge-vmxe-ignored", 0, trap_seen.seen);
	TRY("mov %%cr4, %0", : "=r"(v)::"memory");
	guest_equal("cr4-unchanged", cr4, v);
}

static void instructions(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint64_t v = 0;

	TRY("cli", ::: "memory");
	VERDICT("cli-needs-iopl", trap_seen.seen && trap_seen.vector == 13,
		"no #GP");
	TRY("inb $0x80, %%al", ::: "rax", "memory");
	VERDICT("in-needs-iopl", trap_seen.seen && trap_seen.vector == 13,
		"no #GP");
	hypercall_op(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl);
	TRY("cli", ::: "memory");
	guest_equal("cli", 0, trap_seen.seen);
	TRY("sti", ::: "memory");
	guest_equal("sti", 0, trap_seen.seen);
	TRY("wbinvd", ::: "memory");
	guest_equal("wbinvd", 0, trap_seen.seen);
	TRY("hlt", ::: "memory");
	guest_equal("hlt-is-gp", 1, trap_seen.seen);
	TRY("rdtsc", ::: "rax", "rdx", "memory");
	guest_equal("rdtsc", 0, trap_seen.seen);
	TRY("rdpmc", ::"c"(0) : "rax", "rdx", "memory");
	guest_equal("rdpmc-is-gp", 1, trap_seen.seen);
	TRY("mov %%dr7, %0", : "=r"(v)::"memory");
	guest_equal("dr7", 0x400, trap_seen.seen ? ~0ul : v);
	TRY("mov %%dr6, %0", : "=r"(v)::"memory");
	guest_equal("dr6", 0xffff0ff0, trap_seen.seen ? ~0ul : v);
	TRY("xsetbv", ::"a"(1), "d"(0), "c"(0) : "memory");
	guest_equal("xsetbv-without-osxsave", 1, trap_seen.seen);
}

static uint32_t in(uint16_t port, unsigned int bytes)
{
	uint32_t v = 0x12345678;

	if (bytes == 1) {
		TRY("inb %%dx, %%al", : "+a"(v) : "d"(port) : "memory");
	} else if (bytes == 2) {
		TRY("inw %%dx, %%ax", : "+a"(v) : "d"(port) : "memory");
	} else {
		TRY("inl %%dx, %%eax", : "+a"(v) : "d"(port) : "memory");
	}
	return trap_seen.seen ? 0xdeadbeef : v;
}

static void ports(void)
{
	uint8_t buf[8] = { 0 };
	uint64_t di = (uint64_t)buf, cx = 8;
	uint32_t id;

	guest_equal("pic-is-hidden", 0x123456ff, in(0x20, 1));
	guest_equal("pic-mask-is-hidden", 0x123456ff, in(0x21, 1));
	guest_equal("pit-is-hidden", 0x123456ff, in(0x40, 1));
	guest_equal("uart-is-hidden", 0x123456ff, in(0x3f8, 1));
	guest_equal("in-keeps-upper-bits", 0x12340000, in(0x21, 2) &
						       0xffff0000);
	/* host bridge of QEMU's pc: vendor 8086 */
	__asm__ volatile("outl %%eax, %%dx" ::"a"(0x80000000), "d"(0xcf8));
	guest_equal("pci-address-reads-back", 0x80000000, in(0xcf8, 4));
	id = in(0xcfc, 4);
	guest_equal("pci-vendor", 0x8086, id & 0xffff);
	guest_equal("pci-device-word", id >> 16, in(0xcfe, 2) & 0xffff);
	/* RTC status register D: valid RAM and time */
	__asm__ volatile("outb %%al, %%dx" ::"a"(0x0d), "d"(0x70));
	guest_equal("rtc-valid", 0x80, in(0x71, 1) & 0x80);
	__asm__ volatile("cld; rep insb"
			 : "+D"(di), "+c"(cx)
			 : "d"(0x21)
			 : "memory");
	guest_equal("rep-insb-count", 0, cx);
	guest_equal("rep-insb-end", (uint64_t)buf + 8, di);
	guest_equal("rep-insb-data", 0xff, buf[7]);
}

void guest_main(void)
{
	guest_equal("map-shared-info", 0, (uint64_t)guest_map_shared());
	xen_leaves();
	basic_leaves();
	msrs();
	control_registers();
	instructions();
	ports();
}

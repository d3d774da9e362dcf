/*
 * descriptors: the guest's own GDT and LDT - what may be in them, who may
 * write them, and that loaded selectors use them.
 */
#include "guest.h"

const char guest_subject[] = "descriptors";

#define DATA_DPL3  0x00cff3000000ffffUL /* flat, writable */
#define CODE64     0x00affb000000ffffUL
/* into the hypervisor's code; genuine Xen takes gates to guest code */
#define CALL_GATE  0x0000ec00e0080000UL
#define TSS_AVAIL  0x0000890000000067UL
#define LDT_DESC   0x000082000000ffffUL

static uint64_t gdt[512] __attribute__((aligned(4096)));
static uint64_t ldt[512] __attribute__((aligned(4096)));
static uint64_t target[512] __attribute__((aligned(4096)));

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

static void refused(const char *name, int64_t got)
{
	VERDICT(name, got < 0, "expected an error, got %ld", got);
}

/* A writable data segment whose base is `base`, byte granular. */
static uint64_t data_at(uint32_t base)
{
	return 0x00cff3000000ffff | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)(base >> 24) << 56;
}

static int update(const void *where, uint64_t desc)
{
	return (int)hypercall2(__HYPERVISOR_update_descriptor,
			       va_mfn(where) << 12 |
				       ((uint64_t)(uintptr_t)where & 4095),
			       desc);
}

static int set_gdt(uint64_t mfn, unsigned int entries)
{
	unsigned long frames[1] = { mfn };

	return (int)hypercall2(__HYPERVISOR_set_gdt, hc_ptr(frames), entries);
}

static bool load_ds(uint16_t sel)
{
	TRY("mov %w0, %%ds", ::"r"(sel) : "memory");
	return !trap_seen.seen;
}

static bool load_fs(uint16_t sel)
{
	TRY("mov %w0, %%fs", ::"r"(sel) : "memory");
	return !trap_seen.seen;
}

static void own_gdt(void)
{
	refused("gdt-while-writable", set_gdt(va_mfn(gdt), 512));
	equal("gdt-read-only", 0, guest_make_readonly(gdt));
	equal("set-gdt", 0, set_gdt(va_mfn(gdt), 512));
	refused("gdt-not-writable-now", guest_make_writable(gdt));
	equal("update-data", 0, update(&gdt[1], DATA_DPL3));
	equal("entry-is-there", DATA_DPL3, (int64_t)READ(gdt[1]));
	equal("load-it", 1, load_ds(0x0b));
	equal("load-null", 1, load_ds(0));
	equal("empty-entry-faults", 0, load_ds(0x13));
	VERDICT("fault-has-selector", trap_seen.error == 0x10, "error %lx",
		trap_seen.error);
	equal("update-code", 0, update(&gdt[3], CODE64));
	equal("update-zero", 0, update(&gdt[1], 0));
	equal("zeroed-entry-faults", 0, load_ds(0x0b));
	refused("gdt-too-many-entries", set_gdt(va_mfn(gdt), 15 * 512));
	refused("gdt-foreign-frame", set_gdt(0, 512));
	/* the flat segments are in every GDT */
	equal("flat-ds", 1, load_ds(FLAT_RING3_SS64));
	equal("load-null-again", 1, load_ds(0));
}

static void illegal(void)
{
	refused("call-gate", update(&gdt[4], CALL_GATE));
	refused("tss", update(&gdt[4], TSS_AVAIL));
	refused("ldt-descriptor", update(&gdt[4], LDT_DESC));
	refused("interrupt-gate", update(&gdt[4], 0x00008e0000000000));
	equal("nothing-came-in", 0, (int64_t)READ(gdt[4]));
	equal("not-present-is-taken", 0, update(&gdt[4], 0x0000000000001234));
	refused("unaligned", (int)hypercall2(__HYPERVISOR_update_descriptor,
					     (va_mfn(gdt) << 12) + 3,
					     DATA_DPL3));
	refused("foreign-frame",
		(int)hypercall2(__HYPERVISOR_update_descriptor, 0x1000,
				DATA_DPL3));
	TRY("movq $0, %0", : "=m"(gdt[5])::"memory");
	VERDICT("direct-write-faults",
		trap_seen.seen && trap_seen.vector == 14 &&
			trap_seen.error == 3,
		"vector %lx error %lx", trap_seen.vector, trap_seen.error);
}

/* A segment with a base below 4 GiB, seen through fs. */
static void bases(void)
{
	uint64_t seen = 0;
	const uint32_t va = 0x10000000;
	int rc;

	rc = update(&gdt[6], data_at(va));
	equal("update-based-data", 0, rc);
	equal("load-based", 1, load_fs(0x33));
	TRY("movq %%fs:0x10, %0", : "=r"(seen)::"memory");
	VERDICT("base-is-used",
		trap_seen.seen && trap_seen.vector == 14 &&
			trap_seen.cr2 == va + 0x10,
		"vector %lx cr2 %lx", trap_seen.vector, trap_seen.cr2);
	equal("fs-null", 1, load_fs(0));
}

static int set_ldt(const void *va, uint64_t entries)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	op.arg1.linear_addr = (uint64_t)(uintptr_t)va;
	op.arg2.nr_ents = (unsigned int)entries;
	return (int)hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(&op), 1, 0,
			       DOMID_SELF, 0);
}

/* The iret hypercall, to this very place with another stack segment. */
static uint16_t iret_with_ss(uint64_t ss)
{
	uint64_t got = 0;

	__asm__ volatile("mov %%rsp, %%rax\n\t"
			 "push %1\n\t"
			 "push %%rax\n\t"
			 "pushfq\n\t"
			 "andq $~0x200, (%%rsp)\n\t" /* events stay masked */
			 "push %2\n\t"
			 "lea 1f(%%rip), %%rcx\n\t"
			 "push %%rcx\n\t"
			 "push $0\n\t"
			 "push %%rcx\n\t"
			 "push %%r11\n\t"
			 "push %%rax\n\t"
			 "mov $23, %%eax\n\t"
			 "syscall\n"
			 "1:\tmov %%ss, %0"
			 : "=&r"(got)
			 : "r"(ss), "r"((uint64_t)FLAT_KERNEL_CS & ~3ul)
			 : "rax", "rcx", "r11", "memory");
	return (uint16_t)got;
}

static void own_ldt(void)
{
	ldt[1] = DATA_DPL3;
	equal("ldt-read-only", 0, guest_make_readonly(ldt));
	equal("set-ldt", 0, set_ldt(ldt, 512));
	/* the first that needs its page is the return itself */
	equal("iret-to-ldt", 0x0f, iret_with_ss(0x0f));
	equal("load-from-ldt", 1, load_ds(0x0f));
	equal("load-null-after-ldt", 1, load_ds(0));
	equal("ldt-empty-entry", 0, load_ds(0x17));
	equal("ldt-update", 0, update(&ldt[2], DATA_DPL3));
	equal("ldt-updated-entry", 1, load_ds(0x17));
	load_ds(0);
	refused("ldt-in-use-not-writable", guest_make_writable(ldt));
	refused("ldt-too-long", set_ldt(ldt, 8193));
	refused("ldt-unaligned", set_ldt((char *)ldt + 8, 16));
	equal("no-ldt", 0, set_ldt(NULL, 0));
	equal("gone-ldt-faults", 0, load_ds(0x0f));
	equal("ldt-writable-again", 0, guest_make_writable(ldt));
	/* One that can be written to is none, and the guest sees its own address. */
	equal("set-writable-ldt", 0, set_ldt(target, 512));
	equal("writable-ldt-faults", 0, load_ds(0x0f));
	VERDICT("ldt-fault-address",
		trap_seen.vector == 14 && trap_seen.cr2 == (uint64_t)&target[1],
		"vector %lx error %lx cr2 %lx", trap_seen.vector,
		trap_seen.error, trap_seen.cr2);
	guest_equal("ldt-fault-error", 0, trap_seen.error);
	set_ldt(NULL, 0);
}

/* A page with a gate in it can never become a descriptor table. */
static void bad_page(void)
{
	target[9] = CALL_GATE;
	guest_make_readonly(target);
	refused("gdt-with-call-gate", set_gdt(va_mfn(target), 512));
	equal("not-typed-afterwards", 0, guest_make_writable(target));
	equal("old-gdt-still-there", 1, load_ds(FLAT_RING3_SS64));
	load_ds(0);
	equal("no-gdt", 0, set_gdt(va_mfn(gdt), 0));
	equal("gdt-writable-again", 0, guest_make_writable(gdt));
}

void guest_main(void)
{
	equal("map-shared-info", 0, guest_map_shared());
	own_gdt();
	illegal();
	bases();
	own_ldt();
	bad_page();
}

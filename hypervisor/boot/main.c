/*
 * main.c - start-up, in the order in which it happens.
 *
 * boot_main() runs on the boot CPU's first stack and with head.S's page
 * tables; start() on the CPU's real stack, with everything mapped; ap_main()
 * on every further CPU.  All three end in the exit path, which idles until
 * the scheduler has something to run.
 */
#include "boot/bootmem.h"
#include "boot/cmdline.h"
#include "boot/dom0.h"
#include "boot/multiboot.h"
#include "boot/watch.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/heap.h"
#include "core/m2p.h"
#include "core/log.h"
#include "hypercall/version.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/cpuid.h"
#include "x86/current.h"
#include "x86/desc.h"
#include "x86/e820.h"
#include "x86/guard.h"
#include "x86/insn.h"
#include "x86/ioapic.h"
#include "x86/irq.h"
#include "x86/mce.h"
#include "x86/port_init.h"
#include "x86/reboot.h"
#include "x86/smp.h"
#include "x86/spec.h"
#include "x86/time.h"
#include "x86/uart.h"
#include "x86/vmap.h"

#define VERSION "0.1"

/* ap.S */
#define AP_TRAMPOLINE 0x8000
extern uint8_t ap_trampoline[], ap_trampoline_end[], ap_trampoline_root[];
extern uint8_t image_start[], image_end[], boot_l4[];
extern uint64_t ap_stack;
uint64_t ap_stack;

void boot_main(uint32_t magic, uint32_t info, uint64_t image) __noreturn;
void ap_main(void) __noreturn;
void enter_idle(struct cpu_user_regs *regs) __noreturn; /* entry.S */

static struct boot_info info;
static struct options options;

static void complain(const char *option, const char *why)
{
	printk(LOG_WARN "command line: %s: %s\n", option, why);
}

static void init_console(void)
{
	struct uart_config uart = {
		.base = options.com1_base,
		.irq = 4,
		.baud = options.com1_baud,
	};

	if (options.console_com1) {
		uart_init(&uart);
	}
	/* 1: the loader left a graphics mode; 255: it does not say. */
	if (options.console_vga && !info.efi && info.fb.type != 1) {
		vga_init();
	}
	log_set_levels((enum log_level)options.loglvl,
		       (enum log_level)options.guest_loglvl);
}

static void init_e820(void)
{
	for (unsigned int i = 0; i < info.e820_count; i++) {
		const struct boot_e820 *e = &info.e820[i];

		e820_add(&machine_e820, e->addr, e->size, e->type);
	}
	e820_finish(&machine_e820);
	for (unsigned int i = 0; i < machine_e820.count; i++) {
		const struct e820_entry *e = &machine_e820.entry[i];

		printk(LOG_DEBUG "memory map: %012lx-%012lx %s\n",
		       (unsigned long)e->addr,
		       (unsigned long)(e->addr + e->size - 1),
		       e820_type_name(e->type));
	}
	if (!e820_total(&machine_e820, E820_RAM)) {
		printk("The boot loader gave no memory map.\n");
		machine_halt();
	}
}

static void reserve_boot_memory(uint64_t image)
{
	uint64_t size = (uint64_t)(image_end - image_start);

	bootmem_reserve(image, image + size);
	for (unsigned int i = 0; i < info.module_count; i++) {
		bootmem_reserve(info.module[i].start, info.module[i].end);
	}
}

static void declare_ram(mfn_t start, mfn_t end)
{
	frame_set_ram(start, end, true);
}

static void init_memory(uint64_t image)
{
	bootmem_init(&info);
	reserve_boot_memory(image);
	vmap_init(image);
	bootmem_for_each_ram(declare_ram);
	bootmem_for_each_free(heap_add);
	vmap_use_heap();
	printk("Memory: %lu MiB of RAM, %lu MiB free, frame table %lu KiB\n",
	       (unsigned long)(e820_total(&machine_e820, E820_RAM) >> 20),
	       (unsigned long)(heap_free_frames() >> 8),
	       (unsigned long)(frame_max * sizeof(struct frame) >> 10));
}

static void init_machine(void)
{
	struct acpi_hints hints = {
		.efi_system_table = info.efi_system_table,
		.rsdp_copy = info.rsdp_size ? info.rsdp : NULL,
		.rsdp_copy_len = info.rsdp_size,
	};

	if (acpi_init(&machine_acpi, &hints)) {
		printk(LOG_WARN "no usable ACPI tables\n");
	}
	guard_devices();
	cpu_set_options(options.xpti == OPTION_AUTO ? -1
						    : options.xpti == OPTION_ON,
			options.smep == OPTION_OFF,
			options.smap == OPTION_OFF);
	cpu_detect();
	heap_set_reserve(cpu_xpti);
	spec_init(options.spec_ctrl == OPTION_OFF);
	cpuid_init();
	desc_init();
}

/* The loader's modules are dom0's now; their memory is free. */
static void free_modules(void)
{
	for (unsigned int i = 0; i < info.module_count; i++) {
		uint64_t start = info.module[i].start & PAGE_MASK;
		uint64_t end = info.module[i].end & PAGE_MASK;

		if (start < end) {
			/* Guests get it, and the heap takes it as clean. */
			memset(port_directmap + start, 0, end - start);
			heap_add(MFN(start >> PAGE_SHIFT),
				 MFN(end >> PAGE_SHIFT));
		}
	}
}

static void start_dom0(void)
{
	if (dom0_build(&info, &options)) {
		/* The reason was printed: nothing is broken, so no dump. */
		printk("There is no dom0 to run.\n");
		machine_halt();
	}
	free_modules();
	m2p_share();
	vga_release();
	printk("Free memory for guests: %lu MiB. Starting dom0.\n",
	       (unsigned long)(heap_free_frames() >> 8));
	domain_unpause_by_controller(domain_dom0);
}

/* What each CPU does on its own stack, its APIC being on. */
static void start_cpu_common(unsigned int cpu)
{
	mce_init_cpu();
	smp_cpu_online(cpu);
	watch_start(cpu);
}

/* One after the other: they share the trampoline and ap_stack. */
static void ap_start_all(void)
{
	uint8_t *page = port_directmap + AP_TRAMPOLINE;
	uint32_t root = (uint32_t)virt_to_maddr(boot_l4);

	memcpy(page, ap_trampoline,
	       (size_t)(ap_trampoline_end - ap_trampoline));
	memcpy(page + (ap_trampoline_root - ap_trampoline), &root,
	       sizeof(root));
	for (unsigned int cpu = 1; cpu < smp_cpu_count(); cpu++) {
		desc_cpu_alloc(cpu);
		ap_stack = (uint64_t)&pcpu_of(cpu)->regs;
		smp_start_cpu(cpu, AP_TRAMPOLINE);
	}
	printk("%u CPUs\n",
	       (unsigned int)__builtin_popcountll(port_cpus_online()));
}

static void start(void) __noreturn __attribute__((used));
static void start(void)
{
	cpu_init_this();
	desc_cpu_load(0);
	apic_init(options.x2apic != OPTION_OFF);
	apic_init_cpu(machine_acpi.cpu[0].acpi_id);
	ioapic_init();
	irq_init();
	port_init_ipis();
	time_init(options.tsc_khz_forced);
	smp_init(options.max_cpus);
	start_cpu_common(0);
	ap_start_all();
	uart_enable_input();
	start_dom0();
	enter_idle(&pcpu()->regs);
}

void boot_main(uint32_t magic, uint32_t mbi, uint64_t image)
{
	bool known;
	unsigned int complaints;

	options_init(&options);
	known = multiboot_parse(magic, mbi, port_directmap, &info) == 0;
	complaints = cmdline_parse(info.cmdline, &options, complain);
	machine_noreboot = options.noreboot;
	init_console();
	printk("Serai hypervisor " VERSION ", loaded by %s at %lx\n",
	       info.loader[0] ? info.loader : "an unnamed loader",
	       (unsigned long)image);
	if (!known) {
		printk("Not started by a multiboot loader (magic %x).\n",
		       magic);
		machine_halt();
	}
	printk("Command line: %s\n", info.cmdline);
	version_set_command_line(info.cmdline);
	if (complaints) {
		/* Once more, now that there is a console to see it. */
		cmdline_parse(info.cmdline, &options, complain);
	}
	init_e820();
	init_memory(image);
	init_machine();
	desc_cpu_alloc(0);

	/* On to the CPU's own stack, below its struct pcpu. */
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "call start"
			 :
			 : "r"(&pcpu_of(0)->regs)
			 : "memory");
	__builtin_unreachable();
}

/* smp.c has started this CPU: ap_stack is its stack, hv_root is loaded. */
void ap_main(void)
{
	unsigned int cpu = pcpu()->cpu;

	cpu_init_this();
	desc_cpu_load(cpu);
	apic_init_cpu(smp_acpi_id(cpu));
	start_cpu_common(cpu);
	enter_idle(&pcpu()->regs);
}

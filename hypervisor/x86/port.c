/*
 * port.c - the rest of port.h that has no file of its own.
 */
#include "include/port.h"
#include "core/log.h"
#include "core/vcpu.h"
#include "include/log.h"
#include "x86/cpu.h"
#include "x86/current.h"
#include "x86/dump.h"
#include "x86/e820.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/port_init.h"
#include "x86/smp.h"
#include "x86/tlb.h"
#include "x86/uart.h"

#include <stdarg.h>

unsigned int port_cpu(void)
{
	return pcpu()->cpu;
}

struct cpu_user_regs *port_vcpu_regs(struct vcpu *v)
{
	return vcpu_regs(v);
}

void port_kick_cpu(unsigned int cpu)
{
	pcpu_add_work(pcpu_of(cpu), WORK_RESCHED);
	if (cpu != pcpu()->cpu) {
		smp_send_ipi(cpu, VEC_KICK);
	}
}

bool port_should_yield(void)
{
	struct pcpu *p = pcpu();

	/* The one place besides idle where interrupts come in. */
	__asm__ volatile("sti; nop; cli" : : : "memory");
	return (READ_ONCE(p->work) & ~WORK_SLOW) ||
	       (p->current && vcpu_event_pending(p->current));
}

static void do_nothing(void)
{
	/* A kick has done its work by bringing the CPU here. */
}

static void note_timer(void)
{
	pcpu_add_work(pcpu(), WORK_TIMER);
}

void port_init_ipis(void)
{
	irq_set_ipi_handler(VEC_KICK, do_nothing);
	irq_set_ipi_handler(VEC_FLUSH, tlb_service);
	irq_set_ipi_handler(VEC_TIMER, note_timer);
	irq_set_ipi_handler(VEC_CALL, cpu_wbinvd);
}

void port_flush_cache(bool all_cpus)
{
	cpu_wbinvd();
	if (all_cpus) {
		smp_send_ipi_mask(port_cpus_online() & ~(1ULL << pcpu()->cpu),
				  VEC_CALL);
	}
}

static bool panicking;

bool port_panicking(void)
{
	return READ_ONCE(panicking);
}

void port_panic(const char *fmt, ...)
{
	va_list ap;
	uint64_t sp;

	cpu_cli();
	log_break_lock();
	uart_break_lock();
	if (!panicking) {
		WRITE_ONCE(panicking, true);
		smp_send_nmi_others();
	}
	__asm__("mov %%rsp, %0" : "=r"(sp));
	printk("\n*** Serai hypervisor panic on CPU %u: ", pcpu()->cpu);
	va_start(ap, fmt);
	log_vprintk(fmt, ap);
	va_end(ap);
	printk("\n");
	dump_stack(sp);
	port_machine_off(SHUTDOWN_crash);
}

unsigned int port_machine_e820(const struct e820_entry **map)
{
	*map = machine_e820.entry;
	return machine_e820.count;
}

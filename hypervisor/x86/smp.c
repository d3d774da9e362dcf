/* smp.c - see smp.h.  Start-up sequence: Intel MP 1.4, appendix B.4. */
#include "x86/smp.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/insn.h"
#include "x86/time.h"

#define START_TIMEOUT_US 1000000

static unsigned int cpu_count;
static struct acpi_cpu cpus[MAX_CPUS];
static cpumask_t online;

void smp_init(unsigned int limit)
{
	uint32_t self = apic_id();
	struct acpi_cpu boot = { self, 0 };

	cpu_count = 1;
	for (unsigned int i = 0; i < machine_acpi.cpu_count; i++) {
		if (machine_acpi.cpu[i].apic_id == self) {
			boot = machine_acpi.cpu[i];
		} else if (machine_acpi.cpu[i].apic_id > 254 &&
			   !apic_is_x2apic()) {
			printk("CPU with APIC ID %u needs x2APIC, not used\n",
			       machine_acpi.cpu[i].apic_id);
		} else if (cpu_count < MAX_CPUS) {
			cpus[cpu_count++] = machine_acpi.cpu[i];
		}
	}
	cpus[0] = boot;
	if (limit && cpu_count > limit) {
		cpu_count = limit;
	}
}

unsigned int smp_cpu_count(void)
{
	return cpu_count;
}

uint32_t smp_apic_id(unsigned int cpu)
{
	return cpus[cpu].apic_id;
}

uint32_t smp_acpi_id(unsigned int cpu)
{
	return cpus[cpu].acpi_id;
}

int smp_start_cpu(unsigned int cpu, uint64_t trampoline)
{
	uint32_t id = cpus[cpu].apic_id;
	uint64_t start;

	apic_send_ipi(id, ICR_INIT | ICR_ASSERT | ICR_LEVEL);
	time_delay_us(10000);
	for (unsigned int i = 0; i < 2; i++) {
		apic_send_ipi(id, ICR_STARTUP | (uint32_t)(trampoline >> 12));
		time_delay_us(i ? 200 : 300);
		if (time_sync_wanted(cpu)) {
			break; /* it runs: a second one is not needed */
		}
	}
	start = port_now();
	while (!(port_cpus_online() & (1ULL << cpu))) {
		if (time_sync_wanted(cpu)) {
			time_sync_serve(cpu);
		} else if (port_now() - start > START_TIMEOUT_US * 1000ULL) {
			printk("CPU %u (APIC ID %u) does not start\n", cpu, id);
			return -ENODEV;
		}
		port_relax();
	}
	return 0;
}

void smp_cpu_online(unsigned int cpu)
{
	if (cpu) {
		time_sync_cpu(cpu);
	}
	__atomic_fetch_or(&online, 1ULL << cpu, __ATOMIC_SEQ_CST);
}

cpumask_t port_cpus_online(void)
{
	return __atomic_load_n(&online, __ATOMIC_ACQUIRE);
}

unsigned int port_cpu_count(void)
{
	return cpu_count;
}

int port_cpu_ids(unsigned int cpu, uint32_t *apic, uint32_t *acpi)
{
	if (cpu >= cpu_count) {
		return -ENOENT;
	}
	*apic = cpus[cpu].apic_id;
	*acpi = cpus[cpu].acpi_id;
	return 0;
}

void smp_send_ipi(unsigned int cpu, unsigned int vector)
{
	apic_send_ipi(cpus[cpu].apic_id, ICR_FIXED | ICR_ASSERT | vector);
}

void smp_send_ipi_mask(cpumask_t mask, unsigned int vector)
{
	while (mask) {
		smp_send_ipi((unsigned int)__builtin_ctzll(mask), vector);
		mask &= mask - 1;
	}
}

void smp_send_nmi_others(void)
{
	cpumask_t mask = port_cpus_online() & ~(1ULL << port_cpu());

	while (mask) {
		apic_send_ipi(cpus[__builtin_ctzll(mask)].apic_id,
			      ICR_NMI | ICR_ASSERT);
		mask &= mask - 1;
	}
}

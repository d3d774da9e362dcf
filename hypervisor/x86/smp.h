/*
 * smp.h - the CPUs: their numbers, how to start and to call them.
 *
 * CPU 0 is the one that booted; the others are numbered as in the MADT.
 */
#ifndef X86_SMP_H
#define X86_SMP_H

#include "include/types.h"

/* Number the CPUs; after acpi_init() and apic_init_cpu().  Boot CPU. */
void smp_init(unsigned int limit);
unsigned int smp_cpu_count(void); /* present and to be used */
uint32_t smp_apic_id(unsigned int cpu);
uint32_t smp_acpi_id(unsigned int cpu);

/*
 * Start `cpu` at the real-mode code in the page `trampoline` (below 1 MiB)
 * and wait until it has called smp_cpu_online().  0, -ENODEV (silent).
 */
int smp_start_cpu(unsigned int cpu, uint64_t trampoline);
/*
 * The new CPU is ready: apic_init_cpu() and desc_cpu_load() are done.  Also
 * compares its TSC with the boot CPU's (time.c).  The boot CPU for itself,
 * too.
 */
void smp_cpu_online(unsigned int cpu);

void smp_send_ipi(unsigned int cpu, unsigned int vector);
void smp_send_ipi_mask(cpumask_t cpus, unsigned int vector);
/* Stop signs to all others; for panics. */
void smp_send_nmi_others(void);

#endif

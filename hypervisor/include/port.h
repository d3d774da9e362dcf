/*
 * port.h - all that core/ and hypercall/ may ask of the hardware.
 *
 * x86/port.c (and the files it names) implements it in the hypervisor,
 * test/fake/port.c on the host.  The choice is made at link time: the same
 * core/ and hypercall/ sources run in both.
 *
 * The hypervisor runs with interrupts off, everywhere but in the idle loop
 * and inside port_should_yield().  So no lock needs an irqsave variant, and
 * a CPU that waits (port_relax()) must still answer TLB flush requests.
 */
#ifndef INCLUDE_PORT_H
#define INCLUDE_PORT_H

#include "include/abi.h"
#include "include/compiler.h"
#include "include/e820.h"
#include "include/types.h"

struct vcpu;
struct domain;

/* --- memory -------------------------------------------------------- */

/* Address of machine frame 0 in the direct map. */
extern uint8_t *port_directmap;

/* Any frame of RAM, by its number. */
static inline void *frame_ptr(mfn_t m)
{
	return port_directmap + (m.v << PAGE_SHIFT);
}

static inline mfn_t ptr_mfn(const void *p)
{
	return MFN((uint64_t)((const uint8_t *)p - port_directmap) >>
		   PAGE_SHIFT);
}

/* The machine-to-physical table, writable; guests see it read-only. */
extern uint64_t *port_m2p;
extern uint64_t port_m2p_count;
/* First frame of the table's i-th 2 MiB; 0: a gap. */
mfn_t port_m2p_extent(unsigned int i);

/* The CPU's physical address width. */
extern unsigned int port_phys_bits;
/*
 * CPUs with L1TF: an unprivileged guest's non-present entry must be address
 * 0 or at least this; 0 on other CPUs.
 */
extern uint64_t port_l1tf_limit;

/*
 * Copy between the hypervisor and the *current* vCPU's address space, as its
 * guest kernel sees it.  Checks the range against the hole.
 * 0 or -EFAULT (then any part may have been copied).
 */
int port_copy_from_guest(void *dst, gva_t src, size_t n);
int port_copy_to_guest(gva_t dst, const void *src, size_t n);
/* Would a copy to [dst, dst+n) succeed?  Touches, does not change. */
int port_probe_guest_write(gva_t dst, size_t n);

/* Write back and invalidate this CPU's caches, or those of all CPUs. */
void port_flush_cache(bool all_cpus);

/* --- TLB ------------------------------------------------------------ */

#define FLUSH_TLB 1u /* all non-global entries of the CPU's address space */
#define FLUSH_VA  2u /* one page: va */
/*
 * Flush on every CPU of mask, self included; returns when done.
 * Each full flush, a cr3 load included, calls tlbclock_cpu_flushed()
 * (core/tlbclock.h) on its CPU immediately before.
 */
void port_flush_tlb(cpumask_t mask, unsigned int flags, gva_t va);

/* --- CPUs, time ------------------------------------------------------ */

unsigned int port_cpu(void);	      /* this CPU's number, 0-based */
cpumask_t port_cpus_online(void);     /* all started CPUs */
uint64_t port_now(void);	      /* ns since boot, same on all CPUs */
uint64_t port_wallclock_ns(void);     /* ns since 1970 at port_now() == 0 */
void port_set_wallclock(uint64_t ns); /* as above */
uint64_t port_tsc_khz(void);
/*
 * One reading of this CPU's TSC and the port_now() that belongs to it, and
 * the scale between them (struct vcpu_time_info's form); for pvclock.c.
 */
void port_tsc_snapshot(uint64_t *tsc, uint64_t *now);
void port_tsc_scale(uint32_t *mul, int8_t *shift);
/* Make this CPU call upcall_timer() at `deadline` (port_now() time; 0: off). */
void port_timer_arm(uint64_t deadline);
/* Make `cpu` (any) go through upcall_softirq() soon; the way to preempt. */
void port_kick_cpu(unsigned int cpu);
/*
 * Should a long operation stop and be resumed?  True when an interrupt,
 * softirq or event is pending here.  Cheap; call every few dozen steps.
 */
bool port_should_yield(void);
/* In a spin loop: pause, and answer TLB flush requests meanwhile. */
void port_relax(void);

/* --- the machine's side of a vCPU ------------------------------------ */

/* Allocate/free FPU area, GDT/LDT mapping slots, etc.  0 or -ENOMEM. */
int port_vcpu_init(struct vcpu *v);
/* v's registers, wherever they are now; v is current, or does not run. */
struct cpu_user_regs *port_vcpu_regs(struct vcpu *v);
void port_vcpu_fini(struct vcpu *v);
int port_domain_init(struct domain *d); /* per-domain mapping tables */
void port_domain_fini(struct domain *d);
/*
 * Take the vCPU's PV state (struct pv_state) into effect after a change by
 * hypercall; v is current on this CPU or not running at all.
 */
void port_vcpu_load_gdt(struct vcpu *v);
void port_vcpu_load_ldt(struct vcpu *v);
void port_vcpu_load_cr3(struct vcpu *v); /* after pv.cr3 / pv.user_cr3 */
/* SEGBASE_*: v is current.  0 or -EINVAL. */
int port_vcpu_set_segbase(struct vcpu *v, unsigned int which, uint64_t base);
void port_vcpu_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val);
uint64_t port_vcpu_get_debugreg(struct vcpu *v, unsigned int reg);
void port_vcpu_set_ts(struct vcpu *v, bool ts); /* fpu_taskswitch */
void port_vcpu_set_iopl(struct vcpu *v, unsigned int iopl);
/* FPU image (512 bytes FXSAVE format) of a vCPU that is not running. */
void port_vcpu_get_fpu(struct vcpu *v, void *fx512);
void port_vcpu_set_fpu(struct vcpu *v, const void *fx512);
/*
 * More than that, on a CPU with XSAVE: what guests may have in XCR0 (0: no
 * XSAVE), the size of an image with the features in xcr0 (without compaction),
 * and XCR0 and image of a vCPU that is not running. -EINVAL: not such a
 * vCPU's, or the CPU would not load it.
 */
uint64_t port_xcr0_mask(void);
uint32_t port_xstate_size(uint64_t xcr0);
uint64_t port_vcpu_xcr0(struct vcpu *v);
void port_vcpu_get_xstate(struct vcpu *v, void *image, size_t size);
int port_vcpu_set_xstate(struct vcpu *v, uint64_t xcr0, const void *image);
/* Read segment selectors/bases that live in registers into v->regs/pv. */
void port_vcpu_sync_regs(struct vcpu *v);
/*
 * The iret hypercall: pops the frame from the guest kernel's stack and makes
 * it the current context, rax included.  Crashes d if malformed.
 */
void port_vcpu_iret(struct vcpu *v);

/* Called when an L4 frame becomes / stops being a validated root. */
int port_root_init(struct domain *d, mfn_t l4);	 /* fill hole; 0/-ENOMEM */
void port_root_fini(struct domain *d, mfn_t l4); /* drop companion root */
/* A guest slot of a validated L4 was changed to val: keep companion alike. */
void port_root_update(mfn_t l4, unsigned int slot, uint64_t val);

/* --- interrupts (dom0) ------------------------------------------------ */

/* A GSI's or MSI's line to the guest; see core/pirq.h. */
int port_pirq_startup(struct domain *d, unsigned int pirq, bool shareable);
void port_pirq_shutdown(struct domain *d, unsigned int pirq);
void port_pirq_eoi(struct domain *d, unsigned int pirq);
bool port_pirq_needs_eoi(struct domain *d, unsigned int pirq);
int port_pirq_map_gsi(struct domain *d, unsigned int gsi, int *pirq);
int port_pirq_map_msi(struct domain *d, struct physdev_map_pirq *map);
int port_pirq_unmap(struct domain *d, unsigned int pirq);
int port_pirq_setup_gsi(unsigned int gsi, unsigned int triggering,
			unsigned int polarity);
int port_pirq_set_affinity(struct domain *d, unsigned int pirq,
			   unsigned int cpu);
/* Reserve an MSI's number (get_free_pirq); -ENOSPC. */
int port_pirq_reserve(struct domain *d);
bool port_pirq_shared(struct domain *d, unsigned int pirq);
/* Program a device's mapped MSI/MSI-X messages again after a reset. */
int port_pirq_restore_msi(unsigned int seg, unsigned int bus,
			  unsigned int devfn);
/* For the debug key: one line per live interrupt. */
void port_dump_interrupts(void);
/* An IO-APIC register by the chip's address; 0 or -EINVAL. */
int port_ioapic_read(uint64_t base, unsigned int reg, uint32_t *val);

/* --- console, machine -------------------------------------------------- */

void port_console_write(const char *s, size_t n); /* raw bytes to the line */
size_t port_console_read(char *buf, size_t n);	  /* pending input */
void port_machine_off(unsigned int shutdown_reason) __noreturn;
/* Write the ACPI sleep registers (S5: does not return); -EINVAL, -EIO. */
int port_acpi_sleep(unsigned int state, uint16_t val_a, uint16_t val_b,
		    bool extended);
/* The machine's memory map, sorted; returns the number of entries. */
unsigned int port_machine_e820(const struct e820_entry **map);
/* Firmware's names of a CPU; -ENOENT beyond the last. */
int port_cpu_ids(unsigned int cpu, uint32_t *apic_id, uint32_t *acpi_id);
unsigned int port_cpu_count(void); /* present CPUs */
/* Is an MMCONFIG area in the firmware's MCFG? */
bool port_pci_mmcfg_known(uint64_t addr, unsigned int seg,
			  unsigned int first_bus, unsigned int last_bus);

#endif

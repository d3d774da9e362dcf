/*
 * irq.c - see irq.h.
 *
 * vector_irq[cpu][vector] says whose a vector is.  When an IRQ moves, its
 * old vector stays reserved until the next move or its end: an interrupt
 * may already be on its way there.  The dispatcher reads vector_irq and
 * irq.live without a lock; at worst it sees an IRQ that has just stopped,
 * whose event channel then is gone (upcall_pirq() finds port 0).
 */
#include "x86/irq.h"
#include "core/domain.h"
#include "core/pirq.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/spinlock.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/ioapic.h"
#include "x86/smp.h"

enum irq_kind { IRQ_FREE, IRQ_RESERVED, IRQ_GSI, IRQ_MSI };

struct place {
	uint8_t cpu, vector; /* vector 0: none */
};

static struct irq {
	uint8_t kind; /* enum irq_kind */
	bool live;
	bool level, low;
	bool wired; /* trigger and polarity are settled */
	uint8_t busy; /* fired, level, masked until irq_eoi(); atomic */
	struct place at, before;
	void (*own)(void); /* the hypervisor's; else dom0's */
	struct msi msi;
} irqs[PIRQ_COUNT];

/* IRQ + 1, or 0 for none. */
static uint16_t vector_irq[MAX_CPUS][256];
static void (*ipi_handler[256 - VEC_CALL])(void);
static struct spinlock irq_lock;
static unsigned int gsi_count;

/* --- vectors ------------------------------------------------------------ */

static uint8_t vector_alloc(unsigned int cpu, unsigned int n)
{
	for (unsigned int v = VEC_DEVICE_FIRST; v <= VEC_DEVICE_LAST; v++) {
		if (v != 0x80 && !vector_irq[cpu][v]) {
			vector_irq[cpu][v] = (uint16_t)(n + 1);
			return (uint8_t)v;
		}
	}
	return 0;
}

static void place_free(struct place *p)
{
	if (p->vector) {
		vector_irq[p->cpu][p->vector] = 0;
		p->vector = 0;
	}
}

/* --- the hardware behind an IRQ ------------------------------------------- */

unsigned int irq_to_gsi(unsigned int n)
{
	if (n < ISA_IRQS && machine_acpi.isa[n].present) {
		return machine_acpi.isa[n].gsi;
	}
	return n;
}

static void hw_mask(unsigned int n, bool masked)
{
	if (irqs[n].kind == IRQ_GSI) {
		ioapic_mask(irq_to_gsi(n), masked);
	} else if (irqs[n].kind == IRQ_MSI) {
		msi_mask(&irqs[n].msi, masked);
	}
}

static void hw_write(unsigned int n, bool masked)
{
	const struct irq *i = &irqs[n];
	uint32_t id = smp_apic_id(i->at.cpu);

	if (i->kind == IRQ_GSI) {
		ioapic_set(irq_to_gsi(n),
			   ioapic_entry(i->at.vector, id, i->level, i->low,
					masked));
	} else if (i->kind == IRQ_MSI) {
		msi_write(&i->msi, msi_address(id), msi_data(i->at.vector),
			  masked);
	}
}

/* --- dispatch --------------------------------------------------------------- */

static void handle_unknown(unsigned int vector)
{
	static uint32_t seen;

	/* A spurious one (8259, APIC) is not in service: no EOI. */
	if (apic_in_service(vector)) {
		apic_eoi();
	}
	if (seen++ < 20) {
		printk("CPU %u: nobody expects vector 0x%x\n", port_cpu(),
		       vector);
	}
}

void irq_handle(unsigned int vector)
{
	unsigned int n = vector_irq[port_cpu()][vector];
	struct irq *i;

	if (n) {
		i = &irqs[--n];
		if (i->level) {
			/*
			 * Before the EOI, or it would come again at once; and
			 * before `busy`, or a stray irq_eoi() in between would
			 * leave it masked for ever.
			 */
			hw_mask(n, true);
			__atomic_store_n(&i->busy, 1, __ATOMIC_RELEASE);
		}
		apic_eoi();
		if (i->own) {
			i->own();
			irq_eoi(n);
		} else if (READ_ONCE(i->live) && domain_dom0) {
			upcall_pirq(domain_dom0, n);
		}
	} else if (vector >= VEC_CALL && ipi_handler[vector - VEC_CALL]) {
		apic_eoi();
		ipi_handler[vector - VEC_CALL]();
	} else if (vector == VEC_APIC_ERROR) {
		apic_eoi();
		apic_error();
	} else if (vector != VEC_SPURIOUS) {
		handle_unknown(vector);
	}
}

void irq_set_ipi_handler(unsigned int vector, void (*fn)(void))
{
	ipi_handler[vector - VEC_CALL] = fn;
}

/* --- life ---------------------------------------------------------------------- */

void irq_init(void)
{
	gsi_count = ioapic_gsi_count();
	for (unsigned int n = 0; n < ISA_IRQS; n++) {
		const struct acpi_override *o = &machine_acpi.isa[n];

		/* "As the bus": ISA is edge-triggered, active high. */
		if (o->present) {
			irqs[n].level = ACPI_TRIGGER(o->flags) == 3;
			irqs[n].low = ACPI_POLARITY(o->flags) == 3;
		}
	}
}

int irq_set_trigger(unsigned int n, bool level, bool low)
{
	struct irq *i;
	int rc = 0;

	if (n >= gsi_count || !ioapic_has_gsi(irq_to_gsi(n))) {
		return -EINVAL;
	}
	i = &irqs[n];
	spin_lock(&irq_lock);
	if (i->wired || i->own) {
		rc = -EEXIST;
	} else if (n < ISA_IRQS && machine_acpi.isa[n].present) {
		/* The MADT has settled it; dom0 may say so once more. */
		i->wired = true;
	} else {
		i->level = level;
		i->low = low;
		i->wired = true;
	}
	spin_unlock(&irq_lock);
	return rc;
}

int irq_setup_gsi(unsigned int n)
{
	if (n >= gsi_count || !ioapic_has_gsi(irq_to_gsi(n))) {
		return -EINVAL;
	}
	spin_lock(&irq_lock);
	if (irqs[n].kind == IRQ_FREE) {
		irqs[n].kind = IRQ_GSI;
		/* Lines above ISA's are PCI's, unless setup_gsi said so. */
		if (n >= ISA_IRQS && !irqs[n].wired) {
			irqs[n].level = irqs[n].low = true;
		}
	}
	spin_unlock(&irq_lock);
	return 0;
}

static int find_free(void)
{
	for (unsigned int n = gsi_count; n < PIRQ_COUNT; n++) {
		if (irqs[n].kind == IRQ_FREE) {
			return (int)n;
		}
	}
	return -ENOSPC;
}

int irq_reserve(void)
{
	int n;

	spin_lock(&irq_lock);
	n = find_free();
	if (n >= 0) {
		irqs[n].kind = IRQ_RESERVED;
	}
	spin_unlock(&irq_lock);
	return n;
}

static bool same_message(const struct msi *a, const struct msi *b)
{
	return a->dev.seg == b->dev.seg && a->dev.bus == b->dev.bus &&
	       a->dev.devfn == b->dev.devfn && a->msix == b->msix &&
	       a->entry == b->entry;
}

int irq_setup_msi(int n, const struct msi *msi)
{
	spin_lock(&irq_lock);
	for (unsigned int i = gsi_count; i < PIRQ_COUNT; i++) {
		if (irqs[i].kind == IRQ_MSI &&
		    same_message(&irqs[i].msi, msi)) {
			n = -EBUSY; /* two vectors for one message */
			goto out;
		}
	}
	if (n < 0) {
		n = find_free();
	} else if ((unsigned int)n < gsi_count || n >= (int)PIRQ_COUNT) {
		n = -EINVAL;
	} else if (irqs[n].kind > IRQ_RESERVED) {
		n = -EBUSY;
	}
	if (n >= 0) {
		irqs[n] = (struct irq){ .kind = IRQ_MSI, .msi = *msi };
	}
out:
	spin_unlock(&irq_lock);
	return n;
}

static void stop_locked(unsigned int n)
{
	struct irq *i = &irqs[n];

	if (i->live) {
		WRITE_ONCE(i->live, false);
		hw_mask(n, true);
	}
	place_free(&i->at);
	place_free(&i->before);
	__atomic_store_n(&i->busy, 0, __ATOMIC_RELEASE);
}

int irq_release(unsigned int n)
{
	int rc = -EINVAL;

	if (n >= PIRQ_COUNT) {
		return rc;
	}
	spin_lock(&irq_lock);
	if (irqs[n].kind != IRQ_FREE && !irqs[n].own) {
		stop_locked(n);
		irqs[n].kind = IRQ_FREE;
		rc = 0;
	}
	spin_unlock(&irq_lock);
	return rc;
}

int irq_start(unsigned int n)
{
	struct irq *i = &irqs[n];
	int rc = 0;

	if (n >= PIRQ_COUNT) {
		return -EINVAL;
	}
	spin_lock(&irq_lock);
	if (i->kind != IRQ_GSI && i->kind != IRQ_MSI) {
		rc = -EINVAL;
	} else if (!i->live) {
		/* CPU 0 has most; irq_set_cpu() spreads them. */
		i->at.cpu = 0;
		i->at.vector = vector_alloc(0, n);
		if (i->at.vector) {
			i->live = true;
			hw_write(n, false);
		} else {
			rc = -ENOSPC;
		}
	}
	spin_unlock(&irq_lock);
	return rc;
}

void irq_stop(unsigned int n)
{
	if (n < PIRQ_COUNT) {
		spin_lock(&irq_lock);
		stop_locked(n);
		spin_unlock(&irq_lock);
	}
}

void irq_eoi(unsigned int n)
{
	if (n < PIRQ_COUNT &&
	    __atomic_exchange_n(&irqs[n].busy, 0, __ATOMIC_ACQ_REL) &&
	    READ_ONCE(irqs[n].live)) {
		hw_mask(n, false);
	}
}

bool irq_is_level(unsigned int n)
{
	return n < PIRQ_COUNT && irqs[n].kind == IRQ_GSI && irqs[n].level;
}

bool irq_is_mapped(unsigned int n)
{
	return n < PIRQ_COUNT && irqs[n].kind >= IRQ_GSI && !irqs[n].own;
}

/*
 * A message that cannot be masked must not be torn: keep the vector, so that
 * the address alone changes; where that is taken, stay.
 */
static uint8_t vector_for_move(unsigned int n, unsigned int cpu)
{
	const struct irq *i = &irqs[n];

	if (i->kind == IRQ_MSI && !msi_can_move(&i->msi)) {
		if (vector_irq[cpu][i->at.vector]) {
			return 0;
		}
		vector_irq[cpu][i->at.vector] = (uint16_t)(n + 1);
		return i->at.vector;
	}
	return vector_alloc(cpu, n);
}

int irq_set_cpu(unsigned int n, unsigned int cpu)
{
	struct irq *i = &irqs[n];
	uint8_t vector;

	if (n >= PIRQ_COUNT || cpu >= MAX_CPUS ||
	    !(port_cpus_online() & (1ULL << cpu))) {
		return -EINVAL;
	}
	spin_lock(&irq_lock);
	if (i->live && i->at.cpu != cpu &&
	    smp_apic_id(cpu) <= APIC_ID_MAX_IRQ) {
		if (i->before.cpu == cpu) {
			place_free(&i->before);
		}
		vector = vector_for_move(n, cpu);
		if (vector) {
			place_free(&i->before);
			i->before = i->at;
			i->at.cpu = (uint8_t)cpu;
			i->at.vector = vector;
			hw_write(n, READ_ONCE(i->busy));
			/* An EOI in between has unmasked the old entry. */
			if (i->level && !READ_ONCE(i->busy)) {
				hw_mask(n, false);
			}
		}
	}
	spin_unlock(&irq_lock);
	return 0;
}

int irq_restore_msi(unsigned int seg, unsigned int bus, unsigned int devfn)
{
	spin_lock(&irq_lock);
	for (unsigned int n = gsi_count; n < PIRQ_COUNT; n++) {
		const struct pci_addr *a = &irqs[n].msi.dev;

		if (irqs[n].kind == IRQ_MSI && irqs[n].live &&
		    a->seg == seg && a->bus == bus && a->devfn == devfn) {
			hw_write(n, false);
		}
	}
	spin_unlock(&irq_lock);
	return 0;
}

int irq_request_own(unsigned int isa_irq, void (*fn)(void))
{
	int rc = isa_irq < ISA_IRQS ? irq_setup_gsi(isa_irq) : -EINVAL;

	if (rc == 0) {
		irqs[isa_irq].own = fn;
		rc = irq_start(isa_irq);
	}
	return rc;
}

void port_dump_interrupts(void)
{
	for (unsigned int n = 0; n < PIRQ_COUNT; n++) {
		const struct irq *i = &irqs[n];

		if (!i->live) {
			continue;
		}
		printk("IRQ %u: %s CPU %u vector 0x%x%s%s\n", n,
		       i->kind == IRQ_GSI ? "line" : "message", i->at.cpu,
		       i->at.vector, i->level ? " level" : " edge",
		       i->busy ? " awaits EOI" : "");
	}
}

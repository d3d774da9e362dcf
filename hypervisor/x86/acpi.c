/*
 * acpi.c - read the static ACPI tables.  See acpi.h.
 */
#include "x86/acpi.h"
#include "include/errno.h"
#include "include/log.h"
#include "lib/string.h"

#define HEADER_SIZE 36
#define TABLE_MAX   (1u << 20) /* longer than this is damage */

struct acpi_info machine_acpi;

/* A table's contents, behind bounds.  Reading outside gives 0. */
struct table {
	const uint8_t *p;
	size_t n;
};

bool acpi_sum_ok(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (n--) {
		sum = (uint8_t)(sum + *b++);
	}
	return sum == 0;
}

static uint64_t get(const struct table *t, size_t at, size_t width)
{
	uint64_t v = 0;

	if (at <= t->n && width <= t->n - at) {
		memcpy(&v, t->p + at, width);
	}
	return v;
}

static uint8_t get8(const struct table *t, size_t at)
{
	return (uint8_t)get(t, at, 1);
}

static uint16_t get16(const struct table *t, size_t at)
{
	return (uint16_t)get(t, at, 2);
}

static uint32_t get32(const struct table *t, size_t at)
{
	return (uint32_t)get(t, at, 4);
}

/* A generic address structure; the 32-bit block address where it is empty. */
static struct acpi_gas get_gas(const struct table *t, size_t at)
{
	struct acpi_gas g = {
		.space = get8(t, at),
		.bits = get8(t, at + 1),
		.addr = get(t, at + 4, 8),
	};

	return g;
}

static struct acpi_gas get_block(const struct table *t, size_t legacy,
				 size_t gas, uint8_t bits)
{
	struct acpi_gas g = get_gas(t, gas);

	if (!g.addr) {
		g.addr = get32(t, legacy);
		g.space = ACPI_SPACE_IO;
		g.bits = bits;
	}
	return g;
}

static void cpu_add(struct acpi_info *info, uint32_t apic_id, uint32_t acpi_id,
		    uint32_t flags)
{
	/* Not enabled: a free socket, which we do not hot-plug. */
	if (!(flags & 1)) {
		return;
	}
	for (unsigned int i = 0; i < info->cpu_count; i++) {
		if (info->cpu[i].apic_id == apic_id) {
			return; /* listed as LAPIC and as x2APIC */
		}
	}
	if (info->cpu_count == MAX_CPUS) {
		info->cpus_left_out++;
		return;
	}
	info->cpu[info->cpu_count].apic_id = apic_id;
	info->cpu[info->cpu_count].acpi_id = acpi_id;
	info->cpu_count++;
}

static void nmi_add(struct acpi_info *info, uint32_t acpi_id, uint16_t flags,
		    uint8_t lint)
{
	if (info->nmi_count < ACPI_NMIS && lint < 2) {
		struct acpi_nmi *n = &info->nmi[info->nmi_count++];

		n->acpi_id = acpi_id;
		n->flags = flags;
		n->lint = lint;
	}
}

static void ioapic_add(struct acpi_info *info, const struct table *e)
{
	if (info->ioapic_count < ACPI_IOAPICS) {
		struct acpi_ioapic *io = &info->ioapic[info->ioapic_count++];

		io->id = get8(e, 2);
		io->addr = get32(e, 4);
		io->gsi_base = get32(e, 8);
	}
}

/* Interrupt source override: bus 0 is ISA, the only one there is. */
static void override_add(struct acpi_info *info, const struct table *e)
{
	uint8_t irq = get8(e, 3);

	if (get8(e, 2) == 0 && irq < ISA_IRQS) {
		info->isa[irq].gsi = get32(e, 4);
		info->isa[irq].flags = get16(e, 8);
		info->isa[irq].present = true;
	}
}

/* One entry of the MADT.  Short ones read as 0 and do no harm. */
static void madt_entry(struct acpi_info *info, const struct table *e)
{
	switch (get8(e, 0)) {
	case 0: /* local APIC */
		if (e->n >= 8) {
			cpu_add(info, get8(e, 3), get8(e, 2), get32(e, 4));
		}
		break;
	case 1:
		if (e->n >= 12) {
			ioapic_add(info, e);
		}
		break;
	case 2:
		if (e->n >= 10) {
			override_add(info, e);
		}
		break;
	case 4: /* local APIC NMI; 0xff: all */
		if (e->n >= 6) {
			uint32_t id = get8(e, 2);

			nmi_add(info, id == 0xff ? ~0U : id, get16(e, 3),
				get8(e, 5));
		}
		break;
	case 5: /* local APIC address override */
		if (e->n >= 12) {
			info->lapic_addr = get(e, 4, 8);
		}
		break;
	case 9: /* local x2APIC */
		if (e->n >= 16) {
			cpu_add(info, get32(e, 4), get32(e, 12), get32(e, 8));
		}
		break;
	case 10: /* local x2APIC NMI */
		if (e->n >= 12) {
			nmi_add(info, get32(e, 4), get16(e, 2), get8(e, 8));
		}
		break;
	default: /* what needs no action from us */
		break;
	}
}

static void madt_read(struct acpi_info *info, const struct table *t)
{
	size_t at = 44;

	if (info->has_madt) {
		return; /* a second one has no meaning */
	}
	info->has_madt = true;
	info->lapic_addr = get32(t, 36);
	info->has_8259 = get32(t, 40) & 1;
	while (at + 2 <= t->n) {
		size_t len = get8(t, at + 1);
		struct table e = {t->p + at, len};

		if (len < 2 || len > t->n - at) {
			printk("ACPI: MADT is damaged at byte %u\n",
			       (unsigned int)at);
			return;
		}
		madt_entry(info, &e);
		at += len;
	}
}

static void fadt_read(struct acpi_info *info, const struct table *t)
{
	uint32_t flags = get32(t, 112);

	info->has_fadt = true;
	info->sci_irq = get16(t, 46);
	info->century = get8(t, 108);
	info->hw_reduced = flags & (1u << 20);
	info->pm_timer_32bit = flags & (1u << 8);
	info->pm1a_evt = get_block(t, 56, 148, 32);
	info->pm1a_cnt = get_block(t, 64, 172, 16);
	info->pm1b_cnt = get_block(t, 68, 184, 16);
	if (get8(t, 91) == 4) { /* PM_TMR_LEN: 0 where there is none */
		info->pm_timer = get_block(t, 76, 208, 32);
	}
	if (flags & (1u << 10)) {
		info->reset = get_gas(t, 116);
		info->reset_value = get8(t, 128);
	}
	info->sleep_control = get_gas(t, 244);
}

static void hpet_read(struct acpi_info *info, const struct table *t)
{
	struct acpi_gas g = get_gas(t, 40);

	if (!info->hpet.addr && g.space == ACPI_SPACE_MEM) {
		info->hpet = g;
	}
}

static void mcfg_read(struct acpi_info *info, const struct table *t)
{
	for (size_t at = 44; at + 16 <= t->n; at += 16) {
		struct acpi_mcfg *m = &info->mcfg[info->mcfg_count];

		if (info->mcfg_count == ACPI_MCFGS) {
			return;
		}
		m->addr = get(t, at, 8);
		m->segment = get16(t, at + 8);
		m->first_bus = get8(t, at + 10);
		m->last_bus = get8(t, at + 11);
		if (m->addr && m->first_bus <= m->last_bus) {
			info->mcfg_count++;
		}
	}
}

static const struct {
	char signature[5];
	void (*read)(struct acpi_info *info, const struct table *t);
} readers[] = {
	{"APIC", madt_read},
	{"FACP", fadt_read},
	{"HPET", hpet_read},
	{"MCFG", mcfg_read},
};

/* Map the table at addr whole.  False (and a message) if it is damaged. */
static bool table_open(uint64_t addr, struct table *t)
{
	const uint8_t *p = acpi_map(addr, HEADER_SIZE);
	struct table head = {p, p ? HEADER_SIZE : 0};
	uint32_t len = get32(&head, 4);

	if (!p) {
		printk("ACPI: no memory at table address 0x%llx\n",
		       (unsigned long long)addr);
		return false;
	}
	if (len >= HEADER_SIZE && len <= TABLE_MAX) {
		p = acpi_map(addr, len);
		if (p && acpi_sum_ok(p, len)) {
			t->p = p;
			t->n = len;
			return true;
		}
	}
	printk("ACPI: table at 0x%llx (%u bytes) is damaged, ignored\n",
	       (unsigned long long)addr, len);
	return false;
}

static void table_read(struct acpi_info *info, uint64_t addr)
{
	const uint8_t *sig = acpi_map(addr, 4);
	struct table t;

	for (size_t i = 0; sig && i < ARRAY_SIZE(readers); i++) {
		if (memcmp(sig, readers[i].signature, 4) == 0 &&
		    table_open(addr, &t)) {
			readers[i].read(info, &t);
			/* The mapping of sig may be gone now. */
			return;
		}
	}
}

int acpi_init(struct acpi_info *info, const struct acpi_hints *hints)
{
	unsigned int size;
	struct table root;
	uint64_t addr;

	memset(info, 0, sizeof(*info));
	if (acpi_find_rsdp(info, hints, &addr, &size)) {
		printk("ACPI: no root pointer found\n");
		return -ENOENT;
	}
	if (!table_open(addr, &root)) {
		return -EINVAL;
	}
	for (size_t at = HEADER_SIZE; at + size <= root.n; at += size) {
		table_read(info, get(&root, at, size));
	}
	printk("ACPI: RSDP 0x%llx, %u CPUs, %u IO-APICs, %u MCFG, HPET 0x%llx"
	       ", PM timer 0x%llx\n",
	       (unsigned long long)info->rsdp, info->cpu_count,
	       info->ioapic_count, info->mcfg_count,
	       (unsigned long long)info->hpet.addr,
	       (unsigned long long)info->pm_timer.addr);
	if (info->cpus_left_out) {
		printk("ACPI: %u CPUs more than %u are not used\n",
		       info->cpus_left_out, MAX_CPUS);
	}
	return 0;
}

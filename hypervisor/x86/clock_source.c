/*
 * clock_source.c - a counter of known frequency: HPET, PM timer, or PIT.
 *
 * IA-PC HPET 1.0a; ACPI 6.4 section 4.8.3.3; Intel 8254 data sheet.
 */
#include "include/log.h"
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/mmio.h"
#include "x86/time.h"

#define HPET_PERIOD  0x004 /* femtoseconds; upper half of capabilities */
#define HPET_CONFIG  0x010
#define HPET_COUNTER 0x0f0
#define HPET_ENABLE  1
/* The specification's limit: 10 MHz; faster than 1 fs is nonsense. */
#define HPET_PERIOD_MAX 100000000u
#define PM_TIMER_HZ	3579545
#define PIT_HZ		1193182

static volatile uint8_t *hpet;
static struct clock_source source;

static bool open_hpet(void)
{
	uint32_t period;

	if (!machine_acpi.hpet.addr) {
		return false;
	}
	hpet = mmio_map(machine_acpi.hpet.addr, 0x400);
	period = hpet ? mmio_read32(hpet + HPET_PERIOD) : 0;
	if (period == 0 || period > HPET_PERIOD_MAX) {
		hpet = NULL;
		return false;
	}
	mmio_write32(hpet + HPET_CONFIG,
		     mmio_read32(hpet + HPET_CONFIG) | HPET_ENABLE);
	source = (struct clock_source){ "HPET", 1000000000000000ULL / period,
					0xffffffff };
	return true;
}

static bool open_pm_timer(void)
{
	const struct acpi_gas *g = &machine_acpi.pm_timer;
	uint32_t first;

	if (!g->addr || g->space != ACPI_SPACE_IO) {
		return false;
	}
	/* Some chipsets have the register, but it stands still. */
	first = inl((uint16_t)g->addr);
	for (unsigned int i = 0; i < 100000; i++) {
		if (inl((uint16_t)g->addr) != first) {
			source = (struct clock_source){
				"PM timer", PM_TIMER_HZ, 0xffffff
			};
			return true;
		}
	}
	return false;
}

/* Channel 2, counting down from 65536 with the speaker off. */
static void open_pit(void)
{
	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
	outb(0x43, 0xb4);
	outb(0x42, 0);
	outb(0x42, 0);
	source = (struct clock_source){ "PIT", PIT_HZ, 0xffff };
}

const struct clock_source *clock_source_open(void)
{
	if (!open_hpet() && !open_pm_timer()) {
		open_pit();
	}
	return &source;
}

uint64_t clock_source_read(void)
{
	uint32_t v;

	if (hpet) {
		return mmio_read32(hpet + HPET_COUNTER);
	}
	if (source.hz == PM_TIMER_HZ) {
		return inl((uint16_t)machine_acpi.pm_timer.addr) & 0xffffff;
	}
	outb(0x43, 0x80);
	v = inb(0x42);
	v |= (uint32_t)inb(0x42) << 8;
	return -v & 0xffff;
}

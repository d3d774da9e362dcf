/*
 * time.h - the TSC as the clock of all CPUs, and the wall clock.
 *
 * port_now() is the TSC since start-up, scaled.  With an invariant TSC that
 * all CPUs agree on (checked when each comes up) that is all.  Where one
 * differs, its offset is added, and port_now() never goes below what any
 * CPU has returned before.
 *
 * No locks but for the wall clock: the rest is written at start-up.
 */
#ifndef X86_TIME_H
#define X86_TIME_H

#include "include/types.h"

/*
 * Measure the TSC and the APIC timer against HPET, PM timer or PIT, read
 * the CMOS clock; port_now() starts at 0 here.  forced_khz: 0, or what the
 * command line says.  Boot CPU, after apic_init_cpu().
 */
void time_init(uint32_t forced_khz);
void time_delay_us(unsigned int us);

/*
 * Compare TSCs: the new CPU calls time_sync_cpu(), while the one that
 * starts it polls time_sync_wanted() and then calls time_sync_serve().
 */
void time_sync_cpu(unsigned int cpu);
bool time_sync_wanted(unsigned int cpu);
void time_sync_serve(unsigned int cpu);

/* clock_scale.c: pure arithmetic, host-tested. */

/* ns = ((tsc << shift) * mul) >> 32; shift may be negative. */
struct tsc_scale {
	uint32_t mul;
	int8_t shift;
};
struct tsc_scale scale_for_hz(uint64_t hz);
uint64_t scale_ticks(struct tsc_scale s, uint64_t ticks);
/* Ticks per nanosecond as a 32.32 fixed-point number. */
uint64_t scale_inverse(uint64_t hz);
/* Ticks of that many ns, or of 52 days if that is less. */
uint64_t scale_ns(uint64_t inverse, uint64_t ns);
/* Ticks per second, from d_tsc ticks during d_ref ticks of ref_hz. */
uint64_t scale_measure(uint64_t d_tsc, uint64_t d_ref, uint64_t ref_hz);
/* Seconds since 1970 of a date (UTC); month 1-12, day 1-31. */
uint64_t scale_date(unsigned int year, unsigned int month, unsigned int day,
		    unsigned int hour, unsigned int min, unsigned int sec);

/* clock_source.c: the counters that are measured against. */
struct clock_source {
	const char *name;
	uint64_t hz, mask;
};
/* The best there is; switched on. */
const struct clock_source *clock_source_open(void);
uint64_t clock_source_read(void);

/* rtc.c: the battery clock; ns since 1970, 0 if it makes no sense. */
uint64_t rtc_read_ns(void);

#endif

/* time.c - see time.h. */
#include "x86/time.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/spinlock.h"
#include "x86/apic.h"
#include "x86/insn.h"

/*
 * Long enough for 20 ppm with a microsecond of error at each end, short
 * enough for the PIT (which wraps after 55 ms) and for a quick boot.
 */
#define MEASURE_MS 25
#define SAMPLES	   8
#define SYNC_ROUNDS 64

static struct {
	uint64_t hz, start; /* TSC: ticks per second; at port_now() == 0 */
	struct tsc_scale scale;
	uint64_t inverse;      /* TSC ticks per ns, 32.32 */
	uint64_t apic_inverse; /* APIC timer ticks per ns */
	bool invariant;
	bool clamp; /* TSCs differ: never go back */
	uint64_t last;
	uint64_t offset[MAX_CPUS]; /* to add to that CPU's TSC */
	struct spinlock wall_lock;
	uint64_t wall; /* ns since 1970 at port_now() == 0 */
} clock;

/* The two CPUs that compare their TSCs. */
static struct {
	uint32_t cpu;	/* who asks; 0: nobody */
	uint32_t round; /* asked */
	uint32_t done;	/* answered */
	uint64_t tsc;
} sync;

/* --- start-up -------------------------------------------------------------- */

struct sample {
	uint64_t tsc, ref;
};

/* A reading of both, as close together as it gets. */
static struct sample take_sample(void)
{
	struct sample best = { 0, 0 };
	uint64_t best_gap = ~0ULL;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint64_t before = rdtsc_ordered();
		uint64_t ref = clock_source_read();
		uint64_t gap = rdtsc_ordered() - before;

		if (gap < best_gap) {
			best_gap = gap;
			best.tsc = before + gap / 2;
			best.ref = ref;
		}
	}
	return best;
}

/* Newer Intel CPUs tell their TSC's frequency. */
static uint64_t hz_from_cpuid(void)
{
	struct cpuid_regs r;

	if (cpuid(0).a < 0x15) {
		return 0;
	}
	r = cpuid(0x15);
	return r.a && r.b && r.c ? (uint64_t)r.c * r.b / r.a : 0;
}

/* TSC and APIC timer during the same stretch of the reference clock. */
static void measure(const struct clock_source *src, uint64_t *apic_hz)
{
	uint64_t span = src->hz * MEASURE_MS / 1000, gone;
	struct sample a, b;
	uint32_t apic_start, apic_end;

	apic_timer_set(0xffffffff);
	a = take_sample();
	apic_start = apic_timer_left();
	do {
		cpu_pause();
		b.ref = clock_source_read();
	} while (((b.ref - a.ref) & src->mask) < span);
	b = take_sample();
	apic_end = apic_timer_left();
	apic_timer_set(0);
	gone = (b.ref - a.ref) & src->mask;
	clock.hz = scale_measure(b.tsc - a.tsc, gone, src->hz);
	*apic_hz = scale_measure(apic_start - apic_end, gone, src->hz);
}

void time_init(uint32_t forced_khz)
{
	const struct clock_source *src = clock_source_open();
	uint64_t apic_hz, told = hz_from_cpuid();

	measure(src, &apic_hz);
	if (forced_khz) {
		clock.hz = (uint64_t)forced_khz * 1000;
	} else if (told) {
		clock.hz = told;
	}
	if (cpuid(0x80000000).a >= 0x80000007) {
		clock.invariant = cpuid(0x80000007).d & (1u << 8);
	}
	clock.scale = scale_for_hz(clock.hz);
	clock.inverse = scale_inverse(clock.hz);
	clock.apic_inverse = scale_inverse(apic_hz);
	clock.start = rdtsc_ordered();
	clock.wall = rtc_read_ns();
	/* Reading the CMOS clock took time that has passed since. */
	if (clock.wall) {
		clock.wall -= port_now();
	}
	printk("Clock: TSC %llu.%03llu MHz (%s, %sinvariant), "
	       "APIC timer %llu kHz\n",
	       (unsigned long long)clock.hz / 1000000,
	       (unsigned long long)clock.hz / 1000 % 1000,
	       forced_khz ? "command line" : told ? "CPUID" : src->name,
	       clock.invariant ? "" : "not ",
	       (unsigned long long)apic_hz / 1000);
}

/* --- reading ------------------------------------------------------------------ */

static uint64_t never_back(uint64_t now)
{
	uint64_t last = __atomic_load_n(&clock.last, __ATOMIC_RELAXED);

	while (now > last) {
		if (__atomic_compare_exchange_n(&clock.last, &last, now, true,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			return now;
		}
	}
	return last;
}

void port_tsc_snapshot(uint64_t *tsc, uint64_t *now)
{
	uint64_t t = rdtsc_ordered();

	*tsc = t;
	t += clock.offset[clock.clamp ? port_cpu() : 0] - clock.start;
	*now = scale_ticks(clock.scale, t);
	if (unlikely(clock.clamp)) {
		*now = never_back(*now);
	}
}

uint64_t port_now(void)
{
	uint64_t tsc, now;

	port_tsc_snapshot(&tsc, &now);
	return now;
}

uint64_t port_tsc_khz(void)
{
	return clock.hz / 1000;
}

void port_tsc_scale(uint32_t *mul, int8_t *shift)
{
	*mul = clock.scale.mul;
	*shift = clock.scale.shift;
}

void time_delay_us(unsigned int us)
{
	uint64_t ticks = scale_ns(clock.inverse, us * 1000ULL);
	uint64_t start = rdtsc_ordered();

	while (rdtsc_ordered() - start < ticks) {
		cpu_pause();
	}
}

uint64_t port_wallclock_ns(void)
{
	uint64_t v;

	spin_lock(&clock.wall_lock);
	v = clock.wall;
	spin_unlock(&clock.wall_lock);
	return v;
}

void port_set_wallclock(uint64_t ns)
{
	spin_lock(&clock.wall_lock);
	clock.wall = ns;
	spin_unlock(&clock.wall_lock);
}

/* --- the deadline ---------------------------------------------------------------- */

void port_timer_arm(uint64_t deadline)
{
	uint64_t tsc, now, ticks;

	if (deadline == 0) {
		if (apic_has_deadline()) {
			apic_timer_set_deadline(0);
		} else {
			apic_timer_set(0);
		}
		return;
	}
	port_tsc_snapshot(&tsc, &now);
	deadline = deadline > now ? deadline - now : 0;
	if (apic_has_deadline()) {
		/* Rounded up: never early.  In the past: at once. */
		apic_timer_set_deadline(
			tsc + scale_ns(clock.inverse, deadline) + 1);
	} else {
		/* The counter is short: it may fire early, and is set anew. */
		ticks = scale_ns(clock.apic_inverse, deadline) + 1;
		apic_timer_set((uint32_t)MIN(ticks, 0xffffffffULL));
	}
}

/* --- comparing TSCs -------------------------------------------------------------- */

bool time_sync_wanted(unsigned int cpu)
{
	return __atomic_load_n(&sync.cpu, __ATOMIC_ACQUIRE) == cpu;
}

void time_sync_serve(unsigned int cpu)
{
	uint32_t seen = __atomic_load_n(&sync.done, __ATOMIC_RELAXED);

	while (time_sync_wanted(cpu)) {
		uint32_t r = __atomic_load_n(&sync.round, __ATOMIC_ACQUIRE);

		if (r != seen) {
			sync.tsc = rdtsc_ordered();
			__atomic_store_n(&sync.done, r, __ATOMIC_RELEASE);
			seen = r;
		}
		/* QEMU's -icount gives the other CPU its turn here. */
		cpu_pause();
	}
}

/*
 * The other's reading was taken between two of ours: when it always lies
 * between them, the TSCs agree as far as anyone can see.
 */
void time_sync_cpu(unsigned int cpu)
{
	uint64_t best_gap = ~0ULL, offset = 0;
	bool agrees = true;

	__atomic_store_n(&sync.cpu, cpu, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
		uint32_t r = sync.round + 1;
		uint64_t t0, t1, other;

		t0 = rdtsc_ordered();
		__atomic_store_n(&sync.round, r, __ATOMIC_RELEASE);
		while (__atomic_load_n(&sync.done, __ATOMIC_ACQUIRE) != r) {
			cpu_pause();
		}
		other = sync.tsc;
		t1 = rdtsc_ordered();
		if ((int64_t)(other - t0) < 0 || (int64_t)(t1 - other) < 0) {
			agrees = false;
		}
		if (t1 - t0 < best_gap) {
			best_gap = t1 - t0;
			offset = other - (t0 + (t1 - t0) / 2);
		}
	}
	if (!agrees) {
		printk("Clock: TSC of CPU %u differs by %lld ticks\n", cpu,
		       (long long)offset);
		clock.offset[cpu] = offset;
		clock.clamp = true;
	}
	__atomic_store_n(&sync.cpu, 0, __ATOMIC_RELEASE);
}

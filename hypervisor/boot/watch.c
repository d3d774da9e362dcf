/* watch.c - see watch.h. */
#include "boot/watch.h"
#include "core/timer.h"
#include "include/port.h"
#include "x86/mce.h"

#define PERIOD_NS 60000000000ULL

static struct timer timers[MAX_CPUS];

static void look(void *arg)
{
	struct timer *t = arg;

	mce_poll();
	timer_set(t, port_now() + PERIOD_NS);
}

void watch_start(unsigned int cpu)
{
	timer_init(&timers[cpu], look, &timers[cpu], cpu);
	timer_set(&timers[cpu], port_now() + PERIOD_NS);
}

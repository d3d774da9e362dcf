/* pvclock.c - see pvclock.h. */
#include "core/pvclock.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "include/compiler.h"
#include "include/port.h"

#define NS_PER_S 1000000000ULL

static void write_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void publish_copy(struct vcpu *v, const struct vcpu_time_info *t)
{
	uint32_t odd = t->version | 1;
	gva_t at = v->time_area;

	if (port_copy_to_guest(at, &odd, sizeof(odd)) == 0) {
		write_barrier();
		port_copy_to_guest(gva_add(at, sizeof(odd)),
				   (const char *)t + sizeof(odd),
				   sizeof(*t) - sizeof(odd));
		write_barrier();
		port_copy_to_guest(at, &t->version, sizeof(t->version));
	}
}

void pvclock_publish(struct vcpu *v)
{
	struct vcpu_time_info *t = &v->info->time, now;
	uint32_t version = READ_ONCE(t->version) & ~1u;

	now.pad0 = 0;
	now.pad1[0] = now.pad1[1] = 0;
	port_tsc_snapshot(&now.tsc_timestamp, &now.system_time);
	port_tsc_scale(&now.tsc_to_system_mul, &now.tsc_shift);
	now.flags = XEN_PVCLOCK_TSC_STABLE_BIT;
	now.version = version + 2;

	WRITE_ONCE(t->version, version + 1);
	write_barrier();
	t->tsc_timestamp = now.tsc_timestamp;
	t->system_time = now.system_time;
	t->tsc_to_system_mul = now.tsc_to_system_mul;
	t->tsc_shift = now.tsc_shift;
	t->flags = now.flags;
	write_barrier();
	WRITE_ONCE(t->version, now.version);

	if (v->time_area.v) {
		publish_copy(v, &now);
	}
}

/* Caller holds page_lock. */
static void write_wallclock(struct domain *d, struct shared_info *s)
{
	uint64_t ns = port_wallclock_ns() + d->time_offset_ns;

	d->wc_version = (d->wc_version + 2) & ~1u;
	WRITE_ONCE(s->wc_version, d->wc_version + 1);
	write_barrier();
	s->wc_sec = (uint32_t)(ns / NS_PER_S);
	s->wc_sec_hi = (uint32_t)(ns / NS_PER_S >> 32);
	s->wc_nsec = (uint32_t)(ns % NS_PER_S);
	write_barrier();
	d->wc_version += 2;
	WRITE_ONCE(s->wc_version, d->wc_version);
}

void pvclock_publish_wallclock(struct domain *d)
{
	spin_lock(&d->page_lock);
	if (d->shared_info) { /* else it is dying */
		write_wallclock(d, d->shared_info);
	}
	spin_unlock(&d->page_lock);
}

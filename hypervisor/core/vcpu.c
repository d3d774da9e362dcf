/* vcpu.c - the life of a virtual CPU; see vcpu.h. */
#include "core/vcpu.h"
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "core/pvclock.h"
#include "core/sched.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "lib/string.h"

/* --- its timers --------------------------------------------------------- */

static void raise_timer(void *arg)
{
	evtchn_raise_virq(arg, VIRQ_TIMER);
}

static void periodic_tick(void *arg)
{
	struct vcpu *v = arg;
	uint64_t now = port_now();

	evtchn_raise_virq(v, VIRQ_TIMER);
	if (v->period_ns) {
		/* Ticks that were missed stay missed. */
		timer_set(&v->periodic,
			  MAX(v->periodic.deadline + v->period_ns, now));
	}
}

static void poll_timeout(void *arg)
{
	vcpu_end_poll(arg);
}

/* --- life ----------------------------------------------------------------- */

static int info_init(struct vcpu *v)
{
	struct domain *d = v->domain;

	v->info_mfn = MFN_NONE;
	if (v->id < XEN_LEGACY_MAX_VCPUS) {
		v->info = &d->shared_info->vcpu_info[v->id];
		return 0;
	}
	v->own_info = mem_alloc(sizeof(*v->own_info));
	v->info = v->own_info;
	return v->info ? 0 : -ENOMEM;
}

int vcpu_create(struct domain *d, unsigned int id)
{
	struct vcpu *v;
	int rc;

	if (id >= d->vcpu_count || id >= MAX_VCPUS || d->vcpu[id]) {
		return -EINVAL;
	}
	v = mem_alloc(sizeof(*v));
	if (!v) {
		return -ENOMEM;
	}
	v->domain = d;
	v->id = (uint16_t)id;
	v->mode = VF_KERNEL;
	v->pv.dr[6] = 0xffff0ff0; /* as a CPU has them after reset */
	v->pv.dr[7] = 0x400;
	v->pause_flags = VPF_DOWN;
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = port_now();
	rc = info_init(v);
	if (rc) {
		goto out_free;
	}
	v->info->evtchn_upcall_mask = 1;
	sched_vcpu_init(v);
	timer_init(&v->singleshot, raise_timer, v, v->cpu);
	timer_init(&v->periodic, periodic_tick, v, v->cpu);
	timer_init(&v->poll_timer, poll_timeout, v, v->cpu);
	rc = port_vcpu_init(v);
	if (rc) {
		goto out_info;
	}
	d->vcpu[id] = v;
	return 0;

out_info:
	sched_vcpu_fini(v);
	mem_free(v->own_info);
out_free:
	mem_free(v);
	return rc;
}

void vcpu_destroy(struct vcpu *v)
{
	timer_stop(&v->singleshot);
	timer_stop(&v->periodic);
	timer_stop(&v->poll_timer);
	sched_vcpu_fini(v);
	port_vcpu_fini(v);
	v->domain->vcpu[v->id] = NULL;
	mem_free(v->own_info);
	mem_free(v);
}

/* --- running and not ---------------------------------------------------------- */

bool vcpu_runnable(const struct vcpu *v)
{
	return !(READ_ONCE(v->pause_flags) | (uint32_t)READ_ONCE(v->pause_count) |
		 (uint32_t)READ_ONCE(v->domain->pause_count));
}

uint32_t vcpu_flags_set(struct vcpu *v, uint32_t flags)
{
	return __atomic_fetch_or(&v->pause_flags, flags, __ATOMIC_SEQ_CST);
}

uint32_t vcpu_flags_clear(struct vcpu *v, uint32_t flags)
{
	return __atomic_fetch_and(&v->pause_flags, ~flags, __ATOMIC_SEQ_CST);
}

void vcpu_pause(struct vcpu *v)
{
	__atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
	sched_sleep(v);
}

void vcpu_pause_sync(struct vcpu *v)
{
	vcpu_pause(v);
	/* The caller's own vCPU stops on its way back to the guest. */
	if (v == sched_current(port_cpu())) {
		return;
	}
	while (sched_is_on_cpu(v)) {
		port_relax();
	}
}

void vcpu_unpause(struct vcpu *v)
{
	if (__atomic_fetch_sub(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 1) {
		sched_wake(v);
	}
}

void vcpu_kick(struct vcpu *v)
{
	unsigned int cpu = v->cpu;

	/* On this CPU its events are looked at on the way out anyway. */
	if (READ_ONCE(v->running) && cpu != port_cpu()) {
		port_kick_cpu(cpu);
	}
}

void vcpu_wake(struct vcpu *v)
{
	if (READ_ONCE(v->pause_flags) & (VPF_BLOCKED | VPF_POLLING)) {
		vcpu_end_poll(v);
		if (vcpu_flags_clear(v, VPF_BLOCKED) & VPF_BLOCKED) {
			sched_wake(v);
		}
	}
	vcpu_kick(v);
}

void vcpu_block(struct vcpu *v)
{
	v->info->evtchn_upcall_mask = 0;
	vcpu_flags_set(v, VPF_BLOCKED);
	/* An event may have come before the flag: then it woke nobody. */
	if (READ_ONCE(v->info->evtchn_upcall_pending)) {
		vcpu_flags_clear(v, VPF_BLOCKED);
		return;
	}
	sched_sleep(v);
}

static uint64_t *poll_word(struct vcpu *v)
{
	return &v->domain->polling[v->id / 64];
}

void vcpu_poll(struct vcpu *v, uint32_t port, uint64_t deadline)
{
	v->poll_port = port;
	vcpu_flags_set(v, VPF_POLLING);
	__atomic_fetch_or(poll_word(v), 1ULL << (v->id % 64),
			  __ATOMIC_SEQ_CST);
	if (deadline) {
		timer_migrate(&v->poll_timer, port_cpu());
		timer_set(&v->poll_timer, deadline);
	}
	sched_sleep(v);
}

void vcpu_end_poll(struct vcpu *v)
{
	/*
	 * First the bit, then the flag: the other way round v might poll again
	 * in between, and this would take the bit of its new poll.
	 */
	__atomic_fetch_and(poll_word(v), ~(1ULL << (v->id % 64)),
			   __ATOMIC_SEQ_CST);
	if (vcpu_flags_clear(v, VPF_POLLING) & VPF_POLLING) {
		sched_wake(v);
	}
}

void vcpu_up(struct vcpu *v)
{
	if (vcpu_flags_clear(v, VPF_DOWN) & VPF_DOWN) {
		sched_wake(v);
	}
}

void vcpu_down(struct vcpu *v)
{
	if (!(vcpu_flags_set(v, VPF_DOWN) & VPF_DOWN)) {
		sched_sleep(v);
	}
}

void vcpu_send_nmi(struct vcpu *v)
{
	if (!__atomic_exchange_n(&v->pv.nmi_pending, true, __ATOMIC_SEQ_CST)) {
		vcpu_wake(v);
	}
}

/* --- runstate -------------------------------------------------------------------- */

void vcpu_set_runstate(struct vcpu *v, int state, uint64_t now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	if (r->state == state) {
		return;
	}
	if (now > r->state_entry_time) {
		r->time[r->state] += now - r->state_entry_time;
		r->state_entry_time = now;
	}
	r->state = state;
}

void vcpu_publish_runstate(struct vcpu *v)
{
	struct vcpu_runstate_info r = v->runstate;
	gva_t flag = gva_add(v->runstate_area,
			     offsetof(struct vcpu_runstate_info,
				      state_entry_time));

	if (!v->runstate_area.v) {
		return;
	}
	if (!(v->domain->vm_assist >> VMASST_TYPE_runstate_update_flag & 1)) {
		port_copy_to_guest(v->runstate_area, &r, sizeof(r));
		return;
	}
	/* The flag tells readers on other vCPUs to try again. */
	r.state_entry_time |= XEN_RUNSTATE_UPDATE;
	if (port_copy_to_guest(flag, &r.state_entry_time, 8)) {
		return;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	port_copy_to_guest(v->runstate_area, &r, sizeof(r));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
	port_copy_to_guest(flag, &r.state_entry_time, 8);
}

/* --- registered vcpu_info ----------------------------------------------------------- */

int vcpu_map_info(struct vcpu *v, mfn_t m, uint32_t offset)
{
	struct vcpu_info *to;

	if (!mfn_eq(v->info_mfn, MFN_NONE) ||
	    offset > PAGE_SIZE - sizeof(struct vcpu_info) || offset % 8) {
		return -EINVAL;
	}
	if (ptype_get_frame(m, FT_WRITABLE, v->domain) != 0) {
		return -EINVAL;
	}
	to = (void *)((uint8_t *)frame_ptr(m) + offset);
	memcpy(to, v->info, sizeof(*to));
	v->info_mfn = m;
	v->info = to;
	/*
	 * An event may go to the old place while we copy: look at everything
	 * once.  The guest copes with a spurious upcall.
	 */
	__atomic_store_n(&to->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&to->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	pvclock_publish(v);
	return 0;
}

void vcpu_unmap_info(struct vcpu *v)
{
	mfn_t m = v->info_mfn;

	if (mfn_eq(m, MFN_NONE)) {
		return;
	}
	/* The domain is dying or being reset: nobody looks at events now. */
	v->info = v->own_info ? v->own_info :
				&v->domain->shared_info->vcpu_info
					 [v->id % XEN_LEGACY_MAX_VCPUS];
	v->info_mfn = MFN_NONE;
	ptype_put_frame(m, false);
}

void vcpu_drop_info(struct vcpu *v)
{
	static struct vcpu_info none;

	v->info = &none;
}

/* vcpu.c - vcpu_op and set_timer_op: a domain's care for its own vCPUs. */
#include "core/heap.h"
#include "core/ptype.h"
#include "core/pvclock.h"
#include "core/sched.h"
#include "hypercall/context.h"
#include "hypercall/hc.h"
#include "include/compiler.h"
#include "include/nospec.h"

#define NS_PER_MS   1000000ULL
#define PERIOD_MIN  NS_PER_MS
#define PERIOD_MAX  (100000ULL * NS_PER_MS)

typedef long vcpu_fn(struct hc *hc, struct vcpu *v, gva_t arg);

static long initialise(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_guest_context *c;
	long rc;

	(void)hc;
	c = mem_alloc(sizeof(*c));
	if (!c) {
		return -ENOMEM;
	}
	rc = port_copy_from_guest(c, arg, sizeof(*c)) ?
		     -EFAULT :
		     context_set(v, c, false);
	mem_free(c);
	return rc;
}

static long up(struct hc *hc, struct vcpu *v, gva_t arg)
{
	(void)hc;
	(void)arg;
	if (!v->initialised) {
		return -EINVAL;
	}
	vcpu_up(v);
	return 0;
}

static long down(struct hc *hc, struct vcpu *v, gva_t arg)
{
	(void)hc;
	(void)arg;
	vcpu_down(v);
	return 0;
}

static long get_runstate(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_runstate_info r = v->runstate;
	uint64_t now = port_now();

	(void)hc;
	if (r.state < (int)ARRAY_SIZE(r.time) && now > r.state_entry_time) {
		r.time[r.state] += now - r.state_entry_time;
	}
	return port_copy_to_guest(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

/* The guest's address of an area, from a structure of just that. */
static long get_area(gva_t arg, size_t size, gva_t *out)
{
	uint64_t at;

	if (port_copy_from_guest(&at, arg, sizeof(at))) {
		return -EFAULT;
	}
	if (at && !gva_range_ok(GVA(at), size)) {
		return -EFAULT;
	}
	*out = GVA(at);
	return 0;
}

static long register_runstate_area(struct hc *hc, struct vcpu *v, gva_t arg)
{
	long rc = get_area(arg, sizeof(v->runstate), &v->runstate_area);

	if (rc == 0 && v == hc->v) {
		vcpu_publish_runstate(v);
	}
	return rc;
}

static long register_time_area(struct hc *hc, struct vcpu *v, gva_t arg)
{
	long rc = get_area(arg, sizeof(struct vcpu_time_info), &v->time_area);

	if (rc == 0 && v == hc->v) {
		pvclock_publish(v);
	}
	return rc;
}

static long register_info(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_register_vcpu_info op;
	long rc;

	if (port_copy_from_guest(&op, arg, sizeof(op))) {
		return -EFAULT;
	}
	if (!frame_valid(MFN(op.mfn))) {
		return -EINVAL;
	}
	/* Nobody may look at its events while they move. */
	if (v != hc->v && !(READ_ONCE(v->pause_flags) & VPF_DOWN)) {
		return -EINVAL;
	}
	spin_lock(&hc->d->mmu_lock);
	rc = vcpu_map_info(v, MFN(op.mfn), op.offset);
	spin_unlock(&hc->d->mmu_lock);
	return rc;
}

static long set_periodic(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_set_periodic_timer op;

	(void)hc;
	if (port_copy_from_guest(&op, arg, sizeof(op))) {
		return -EFAULT;
	}
	if (op.period_ns < PERIOD_MIN || op.period_ns > PERIOD_MAX) {
		return -EINVAL;
	}
	v->period_ns = op.period_ns;
	timer_set(&v->periodic, port_now() + op.period_ns);
	return 0;
}

static long stop_periodic(struct hc *hc, struct vcpu *v, gva_t arg)
{
	(void)hc;
	(void)arg;
	v->period_ns = 0;
	timer_stop(&v->periodic);
	return 0;
}

static void set_singleshot_at(struct vcpu *v, uint64_t deadline)
{
	timer_migrate(&v->singleshot, port_cpu());
	timer_set(&v->singleshot, deadline);
}

/* Linux stops the machine if this is not 0, also for a time in the past. */
static long set_singleshot(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_set_singleshot_timer op;

	if (v != hc->v) {
		return -EINVAL;
	}
	if (port_copy_from_guest(&op, arg, sizeof(op))) {
		return -EFAULT;
	}
	if ((op.flags & VCPU_SSHOTTMR_future) &&
	    op.timeout_abs_ns < port_now()) {
		return -ETIME;
	}
	set_singleshot_at(v, op.timeout_abs_ns);
	return 0;
}

static long stop_singleshot(struct hc *hc, struct vcpu *v, gva_t arg)
{
	(void)arg;
	if (v != hc->v) {
		return -EINVAL;
	}
	timer_stop(&v->singleshot);
	return 0;
}

static long send_nmi(struct hc *hc, struct vcpu *v, gva_t arg)
{
	(void)hc;
	(void)arg;
	vcpu_send_nmi(v);
	return 0;
}

/* Only a domain that may run on real CPU numbers sees them: dom0, pinned. */
static long get_physid(struct hc *hc, struct vcpu *v, gva_t arg)
{
	struct vcpu_get_physid op;
	cpumask_t mask = v->sched.hard_affinity & port_cpus_online();

	if (!hc->d->privileged || !mask || (mask & (mask - 1))) {
		return -EINVAL;
	}
	op.phys_id = (uint64_t)__builtin_ctzll(mask);
	op.phys_id |= op.phys_id << 32;
	return port_copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static vcpu_fn *const ops[] = {
	[VCPUOP_initialise] = initialise,
	[VCPUOP_up] = up,
	[VCPUOP_down] = down,
	[VCPUOP_get_runstate_info] = get_runstate,
	[VCPUOP_register_runstate_memory_area] = register_runstate_area,
	[VCPUOP_set_periodic_timer] = set_periodic,
	[VCPUOP_stop_periodic_timer] = stop_periodic,
	[VCPUOP_set_singleshot_timer] = set_singleshot,
	[VCPUOP_stop_singleshot_timer] = stop_singleshot,
	[VCPUOP_register_vcpu_info] = register_info,
	[VCPUOP_send_nmi] = send_nmi,
	[VCPUOP_get_physid] = get_physid,
	[VCPUOP_register_vcpu_time_memory_area] = register_time_area,
};

long hc_vcpu_op(struct hc *hc)
{
	uint32_t cmd = (uint32_t)hc->arg[0], id = (uint32_t)hc->arg[1];
	struct vcpu *v;

	/* Linux asks is_up for all of its NR_CPUS at boot: 8,190 misses. */
	if (id >= hc->d->vcpu_count) {
		return -ENOENT;
	}
	v = hc->d->vcpu[index_nospec(id, MAX_VCPUS)];
	if (!v) {
		return -ENOENT;
	}
	if (cmd == VCPUOP_is_up) {
		return !(READ_ONCE(v->pause_flags) & VPF_DOWN);
	}
	if (cmd >= ARRAY_SIZE(ops) || !ops[cmd]) {
		return -ENOSYS;
	}
	return ops[index_nospec(cmd, ARRAY_SIZE(ops))](hc, v,
						       GVA(hc->arg[2]));
}

long hc_set_timer_op(struct hc *hc)
{
	if (hc->arg[0] == 0) {
		timer_stop(&hc->v->singleshot);
	} else {
		set_singleshot_at(hc->v, hc->arg[0]);
	}
	return 0;
}

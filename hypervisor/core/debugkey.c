/* debugkey.c - see debugkey.h. */
#include "core/debugkey.h"
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/gnttab.h"
#include "core/heap.h"
#include "core/ptype.h"
#include "core/sched.h"
#include "include/compiler.h"
#include "include/log.h"
#include "include/port.h"

static void for_each_domain(void (*fn)(struct domain *d))
{
	unsigned int id = 0;
	struct domain *d;

	while ((d = domain_get_next(id)) != NULL) {
		id = d->id + 1u;
		fn(d);
		domain_put(d);
	}
}

static void print_vcpus(struct domain *d)
{
	struct vcpu *v;
	unsigned int i;

	printk("d%u: refs %u pause %d pages %u/%u%s%s\n", d->id, d->refs,
	       d->pause_count, d->tot_pages, d->max_pages,
	       d->is_dying ? " dying" : "", d->is_shut_down ? " shut down" : "");
	for (i = 0; i < d->vcpu_count; i++) {
		v = d->vcpu[i];
		if (!v) {
			continue;
		}
		printk("  v%u cpu %u flags %x pause %d %s pending %u mask %u\n",
		       i, v->cpu, v->pause_flags, v->pause_count,
		       sched_is_on_cpu(v) ? "on cpu" : "off",
		       v->info->evtchn_upcall_pending,
		       v->info->evtchn_upcall_mask);
	}
}

static void print_domains(void)
{
	for_each_domain(print_vcpus);
}

static void print_events_of(struct domain *d)
{
	struct evtchn_status st = { 0 };

	printk("d%u: %u event channels\n", d->id, d->evtchn->used);
	for (st.port = 1; st.port < EVTCHN_PORTS; st.port++) {
		if (evtchn_status(d, &st) || st.status == EVTCHNSTAT_closed) {
			continue;
		}
		printk("  %u: state %u vcpu %u info %x pending %u\n", st.port,
		       st.status, st.vcpu, st.u.interdomain.dom,
		       evtchn_is_pending(d, st.port));
	}
}

static void print_events(void)
{
	for_each_domain(print_events_of);
}

static void print_memory(void)
{
	printk("heap: %llu of %llu frames free\n",
	       (unsigned long long)heap_free_frames(),
	       (unsigned long long)heap_total_frames());
}

static void print_grants_of(struct domain *d)
{
	printk("d%u: %u grant frames (max %u), %u mappings\n", d->id,
	       d->gnttab->frames, d->gnttab->frames_max,
	       d->gnttab->track_used);
}

static void print_grants(void)
{
	for_each_domain(print_grants_of);
}

static void print_cpus(void)
{
	cpumask_t left = port_cpus_online();
	unsigned int cpu;
	struct vcpu *v;

	for (; left; left &= left - 1) {
		cpu = (unsigned int)__builtin_ctzll(left);
		v = sched_current(cpu);
		printk("cpu %u: %s%u, idle %llu ns\n", cpu,
		       v ? "runs a vCPU of d" : "idle ", v ? v->domain->id : 0,
		       (unsigned long long)sched_idle_time(cpu));
	}
}

/* Recount everything; a mismatch stops the machine, so it is a test's key. */
static void audit_of(struct domain *d)
{
	if (!d->is_dying) {
		domain_audit(d);
		gnttab_audit(d);
		ptype_audit(d);
	}
}

static void audit(void)
{
	for_each_domain(audit_of);
	sched_audit();
	printk("audit: no mismatch\n");
}

static void reboot(void)
{
	port_machine_off(SHUTDOWN_reboot);
}

static const struct {
	char key;
	void (*fn)(void);
	const char *what;
} keys[] = {
	{ 'A', audit, "audit all reference counts" },
	{ 'R', reboot, "reboot the machine" },
	{ 'e', print_events, "event channels" },
	{ 'g', print_grants, "grant tables" },
	{ 'i', port_dump_interrupts, "device interrupts" },
	{ 'm', print_memory, "memory" },
	{ 'q', print_domains, "domains and vCPUs" },
	{ 'r', print_cpus, "run queues" },
};

void debugkey_handle(char key)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key == key) {
			keys[i].fn();
			return;
		}
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		printk("key '%c': %s\n", keys[i].key, keys[i].what);
	}
}

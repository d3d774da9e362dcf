/* domain.c - see domain.h. */
#include "core/domain.h"
#include "core/cpu_policy.h"
#include "core/console.h"
#include "core/evtchn.h"
#include "core/gnttab.h"
#include "core/heap.h"
#include "core/pirq.h"
#include "core/pvclock.h"
#include "core/sched.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/string.h"

#define HASH_SIZE 256u

struct domain *domain_dom0;

static struct spinlock domains_lock;
static struct domain *domains; /* by ascending id */
static struct domain *hash[HASH_SIZE];

/* --- finding ----------------------------------------------------------- */

void domain_get(struct domain *d)
{
	__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
}

/* The list does not count: it may name a domain whose last reference is
 * just being dropped. */
static bool get_unless_gone(struct domain *d)
{
	uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

	while (refs && !__atomic_compare_exchange_n(&d->refs, &refs, refs + 1,
						    true, __ATOMIC_ACQUIRE,
						    __ATOMIC_RELAXED)) {
	}
	return refs != 0;
}

struct domain *domain_get_by_id(domid_t id)
{
	struct domain *d;

	spin_lock(&domains_lock);
	for (d = hash[id % HASH_SIZE]; d; d = d->hash_next) {
		if (d->id == id && get_unless_gone(d)) {
			break;
		}
	}
	spin_unlock(&domains_lock);
	return d;
}

struct domain *domain_get_next(unsigned int id)
{
	struct domain *d;

	spin_lock(&domains_lock);
	for (d = domains; d; d = d->next) {
		if (d->id >= id && get_unless_gone(d)) {
			break;
		}
	}
	spin_unlock(&domains_lock);
	return d;
}

static int link_in(struct domain *d)
{
	struct domain **at = &domains;
	int rc = 0;

	spin_lock(&domains_lock);
	while (*at && (*at)->id < d->id) {
		at = &(*at)->next;
	}
	if (*at && (*at)->id == d->id) {
		rc = -EEXIST;
	} else {
		d->next = *at;
		*at = d;
		d->hash_next = hash[d->id % HASH_SIZE];
		hash[d->id % HASH_SIZE] = d;
	}
	spin_unlock(&domains_lock);
	return rc;
}

static void unlink_from(struct domain *d)
{
	struct domain **at;

	spin_lock(&domains_lock);
	for (at = &domains; *at != d; at = &(*at)->next) {
	}
	*at = d->next;
	for (at = &hash[d->id % HASH_SIZE]; *at != d; at = &(*at)->hash_next) {
	}
	*at = d->hash_next;
	spin_unlock(&domains_lock);
}

/* --- life ------------------------------------------------------------------ */

static int init_parts(struct domain *d,
		      const struct xen_domctl_createdomain *cfg)
{
	int rc;

	d->shared_info = heap_alloc_page();
	if (!d->shared_info) {
		return -ENOMEM;
	}
	d->policy = mem_alloc(sizeof(*d->policy));
	if (!d->policy) {
		rc = -ENOMEM;
		goto out_shared;
	}
	cpu_policy_domain_init(d->policy, d->privileged);
	d->shared_info_mfn = ptr_mfn(d->shared_info);
	rc = evtchn_init(d, cfg->max_evtchn_port);
	if (rc) {
		goto out_policy;
	}
	rc = gnttab_init(d, (uint32_t)cfg->max_grant_frames,
			 (uint32_t)cfg->max_maptrack_frames);
	if (rc) {
		goto out_evtchn;
	}
	rc = d->privileged ? pirq_table_init(d) : 0;
	if (rc) {
		goto out_gnttab;
	}
	rc = port_domain_init(d);
	if (rc) {
		goto out_pirq;
	}
	return 0;

out_pirq:
	pirq_table_fini(d);
out_gnttab:
	gnttab_fini(d);
out_evtchn:
	evtchn_fini(d);
out_policy:
	mem_free(d->policy);
	d->policy = NULL;
out_shared:
	heap_free_page(d->shared_info);
	return rc;
}

/* What is left when the last reference goes, or creation failed late. */
static void fini_parts(struct domain *d)
{
	unsigned int i;

	for (i = 0; i < d->vcpu_count; i++) {
		if (d->vcpu[i]) {
			vcpu_destroy(d->vcpu[i]);
		}
	}
	port_domain_fini(d);
	pirq_table_fini(d);
	gnttab_fini(d);
	evtchn_fini(d);
	console_domain_fini(d);
	mem_free(d->e820);
	mem_free(d->policy);
}

static void watchdog_fired(void *arg)
{
	struct domain *d = arg;

	printk_guest(d, "its watchdog has fired\n");
	domain_shutdown(d, SHUTDOWN_watchdog);
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg,
		  bool privileged, struct domain **out)
{
	struct domain *d;
	unsigned int i;
	int rc;

	if (cfg->max_vcpus == 0 || cfg->max_vcpus > MAX_VCPUS ||
	    id > DOMID_MAX_GUEST) {
		return -EINVAL;
	}
	d = mem_alloc(sizeof(*d));
	if (!d) {
		return -ENOMEM;
	}
	d->id = id;
	d->privileged = privileged;
	d->refs = 1;
	d->pause_count = 1;
	d->shutdown_code = SHUTDOWN_NONE;
	d->paused_by_controller = true;
	d->vcpu_count = cfg->max_vcpus;
	d->create_flags = cfg->flags;
	memcpy(d->handle, cfg->handle, sizeof(d->handle));
	sched_domain_init(d);
	for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
		timer_init(&d->watchdog[i], watchdog_fired, d, port_cpu());
	}
	rc = init_parts(d, cfg);
	if (rc) {
		goto out_free;
	}
	rc = link_in(d);
	if (rc) {
		goto out_parts;
	}
	frame_share_with_guest(d->shared_info, d, true);
	if (privileged) {
		domain_dom0 = d;
	}
	*out = d;
	return 0;

out_parts:
	heap_free_page(d->shared_info);
	fini_parts(d);
out_free:
	mem_free(d);
	return rc;
}

void domain_put(struct domain *d)
{
	if (__atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL) == 1) {
		unlink_from(d);
		fini_parts(d);
		mem_free(d);
	}
}

/* --- running and not --------------------------------------------------------- */

void domain_pause_nosync(struct domain *d)
{
	unsigned int i;

	__atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < d->vcpu_count; i++) {
		if (d->vcpu[i]) {
			sched_sleep(d->vcpu[i]);
		}
	}
}

void domain_pause(struct domain *d)
{
	struct vcpu *self = sched_current(port_cpu());
	unsigned int i;

	domain_pause_nosync(d);
	for (i = 0; i < d->vcpu_count; i++) {
		while (d->vcpu[i] && d->vcpu[i] != self &&
		       sched_is_on_cpu(d->vcpu[i])) {
			port_relax();
		}
	}
}

void domain_unpause(struct domain *d)
{
	unsigned int i;

	if (__atomic_fetch_sub(&d->pause_count, 1, __ATOMIC_SEQ_CST) != 1) {
		return;
	}
	for (i = 0; i < d->vcpu_count; i++) {
		if (d->vcpu[i]) {
			sched_wake(d->vcpu[i]);
		}
	}
}

void domain_pause_by_controller(struct domain *d)
{
	if (!__atomic_exchange_n(&d->paused_by_controller, true,
				 __ATOMIC_SEQ_CST)) {
		domain_pause(d);
	}
}

int domain_unpause_by_controller(struct domain *d)
{
	if (!__atomic_exchange_n(&d->paused_by_controller, false,
				 __ATOMIC_SEQ_CST)) {
		return -EINVAL;
	}
	/* What built it has cleared its shared page. */
	pvclock_publish_wallclock(d);
	domain_unpause(d);
	return 0;
}

/* --- shutdown ------------------------------------------------------------------ */

void domain_shutdown(struct domain *d, uint8_t reason)
{
	if (d->privileged) {
		printk("Domain 0 has stopped: reason %u\n", reason);
		port_machine_off(reason);
	}
	if (__atomic_exchange_n(&d->is_shutting_down, true,
				__ATOMIC_SEQ_CST)) {
		return;
	}
	if (d->shutdown_code == SHUTDOWN_NONE) {
		d->shutdown_code = reason;
	}
	domain_pause_nosync(d);
	__atomic_store_n(&d->is_shut_down, true, __ATOMIC_RELEASE);
	evtchn_raise_domain_virq(domain_dom0, VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
	if (!d->is_shut_down) {
		return;
	}
	d->is_shut_down = false;
	d->shutdown_code = SHUTDOWN_NONE;
	__atomic_store_n(&d->is_shutting_down, false, __ATOMIC_SEQ_CST);
	domain_unpause(d);
}

void upcall_domain_crash(struct domain *d, const char *why)
{
	d->crashed_by_rule = true;
	printk("Domain %u crashed: %s\n", d->id, why);
	domain_shutdown(d, SHUTDOWN_crash);
}

void domain_audit(struct domain *d)
{
	unsigned int i;

	BUG_UNLESS(d->refs > 0 && d->pause_count >= 0);
	BUG_UNLESS(!d->is_shut_down || d->is_shutting_down);
	for (i = 0; i < d->vcpu_count; i++) {
		BUG_UNLESS(!d->vcpu[i] || (d->vcpu[i]->domain == d &&
					   d->vcpu[i]->id == i));
	}
	evtchn_audit(d);
}

/*
 * teardown.c - the end of a domain, in steps that can be interrupted.
 *
 *	stop	pause for good, is_dying: no new ports, frames, mappings
 *	events	close every port
 *	grants	undo the mappings it holds of others' pages
 *	vcpus	drop the frames that its vCPUs' registers name
 *	memory	unwind page tables, give the frames back
 *	done	drop the list's reference; the struct goes with the last one
 *
 * What other domains still map of it (grants, foreign mappings) keeps its
 * frames, and these keep the struct, until they let go.
 */
#include "core/teardown.h"
#include "core/domain.h"
#include "core/domain_frames.h"
#include "core/evtchn.h"
#include "core/gnttab.h"
#include "core/ptype.h"
#include "core/sched.h"
#include "core/heap.h"
#include "include/errno.h"
#include "include/port.h"

static void drop_gdt(struct vcpu *v)
{
	unsigned int i, pages = DIV_ROUND_UP(v->pv.gdt_entries, 512);

	v->pv.gdt_entries = 0;
	port_vcpu_load_gdt(v);
	for (i = 0; i < pages; i++) {
		ptype_put_frame(v->pv.gdt_frame[i], false);
		v->pv.gdt_frame[i] = MFN(0);
	}
}

int teardown_vcpu_state(struct vcpu *v)
{
	struct domain *d = v->domain;
	mfn_t m;
	int rc = 0;

	spin_lock(&d->mmu_lock);
	vcpu_unmap_info(v);
	v->runstate_area = v->time_area = GVA(0);
	drop_gdt(v);
	v->pv.ldt_entries = 0;
	port_vcpu_load_ldt(v);
	v->initialised = false;
	if (v->pv.user_cr3.v) {
		m = v->pv.user_cr3;
		v->pv.user_cr3 = MFN(0);
		rc = ptype_put_frame(m, true);
	}
	if (rc == 0 && v->pv.cr3.v) {
		m = v->pv.cr3;
		v->pv.cr3 = MFN(0);
		rc = ptype_put_frame(m, true);
	}
	spin_unlock(&d->mmu_lock);
	return rc;
}

static int stop(struct domain *d)
{
	unsigned int i;

	domain_pause(d);
	spin_lock(&d->page_lock);
	d->is_dying = true;
	spin_unlock(&d->page_lock);
	/* Whoever tested is_dying before holds one of these. */
	spin_lock(&d->event_lock);
	spin_unlock(&d->event_lock);
	spin_lock(&d->mmu_lock);
	spin_unlock(&d->mmu_lock);
	spin_lock(&d->gnttab->lock);
	spin_unlock(&d->gnttab->lock);
	sched_domain_fini(d);
	for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
		timer_stop(&d->watchdog[i]);
	}
	return 0;
}

static int close_events(struct domain *d)
{
	return evtchn_close_all(d, &d->teardown_cursor);
}

static int drop_grants(struct domain *d)
{
	return gnttab_release_mappings(d);
}

static int drop_vcpus(struct domain *d)
{
	unsigned int i;
	int rc;

	for (i = 0; i < d->vcpu_count; i++) {
		if (!d->vcpu[i]) {
			continue;
		}
		timer_stop(&d->vcpu[i]->singleshot);
		timer_stop(&d->vcpu[i]->periodic);
		timer_stop(&d->vcpu[i]->poll_timer);
		rc = teardown_vcpu_state(d->vcpu[i]);
		if (rc) {
			return rc;
		}
	}
	return 0;
}

static int give_back_memory(struct domain *d)
{
	int rc = domain_frames_relinquish(d);
	struct shared_info *s = d->shared_info;
	unsigned int i;

	if (rc == 0) {
		gnttab_release_table(d);
		for (i = 0; i < d->vcpu_count; i++) {
			if (d->vcpu[i]) {
				vcpu_drop_info(d->vcpu[i]);
			}
		}
		/* The date is written to it at any moment. */
		spin_lock(&d->page_lock);
		d->shared_info = NULL;
		spin_unlock(&d->page_lock);
		frame_unshare(s);
	}
	return rc;
}

int domain_kill(struct domain *d)
{
	static int (*const steps[])(struct domain *) = {
		stop, close_events, drop_grants, drop_vcpus, give_back_memory,
	};
	int rc;

	while (d->teardown_step < ARRAY_SIZE(steps)) {
		rc = steps[d->teardown_step](d);
		if (rc) {
			return rc;
		}
		d->teardown_step++;
	}
	if (d->teardown_step == ARRAY_SIZE(steps)) {
		d->teardown_step++;
		evtchn_raise_domain_virq(domain_dom0, VIRQ_DOM_EXC);
		domain_put(d);
	}
	return 0;
}

/*
 * sched_unit.h - the scheduler's part of a vCPU; sched.c and credit.c own
 * every field.
 */
#ifndef CORE_SCHED_UNIT_H
#define CORE_SCHED_UNIT_H

#include "include/types.h"
#include "lib/list.h"

struct sched_unit {
	struct list_head run_node; /* on its CPU's run queue */
	bool queued;
	bool parked;	     /* runnable, but its domain's cap is used up */
	bool movable;	     /* may run on more than one CPU, as queued */
	uint64_t vtime;	     /* virtual ns it has run; see sched.c */
	uint64_t fair;	     /* the same without what a cap adds; credit.c */
	uint64_t last_start; /* port_now() up to which it is accounted */
	uint64_t runtime_ns; /* total time on a CPU; billing reads it */
	uint32_t pace; /* of its virtual time, if it has a cap; credit.c */
	cpumask_t hard_affinity, soft_affinity;
};

#endif

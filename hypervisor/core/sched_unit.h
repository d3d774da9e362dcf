/*
 * sched_unit.h - the scheduler's part of a vCPU; sched.c owns every field.
 */
#ifndef CORE_SCHED_UNIT_H
#define CORE_SCHED_UNIT_H

#include "include/types.h"
#include "lib/list.h"

struct sched_unit {
	struct list_head run_node; /* on its CPU's run queue */
	bool queued;
	int64_t credit;	     /* ns, weighted; see sched.c */
	uint64_t vtime;	     /* policy's own */
	uint64_t last_start; /* port_now() when it was put on the CPU */
	uint64_t runtime_ns; /* total time on a CPU; billing reads it */
	cpumask_t hard_affinity, soft_affinity;
	uint64_t policy[6]; /* further state private to sched.c */
};

#endif

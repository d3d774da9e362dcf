/* teardown.h - the two halves of a domain's end; domain_kill() is the first. */
#ifndef CORE_TEARDOWN_H
#define CORE_TEARDOWN_H

struct domain;
struct vcpu;

/*
 * Let go of every frame that v's registers name: its roots, descriptor
 * tables, registered areas.  v is not running.  0, or -ERESTART: again.
 * Also for VCPUOP_initialise's counterpart, setvcpucontext(NULL).
 */
int teardown_vcpu_state(struct vcpu *v);

#endif

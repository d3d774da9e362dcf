/*
 * credit.h - the arithmetic of shares: virtual time by weight, caps by
 * budget.  No queues, no CPUs: sched.c has those.
 */
#ifndef CORE_CREDIT_H
#define CORE_CREDIT_H

#include "core/domain.h"
#include "core/vcpu.h"
#include "include/types.h"

#define SLICE_NS      1000000ULL /* a turn, at least, if others wait */
#define WAKE_CREDIT_NS 1000000ULL
/* What a domain may exceed its cap by, in any time. */
#define CREDIT_BURST_NS 4000000ULL
#define UNLIMITED_NS UINT64_MAX

/* a is earlier than b on a clock that may wrap. */
static inline bool vtime_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* ns of real time as virtual time of v. */
uint64_t credit_scale(const struct vcpu *v, uint64_t ns);

/*
 * v joins those who compete, of whom `clock` is the virtual time: it has
 * neither saved up time while it slept nor is punished for ever.  Who was
 * held back by a cap has not slept, and is due again first.
 */
void credit_join(struct vcpu *v, uint64_t clock, bool was_parked);

/* v has run since it was last accounted. */
void credit_account(struct vcpu *v, uint64_t now);

/*
 * How long may v run from now on, at most?  0: its domain's cap is used up
 * until *until.  UNLIMITED_NS if there is no cap.
 */
uint64_t credit_budget(struct vcpu *v, uint64_t now, uint64_t *until);

/*
 * v, which is runnable, has to wait while `clock` goes on.  When its domain's
 * bucket will be nearly full, and this is to be called again; 0: never.  If it
 * is already, v's virtual time becomes less.
 */
uint64_t credit_wait(struct vcpu *v, uint64_t clock, uint64_t now);

void credit_domain_init(struct domain *d);
/* Weight and cap for the time from now on. */
void credit_set(struct domain *d, uint16_t weight, uint16_t cap, uint64_t now);

#endif

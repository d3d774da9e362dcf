/*
 * access.c - see access.h.  The deny list is written at start-up only, so it
 * needs no lock.
 */
#include "core/access.h"
#include "core/domain.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"

#define DENY_MAX 64

static struct {
	mfn_t first, last;
	bool readable;
} deny[DENY_MAX];
static unsigned int deny_count;

/* A reference of their own: they never go. */
struct domain domain_io = { .id = DOMID_IO, .refs = 1 };
struct domain domain_xen = { .id = DOMID_XEN, .refs = 1 };

int access_get_domain(struct domain *caller, domid_t id, struct domain **out)
{
	if (id == DOMID_SELF || id == caller->id) {
		domain_get(caller);
		*out = caller;
		return 0;
	}
	*out = domain_get_by_id(id);
	if (!*out) {
		return -ESRCH;
	}
	if (!caller->privileged) {
		domain_put(*out);
		return -EPERM;
	}
	return 0;
}

bool domain_may_map_mmio(const struct domain *d, mfn_t m, bool writable)
{
	unsigned int i;

	if (!d->privileged || m.v >> (port_phys_bits - PAGE_SHIFT)) {
		return false;
	}
	for (i = 0; i < deny_count; i++) {
		if (m.v >= deny[i].first.v && m.v <= deny[i].last.v) {
			return deny[i].readable && !writable;
		}
	}
	return true;
}

void access_deny_mmio(mfn_t first, mfn_t last, bool readable)
{
	BUG_UNLESS(deny_count < DENY_MAX);
	deny[deny_count].first = first;
	deny[deny_count].last = last;
	deny[deny_count].readable = readable;
	deny_count++;
}

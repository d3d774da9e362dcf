/*
 * multicall.c - a list of hypercalls in one.
 *
 * Each entry's result is written as soon as it is done, so a list that is
 * interrupted goes on with the next entry.  An entry that is itself
 * interrupted has its own arguments advanced in the guest's list.
 */
#include "hypercall/hc.h"
#include "include/nospec.h"

static gva_t field(gva_t entry, size_t offset)
{
	return gva_add(entry, offset);
}

static long call_one(struct hc *outer, const struct multicall_entry *m,
		     struct hc *hc)
{
	const struct hc_entry *e;

	/*
	 * An iret would drop the rest of the list with the frame it runs on
	 * (XSA-213); a nested list has no end.
	 */
	if (m->op >= ARRAY_SIZE(hc_table) || m->op == __HYPERVISOR_iret ||
	    m->op == __HYPERVISOR_multicall) {
		return -ENOSYS;
	}
	e = &hc_table[index_nospec(m->op, ARRAY_SIZE(hc_table))];
	if (!e->fn) {
		return -ENOSYS;
	}
	if (e->privileged && !outer->d->privileged) {
		return -EPERM;
	}
	hc->v = outer->v;
	hc->d = outer->d;
	hc->arg[0] = m->args[0];
	hc->arg[1] = m->args[1];
	hc->arg[2] = m->args[2];
	hc->arg[3] = m->args[3];
	hc->arg[4] = m->args[4];
	hc->in_multicall = true;
	return e->fn(hc);
}

long hc_multicall(struct hc *hc)
{
	gva_t at = GVA(hc->arg[0]);
	uint32_t left = (uint32_t)hc->arg[1];
	struct multicall_entry m;
	struct hc inner;
	long rc;

	if (hc->in_multicall) {
		return -EINVAL;
	}
	for (; left; left--, at = gva_add(at, sizeof(m))) {
		if (port_copy_from_guest(&m, at, sizeof(m))) {
			return -EFAULT;
		}
		rc = call_one(hc, &m, &inner);
		if (rc == -ERESTART) {
			if (port_copy_to_guest(
				    field(at, offsetof(struct multicall_entry,
						       args)),
				    inner.arg, sizeof(inner.arg))) {
				return -EFAULT;
			}
			break;
		}
		m.result = (unsigned long)rc;
		if (port_copy_to_guest(
			    field(at, offsetof(struct multicall_entry, result)),
			    &m.result, sizeof(m.result))) {
			return -EFAULT;
		}
		if (left > 1 && port_should_yield()) {
			left--;
			at = gva_add(at, sizeof(m));
			break;
		}
	}
	hc->arg[0] = at.v;
	hc->arg[1] = left;
	return left ? -ERESTART : 0;
}

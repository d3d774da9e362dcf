/*
 * grant.c - grant_table_op: arrays of requests, each with its own status.
 *
 * Version 1 only.  Linux asks for version 2, is refused with -ENOSYS and
 * stays with 1.  Transfers, cache flushes, status frames belong to what is
 * not built in.
 */
#include "hypercall/grant.h"
#include "core/access.h"
#include "core/gnttab.h"
#include "include/nospec.h"

int16_t grant_get_domain(struct hc *hc, domid_t id, struct domain **out)
{
	switch (access_get_domain(hc->d, id, out)) {
	case 0:
		return GNTST_okay;
	case -EPERM:
		return GNTST_permission_denied;
	default:
		return GNTST_bad_domain;
	}
}

/* --- the table itself -------------------------------------------------------- */

static int16_t list_frames(struct domain *d, uint32_t n, gva_t list)
{
	uint64_t mfn;
	uint32_t i;

	if (gnttab_grow(d, n)) {
		return GNTST_general_error;
	}
	for (i = 0; i < n; i++) {
		mfn = gnttab_frame_mfn(d, i).v;
		if (port_copy_to_guest(gva_add(list, i * sizeof(mfn)), &mfn,
				       sizeof(mfn))) {
			return GNTST_bad_virt_addr;
		}
	}
	return GNTST_okay;
}

static long setup_table(struct hc *hc, void *arg)
{
	struct gnttab_setup_table *op = arg;
	struct domain *d;

	op->status = grant_get_domain(hc, op->dom, &d);
	if (op->status == GNTST_okay) {
		op->status = list_frames(d, op->nr_frames,
					 GVA_OF(op->frame_list));
		domain_put(d);
	}
	return 0;
}

static long query_size(struct hc *hc, void *arg)
{
	struct gnttab_query_size *op = arg;
	struct domain *d;

	op->status = grant_get_domain(hc, op->dom, &d);
	if (op->status == GNTST_okay) {
		op->nr_frames = d->gnttab->frames;
		op->max_nr_frames = d->gnttab->frames_max;
		domain_put(d);
	}
	return 0;
}

static long set_version(struct hc *hc, void *arg)
{
	struct gnttab_set_version *op = arg;

	(void)hc;
	if (op->version == 1) {
		return 0;
	}
	return op->version == 2 ? -ENOSYS : -EINVAL;
}

static long get_version(struct hc *hc, void *arg)
{
	struct gnttab_get_version *op = arg;
	struct domain *d;
	long rc;

	rc = access_get_domain(hc->d, op->dom, &d);
	if (rc == 0) {
		op->version = 1;
		domain_put(d);
	}
	return rc;
}

static long get_status_frames(struct hc *hc, void *arg)
{
	struct gnttab_get_status_frames *op = arg;

	(void)hc;
	op->status = GNTST_general_error;
	return 0;
}

static long swap_ref(struct hc *hc, void *arg)
{
	struct gnttab_swap_grant_ref *op = arg;

	op->status = gnttab_swap(hc->d, op->ref_a, op->ref_b);
	return 0;
}

/* --- arrays ----------------------------------------------------------------------- */

struct grant_op {
	grant_fn *fn;
	uint8_t size;
	bool single; /* no array, as genuine Xen has it */
};

#define ARRAY(type, func) { .fn = func, .size = sizeof(struct gnttab_##type) }
#define ONE(type, func)                                                        \
	{ .fn = func, .size = sizeof(struct gnttab_##type), .single = true }

static const struct grant_op ops[] = {
	[GNTTABOP_map_grant_ref] = ARRAY(map_grant_ref, grant_map),
	[GNTTABOP_setup_table] = ONE(setup_table, setup_table),
	[GNTTABOP_copy] = ARRAY(copy, grant_copy),
	[GNTTABOP_query_size] = ONE(query_size, query_size),
	[GNTTABOP_set_version] = ONE(set_version, set_version),
	[GNTTABOP_get_status_frames] =
		ONE(get_status_frames, get_status_frames),
	[GNTTABOP_get_version] = ONE(get_version, get_version),
	[GNTTABOP_swap_grant_ref] = ARRAY(swap_grant_ref, swap_ref),
};

/* Go on at element `done` when called again. */
static long pause_at(struct hc *hc, uint32_t done, size_t size)
{
	hc->arg[1] += done * size;
	hc->arg[2] -= done;
	return -ERESTART;
}

static long do_array(struct hc *hc, const struct grant_op *op, uint32_t count)
{
	uint8_t arg[GRANT_ARG_MAX] __attribute__((aligned(16)));
	gva_t at = GVA(hc->arg[1]);
	uint32_t i;
	long rc;

	for (i = 0; i < count; i++, at = gva_add(at, op->size)) {
		if (i && port_should_yield()) {
			return pause_at(hc, i, op->size);
		}
		/* Fail before anything changes. */
		if (port_probe_guest_write(at, op->size) ||
		    port_copy_from_guest(arg, at, op->size)) {
			return -EFAULT;
		}
		rc = op->fn(hc, arg);
		if (rc) {
			return rc;
		}
		if (port_copy_to_guest(at, arg, op->size)) {
			return -EFAULT;
		}
	}
	return 0;
}

typedef void grant_batch_fn(struct hc *hc, void *op, uint32_t n);

static void unmap_batch(struct hc *hc, void *op, uint32_t n)
{
	grant_unmap(hc, op, n);
}

static void replace_batch(struct hc *hc, void *op, uint32_t n)
{
	grant_unmap_and_replace(hc, op, n);
}

/* Operations that are done many at a time, for the sake of one TLB flush. */
static long do_batches(struct hc *hc, grant_batch_fn *fn, size_t size,
		       uint32_t count)
{
	union {
		struct gnttab_unmap_grant_ref unmap[GRANT_BATCH];
		struct gnttab_unmap_and_replace replace[GRANT_BATCH];
	} op;
	gva_t at = GVA(hc->arg[1]);
	uint32_t done, n;

	for (done = 0; done < count; done += n) {
		if (done && port_should_yield()) {
			return pause_at(hc, done, size);
		}
		n = MIN(count - done, GRANT_BATCH);
		if (port_probe_guest_write(at, n * size) ||
		    port_copy_from_guest(&op, at, n * size)) {
			return -EFAULT;
		}
		fn(hc, &op, n);
		if (port_copy_to_guest(at, &op, n * size)) {
			return -EFAULT;
		}
		at = gva_add(at, n * size);
	}
	return 0;
}

long hc_grant_table_op(struct hc *hc)
{
	uint32_t cmd = (uint32_t)hc->arg[0], count = (uint32_t)hc->arg[2];
	const struct grant_op *op;

	if ((int32_t)count < 0) {
		return -EINVAL;
	}
	if (cmd == GNTTABOP_unmap_grant_ref) {
		return do_batches(hc, unmap_batch,
				  sizeof(struct gnttab_unmap_grant_ref), count);
	}
	if (cmd == GNTTABOP_unmap_and_replace) {
		return do_batches(hc, replace_batch,
				  sizeof(struct gnttab_unmap_and_replace),
				  count);
	}
	if (cmd >= ARRAY_SIZE(ops)) {
		return -ENOSYS;
	}
	op = &ops[index_nospec(cmd, ARRAY_SIZE(ops))];
	if (!op->fn) {
		return -ENOSYS;
	}
	if (op->single && count != 1) {
		return -EINVAL;
	}
	return do_array(hc, op, count);
}

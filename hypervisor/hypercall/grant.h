/* grant.h - the pieces of grant_table_op; the table is in grant.c. */
#ifndef HYPERCALL_GRANT_H
#define HYPERCALL_GRANT_H

#include "hypercall/hc.h"

#define GRANT_ARG_MAX 64
#define GRANT_BATCH   16

/* One element, in `arg`; its status goes into it.  0, or -E of the whole. */
typedef long grant_fn(struct hc *hc, void *arg);
grant_fn grant_map, grant_copy;

/*
 * A batch of elements of one kind, n <= GRANT_BATCH: mappings go first, then
 * one TLB flush, then the frames are let go.
 */
void grant_unmap(struct hc *hc, struct gnttab_unmap_grant_ref *op, size_t n);
void grant_unmap_and_replace(struct hc *hc,
			     struct gnttab_unmap_and_replace *op, size_t n);

/* access_get_domain() as GNTST_*. */
int16_t grant_get_domain(struct hc *hc, domid_t id, struct domain **out);

#endif

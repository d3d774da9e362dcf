/* gnttab.c - the tables of gnttab.h: their memory and their limits. */
#include "core/gnttab.h"
#include "core/domain.h"
#include "core/heap.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"

#define TRACK_PER_FRAME ((uint32_t)(PAGE_SIZE / sizeof(struct grant_track)))
#define TRACK_FRAMES_MAX 8192u

/* One more shared frame; its active entries before it, so that an index
 * that is in the table always has one.  Caller holds t->lock. */
static int grow_one(struct domain *d, struct gnttab *t)
{
	grant_entry_v1_t *page;

	t->active[t->frames] = mem_alloc(GNTTAB_PER_FRAME *
					 sizeof(struct grant_active));
	page = heap_alloc_page();
	if (!t->active[t->frames] || !page) {
		mem_free(t->active[t->frames]);
		t->active[t->frames] = NULL;
		if (page) {
			heap_free_page(page);
		}
		return -ENOMEM;
	}
	frame_share_with_guest(page, d, true);
	t->shared[t->frames] = page;
	t->frames++;
	return 0;
}

int gnttab_grow(struct domain *d, uint32_t n)
{
	struct gnttab *t = d->gnttab;
	int rc = 0;

	spin_lock(&t->lock);
	if (n > t->frames_max || d->is_dying) {
		rc = -EINVAL;
	}
	while (rc == 0 && t->frames < n) {
		rc = grow_one(d, t);
	}
	spin_unlock(&t->lock);
	return rc;
}

mfn_t gnttab_frame_mfn(struct domain *d, uint32_t i)
{
	if (i >= GNTTAB_FRAMES_MAX || gnttab_grow(d, i + 1)) {
		return MFN_NONE;
	}
	return ptr_mfn(d->gnttab->shared[i]);
}

int gnttab_init(struct domain *d, uint32_t frames_max,
		uint32_t track_frames_max)
{
	struct gnttab *t = mem_alloc(sizeof(*t));

	if (!t) {
		return -ENOMEM;
	}
	t->frames_max = MIN(frames_max, GNTTAB_FRAMES_MAX);
	t->track_frames_max = MIN(track_frames_max, TRACK_FRAMES_MAX);
	t->track_free = GNTTAB_TRACK_INVALID;
	t->track = mem_alloc(MAX(t->track_frames_max, 1u) *
			     sizeof(t->track[0]));
	if (!t->track) {
		mem_free(t);
		return -ENOMEM;
	}
	d->gnttab = t;
	return 0;
}

void gnttab_release_table(struct domain *d)
{
	struct gnttab *t = d->gnttab;
	uint32_t i;

	spin_lock(&t->lock);
	for (i = 0; i < t->frames; i++) {
		frame_unshare(t->shared[i]);
		t->shared[i] = NULL;
	}
	spin_unlock(&t->lock);
}

void gnttab_fini(struct domain *d)
{
	struct gnttab *t = d->gnttab;
	uint32_t i;

	if (!t) {
		return;
	}
	for (i = 0; i < t->frames; i++) {
		mem_free(t->active[i]);
	}
	for (i = 0; i < t->track_frames; i++) {
		mem_free(t->track[i]);
	}
	mem_free(t->track);
	mem_free(t);
	d->gnttab = NULL;
}

int gnttab_release_mappings(struct domain *d)
{
	BUG_UNLESS(d->gnttab->track_used == 0);
	return 0;
}

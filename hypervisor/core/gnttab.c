/* gnttab.c - the tables of gnttab.h: their memory, limits and end. */
#include "core/gnttab.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/heap.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/nospec.h"
#include "include/port.h"

#define TRACK_PER_FRAME	 ((uint32_t)(PAGE_SIZE / sizeof(struct grant_track)))
#define TRACK_FRAMES_MAX 8192u

int gnttab_init(struct domain *d, uint32_t frames_max,
		uint32_t track_frames_max)
{
	struct gnttab *t = mem_alloc(sizeof(*t));

	if (!t) {
		return -ENOMEM;
	}
	t->frames_max = MIN(frames_max, GNTTAB_FRAMES_MAX);
	t->track_frames_max = MIN(track_frames_max, TRACK_FRAMES_MAX);
	t->track_free = GNTTAB_TRACK_NONE;
	t->track = mem_alloc(MAX(t->track_frames_max, 1u) *
			     sizeof(t->track[0]));
	if (!t->track) {
		mem_free(t);
		return -ENOMEM;
	}
	d->gnttab = t;
	return 0;
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

/* --- the shared table ---------------------------------------------------- */

/* One more frame, and its active entries: whoever finds the one finds the
 * other.  Caller holds t->lock. */
static int grow_one(struct domain *d, struct gnttab *t)
{
	struct grant_active *active;
	grant_entry_v1_t *page;

	active = mem_alloc(GNTTAB_PER_FRAME * sizeof(*active));
	if (!active) {
		return -ENOMEM;
	}
	page = heap_alloc_page();
	if (!page) {
		mem_free(active);
		return -ENOMEM;
	}
	frame_share_with_guest(page, d, true);
	t->active[t->frames] = active;
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
	return ptr_mfn(d->gnttab->shared[index_nospec(i, GNTTAB_FRAMES_MAX)]);
}

void gnttab_release_table(struct domain *d)
{
	struct gnttab *t = d->gnttab;
	uint32_t i;

	for (i = 0; i < t->frames; i++) {
		grant_entry_v1_t *page;

		spin_lock(&t->lock);
		page = t->shared[i];
		t->shared[i] = NULL;
		spin_unlock(&t->lock);
		frame_unshare(page);
	}
}

/* --- handles ------------------------------------------------------------------ */

static struct grant_track *track_of(struct gnttab *t, uint32_t handle)
{
	uint32_t n = t->track_frames * TRACK_PER_FRAME;

	if (handle >= n) {
		return NULL;
	}
	handle = (uint32_t)index_nospec(handle, n);
	return &t->track[handle / TRACK_PER_FRAME][handle % TRACK_PER_FRAME];
}

static bool track_grow(struct gnttab *t)
{
	uint32_t first = t->track_frames * TRACK_PER_FRAME, i;
	struct grant_track *page;

	if (t->track_frames == t->track_frames_max) {
		return false;
	}
	page = mem_alloc(TRACK_PER_FRAME * sizeof(*page));
	if (!page) {
		return false;
	}
	for (i = 0; i < TRACK_PER_FRAME; i++) {
		page[i].ref = i + 1 < TRACK_PER_FRAME ? first + i + 1 :
							t->track_free;
	}
	t->track[t->track_frames++] = page;
	t->track_free = first;
	return true;
}

uint32_t gnttab_track_add(struct domain *d, struct grant_track entry)
{
	struct gnttab *t = d->gnttab;
	uint32_t handle = GNTTAB_TRACK_NONE;
	struct grant_track *k;

	spin_lock(&t->lock);
	if (!d->is_dying &&
	    (t->track_free != GNTTAB_TRACK_NONE || track_grow(t))) {
		handle = t->track_free;
		k = track_of(t, handle);
		t->track_free = k->ref;
		t->track_used++;
		*k = entry;
	}
	spin_unlock(&t->lock);
	return handle;
}

bool gnttab_track_get(struct domain *d, uint32_t handle,
		      struct grant_track *out)
{
	struct gnttab *t = d->gnttab;
	struct grant_track *k;
	bool ok;

	spin_lock(&t->lock);
	k = track_of(t, handle);
	ok = k && k->flags;
	if (ok) {
		*out = *k;
	}
	spin_unlock(&t->lock);
	return ok;
}

static bool same_use(const struct grant_track *a, const struct grant_track *b)
{
	return a->ref == b->ref && a->granter == b->granter &&
	       (a->flags | GNTTAB_KINDS) == (b->flags | GNTTAB_KINDS);
}

bool gnttab_track_take(struct domain *d, uint32_t handle,
		       const struct grant_track *k, uint16_t flags, bool *last)
{
	struct gnttab *t = d->gnttab;
	struct grant_track *now;
	bool ok;

	spin_lock(&t->lock);
	now = track_of(t, handle);
	ok = now && flags && (now->flags & flags) == flags && same_use(now, k);
	if (ok) {
		now->flags &= (uint16_t)~flags;
		*last = !(now->flags & GNTTAB_KINDS);
		if (*last) {
			now->flags = 0;
			now->ref = t->track_free;
			t->track_free = handle;
			t->track_used--;
		}
	}
	spin_unlock(&t->lock);
	return ok;
}

static void release_mapping(struct domain *d, uint32_t handle)
{
	struct grant_track k;
	struct domain *rd;
	bool last;

	if (!gnttab_track_get(d, handle, &k)) {
		return;
	}
	gnttab_track_take(d, handle, &k, k.flags & GNTTAB_KINDS, &last);
	/* The use holds a frame of rd, and that holds rd. */
	rd = domain_get_by_id(k.granter);
	BUG_UNLESS(rd && last);
	gnttab_use_end(rd, k.ref, k.flags & GNTMAP_readonly);
	domain_put(rd);
}

/* Its vCPUs do not run any more, so no TLB uses what is let go here. */
int gnttab_release_mappings(struct domain *d)
{
	struct gnttab *t = d->gnttab;
	uint32_t end = t->track_frames * TRACK_PER_FRAME;

	while (t->release_cursor < end && t->track_used) {
		release_mapping(d, t->release_cursor++);
		if (port_should_yield()) {
			return -ERESTART;
		}
	}
	return 0;
}

/*
 * frame_list.h - frames of one domain, chained by number through the frame
 * table (0 ends: frame 0 is never a guest's).  Under the owner's page_lock.
 */
#ifndef CORE_FRAME_LIST_H
#define CORE_FRAME_LIST_H

#include "core/domain.h"
#include "core/frame.h"

static inline void frame_list_append(struct frame_list *l, struct frame *f)
{
	uint32_t m = (uint32_t)frame_mfn(f).v;

	f->next = 0;
	f->prev = l->tail;
	if (l->tail) {
		frame_of(MFN(l->tail))->next = m;
	} else {
		l->head = m;
	}
	l->tail = m;
	l->count++;
}

static inline void frame_list_remove(struct frame_list *l, struct frame *f)
{
	if (f->prev) {
		frame_of(MFN(f->prev))->next = f->next;
	} else {
		l->head = f->next;
	}
	if (f->next) {
		frame_of(MFN(f->next))->prev = f->prev;
	} else {
		l->tail = f->prev;
	}
	f->next = f->prev = 0;
	l->count--;
}

#endif

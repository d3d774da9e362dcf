/*
 * timer.c - see timer.h.
 *
 * Each CPU's queue is a pairing heap threaded through the timers themselves:
 * no memory to allocate, so setting a timer cannot fail; insertion is O(1),
 * removal O(log n) amortised.  In the heap, `child` is the first child,
 * `next` the next sibling, `prev` the previous sibling or the parent.
 *
 * Lock: one per queue, innermost but for the console's.  Callbacks run
 * without it.
 */
#include "core/timer.h"
#include "include/compiler.h"
#include "include/port.h"
#include "include/upcall.h"
#include "lib/spinlock.h"

static struct timer_queue {
	struct spinlock lock;
	struct timer *root;
	struct timer *running; /* its callback is on this CPU right now */
	uint64_t armed;	       /* what the hardware was told; 0: off */
} __aligned(64) queues[MAX_CPUS];

/* --- the heap ---------------------------------------------------------- */

static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a || !b) {
		return a ? a : b;
	}
	if (b->deadline < a->deadline) {
		t = a;
		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next) {
		b->next->prev = b;
	}
	b->prev = a;
	a->child = b;
	return a;
}

/* Merge a list of siblings in pairs, then the pairs from the right. */
static struct timer *meld_siblings(struct timer *t)
{
	struct timer *pairs = NULL, *a, *b, *root = NULL;

	while (t) {
		a = t;
		b = a->next;
		t = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b) {
			b->next = b->prev = NULL;
		}
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->next;
		a->next = NULL;
		root = meld(root, a);
	}
	return root;
}

static void queue_insert(struct timer_queue *q, struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	t->queued = true;
	q->root = meld(q->root, t);
}

static void queue_remove(struct timer_queue *q, struct timer *t)
{
	struct timer *sub = meld_siblings(t->child);

	if (t == q->root) {
		q->root = sub;
	} else {
		if (t->prev->child == t) {
			t->prev->child = t->next;
		} else {
			t->prev->next = t->next;
		}
		if (t->next) {
			t->next->prev = t->prev;
		}
		q->root = meld(q->root, sub);
	}
	t->child = t->next = t->prev = NULL;
	t->queued = false;
}

/* --- locking a timer's queue ----------------------------------------------- */

/* t->cpu changes only under its queue's lock. */
static struct timer_queue *lock_queue(struct timer *t)
{
	struct timer_queue *q;
	unsigned int cpu;

	for (;;) {
		cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
		q = &queues[cpu];
		spin_lock(&q->lock);
		if (t->cpu == cpu) {
			return q;
		}
		spin_unlock(&q->lock);
	}
}

/* The hardware of this CPU shall follow the queue's first deadline. */
static void arm_local(struct timer_queue *q)
{
	uint64_t first = q->root ? q->root->deadline : 0;

	if (q->root && !first) {
		first = 1;
	}
	if (first != q->armed) {
		q->armed = first;
		port_timer_arm(first);
	}
}

/* A later first deadline needs no action: an early interrupt is harmless. */
static void arm_after_change(struct timer_queue *q, unsigned int cpu)
{
	if (!q->root || (q->armed && q->root->deadline >= q->armed)) {
		return;
	}
	if (cpu == port_cpu()) {
		arm_local(q);
	} else {
		port_kick_cpu(cpu);
	}
}

void timer_init(struct timer *t, void (*fn)(void *), void *arg,
		unsigned int cpu)
{
	*t = (struct timer){ .fn = fn, .arg = arg, .cpu = (uint16_t)cpu };
}

void timer_set(struct timer *t, uint64_t deadline)
{
	struct timer_queue *q = lock_queue(t);

	if (t->queued) {
		queue_remove(q, t);
	}
	t->deadline = deadline;
	queue_insert(q, t);
	arm_after_change(q, t->cpu);
	spin_unlock(&q->lock);
}

void timer_stop(struct timer *t)
{
	struct timer_queue *q = lock_queue(t);

	for (;;) {
		if (t->queued) {
			queue_remove(q, t);
		}
		/* A callback may stop its own timer. */
		if (q->running != t || t->cpu == port_cpu()) {
			break;
		}
		spin_unlock(&q->lock);
		port_relax();
		q = lock_queue(t);
	}
	spin_unlock(&q->lock);
}

void timer_migrate(struct timer *t, unsigned int cpu)
{
	struct timer_queue *q;
	bool was_queued;

	if (t->cpu == cpu) {
		return;
	}
	q = lock_queue(t);
	was_queued = t->queued;
	if (was_queued) {
		queue_remove(q, t);
	}
	t->cpu = (uint16_t)cpu;
	spin_unlock(&q->lock);
	if (was_queued) {
		timer_set(t, t->deadline);
	}
}

void timer_run(void)
{
	struct timer_queue *q = &queues[port_cpu()];
	struct timer *t;

	spin_lock(&q->lock);
	q->armed = 0;
	while (q->root && q->root->deadline <= port_now()) {
		t = q->root;
		queue_remove(q, t);
		q->running = t;
		spin_unlock(&q->lock);
		t->fn(t->arg);
		spin_lock(&q->lock);
		q->running = NULL;
	}
	arm_local(q);
	spin_unlock(&q->lock);
}

void timer_rearm(void)
{
	struct timer_queue *q = &queues[port_cpu()];

	/* An unlocked look is enough: whoever changed it kicks us after. */
	if (!READ_ONCE(q->root)) {
		return;
	}
	spin_lock(&q->lock);
	arm_after_change(q, port_cpu());
	spin_unlock(&q->lock);
}

void upcall_timer(void)
{
	timer_run();
}

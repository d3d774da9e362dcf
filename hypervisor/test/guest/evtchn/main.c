/*
 * evtchn: event channels - ports and their states, sending, masking, the
 * upcall and its frame.
 */
#include "guest.h"

const char guest_subject[] = "evtchn";

static unsigned int upcalls;
static uint64_t upcall_flags, upcall_cs;
static uint8_t upcall_mask;

static void equal(const char *name, int64_t expected, int64_t got)
{
	VERDICT(name, expected == got, "expected %ld, got %ld", expected, got);
}

static int op(unsigned int cmd, void *arg)
{
	return (int)hypercall_op(__HYPERVISOR_event_channel_op, cmd, arg);
}

static bool on_event(struct trap_regs *r)
{
	struct vcpu_info *v = &shared_info->vcpu_info[0];

	upcalls++;
	upcall_flags = r->rflags;
	upcall_cs = r->cs;
	upcall_mask = v->evtchn_upcall_mask;
	v->evtchn_upcall_pending = 0;
	v->evtchn_pending_sel = 0;
	return true;
}

static bool pending(unsigned int port)
{
	return READ(shared_info->evtchn_pending[port / 64]) >> (port % 64) & 1;
}

static void clear(unsigned int port)
{
	__atomic_and_fetch(&shared_info->evtchn_pending[port / 64],
			   ~(1ul << (port % 64)), __ATOMIC_SEQ_CST);
}

static void mask(unsigned int port, bool on)
{
	if (on) {
		__atomic_or_fetch(&shared_info->evtchn_mask[port / 64],
				  1ul << (port % 64), __ATOMIC_SEQ_CST);
	} else {
		__atomic_and_fetch(&shared_info->evtchn_mask[port / 64],
				   ~(1ul << (port % 64)), __ATOMIC_SEQ_CST);
	}
}

/* Let upcalls in, once; as Linux: write the mask, then ask. */
static void open_window(void)
{
	struct vcpu_info *v = &shared_info->vcpu_info[0];

	READ(v->evtchn_upcall_mask);
	v->evtchn_upcall_mask = 0;
	__asm__ volatile("" ::: "memory");
	if (READ(v->evtchn_upcall_pending)) {
		hypercall2(__HYPERVISOR_xen_version, 0, 0);
	}
	v->evtchn_upcall_mask = 1;
	__asm__ volatile("" ::: "memory");
}

static void ipi(void)
{
	struct evtchn_bind_ipi b = { .vcpu = 0 };
	struct evtchn_send send;
	struct evtchn_status st = { .dom = DOMID_SELF };
	struct evtchn_unmask unmask;
	struct evtchn_close close;

	equal("bind-ipi", 0, op(EVTCHNOP_bind_ipi, &b));
	VERDICT("port-not-zero", b.port > 0 && b.port < 4096, "got %u", b.port);
	st.port = b.port;
	equal("status", 0, op(EVTCHNOP_status, &st));
	equal("status-ipi", EVTCHNSTAT_ipi, st.status);
	mask(b.port, false);
	send.port = b.port;
	equal("send", 0, op(EVTCHNOP_send, &send));
	VERDICT("sent-is-pending", pending(b.port), "bit not set");
	equal("upcall-pending", 1,
	      shared_info->vcpu_info[0].evtchn_upcall_pending);
	VERDICT("selector",
		shared_info->vcpu_info[0].evtchn_pending_sel >>
				(b.port / 64) & 1,
		"bit not set");
	equal("no-upcall-while-masked", 0, upcalls);
	open_window();
	equal("upcall", 1, upcalls);
	equal("upcall-runs-masked", 1, upcall_mask);
	equal("upcall-frame-if", 0x200, (int64_t)(upcall_flags & 0x200));
	equal("upcall-frame-cs", 0xe030, (int64_t)(upcall_cs & 0xffff));
	clear(b.port);

	mask(b.port, true);
	equal("send-masked", 0, op(EVTCHNOP_send, &send));
	VERDICT("masked-is-pending", pending(b.port), "bit not set");
	equal("masked-no-upcall-pending", 0,
	      shared_info->vcpu_info[0].evtchn_upcall_pending);
	unmask.port = b.port;
	equal("unmask", 0, op(EVTCHNOP_unmask, &unmask));
	equal("unmask-delivers", 1,
	      shared_info->vcpu_info[0].evtchn_upcall_pending);
	open_window();
	equal("upcall-after-unmask", 2, upcalls);
	clear(b.port);

	close.port = b.port;
	equal("close", 0, op(EVTCHNOP_close, &close));
	equal("close-twice", -22, op(EVTCHNOP_close, &close));
	equal("send-closed", -22, op(EVTCHNOP_send, &send));
	equal("status-closed", 0, op(EVTCHNOP_status, &st));
	equal("status-is-closed", EVTCHNSTAT_closed, st.status);
}

static void loopback(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF,
					  .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	struct evtchn_status st = { .dom = DOMID_SELF };
	struct evtchn_send send;
	struct evtchn_close close;

	equal("alloc-unbound", 0, op(EVTCHNOP_alloc_unbound, &a));
	send.port = a.port;
	equal("send-unbound-is-dropped", 0, op(EVTCHNOP_send, &send));
	b.remote_port = a.port;
	equal("bind-interdomain", 0, op(EVTCHNOP_bind_interdomain, &b));
	VERDICT("bound-is-pending-at-once", pending(b.local_port),
		"bit not set");
	clear(b.local_port);
	st.port = b.local_port;
	op(EVTCHNOP_status, &st);
	equal("status-interdomain", EVTCHNSTAT_interdomain, st.status);
	equal("status-remote-port", a.port, st.u.interdomain.port);
	equal("bind-again", -22, op(EVTCHNOP_bind_interdomain, &b));
	send.port = b.local_port;
	equal("send-across", 0, op(EVTCHNOP_send, &send));
	VERDICT("arrives-at-other-end", pending(a.port), "bit not set");
	clear(a.port);
	close.port = a.port;
	equal("close-one-end", 0, op(EVTCHNOP_close, &close));
	st.port = b.local_port;
	op(EVTCHNOP_status, &st);
	equal("other-end-unbound", EVTCHNSTAT_unbound, st.status);
	close.port = b.local_port;
	equal("close-other-end", 0, op(EVTCHNOP_close, &close));
}

static void virqs(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_DEBUG, .vcpu = 0 };
	struct evtchn_bind_virq bad = { .virq = 99, .vcpu = 0 };
	struct evtchn_bind_virq far = { .virq = VIRQ_DEBUG, .vcpu = 500 };
	struct evtchn_bind_virq global = { .virq = VIRQ_DOM_EXC, .vcpu = 0 };
	struct evtchn_bind_vcpu move;
	struct evtchn_close close;

	equal("bind-virq", 0, op(EVTCHNOP_bind_virq, &b));
	equal("bind-virq-twice", -17, op(EVTCHNOP_bind_virq, &b));
	equal("bind-virq-unknown", -22, op(EVTCHNOP_bind_virq, &bad));
	equal("bind-virq-no-such-vcpu", -2, op(EVTCHNOP_bind_virq, &far));
	equal("bind-global-virq", 0, op(EVTCHNOP_bind_virq, &global));
	move.port = b.port;
	move.vcpu = 0;
	equal("per-vcpu-virq-stays", -22, op(EVTCHNOP_bind_vcpu, &move));
	move.port = global.port;
	equal("global-virq-moves", 0, op(EVTCHNOP_bind_vcpu, &move));
	move.vcpu = 500;
	equal("no-such-vcpu", -2, op(EVTCHNOP_bind_vcpu, &move));
	close.port = b.port;
	equal("close-virq", 0, op(EVTCHNOP_close, &close));
	equal("rebind-virq", 0, op(EVTCHNOP_bind_virq, &b));
}

static void errors(void)
{
	struct evtchn_send send = { .port = 0 };
	struct evtchn_close close = { .port = 1u << 20 };
	struct evtchn_bind_ipi ipi0 = { .vcpu = 77 };
	struct evtchn_unmask unmask = { .port = 0x80000000 };
	struct evtchn_alloc_unbound a = { .dom = 1234,
					  .remote_dom = DOMID_SELF };

	equal("send-port-0", -22, op(EVTCHNOP_send, &send));
	send.port = 0xffffffff;
	equal("send-port-max", -22, op(EVTCHNOP_send, &send));
	equal("close-far-port", -22, op(EVTCHNOP_close, &close));
	equal("ipi-no-such-vcpu", -2, op(EVTCHNOP_bind_ipi, &ipi0));
	equal("unmask-far-port", -22, op(EVTCHNOP_unmask, &unmask));
	equal("alloc-for-nobody", -3, op(EVTCHNOP_alloc_unbound, &a));
	equal("bad-pointer", -14, op(EVTCHNOP_send, (void *)0x1000));
	equal("unknown-op", -38, op(99, &send));
}

/* Ports are used again, the lowest first. */
static void reuse(void)
{
	struct evtchn_bind_ipi a = { .vcpu = 0 }, b = { .vcpu = 0 };
	struct evtchn_close close;

	op(EVTCHNOP_bind_ipi, &a);
	close.port = a.port;
	op(EVTCHNOP_close, &close);
	op(EVTCHNOP_bind_ipi, &b);
	equal("lowest-port-again", a.port, b.port);
}

void guest_main(void)
{
	equal("map-shared-info", 0, guest_map_shared());
	event_hook = on_event;
	ipi();
	loopback();
	virqs();
	errors();
	reuse();
}

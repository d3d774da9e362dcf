/*
 * guest.c - start of a PV test kernel, its traps, and its page tables.
 */
#include "guest.h"

struct start_info *start_info;
struct shared_info *shared_info;
struct trap_seen trap_seen;
trap_fn *trap_hook;
trap_fn *event_hook;

struct extable_entry {
	uint64_t fault, fixup;
};
extern const struct extable_entry guest_extable_start[], guest_extable_end[];
extern const uint64_t trap_stubs[256];
void event_stub(void), failsafe_stub(void), syscall_stub(void),
	nmi_stub(void);
void guest_start(struct start_info *si);
void trap_handler(struct trap_regs *r);

static uint8_t shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

/* Before shared_info is mapped nobody can tell cr2 or the mask. */
static void record(const struct trap_regs *r)
{
	trap_seen.seen = true;
	trap_seen.vector = r->vector;
	trap_seen.error = r->error;
	trap_seen.rip = r->rip;
	trap_seen.cs = r->cs;
	trap_seen.rflags = r->rflags;
	trap_seen.rsp = r->rsp;
	trap_seen.ss = r->ss;
	trap_seen.rcx = r->rcx;
	trap_seen.r11 = r->r11;
	trap_seen.frame_top = (uint64_t)(r + 1);
	__asm__ volatile("pushfq; popq %0" : "=r"(trap_seen.handler_rflags));
	if (shared_info) {
		trap_seen.cr2 = shared_info->vcpu_info[0].arch.cr2;
		trap_seen.upcall_mask =
			shared_info->vcpu_info[0].evtchn_upcall_mask;
	}
}

static bool fix_up(struct trap_regs *r)
{
	const struct extable_entry *e;

	for (e = guest_extable_start; e < guest_extable_end; e++) {
		bool software = r->vector == 1 || r->vector == 3 ||
				r->vector == 4 || r->vector >= 32;

		/* int n and single steps report the next instruction */
		if (e->fault == r->rip ||
		    (software && r->rip > e->fault && r->rip <= e->fixup)) {
			record(r);
			r->rip = e->fixup;
			return true;
		}
	}
	return false;
}

void trap_handler(struct trap_regs *r)
{
	if (r->vector == TRAP_EVENT && event_hook && event_hook(r)) {
		return;
	}
	if (fix_up(r) || (trap_hook && trap_hook(r))) {
		return;
	}
	guest_printf("unexpected trap %lx error %lx rip %lx rsp %lx cr2 %lx\n",
		     r->vector, r->error, r->rip, r->rsp,
		     shared_info ? shared_info->vcpu_info[0].arch.cr2 : 0);
	VERDICT("no-surprise", false, "unexpected trap %lx at %lx", r->vector,
		r->rip);
	guest_end();
}

static void register_callback(unsigned int type, void (*fn)(void),
			      unsigned int flags)
{
	struct callback_register cb = { .type = type, .flags = flags,
					.address = (unsigned long)fn };

	hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &cb);
}

static void trap_fill(struct trap_info *table)
{
	unsigned int i;

	for (i = 0; i < 256; i++) {
		table[i].vector = (uint8_t)i;
		/* user mode may use int3, into and int 0x80 */
		table[i].flags = i == 3 || i == 4 || i == 0x80 ? 3 : 0;
		table[i].flags |= 4;
		table[i].cs = FLAT_KERNEL_CS;
		table[i].address = trap_stubs[i];
	}
}

void trap_init(void)
{
	static struct trap_info table[257];

	trap_fill(table);
	hypercall1(__HYPERVISOR_set_trap_table, hc_ptr(table));
	register_callback(CALLBACKTYPE_event, event_stub, 0);
	register_callback(CALLBACKTYPE_failsafe, failsafe_stub,
			  CALLBACKF_mask_events);
	register_callback(CALLBACKTYPE_syscall, syscall_stub,
			  CALLBACKF_mask_events);
}

uint64_t *pt_entry(const void *va, unsigned int level)
{
	uint64_t *table = (uint64_t *)start_info->pt_base;
	unsigned int l;

	for (l = 4; l > level; l--) {
		uint64_t e = table[pt_index(va, l)];

		if (!(e & 1)) {
			return NULL;
		}
		table = pfn_va(machine_to_phys_mapping[(e & 0xffffffffff000) >>
						       12]);
	}
	return &table[pt_index(va, level)];
}

uint64_t pt_entry_ma(const void *va, unsigned int level)
{
	uint64_t *e = pt_entry(va, level);

	return va_mfn(e) * PAGE_SIZE + ((uint64_t)(uintptr_t)e & 4095);
}

int guest_update_va(const void *va, uint64_t pte, uint64_t flags)
{
	return (int)hypercall3(__HYPERVISOR_update_va_mapping, hc_ptr(va), pte,
			       flags);
}

uint64_t guest_pte(const void *va, uint64_t flags)
{
	return va_mfn(va) * PAGE_SIZE | flags;
}

int guest_make_readonly(const void *va)
{
	return guest_update_va(va, guest_pte(va, 0x65), UVMF_INVLPG);
}

int guest_make_writable(const void *va)
{
	return guest_update_va(va, guest_pte(va, 0x67), UVMF_INVLPG);
}

int guest_mmuext(unsigned int cmd, uint64_t arg1)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = arg1 };

	return (int)hypercall5(__HYPERVISOR_mmuext_op, hc_ptr(&op), 1, 0,
			       DOMID_SELF, 0);
}

int guest_mmu_update(uint64_t ptr, uint64_t val)
{
	struct mmu_update u = { ptr, val };

	return (int)hypercall5(__HYPERVISOR_mmu_update, hc_ptr(&u), 1, 0,
			       DOMID_SELF, 0);
}

int guest_map_shared(void)
{
	int rc = guest_update_va(shared_page, start_info->shared_info | 0x63,
				 UVMF_INVLPG);

	if (rc == 0) {
		shared_info = (struct shared_info *)shared_page;
	}
	return rc;
}

static uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

uint64_t guest_now(void)
{
	volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
	uint32_t version;
	uint64_t delta, ns;

	do {
		version = t->version;
		__asm__ volatile("" ::: "memory");
		delta = rdtsc() - t->tsc_timestamp;
		if (t->tsc_shift < 0) {
			delta >>= -t->tsc_shift;
		} else {
			delta <<= t->tsc_shift;
		}
		ns = t->system_time +
		     (uint64_t)((unsigned __int128)delta *
					t->tsc_to_system_mul >>
				32);
		__asm__ volatile("" ::: "memory");
	} while ((version & 1) || version != t->version);
	return ns;
}

void guest_vcpu_context(struct vcpu_guest_context *c, const void *entry,
			const void *arg, void *stack_top)
{
	memset(c, 0, sizeof(*c));
	trap_fill(c->trap_ctxt);
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = hc_ptr(entry);
	c->user_regs.rdi = hc_ptr(arg);
	c->user_regs.rsp = hc_ptr(stack_top) - 8;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->user_regs.rflags = 0x202;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = xen_pfn_to_cr3(va_mfn((void *)start_info->pt_base));
	c->event_callback_eip = (unsigned long)event_stub;
	c->failsafe_callback_eip = (unsigned long)failsafe_stub;
	c->syscall_callback_eip = (unsigned long)syscall_stub;
}

uint64_t guest_option(const char *name)
{
	const char *s = (const char *)start_info->cmd_line;
	size_t n = strlen(name);
	uint64_t v = 0;

	for (; *s; s++) {
		if (!strncmp(s, name, n) && s[n] == '=') {
			for (s += n + 1; *s >= '0' && *s <= '9'; s++) {
				v = v * 10 + (uint64_t)(*s - '0');
			}
			return v;
		}
	}
	return 0;
}

/* xorshift */
uint64_t guest_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void guest_start(struct start_info *si)
{
	start_info = si;
	guest_printf("--- test kernel %s\n", guest_subject);
	trap_init();
	guest_main();
	guest_end();
}

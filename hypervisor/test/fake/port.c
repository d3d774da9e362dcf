/* port.c - port.h on the host; see fake.h. */
#include "test/fake/fake.h"
#include "core/domain.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/upcall.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

unsigned int fake_cpu;
uint64_t fake_time;
uint64_t fake_deadline[MAX_CPUS];
unsigned int fake_kicks[MAX_CPUS];
int fake_machine_off;
char fake_console[65536];
size_t fake_console_len;
struct fake_pv fake_pv;
struct fake_flush fake_flush[FAKE_FLUSHES];
unsigned int fake_flush_count;
void (*fake_flush_hook)(cpumask_t mask, unsigned int flags, gva_t va);

uint8_t *port_directmap;
uint64_t *port_m2p;
uint64_t port_m2p_count;

static unsigned int cpus;
static uint64_t wallclock;
static const char *input;
static uint8_t *guest;
static bool guest_hole[FAKE_GUEST_PAGES];

/* A countdown to one event. */
struct countdown {
	long left;
	bool hit;
};
static struct countdown alloc_fail, yield, fault;

static void countdown_set(struct countdown *c, long n)
{
	c->left = n;
	c->hit = false;
}

static bool countdown_step(struct countdown *c)
{
	if (c->left < 0) {
		return false;
	}
	if (c->left-- > 0) {
		return false;
	}
	c->hit = true;
	return true;
}

static void *map_pages(size_t n)
{
	void *p = mmap(NULL, n * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

void fake_port_reset(void); /* fake/heap.c calls it in fake_reset() */
bool fake_alloc_fails(void);

void fake_port_reset(void)
{
	if (port_directmap) {
		munmap(port_directmap, FAKE_FRAMES * PAGE_SIZE);
		munmap(guest, FAKE_GUEST_PAGES * PAGE_SIZE);
		free(port_m2p);
	}
	port_directmap = map_pages(FAKE_FRAMES);
	guest = map_pages(FAKE_GUEST_PAGES);
	port_m2p = calloc(FAKE_FRAMES, sizeof(*port_m2p));
	port_m2p_count = FAKE_FRAMES;
	memset(guest_hole, 0, sizeof(guest_hole));
	fake_cpu = 0;
	cpus = FAKE_CPUS;
	fake_time = 1000000000ULL;
	wallclock = 0;
	memset(fake_deadline, 0, sizeof(fake_deadline));
	memset(fake_kicks, 0, sizeof(fake_kicks));
	memset(&fake_pv, 0, sizeof(fake_pv));
	fake_machine_off = -1;
	fake_console_len = 0;
	fake_flush_count = 0;
	fake_flush_hook = NULL;
	input = "";
	countdown_set(&alloc_fail, -1);
	countdown_set(&yield, -1);
	countdown_set(&fault, -1);
}

void fake_fail_alloc_at(long n) { countdown_set(&alloc_fail, n); }
bool fake_failed(void) { return alloc_fail.hit; }
bool fake_alloc_fails(void) { return countdown_step(&alloc_fail); }
void fake_yield_at(long n) { countdown_set(&yield, n); }
bool fake_yielded(void) { return yield.hit; }
void fake_fault_at(long n) { countdown_set(&fault, n); }
bool fake_faulted(void) { return fault.hit; }
void fake_set_cpus(unsigned int n) { cpus = n; }
void fake_console_input(const char *s) { input = s; }

/* --- guest memory ---------------------------------------------------- */

void *fake_guest(uint64_t offset) { return guest + offset; }
gva_t fake_gva(uint64_t offset) { return GVA(FAKE_GUEST_BASE + offset); }

void fake_guest_hole(unsigned int page, bool hole)
{
	guest_hole[page] = hole;
}

static uint8_t *guest_range(gva_t a, size_t n)
{
	uint64_t off = a.v - FAKE_GUEST_BASE, p;

	if (countdown_step(&fault) || !gva_range_ok(a, n)) {
		return NULL;
	}
	if (off > FAKE_GUEST_PAGES * PAGE_SIZE ||
	    n > FAKE_GUEST_PAGES * PAGE_SIZE - off) {
		return NULL;
	}
	for (p = off; p < off + n; p = (p & PAGE_MASK) + PAGE_SIZE) {
		if (guest_hole[p >> PAGE_SHIFT]) {
			return NULL;
		}
	}
	return guest + off;
}

int port_copy_from_guest(void *dst, gva_t src, size_t n)
{
	uint8_t *p = n ? guest_range(src, n) : guest;

	if (!p) {
		return -EFAULT;
	}
	memcpy(dst, p, n);
	return 0;
}

int port_read_guest_word(uint64_t *word, gva_t src)
{
	return port_copy_from_guest(word, src, sizeof(*word));
}

int port_copy_to_guest(gva_t dst, const void *src, size_t n)
{
	uint8_t *p = n ? guest_range(dst, n) : guest;

	if (!p) {
		return -EFAULT;
	}
	memcpy(p, src, n);
	return 0;
}

int port_probe_guest_write(gva_t dst, size_t n)
{
	return !n || guest_range(dst, n) ? 0 : -EFAULT;
}

/* --- TLB --------------------------------------------------------------- */

void port_flush_tlb(cpumask_t mask, unsigned int flags, gva_t va)
{
	fake_flush[fake_flush_count++ % FAKE_FLUSHES] =
		(struct fake_flush){ mask, flags, va.v };
	if (flags & FLUSH_TLB) {
		fake_tlb_flushed(mask);
	}
	if (fake_flush_hook) {
		fake_flush_hook(mask, flags, va);
	}
}


/* --- CPUs, time ---------------------------------------------------------- */

unsigned int port_cpu(void) { return fake_cpu; }

cpumask_t port_cpus_online(void)
{
	return cpus >= 64 ? ~0ULL : (1ULL << cpus) - 1;
}

unsigned int port_cpu_count(void) { return cpus; }

uint64_t port_now(void) { return fake_time; }
uint64_t port_wallclock_ns(void) { return wallclock; }
void port_set_wallclock(uint64_t ns) { wallclock = ns; }
uint64_t port_tsc_khz(void) { return 2000000; }

void port_tsc_snapshot(uint64_t *tsc, uint64_t *now)
{
	*now = fake_time;
	*tsc = fake_time * 2;
}

void port_tsc_scale(uint32_t *mul, int8_t *shift)
{
	*mul = 1u << 31; /* 2 GHz */
	*shift = 0;
}

void port_timer_arm(uint64_t deadline) { fake_deadline[fake_cpu] = deadline; }
void port_kick_cpu(unsigned int cpu) { fake_kicks[cpu]++; }
bool port_should_yield(void) { return countdown_step(&yield); }

/* --- the machine's side of a vCPU ---------------------------------------- */

struct cpu_user_regs *port_vcpu_regs(struct vcpu *v) { return &v->regs; }

int port_vcpu_init(struct vcpu *v)
{
	if (fake_alloc_fails()) {
		return -ENOMEM;
	}
	v->arch = malloc(1);
	return 0;
}

void port_vcpu_fini(struct vcpu *v)
{
	free(v->arch);
	v->arch = NULL;
}

int port_domain_init(struct domain *d)
{
	if (fake_alloc_fails()) {
		return -ENOMEM;
	}
	d->arch = malloc(1);
	return 0;
}

void port_domain_fini(struct domain *d)
{
	free(d->arch);
	d->arch = NULL;
}

void port_vcpu_load_gdt(struct vcpu *v) { (void)v; fake_pv.load_gdt++; }
void port_vcpu_load_ldt(struct vcpu *v) { (void)v; fake_pv.load_ldt++; }
void port_vcpu_load_cr3(struct vcpu *v) { (void)v; fake_pv.load_cr3++; }

int port_vcpu_set_segbase(struct vcpu *v, unsigned int which, uint64_t base)
{
	(void)v;
	fake_pv.set_segbase++;
	fake_pv.segbase[which & 7] = base;
	return 0;
}

void port_vcpu_set_debugreg(struct vcpu *v, unsigned int reg, uint64_t val)
{
	(void)v;
	fake_pv.debugreg[reg & 7] = val;
}

uint64_t port_vcpu_get_debugreg(struct vcpu *v, unsigned int reg)
{
	(void)v;
	return fake_pv.debugreg[reg & 7];
}

void port_vcpu_set_ts(struct vcpu *v, bool ts)
{
	(void)v;
	(void)ts;
	fake_pv.set_ts++;
}

void port_vcpu_set_iopl(struct vcpu *v, unsigned int iopl)
{
	v->pv.iopl = iopl;
}

void port_vcpu_get_fpu(struct vcpu *v, void *fx512)
{
	(void)v;
	memset(fx512, 0, 512);
}

void port_vcpu_set_fpu(struct vcpu *v, const void *fx512)
{
	(void)v;
	(void)fx512;
}

/* A machine with AVX; one vCPU's image. */
uint64_t port_xcr0_mask(void) { return fake_pv.no_xsave ? 0 : 7; }

uint32_t port_xstate_size(uint64_t xcr0)
{
	return fake_pv.no_xsave ? 0 : xcr0 & 4 ? 832 : 576;
}

uint64_t port_vcpu_xcr0(struct vcpu *v)
{
	(void)v;
	return fake_pv.xcr0;
}

void port_vcpu_get_xstate(struct vcpu *v, void *image, size_t size)
{
	(void)v;
	memcpy(image, fake_pv.xstate, size);
}

int port_vcpu_set_xstate(struct vcpu *v, uint64_t xcr0, const void *image)
{
	(void)v;
	if (!(xcr0 & 1) || xcr0 & ~7ULL) {
		return -EINVAL;
	}
	fake_pv.xcr0 = xcr0;
	memcpy(fake_pv.xstate, image, port_xstate_size(xcr0));
	return 0;
}

void port_vcpu_sync_regs(struct vcpu *v) { (void)v; }

void port_vcpu_iret(struct vcpu *v)
{
	(void)v;
	fake_pv.iret++;
}

int port_root_init(struct domain *d, mfn_t l4)
{
	(void)d;
	memset((uint8_t *)frame_ptr(l4) + 8 * HOLE_L4_FIRST, 0,
	       8 * (HOLE_L4_LAST - HOLE_L4_FIRST + 1));
	return fake_alloc_fails() ? -ENOMEM : 0;
}

void port_root_fini(struct domain *d, mfn_t l4)
{
	(void)d;
	(void)l4;
}

void port_root_update(mfn_t l4, unsigned int slot, uint64_t val)
{
	(void)l4;
	(void)slot;
	(void)val;
}

/* --- interrupts ------------------------------------------------------------ */

int port_pirq_startup(struct domain *d, unsigned int pirq, bool shareable)
{
	(void)d;
	(void)pirq;
	(void)shareable;
	fake_pv.pirq_startup++;
	return 0;
}

void port_pirq_shutdown(struct domain *d, unsigned int pirq)
{
	(void)d;
	(void)pirq;
	fake_pv.pirq_shutdown++;
}

void port_pirq_eoi(struct domain *d, unsigned int pirq)
{
	(void)d;
	(void)pirq;
	fake_pv.pirq_eoi++;
}

bool port_pirq_needs_eoi(struct domain *d, unsigned int pirq)
{
	(void)d;
	return pirq < 16;
}

int port_pirq_map_gsi(struct domain *d, unsigned int gsi, int *pirq)
{
	(void)d;
	*pirq = (int)gsi;
	return 0;
}

int port_pirq_map_msi(struct domain *d, struct physdev_map_pirq *map)
{
	(void)d;
	map->pirq = 64;
	return 0;
}

int port_pirq_unmap(struct domain *d, unsigned int pirq)
{
	(void)d;
	(void)pirq;
	return 0;
}

int port_pirq_setup_gsi(unsigned int gsi, unsigned int triggering,
			unsigned int polarity)
{
	(void)triggering;
	(void)polarity;
	return gsi < 24 ? 0 : -EINVAL;
}

int port_pirq_set_affinity(struct domain *d, unsigned int pirq,
			   unsigned int cpu)
{
	(void)d;
	(void)pirq;
	(void)cpu;
	return 0;
}

/* --- console, machine ------------------------------------------------------ */

void port_console_write(const char *s, size_t n)
{
	size_t room = sizeof(fake_console) - 1 - fake_console_len;

	if (getenv("FAKE_CONSOLE")) {
		fwrite(s, 1, n, stderr);
	}
	n = MIN(n, room);
	memcpy(fake_console + fake_console_len, s, n);
	fake_console_len += n;
	fake_console[fake_console_len] = '\0';
}

size_t port_console_read(char *buf, size_t n)
{
	size_t i;

	for (i = 0; i < n && *input; i++) {
		buf[i] = *input++;
	}
	return i;
}

void port_machine_off(unsigned int shutdown_reason)
{
	fprintf(stderr, "port_machine_off(%u)\n", shutdown_reason);
	abort();
}

void port_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "PANIC: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	abort();
}

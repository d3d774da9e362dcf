/*
 * fpu.c - the FPU's registers, saved and loaded at every vCPU switch.
 *
 * Eagerly: leaving them in place for a fault to fetch would let the next
 * guest read them by speculation (LazyFP, XSA-267).  CR0.TS is set only when
 * the guest itself asked for it (fpu_taskswitch).
 */
#include "core/heap.h"
#include "core/vcpu.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/string.h"
#include "x86/arch.h"
#include "x86/context.h"
#include "x86/current.h"
#include "x86/insn.h"

#define XCR0_X87 1ULL
#define XCR0_SSE 2ULL
#define XCR0_AVX 4ULL
/* AVX-512's three go together. */
#define XCR0_512   0xe0ULL
#define XCR0_KNOWN (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_512)

#define FX_SIZE	    512
#define XHEADER_SIZE 64
#define FCW_RESET  0x037f
#define MXCSR_RESET 0x1f80

static uint64_t xcr0_mask; /* what the machine has and we offer */
static uint32_t area_size = FX_SIZE;
static bool detected;

static void detect(void)
{
	struct cpuid_regs r;

	detected = true;
	if (!(cpuid(1).c & (1u << 26))) {
		return;
	}
	r = cpuid_count(0xd, 0);
	xcr0_mask = (r.a | ((uint64_t)r.d << 32)) & XCR0_KNOWN;
}

uint64_t port_xcr0_mask(void)
{
	if (!detected) {
		detect();
	}
	return xcr0_mask;
}

static void write_xcr0(uint64_t v)
{
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)v),
			   "d"((uint32_t)(v >> 32)));
}

void fpu_init_cpu(void)
{
	cpu_clts();
	__asm__ volatile("fninit");
	if (port_xcr0_mask()) {
		write_xcr0(xcr0_mask);
		area_size = cpuid_count(0xd, 0).b;
	}
}

int fpu_vcpu_init(struct vcpu *v)
{
	uint8_t *fx;
	uint32_t mxcsr = MXCSR_RESET;
	uint16_t fcw = FCW_RESET;

	/* One page holds any XSAVE area without AMX, page-aligned. */
	if (area_size > PAGE_SIZE) {
		return -ENOMEM;
	}
	fx = area_size > FX_SIZE ? heap_alloc_page() : mem_alloc(FX_SIZE);
	if (!fx) {
		return -ENOMEM;
	}
	memcpy(fx, &fcw, sizeof(fcw));
	memcpy(fx + 24, &mxcsr, sizeof(mxcsr));
	v->arch->fpu = fx;
	v->arch->xcr0 = XCR0_X87;
	return 0;
}

void fpu_vcpu_fini(struct vcpu *v)
{
	if (area_size > FX_SIZE) {
		heap_free_page(v->arch->fpu);
	} else {
		mem_free(v->arch->fpu);
	}
}

void fpu_save(struct vcpu *v)
{
	if (v->mode & VF_TS) {
		cpu_clts();
	}
	if (xcr0_mask) {
		/* All of it, whatever the guest's XCR0 is now. */
		write_xcr0(xcr0_mask);
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(v->arch->fpu), "a"(~0u), "d"(~0u)
				 : "memory");
	} else {
		__asm__ volatile("fxsave64 (%0)"
				 :
				 : "r"(v->arch->fpu)
				 : "memory");
	}
}

void fpu_load(struct vcpu *v)
{
	/*
	 * Older CPUs of AMD load the pointers of the last x87 instruction only
	 * with a pending exception: else they stay another guest's (XSA-52).
	 */
	__asm__ volatile("fninit");
	if (xcr0_mask) {
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(v->arch->fpu), "a"(~0u), "d"(~0u)
				 : "memory");
		write_xcr0(v->arch->xcr0);
	} else {
		__asm__ volatile("fxrstor64 (%0)"
				 :
				 : "r"(v->arch->fpu)
				 : "memory");
	}
	if (v->mode & VF_TS) {
		write_cr0(read_cr0() | 8);
	}
}

static bool xcr0_valid(uint64_t xcr0)
{
	uint64_t avx512 = xcr0 & XCR0_512;

	return (xcr0 & XCR0_X87) && !(xcr0 & ~xcr0_mask) &&
	       (!(xcr0 & XCR0_AVX) || (xcr0 & XCR0_SSE)) &&
	       (!avx512 || (avx512 == XCR0_512 && (xcr0 & XCR0_AVX)));
}

int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
	if (!xcr0_valid(xcr0)) {
		return -EINVAL;
	}
	v->arch->xcr0 = xcr0;
	write_xcr0(xcr0);
	return 0;
}

void port_vcpu_set_ts(struct vcpu *v, bool ts)
{
	if (ts) {
		v->mode |= VF_TS;
		write_cr0(read_cr0() | 8);
	} else {
		v->mode &= (uint8_t)~VF_TS;
		cpu_clts();
	}
}

void port_vcpu_get_fpu(struct vcpu *v, void *fx512)
{
	memcpy(fx512, v->arch->fpu, FX_SIZE);
}

/* Reserved bits would make the load fault. */
static void sane_mxcsr(uint8_t *fx)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, fx + 24, sizeof(mxcsr));
	mxcsr &= 0xffff;
	memcpy(fx + 24, &mxcsr, sizeof(mxcsr));
}

/* The header after the legacy area says which parts an image holds. */
void port_vcpu_set_fpu(struct vcpu *v, const void *fx512)
{
	uint8_t *fx = v->arch->fpu;
	uint64_t parts = XCR0_X87 | XCR0_SSE;

	memcpy(fx, fx512, FX_SIZE);
	sane_mxcsr(fx);
	if (area_size > FX_SIZE) {
		memset(fx + FX_SIZE, 0, XHEADER_SIZE);
		memcpy(fx + FX_SIZE, &parts, sizeof(parts));
	}
}

uint32_t port_xstate_size(uint64_t xcr0)
{
	uint32_t size = FX_SIZE + XHEADER_SIZE;
	struct cpuid_regs r;
	unsigned int i;

	if (!xcr0_mask) {
		return 0;
	}
	for (i = 2; i < 64; i++) {
		if (xcr0 & xcr0_mask & 1ULL << i) {
			r = cpuid_count(0xd, i);
			size = MAX(size, r.b + r.a);
		}
	}
	return size;
}

uint64_t port_vcpu_xcr0(struct vcpu *v)
{
	return v->arch->xcr0;
}

/* Of a part that is not in use the image is what it is after reset. */
void port_vcpu_get_xstate(struct vcpu *v, void *image, size_t size)
{
	uint64_t parts;

	memcpy(image, v->arch->fpu, size);
	if (size >= FX_SIZE + XHEADER_SIZE) {
		memcpy(&parts, (uint8_t *)image + FX_SIZE, sizeof(parts));
		parts &= v->arch->xcr0;
		memcpy((uint8_t *)image + FX_SIZE, &parts, sizeof(parts));
	}
}

int port_vcpu_set_xstate(struct vcpu *v, uint64_t xcr0, const void *image)
{
	uint64_t header[XHEADER_SIZE / 8], rest = 0;
	unsigned int i;

	memcpy(header, (const uint8_t *)image + FX_SIZE, sizeof(header));
	for (i = 1; i < ARRAY_SIZE(header); i++) {
		rest |= header[i]; /* compaction, and what is reserved */
	}
	if (!xcr0_valid(xcr0) || (header[0] & ~xcr0) || rest) {
		return -EINVAL;
	}
	memcpy(v->arch->fpu, image, port_xstate_size(xcr0));
	sane_mxcsr(v->arch->fpu);
	v->arch->xcr0 = xcr0;
	return 0;
}

/*
 * classic: a kernel that asks for nothing special gets everything in its
 * bootstrap region - RAM root and P2M list too - and calls through the
 * hypercall page.
 *
 * cmdline: console=hvc0 answer=42
 * module: lib/guest.lds with=arguments
 */
#include "guest.h"

const char guest_subject[] = "classic";

extern char guest_image_end[];
extern uint64_t boot_rsp;
extern const char hypercall_page[];

static bool mapped(uint64_t va)
{
	uint64_t *e = pt_entry((void *)va, 1);

	return e && (*e & 1);
}

static void layout(void)
{
	uint64_t p2m_end = start_info->mfn_list + start_info->nr_pages * 8;
	uint64_t mod_end = start_info->mod_start + start_info->mod_len;

	guest_equal("no-mod-start-pfn", 0,
		    start_info->flags & SIF_MOD_START_PFN);
	VERDICT("module-after-image",
		start_info->mod_start >= (uint64_t)guest_image_end &&
			(start_info->mod_start & 4095) == 0,
		"module at %lx, image ends at %lx", start_info->mod_start,
		(uint64_t)guest_image_end);
	VERDICT("module-mapped",
		mapped(start_info->mod_start) && mapped(mod_end - 1),
		"%lx..%lx", start_info->mod_start, mod_end);
	VERDICT("p2m-after-module",
		start_info->mfn_list >= mod_end &&
			mapped(start_info->mfn_list) && mapped(p2m_end - 1),
		"P2M at %lx, module ends at %lx", start_info->mfn_list,
		mod_end);
	VERDICT("start-info-after-p2m", (uint64_t)start_info >= p2m_end,
		"start_info at %lx, P2M ends at %lx", (uint64_t)start_info,
		p2m_end);
	guest_equal("no-p2m-frames-named", 0, start_info->nr_p2m_frames);
	VERDICT("module-contents",
		mapped(start_info->mod_start) &&
			!strncmp((char *)start_info->mod_start,
				 "/* Where a PV test kernel", 25),
		"other bytes");
	VERDICT("module-length",
		start_info->mod_len > 500 && start_info->mod_len < 4096,
		"got %lu", start_info->mod_len);
	VERDICT("command-line",
		!strcmp((char *)start_info->cmd_line,
			"console=hvc0 answer=42"),
		"got %s", (char *)start_info->cmd_line);
}

/* Every register but rax is kept by a call into the page. */
static void page(void)
{
	uint64_t rcx = 0x1111, r11 = 0x2222, rbx = 0x3333;
	long version;

	__asm__ volatile("call *%5"
			 : "=a"(version), "+c"(rcx), "+b"(rbx)
			 : "D"(XENVER_version), "S"(0),
			   "r"(hypercall_page + __HYPERVISOR_xen_version * 32)
			 : "memory", "cc", "r8", "r9", "r10");
	guest_equal("xen-version-by-page", 0x40011, (uint64_t)version);
	guest_equal("rcx-kept", 0x1111, rcx);
	guest_equal("rbx-kept", 0x3333, rbx);
	__asm__ volatile("mov %2, %%r11; call *%4; mov %%r11, %1"
			 : "=a"(version), "=&r"(r11)
			 : "r"(0x2222ul), "D"(XENVER_version),
			   "r"(hypercall_page + __HYPERVISOR_xen_version * 32),
			   "S"(0)
			 : "memory", "cc", "rcx", "r8", "r9", "r10", "r11");
	guest_equal("r11-kept", 0x2222, r11);
	__asm__ volatile("call *%3"
			 : "=a"(version)
			 : "D"(0), "S"(0), "r"(hypercall_page + 55 * 32)
			 : "memory", "cc", "rcx", "r8", "r9", "r10", "r11");
	guest_equal("unknown-by-page", (uint64_t)-38L, (uint64_t)version);
}

void guest_main(void)
{
	layout();
	page();
}

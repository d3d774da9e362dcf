/*
 * dom0.c - build the first domain: its memory, its bootstrap address space,
 * start_info, and the context in which its first instruction runs.
 *
 * The bootstrap region, one run of virtual and of pseudo-physical memory
 * that starts at VIRT_BASE (xen/xen.h, "startofday"):
 *
 *	kernel image, where its segments ask to be
 *	RAM root	only if the kernel cannot take it unmapped
 *	P2M list	only if the kernel names no other place (INIT_P2M)
 *	start_info, with the console's description behind it
 *	page tables	mapped read-only
 *	stack		one page
 *	padding to 4 MiB, at least 512 KiB
 *
 * and behind it, unmapped or mapped elsewhere: the RAM root, the P2M list
 * with its page tables, and the rest of dom0's memory.
 */
#include "boot/dom0.h"
#include "boot/dom0_mem.h"
#include "boot/elf.h"
#include "core/domain.h"
#include "core/heap.h"
#include "core/hypercall_page.h"
#include "core/log.h"
#include "core/ptype.h"
#include "include/errno.h"
#include "include/port.h"
#include "lib/format.h"
#include "lib/string.h"
#include "x86/acpi.h"

#define REGION_ALIGN (4ull << 20)
#define PADDING	     (512ull << 10)

/* Where everything goes; virtual addresses but for the pfns. */
struct layout {
	uint64_t start, end; /* bootstrap region */
	uint64_t initrd, initrd_pfn, initrd_size;
	uint64_t p2m, p2m_pfn, p2m_pages, p2m_table_pages;
	uint64_t start_info, tables, table_pages, stack;
	uint64_t pfns; /* used so far */
};

struct build {
	struct elf_kernel kernel;
	const struct boot_module *ramdisk; /* or NULL */
	struct layout at;
	struct dom0_mem mem;
	struct dom0_tables tables;
	struct start_info *si;
};

static uint64_t pages_of(uint64_t bytes)
{
	return DIV_ROUND_UP(bytes, PAGE_SIZE);
}

/* Region address to pseudo-physical address. */
static uint64_t pa_of(const struct layout *l, uint64_t va)
{
	return va - l->start;
}

/* Everything up to the page tables, whose number depends on the rest. */
static void lay_out(struct build *b, uint64_t pages)
{
	const struct elf_kernel *k = &b->kernel;
	struct layout *l = &b->at;
	uint64_t va;

	l->start = k->virt_base;
	l->p2m_pages = pages_of(pages * sizeof(uint64_t));
	va = ALIGN_UP(l->start + k->paddr_end, PAGE_SIZE);
	if (b->ramdisk) {
		l->initrd_size = b->ramdisk->end - b->ramdisk->start;
		if (!k->mod_start_pfn) {
			l->initrd = va;
			l->initrd_pfn = pa_of(l, va) >> PAGE_SHIFT;
			va += ALIGN_UP(l->initrd_size, PAGE_SIZE);
		}
	}
	if (!k->has_init_p2m) {
		l->p2m = va;
		l->p2m_pfn = pa_of(l, va) >> PAGE_SHIFT;
		va += l->p2m_pages * PAGE_SIZE;
	}
	l->start_info = va;
	l->tables = va + PAGE_SIZE;
	l->table_pages = 0;
	do {
		/* More tables may make the region longer, and need more. */
		l->table_pages++;
		l->stack = l->tables + l->table_pages * PAGE_SIZE;
		l->end = ALIGN_UP(l->stack + PAGE_SIZE + PADDING,
				  REGION_ALIGN);
	} while (l->table_pages < 1 + dom0_tables_needed(l->start, l->end));

	l->pfns = pa_of(l, l->end) >> PAGE_SHIFT;
	if (b->ramdisk && k->mod_start_pfn) {
		l->initrd_pfn = l->pfns;
		l->pfns += pages_of(l->initrd_size);
	}
	if (k->has_init_p2m) {
		l->p2m = k->init_p2m;
		l->p2m_pfn = l->pfns;
		l->p2m_table_pages = dom0_tables_needed(
			l->p2m, l->p2m + l->p2m_pages * PAGE_SIZE);
		l->pfns += l->p2m_pages + l->p2m_table_pages;
	}
}

static void load_kernel(struct build *b)
{
	const struct elf_kernel *k = &b->kernel;
	unsigned int i;

	for (i = 0; i < k->segment_count; i++) {
		const struct elf_segment *s = &k->segment[i];

		dom0_mem_write(&b->mem, s->paddr, k->image + s->offset,
			       s->file_size);
		dom0_mem_write(&b->mem, s->paddr + s->file_size, NULL,
			       s->mem_size - s->file_size);
	}
	if (k->has_hypercall_page) {
		uint64_t pa = k->hypercall_page - k->virt_base;

		hypercall_page_fill(
			frame_ptr(dom0_mem_mfn(&b->mem, pa >> PAGE_SHIFT)));
	}
}

static void load_ramdisk(struct build *b)
{
	uint64_t to = b->at.initrd_pfn << PAGE_SHIFT;
	uint64_t size = b->at.initrd_size;

	if (b->ramdisk) {
		dom0_mem_write(&b->mem, to,
			       port_directmap + b->ramdisk->start, size);
		dom0_mem_write(&b->mem, to + size, NULL,
			       ALIGN_UP(size, PAGE_SIZE) - size);
	}
}

/* The rest of the last page says "no such frame". */
static void write_p2m(struct build *b)
{
	uint64_t page, i, pfn = 0, *list;

	for (page = 0; page < b->at.p2m_pages; page++) {
		list = frame_ptr(dom0_mem_mfn(&b->mem, b->at.p2m_pfn + page));
		for (i = 0; i < PAGE_SIZE / sizeof(*list); i++, pfn++) {
			list[i] = pfn < b->mem.pages
					  ? dom0_mem_mfn(&b->mem, pfn).v
					  : ~0ull;
		}
	}
}

static void map_everything(struct build *b)
{
	const struct layout *l = &b->at;
	uint64_t tables_end = l->tables + l->table_pages * PAGE_SIZE;
	uint64_t va, i;

	dom0_tables_init(&b->tables, &b->mem,
			 pa_of(l, l->tables) >> PAGE_SHIFT, l->table_pages);
	for (va = l->start; va < l->end; va += PAGE_SIZE) {
		dom0_tables_map(&b->tables, va, pa_of(l, va) >> PAGE_SHIFT,
				va < l->tables || va >= tables_end);
	}
	if (!b->kernel.has_init_p2m) {
		return;
	}
	/* These tables lie behind the list, mapped nowhere. */
	b->tables.next_pfn = l->p2m_pfn + l->p2m_pages;
	b->tables.end_pfn = b->tables.next_pfn + l->p2m_table_pages;
	for (i = 0; i < l->p2m_pages; i++) {
		dom0_tables_map(&b->tables, l->p2m + i * PAGE_SIZE,
				l->p2m_pfn + i, true);
	}
}

/* What dom0 can draw on: the loader's frame buffer, or VGA text. */
static uint32_t describe_console(const struct boot_info *bi,
				 struct dom0_vga_console_info *c)
{
	const struct boot_framebuffer *fb = &bi->fb;

	if (fb->type == 1) {
		uint64_t bytes = (uint64_t)fb->pitch * fb->height;

		c->video_type = bi->efi ? XEN_VGATYPE_EFI_LFB
					: XEN_VGATYPE_VESA_LFB;
		c->u.vesa_lfb.width = (uint16_t)fb->width;
		c->u.vesa_lfb.height = (uint16_t)fb->height;
		c->u.vesa_lfb.bytes_per_line = (uint16_t)fb->pitch;
		c->u.vesa_lfb.bits_per_pixel = fb->bpp;
		c->u.vesa_lfb.lfb_base = (uint32_t)fb->addr;
		c->u.vesa_lfb.ext_lfb_base = (uint32_t)(fb->addr >> 32);
		c->u.vesa_lfb.lfb_size =
			(uint32_t)DIV_ROUND_UP(bytes, 65536);
		c->u.vesa_lfb.red_pos = fb->red_pos;
		c->u.vesa_lfb.red_size = fb->red_size;
		c->u.vesa_lfb.green_pos = fb->green_pos;
		c->u.vesa_lfb.green_size = fb->green_size;
		c->u.vesa_lfb.blue_pos = fb->blue_pos;
		c->u.vesa_lfb.blue_size = fb->blue_size;
		return sizeof(*c);
	}
	if (bi->efi) {
		return 0;
	}
	c->video_type = XEN_VGATYPE_TEXT_MODE_3;
	c->u.text_mode_3.font_height = 16;
	c->u.text_mode_3.cursor_y = 24;
	c->u.text_mode_3.rows = 25;
	c->u.text_mode_3.columns = 80;
	return sizeof(*c);
}

/* dom0 finds the RSDP itself below 1 MiB; under UEFI it must be told. */
static void write_cmdline(struct start_info *si, const char *line)
{
	char *to = (char *)si->cmd_line;
	size_t n;

	if (machine_acpi.rsdp && !machine_acpi.rsdp_in_bios_area) {
		n = format(to, sizeof(si->cmd_line), "%s%sacpi_rsdp=0x%llx",
			   line, *line ? " " : "",
			   (unsigned long long)machine_acpi.rsdp);
	} else {
		n = format(to, sizeof(si->cmd_line), "%s", line);
	}
	if (n >= sizeof(si->cmd_line)) {
		printk("dom0: command line longer than %u, cut off\n",
		       (unsigned int)sizeof(si->cmd_line) - 1);
	}
}

static void write_start_info(struct build *b, const struct boot_info *bi)
{
	const struct layout *l = &b->at;
	struct start_info *si = frame_ptr(
		dom0_mem_mfn(&b->mem, pa_of(l, l->start_info) >> PAGE_SHIFT));

	memset(si, 0, PAGE_SIZE);
	memcpy(si->magic, "xen-3.0-x86_64p", 16);
	si->nr_pages = b->mem.pages;
	si->shared_info = b->mem.d->shared_info_mfn.v << PAGE_SHIFT;
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = l->tables;
	si->nr_pt_frames = l->table_pages;
	si->mfn_list = l->p2m;
	if (b->kernel.has_init_p2m) {
		si->first_p2m_pfn = l->p2m_pfn;
		si->nr_p2m_frames = l->p2m_pages + l->p2m_table_pages;
	}
	if (b->ramdisk) {
		si->mod_len = l->initrd_size;
		si->mod_start = l->initrd;
		if (b->kernel.mod_start_pfn) {
			si->mod_start = l->initrd_pfn;
			si->flags |= SIF_MOD_START_PFN;
		}
	}
	si->console.dom0.info_off = sizeof(*si);
	si->console.dom0.info_size = describe_console(
		bi, (struct dom0_vga_console_info *)(si + 1));
	write_cmdline(si, bi->module[0].cmdline);
	b->si = si;
}

/*
 * Hand the tables to the page-type code: it checks every entry, takes all
 * references and fills the hypervisor's hole.  One reference is the pin
 * that Linux undoes early, the other belongs to cr3.
 */
static int validate_tables(struct build *b)
{
	struct domain *d = b->mem.d;
	unsigned int i;
	int rc = 0;

	spin_lock(&d->mmu_lock);
	for (i = 0; i < 2 && rc == 0; i++) {
		do {
			rc = ptype_get_frame(b->tables.root, FT_L4, d);
		} while (rc == -ERESTART);
	}
	if (rc == 0) {
		frame_of(b->tables.root)->type |= FT_PINNED;
	}
	spin_unlock(&d->mmu_lock);
	if (rc) {
		printk("dom0: its first page tables are refused: %d\n", rc);
	}
	return rc;
}

static void start_context(const struct build *b)
{
	struct vcpu *v = b->mem.d->vcpu[0];

	memset(&v->regs, 0, sizeof(v->regs));
	v->regs.rip = b->kernel.entry;
	v->regs.rsp = b->at.stack + PAGE_SIZE;
	v->regs.rsi = b->at.start_info;
	v->regs.rflags = 0x202; /* IF: events are masked by the vcpu_info */
	v->regs.cs = FLAT_KERNEL_CS;
	v->regs.ss = FLAT_KERNEL_SS;
	v->pv.kernel_ss = FLAT_KERNEL_SS;
	v->pv.kernel_sp = v->regs.rsp;
	v->pv.cr3 = b->tables.root;
	v->pv.user_cr3 = MFN(0);
	v->mode = VF_KERNEL;
	v->info->evtchn_upcall_mask = 1;
	v->initialised = true;
	v->pause_flags &= ~VPF_DOWN;
}

static int create_domain(unsigned int vcpus, struct domain **out)
{
	struct xen_domctl_createdomain cfg = {
		.max_vcpus = vcpus,
		.max_evtchn_port = UINT32_MAX,
		.max_grant_frames = 64,
		.max_maptrack_frames = 1024,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	struct domain *d;
	unsigned int i;
	int rc;

	rc = domain_create(0, &cfg, true, &d);
	for (i = 0; i < vcpus && rc == 0; i++) {
		rc = vcpu_create(d, i);
	}
	if (rc) {
		printk("dom0: cannot create a domain of %u vCPUs: %d\n", vcpus,
		       rc);
	}
	*out = d;
	return rc;
}

static int fill_memory(struct build *b, struct domain *d, uint64_t bytes,
		       const struct options *o)
{
	uint64_t pages = bytes >> PAGE_SHIFT;

	lay_out(b, pages);
	if (b->at.pfns > pages) {
		printk("dom0: %llu MiB of memory are too few; kernel and RAM "
		       "root need %llu MiB\n",
		       (unsigned long long)(bytes >> 20),
		       (unsigned long long)(b->at.pfns >> 8) + 1);
		return -ENOMEM;
	}
	d->max_pages = UINT32_MAX;
	if (o->dom0_mem_max.given && !o->dom0_mem_max.all_but) {
		d->max_pages = (uint32_t)MIN(
			MAX(o->dom0_mem_max.bytes >> PAGE_SHIFT, pages),
			UINT32_MAX);
	}
	if (dom0_mem_fill(&b->mem, d, pages) != 0) {
		printk("dom0: only %llu of %llu pages could be allocated\n",
		       (unsigned long long)b->mem.pages,
		       (unsigned long long)pages);
		return -ENOMEM;
	}
	return 0;
}

static void report_screen(const struct boot_framebuffer *fb)
{
	if (fb->type == 1) {
		printk(LOG_INFO "dom0: screen %ux%u, %u bits, at %llx\n",
		       fb->width, fb->height, fb->bpp,
		       (unsigned long long)fb->addr);
	}
}

static void report(const struct build *b, unsigned int vcpus)
{
	const struct layout *l = &b->at;

	printk(LOG_INFO "dom0: %s %s, %llu pages in %u runs, %u vCPUs\n",
	       b->kernel.guest_os, b->kernel.guest_version,
	       (unsigned long long)b->mem.pages, b->mem.run_count, vcpus);
	printk(LOG_INFO "dom0: kernel %llx->%llx entry %llx\n",
	       (unsigned long long)(l->start + b->kernel.paddr_start),
	       (unsigned long long)(l->start + b->kernel.paddr_end),
	       (unsigned long long)b->kernel.entry);
	printk(LOG_INFO "dom0: RAM root pfn %llx, %llu bytes; P2M %llx pfn "
			"%llx\n",
	       (unsigned long long)l->initrd_pfn,
	       (unsigned long long)l->initrd_size, (unsigned long long)l->p2m,
	       (unsigned long long)l->p2m_pfn);
	printk(LOG_INFO "dom0: start info %llx, page tables %llx->%llx, up to "
			"%llx\n",
	       (unsigned long long)l->start_info, (unsigned long long)l->tables,
	       (unsigned long long)l->stack, (unsigned long long)l->end);
}

int dom0_build(const struct boot_info *bi, const struct options *o)
{
	static struct build b; /* too large for a stack; used once */
	const struct boot_module *kernel = &bi->module[0];
	unsigned int vcpus;
	struct domain *d;
	const char *why;
	uint64_t bytes;
	int rc;

	if (bi->module_count == 0) {
		printk("dom0: the boot loader gave no dom0 kernel (module)\n");
		return -ENOENT;
	}
	why = elf_parse_kernel(port_directmap + kernel->start,
			       kernel->end - kernel->start, &b.kernel);
	if (why) {
		printk("dom0: kernel refused: %s\n", why);
		return -EINVAL;
	}
	b.ramdisk = bi->module_count > 1 ? &bi->module[1] : NULL;
	vcpus = options_dom0_vcpus(
		o, (unsigned int)__builtin_popcountll(port_cpus_online()));
	rc = create_domain(vcpus, &d);
	if (rc) {
		return rc;
	}
	bytes = options_dom0_bytes(o, heap_free_frames() << PAGE_SHIFT);
	rc = fill_memory(&b, d, bytes, o);
	if (rc) {
		return rc;
	}
	load_kernel(&b);
	load_ramdisk(&b);
	write_p2m(&b);
	map_everything(&b);
	write_start_info(&b, bi);
	rc = validate_tables(&b);
	if (rc) {
		return rc;
	}
	start_context(&b);
	report(&b, vcpus);
	report_screen(&bi->fb);
	return 0;
}

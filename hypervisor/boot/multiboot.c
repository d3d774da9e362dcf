/* multiboot.c - see multiboot.h.  Every length is the loader's: bounded. */
#include "boot/multiboot.h"
#include "include/errno.h"
#include "lib/string.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289

/* --- multiboot 1 ------------------------------------------------------ */

#define MB1_CMDLINE 0x004
#define MB1_MODS    0x008
#define MB1_MMAP    0x040
#define MB1_LOADER  0x200
#define MB1_FB	    0x1000

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives_length, drives_addr;
	uint32_t config_table, loader_name, apm_table;
	uint32_t vbe[4];
	uint64_t fb_addr;
	uint32_t fb_pitch, fb_width, fb_height;
	uint8_t fb_bpp, fb_type, fb_color[6];
} __attribute__((packed));

struct mb1_module {
	uint32_t start, end, cmdline, pad;
};

struct mb1_mmap {
	uint32_t size;
	uint64_t addr, len;
	uint32_t type;
} __attribute__((packed));

/* --- multiboot 2 ------------------------------------------------------ */

enum {
	MB2_END,
	MB2_CMDLINE,
	MB2_LOADER,
	MB2_MODULE,
	MB2_MMAP = 6,
	MB2_FB = 8,
	MB2_EFI32 = 11,
	MB2_EFI64 = 12,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW = 15,
};

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
};

struct mb2_mmap_entry {
	uint64_t addr, len;
	uint32_t type, zero;
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char cmdline[];
};

struct mb2_fb {
	struct mb2_tag tag;
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
	uint16_t reserved;
	uint8_t color[6];
} __attribute__((packed));

static void copy_string(char *dst, const char *src, size_t max)
{
	size_t n = strnlen(src, max - 1);

	memcpy(dst, src, n);
	dst[n] = 0;
}

/*
 * `qemu -initrd "FILE args"` and Xen's convention put the file name first in
 * a module's string; what the module gets is the rest.
 */
static void copy_cmdline(char *dst, const char *src, bool skip_name)
{
	size_t i = 0;

	while (src[i] == ' ') {
		i++;
	}
	while (skip_name && i < BOOT_CMDLINE_MAX && src[i] && src[i] != ' ') {
		i++;
	}
	while (src[i] == ' ') {
		i++;
	}
	copy_string(dst, src + i, BOOT_CMDLINE_MAX);
}

static void add_e820(struct boot_info *out, uint64_t addr, uint64_t len,
		     uint32_t type)
{
	struct boot_e820 *e;

	if (!len) {
		return;
	}
	if (out->e820_count == BOOT_MAX_E820) {
		out->e820_truncated = true;
		return;
	}
	e = &out->e820[out->e820_count++];
	e->addr = addr;
	e->size = len;
	e->type = type;
}

static void add_module(struct boot_info *out, uint32_t start, uint32_t end,
		       const char *cmdline, bool skip_name)
{
	struct boot_module *m;

	if (out->module_count == BOOT_MAX_MODULES) {
		return;
	}
	m = &out->module[out->module_count++];
	m->start = start;
	m->end = end;
	copy_cmdline(m->cmdline, cmdline, skip_name);
}

static void add_fb(struct boot_framebuffer *fb, uint64_t addr, uint32_t pitch,
		   uint32_t width, uint32_t height, uint8_t bpp, uint8_t type,
		   const uint8_t *color)
{
	fb->addr = addr;
	fb->pitch = pitch;
	fb->width = width;
	fb->height = height;
	fb->bpp = bpp;
	fb->type = type;
	if (type == 1) {
		fb->red_pos = color[0];
		fb->red_size = color[1];
		fb->green_pos = color[2];
		fb->green_size = color[3];
		fb->blue_pos = color[4];
		fb->blue_size = color[5];
	}
}

static void parse_mb1(const struct mb1_info *mi, const uint8_t *base,
		      struct boot_info *out)
{
	if (mi->flags & MB1_CMDLINE) {
		copy_cmdline(out->cmdline, (const char *)base + mi->cmdline,
			     true);
	}
	if (mi->flags & MB1_LOADER) {
		copy_string(out->loader,
			    (const char *)base + mi->loader_name,
			    sizeof(out->loader));
	}
	if (mi->flags & MB1_MODS) {
		const struct mb1_module *m =
			(const void *)(base + mi->mods_addr);

		for (uint32_t i = 0; i < mi->mods_count; i++, m++) {
			add_module(out, m->start, m->end,
				   m->cmdline ? (const char *)base + m->cmdline
					      : "",
				   true);
		}
	}
	if (mi->flags & MB1_MMAP) {
		uint32_t off = 0;

		while (off + sizeof(struct mb1_mmap) <= mi->mmap_length) {
			const struct mb1_mmap *e =
				(const void *)(base + mi->mmap_addr + off);

			add_e820(out, e->addr, e->len, e->type);
			off += e->size + 4;
		}
	}
	if (mi->flags & MB1_FB) {
		add_fb(&out->fb, mi->fb_addr, mi->fb_pitch, mi->fb_width,
		       mi->fb_height, mi->fb_bpp, mi->fb_type, mi->fb_color);
	}
}

static void parse_mb2_tag(const struct mb2_tag *t, struct boot_info *out)
{
	const char *text = (const char *)(t + 1);

	switch (t->type) {
	case MB2_CMDLINE:
		copy_cmdline(out->cmdline, text, false);
		break;
	case MB2_LOADER:
		copy_string(out->loader, text, sizeof(out->loader));
		break;
	case MB2_MODULE: {
		const struct mb2_module *m = (const void *)t;

		add_module(out, m->start, m->end, m->cmdline, false);
		break;
	}
	case MB2_MMAP: {
		const struct mb2_mmap *m = (const void *)t;
		uint32_t off = sizeof(*m);

		while (m->entry_size >= sizeof(struct mb2_mmap_entry) &&
		       off + m->entry_size <= t->size) {
			const struct mb2_mmap_entry *e =
				(const void *)((const char *)t + off);

			add_e820(out, e->addr, e->len, e->type);
			off += m->entry_size;
		}
		break;
	}
	case MB2_FB: {
		const struct mb2_fb *f = (const void *)t;

		add_fb(&out->fb, f->addr, f->pitch, f->width, f->height,
		       f->bpp, f->type, f->color);
		break;
	}
	case MB2_EFI32:
		out->efi = true;
		break;
	case MB2_EFI64:
		out->efi = true;
		if (t->size >= sizeof(*t) + sizeof(out->efi_system_table)) {
			memcpy(&out->efi_system_table, text,
			       sizeof(out->efi_system_table));
		}
		break;
	case MB2_RSDP_OLD:
	case MB2_RSDP_NEW: /* the newer one, if both are given, wins */
		if (t->size - sizeof(*t) > out->rsdp_size) {
			out->rsdp_size = MIN((uint32_t)sizeof(out->rsdp),
					     t->size - (uint32_t)sizeof(*t));
			memcpy(out->rsdp, text, out->rsdp_size);
		}
		break;
	default:
		break;
	}
}

static void parse_mb2(const uint8_t *info, struct boot_info *out)
{
	uint32_t total = *(const uint32_t *)info;
	uint32_t off = 8;

	while (off + sizeof(struct mb2_tag) <= total) {
		const struct mb2_tag *t = (const void *)(info + off);

		if (t->type == MB2_END || t->size < sizeof(*t) ||
		    t->size > total - off) {
			break;
		}
		parse_mb2_tag(t, out);
		off += (uint32_t)ALIGN_UP(t->size, 8);
	}
}

int multiboot_parse(uint32_t magic, uint64_t info, const uint8_t *base,
		    struct boot_info *out)
{
	memset(out, 0, sizeof(*out));
	out->fb.type = 255;
	switch (magic) {
	case MB1_BOOT_MAGIC:
		parse_mb1((const void *)(base + info), base, out);
		return 0;
	case MB2_BOOT_MAGIC:
		parse_mb2(base + info, out);
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * elf.c - see elf.h.
 *
 * Everything in the file is untrusted: an operator may boot a truncated
 * download.  So each structure is copied out after its range was checked,
 * and sums are compared in a form that cannot overflow.
 */
#include "boot/elf.h"
#include "include/abi.h"
#include "lib/string.h"

#define ELF_MAGIC   0x464c457fu /* "\177ELF" */
#define EM_X86_64   62
#define ET_EXEC	    2
#define ET_DYN	    3
#define PT_LOAD	    1
#define PT_NOTE	    4
#define PN_XNUM	    0xffff
#define BZ_MAGIC    0x53726448u /* "HdrS" */
#define FEATURE_BIT(f) (1u << XENFEAT_##f)

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_program {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_note {
	uint32_t name_size, desc_size, type;
};

/* What the notes say, before it is checked as a whole. */
struct notes {
	bool any, has_entry, has_features, required_unknown;
	uint64_t entry, virt_base, paddr_offset, hv_start_low;
	uint32_t features;
	bool is_dom0_capable, knows_supported;
	bool bad_size;
};

/* Copy [offset, offset + n) of the file, if all of it is there. */
static bool get(const struct elf_kernel *k, uint64_t offset, void *to,
		uint64_t n)
{
	if (offset > k->size || n > k->size - offset) {
		return false;
	}
	memcpy(to, k->image + offset, n);
	return true;
}

/*
 * A bzImage: step to its payload.  The header's fields: setup_sects at
 * 0x1f1, "HdrS" at 0x202, version at 0x206, payload offset and length at
 * 0x248 and 0x24c (from version 2.08 on).
 */
static const char *enter_bzimage(struct elf_kernel *k)
{
	uint32_t magic, offset, length;
	uint16_t version;
	uint8_t sectors;
	uint64_t start;

	if (!get(k, 0x202, &magic, 4) || magic != BZ_MAGIC) {
		return "neither an ELF file nor a bzImage";
	}
	if (!get(k, 0x1f1, &sectors, 1) || !get(k, 0x206, &version, 2) ||
	    !get(k, 0x248, &offset, 4) || !get(k, 0x24c, &length, 4)) {
		return "truncated bzImage header";
	}
	if (version < 0x208) {
		return "bzImage too old (boot protocol below 2.08)";
	}
	start = ((sectors ? sectors : 4u) + 1u) * 512ull + offset;
	if (start > k->size || length > k->size - start || length < 4) {
		return "truncated bzImage";
	}
	k->image += start;
	k->size = length;
	memcpy(&magic, k->image, 4);
	return magic == ELF_MAGIC ? NULL
				  : "bzImage with a compressed kernel; unpack "
				    "it to an ELF file first";
}

static bool note_number(const struct elf_kernel *k, uint64_t desc,
			uint32_t size, uint64_t *out)
{
	uint32_t small;

	if (size == 8) {
		return get(k, desc, out, 8);
	}
	if (size == 4 && get(k, desc, &small, 4)) {
		*out = small;
		return true;
	}
	return false;
}

static void note_string(const struct elf_kernel *k, uint64_t desc,
			uint32_t size, char *out, size_t max)
{
	size_t n = MIN((size_t)size, max - 1);

	if (!get(k, desc, out, n)) {
		n = 0;
	}
	out[n] = '\0';
}

/*
 * "!writable_page_tables|pae_pgdir_above_4gb": '!' is a feature the kernel
 * cannot do without.  Only what a PV guest can never get is refused.
 */
static void parse_features(const char *s, struct notes *n)
{
	static const char *const impossible[] = {
		"auto_translated_physmap", "supervisor_mode_kernel",
		"hvm_callback_vector"
	};
	size_t i, len;

	n->has_features = true;
	while (*s) {
		bool required = *s == '!';

		s += required;
		for (len = 0; s[len] && s[len] != '|'; len++) {
		}
		for (i = 0; required && i < ARRAY_SIZE(impossible); i++) {
			if (strlen(impossible[i]) == len &&
			    strncmp(s, impossible[i], len) == 0) {
				n->required_unknown = true;
			}
		}
		s += len + (s[len] == '|');
	}
}

static void take_note(struct elf_kernel *k, struct notes *n, uint32_t type,
		      uint64_t desc, uint32_t size)
{
	uint64_t v = 0;
	bool number = note_number(k, desc, size, &v);
	char text[256];

	n->any = true;
	switch (type) {
	case XEN_ELFNOTE_ENTRY:
		n->entry = v;
		n->has_entry = true;
		break;
	case XEN_ELFNOTE_HYPERCALL_PAGE:
		k->hypercall_page = v;
		k->has_hypercall_page = true;
		break;
	case XEN_ELFNOTE_VIRT_BASE:
		k->virt_base = v;
		break;
	case XEN_ELFNOTE_PADDR_OFFSET:
		n->paddr_offset = v;
		break;
	case XEN_ELFNOTE_INIT_P2M:
		k->init_p2m = v;
		k->has_init_p2m = true;
		break;
	case XEN_ELFNOTE_HV_START_LOW:
		n->hv_start_low = v;
		break;
	case XEN_ELFNOTE_MOD_START_PFN:
		k->mod_start_pfn = v != 0;
		break;
	case XEN_ELFNOTE_SUPPORTED_FEATURES:
		n->knows_supported = true;
		n->features |= (uint32_t)v;
		break;
	case XEN_ELFNOTE_FEATURES:
		note_string(k, desc, size, text, sizeof(text));
		parse_features(text, n);
		return;
	case XEN_ELFNOTE_GUEST_OS:
		note_string(k, desc, size, k->guest_os, sizeof(k->guest_os));
		return;
	case XEN_ELFNOTE_GUEST_VERSION:
		note_string(k, desc, size, k->guest_version,
			    sizeof(k->guest_version));
		return;
	default: /* XEN_VERSION, LOADER, PAE_MODE, L1_MFN_VALID, ... */
		return;
	}
	n->bad_size |= !number;
}

/* Name and description are each padded to 4 bytes. */
static void walk_notes(struct elf_kernel *k, struct notes *n, uint64_t offset,
		       uint64_t size)
{
	uint64_t end;
	struct elf_note h;
	char name[4];

	if (offset > k->size) {
		return;
	}
	end = offset + MIN(size, k->size - offset);
	while (end - offset >= sizeof(h) && get(k, offset, &h, sizeof(h))) {
		uint64_t names = ALIGN_UP((uint64_t)h.name_size, 4);
		uint64_t descs = ALIGN_UP((uint64_t)h.desc_size, 4);

		offset += sizeof(h);
		if (names > end - offset || descs > end - offset - names) {
			return;
		}
		if (h.name_size == 4 && get(k, offset, name, 4) &&
		    memcmp(name, "Xen", 4) == 0) {
			take_note(k, n, h.type, offset + names, h.desc_size);
		}
		offset += names + descs;
	}
}

static const char *add_segment(struct elf_kernel *k,
			       const struct elf_program *p)
{
	struct elf_segment *s;
	unsigned int i;

	if (p->memsz == 0) {
		return NULL;
	}
	if (k->segment_count == ELF_MAX_SEGMENTS) {
		return "ELF file with too many segments";
	}
	if (p->filesz > p->memsz) {
		return "ELF segment larger in the file than in memory";
	}
	if (p->offset > k->size || p->filesz > k->size - p->offset) {
		return "truncated ELF file: a segment lies beyond its end";
	}
	/* PADDR_OFFSET is not known yet; only exclude a wrap here. */
	if (p->memsz > (1ull << 40) || p->paddr > UINT64_MAX - p->memsz) {
		return "ELF segment of impossible size or address";
	}
	for (i = 0; i < k->segment_count; i++) {
		s = &k->segment[i];
		if (p->paddr < s->paddr + s->mem_size &&
		    s->paddr < p->paddr + p->memsz) {
			return "ELF segments overlap";
		}
	}
	s = &k->segment[k->segment_count++];
	s->offset = p->offset;
	s->file_size = p->filesz;
	s->paddr = p->paddr;
	s->mem_size = p->memsz;
	return NULL;
}

static const char *read_segments(struct elf_kernel *k,
				 const struct elf_header *h, struct notes *n)
{
	struct elf_program p;
	const char *why;
	unsigned int i;

	if (h->phentsize != sizeof(p) || h->phnum == PN_XNUM) {
		return "ELF file with unknown program header size";
	}
	for (i = 0; i < h->phnum; i++) {
		if (h->phoff > k->size ||
		    !get(k, h->phoff + (uint64_t)i * sizeof(p), &p,
			 sizeof(p))) {
			return "truncated ELF file: program headers";
		}
		why = p.type == PT_LOAD ? add_segment(k, &p) : NULL;
		if (why) {
			return why;
		}
		if (p.type == PT_NOTE) {
			walk_notes(k, n, p.offset, p.filesz);
		}
	}
	return k->segment_count ? NULL : "ELF file with nothing to load";
}

/* Make paddr pseudo-physical, and find the image's extent. */
static const char *place_segments(struct elf_kernel *k, uint64_t paddr_offset)
{
	unsigned int i;

	k->paddr_start = UINT64_MAX;
	k->paddr_end = 0;
	for (i = 0; i < k->segment_count; i++) {
		struct elf_segment *s = &k->segment[i];

		if (s->paddr < paddr_offset ||
		    s->paddr - paddr_offset > (1ull << 40)) {
			return "ELF segment address does not fit PADDR_OFFSET";
		}
		s->paddr -= paddr_offset;
		k->paddr_start = MIN(k->paddr_start, s->paddr);
		k->paddr_end = MAX(k->paddr_end, s->paddr + s->mem_size);
	}
	return NULL;
}

/* Is va inside the loaded image? */
static bool in_image(const struct elf_kernel *k, uint64_t va)
{
	uint64_t pa = va - k->virt_base;

	return pa >= k->paddr_start && pa < k->paddr_end;
}

static const char *check(const struct elf_kernel *k, const struct notes *n)
{
	uint64_t room = k->paddr_end + (64ull << 20);

	if (!n->any) {
		return "no Xen ELF notes: not a PV kernel";
	}
	if (n->bad_size) {
		return "a Xen ELF note has an impossible size";
	}
	if (n->required_unknown) {
		return "the kernel requires a feature PV guests do not have";
	}
	if (n->knows_supported && !(n->features & FEATURE_BIT(dom0))) {
		return "the kernel was built without dom0 support";
	}
	if (n->hv_start_low > HOLE_START) {
		return "the kernel wants the hypervisor hole to start higher";
	}
	if (k->virt_base & ~PAGE_MASK ||
	    !gva_range_ok(GVA(k->virt_base), room)) {
		return "VIRT_BASE note names an impossible address";
	}
	if (!in_image(k, k->entry)) {
		return "the entry point is outside the image";
	}
	if (k->has_hypercall_page && (k->hypercall_page & ~PAGE_MASK ||
				      !in_image(k, k->hypercall_page))) {
		return "HYPERCALL_PAGE note points outside the image";
	}
	/* 16 TiB of guest memory at most: 32 GiB of map */
	if (k->has_init_p2m && (k->init_p2m & ~PAGE_MASK ||
				!gva_range_ok(GVA(k->init_p2m), 1ull << 35))) {
		return "INIT_P2M note names an impossible address";
	}
	return NULL;
}

const char *elf_parse_kernel(const void *image, uint64_t size,
			     struct elf_kernel *k)
{
	struct notes n = { 0 };
	struct elf_header h;
	uint32_t magic;
	const char *why;

	memset(k, 0, sizeof(*k));
	k->image = image;
	k->size = size;
	if (!get(k, 0, &magic, 4)) {
		return "empty file";
	}
	why = magic == ELF_MAGIC ? NULL : enter_bzimage(k);
	if (why) {
		return why;
	}
	if (!get(k, 0, &h, sizeof(h))) {
		return "truncated ELF file: header";
	}
	if (h.ident[4] != 2 || h.ident[5] != 1 || h.machine != EM_X86_64 ||
	    (h.type != ET_EXEC && h.type != ET_DYN)) {
		return "not a 64-bit x86 ELF program";
	}
	why = read_segments(k, &h, &n);
	if (!why) {
		why = place_segments(k, n.paddr_offset);
	}
	if (why) {
		return why;
	}
	k->entry = n.has_entry ? n.entry : h.entry;
	return check(k, &n);
}

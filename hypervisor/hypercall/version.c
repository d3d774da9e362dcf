/*
 * version.c - xen_version: what we are, and what we can.
 *
 * Says 4.17, whose interface this is.  Sub-operation 0 is also Linux's way to
 * have pending events delivered: it has to be short.
 */
#include "hypercall/version.h"
#include "hypercall/hc.h"
#include "lib/string.h"

#define MAJOR 4
#define MINOR 17
#define EXTRA ".0-serai"

static char command_line[sizeof(xen_commandline_t)];

void version_set_command_line(const char *line)
{
	size_t n = strnlen(line, sizeof(command_line) - 1);

	memcpy(command_line, line, n);
	command_line[n] = '\0';
}

/* A text in a fixed, zeroed field of guest memory. */
static long give_text(struct hc *hc, const char *text, size_t size)
{
	char buf[sizeof(xen_commandline_t)] = { 0 };

	memcpy(buf, text, strnlen(text, size - 1));
	return port_copy_to_guest(GVA(hc->arg[1]), buf, size) ? -EFAULT : 0;
}

static long compile_info(struct hc *hc)
{
	static const struct xen_compile_info known = {
		.compiler = "cc " __VERSION__,
		.compile_by = "serai",
		.compile_domain = "",
		.compile_date = "",
	};
	static const struct xen_compile_info denied = {
		.compiler = "<denied>",
		.compile_by = "<denied>",
		.compile_domain = "<denied>",
		.compile_date = "<denied>",
	};

	return port_copy_to_guest(GVA(hc->arg[1]),
				  hc->d->privileged ? &known : &denied,
				  sizeof(known)) ?
		       -EFAULT :
		       0;
}

static long platform_parameters(struct hc *hc)
{
	struct xen_platform_parameters p = { .virt_start = HOLE_START };

	return port_copy_to_guest(GVA(hc->arg[1]), &p, sizeof(p)) ? -EFAULT :
								     0;
}

static uint32_t features(const struct domain *d)
{
	uint32_t f = 1u << XENFEAT_mmu_pt_update_preserve_ad |
		     1u << XENFEAT_highmem_assist |
		     1u << XENFEAT_gnttab_map_avail_bits |
		     1u << XENFEAT_memory_op_vnode_supported |
		     1u << XENFEAT_direct_mapped;

	if (d->vm_assist >> VMASST_TYPE_pae_extended_cr3 & 1) {
		f |= 1u << XENFEAT_pae_pgdir_above_4gb;
	}
	if (d->privileged) {
		f |= 1u << XENFEAT_dom0;
	}
	return f;
}

static long get_features(struct hc *hc)
{
	struct xen_feature_info fi;

	if (port_copy_from_guest(&fi, GVA(hc->arg[1]), sizeof(fi))) {
		return -EFAULT;
	}
	if (fi.submap_idx >= XENFEAT_NR_SUBMAPS) {
		return -EINVAL;
	}
	fi.submap = features(hc->d);
	return port_copy_to_guest(GVA(hc->arg[1]), &fi, sizeof(fi)) ? -EFAULT :
								       0;
}

static long guest_handle(struct hc *hc)
{
	return port_copy_to_guest(GVA(hc->arg[1]), hc->d->handle,
				  sizeof(hc->d->handle)) ?
		       -EFAULT :
		       0;
}

long hc_xen_version(struct hc *hc)
{
	switch ((uint32_t)hc->arg[0]) {
	case XENVER_version:
		return MAJOR << 16 | MINOR;
	case XENVER_extraversion:
		return give_text(hc, EXTRA, sizeof(xen_extraversion_t));
	case XENVER_compile_info:
		return compile_info(hc);
	case XENVER_capabilities:
		return give_text(hc, "xen-3.0-x86_64 ",
				 sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return give_text(hc, "serai", sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters:
		return platform_parameters(hc);
	case XENVER_get_features:
		return get_features(hc);
	case XENVER_pagesize:
		return hc->arg[1] ? -EINVAL : (long)PAGE_SIZE;
	case XENVER_guest_handle:
		return guest_handle(hc);
	case XENVER_commandline:
		return give_text(hc,
				 hc->d->privileged ? command_line : "<denied>",
				 sizeof(xen_commandline_t));
	case XENVER_build_id:
		return hc->d->privileged ? -ENODATA : -EPERM;
	default:
		return -ENOSYS;
	}
}

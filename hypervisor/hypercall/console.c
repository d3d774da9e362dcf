/* console.c - console_io; see core/console.h. */
#include "core/console.h"
#include "hypercall/hc.h"

#define CHUNK 256

static long write_text(struct hc *hc)
{
	uint32_t left = (uint32_t)hc->arg[1], n;
	gva_t at = GVA(hc->arg[2]);
	char buf[CHUNK];

	while (left) {
		n = MIN(left, (uint32_t)sizeof(buf));
		if (port_copy_from_guest(buf, at, n)) {
			return -EFAULT;
		}
		console_write(hc->d, buf, n);
		left -= n;
		at = gva_add(at, n);
		if (left && port_should_yield()) {
			hc->arg[1] = left;
			hc->arg[2] = at.v;
			return -ERESTART;
		}
	}
	return 0;
}

static long read_input(struct hc *hc)
{
	uint32_t want = (uint32_t)hc->arg[1], n;
	gva_t at = GVA(hc->arg[2]);
	char buf[CHUNK];

	want = MIN(want, (uint32_t)sizeof(buf));
	/* Characters that were taken out cannot be put back. */
	if (port_probe_guest_write(at, want)) {
		return -EFAULT;
	}
	n = (uint32_t)console_read(buf, want);
	return port_copy_to_guest(at, buf, n) ? -EFAULT : (long)n;
}

long hc_console_io(struct hc *hc)
{
	switch ((uint32_t)hc->arg[0]) {
	case CONSOLEIO_write:
		return write_text(hc);
	case CONSOLEIO_read:
		return hc->d->privileged ? read_input(hc) : -EPERM;
	default:
		return hc->d->privileged ? -ENOSYS : -EPERM;
	}
}

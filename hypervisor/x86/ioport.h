/*
 * ioport.h - which I/O ports a guest reaches, and through what.
 *
 * Two checks: the guest's own (its kernel's IOPL, or the bitmap that the
 * kernel registered) decides between access and #GP; the hypervisor's
 * decides whether the access reaches hardware or, as on a bus where nothing
 * answers, reads all ones.
 *
 * Only the privileged domain reaches hardware, and not the parts that the
 * hypervisor itself uses.  Locks: ioport_lock around the index/data pairs
 * (CMOS, PCI configuration), which all its vCPUs and the hypervisor share.
 */
#ifndef X86_IOPORT_H
#define X86_IOPORT_H

#include "include/types.h"

struct vcpu;

/* Its frames carry its IOPL, and set it (architectural_iopl). */
bool ioport_iopl_in_frames(const struct vcpu *v);
/* May v use CLI and STI, and all ports: its IOPL says so. */
bool ioport_guest_iopl(const struct vcpu *v);
/* The guest's own check, for bytes (1, 2, 4) at port. */
bool ioport_guest_allows(struct vcpu *v, uint16_t port, unsigned int bytes);
uint32_t ioport_read(struct vcpu *v, uint16_t port, unsigned int bytes);
void ioport_write(struct vcpu *v, uint16_t port, unsigned int bytes,
		  uint32_t val);

#endif

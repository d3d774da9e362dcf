/*
 * dom0.h - build the first domain out of what the boot loader brought.
 */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

#include "boot/cmdline.h"
#include "boot/multiboot.h"
#include "include/types.h"

struct domain;

/*
 * Create domain 0 from bi->module[0] (a PV kernel) and module[1] (its RAM
 * root; optional), with memory and vCPUs as *o says.  Afterwards vCPU 0 has
 * its start context and the modules' memory is no longer needed; the domain
 * is still paused as domain_create() leaves it.
 * Physical CPUs must be up, all free memory given to the heap.
 * 0; or a negative error after a message for the operator was printed:
 * -EINVAL (not a PV kernel), -ENOMEM, -ENOENT (no module).
 * Source: xen/xen.h "startofday", xen/elfnote.h.
 */
int dom0_build(const struct boot_info *bi, const struct options *o);

#endif

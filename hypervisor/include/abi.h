/*
 * abi.h - the guest and toolstack interface: Debian's libxen-dev headers.
 *
 * They are the contract (Xen 4.17).  Included only through this file, so
 * that every part sees the same interface version and tools-only structs.
 */
#ifndef INCLUDE_ABI_H
#define INCLUDE_ABI_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#endif
